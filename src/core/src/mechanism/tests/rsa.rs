//! RSA. Key, signatures and ciphertexts were made by OpenSSL through another program (Python's cryptography).

use super::*;

const N: &str = "ba8e95fa8af0b11879d9301bf47c563ee1f3668c6cfbf7ffae5f81d9656c16e829e68ad0cdc864f68ee9bed667ef7939 \
    6d76d689968692e07a5b299f38ddd0cc4a4d47b478caac08945182df7bc45a8db867183942ad220c7fff2acba9d49642 \
    4005417868de5354dce69245a3acb2e4155435a516b0c05e34be48cb7114297f";
const D: &str = "5cc47c85eac3477d215243df12d3255bfda5b86fc9ddfdf3717562af85049bdb74c28472d2717ceb3223bfd704360bf4 \
    e79ef98dcf8139d65061b6afcb6a59e1f1c782d63e5c2881a933cf8a317671f3354df656d9e9eca79ec98e134b597120 \
    672ce7263695f750546922d6231c3f30fe239c4d7f40a29767a537041a075449";
const P: &str = "f3cd29a594676efbfc948058875bee4a7e4bdbcc3b0a9f25ab2bdca289e72b32794b9a46ea1018d7b0031d25b7df6990 \
    cc7146a5cd4ec290783272c617b755a3";
const Q: &str = "c3e42ec2bd800d9c9dba717411fe8556fd3bc4a1e108fb0fc733e785e4cf45f4318c6d4c4cd1f7eb7db58c6df70c3ec4 \
    09e7a6b5fbc32e071848e312f8524275";
const DP: &str = "d7e5b31fc24fe66497c419f44bca093746a87eb859008af69ca276fc290ae1a20ceffa6b1a13af2c31de500d7acb097d \
    04cebb35509e9285c52b47a04c9839e9";
const DQ: &str = "7196b50eb337b7ace341235c7cbaabb2ff7052dad35493d058605e962351956cbdf681c246a152333957b6b0651ab2a2 \
    9663bf25b3714015591d9a9e7b63a7a9";
const QINV: &str = "a9b0db90a290aacd8e3c140d7411690d7e687f15d94916115e82e250c8b50490908ab11b40429ed987bb8a2dde8597ab \
    d992b1828579f409d6c00b068999a772";

/// Signatures of `MESSAGE`.
const SIGNATURES: &[(u64, &str)] = &[
    (
        ck::CKM_SHA1_RSA_PKCS,
        "1602dcaf95da4cbe8befa97e38a3e3f1020bb2065c3377723470d6ea052834af88fd8fb864157dd09fecd51ca15fb778 \
        a501987ac6a4c85b223433519cda28592d0bfc370801fb2853f9aa239108a081452296f0b63ecbf8a4b508ac48590fca \
        ccfe8455344953da222036731ba90121c46bb72298f3f36fa76a4f13d170aa4a",
    ),
    (
        ck::CKM_SHA256_RSA_PKCS,
        "6b3fd9e7472a8a89eccb6b0883516b30bbad1aafb7752e4984327e11e9b05699484313c0c25131c33ca6d54d93cd5cdf \
        e6a806bf30ffbdf730325081bcd1bb83c2f2865b1d3f9a8e6bc8b8a2daf4c61117a4531e9bf26e1f1ab1dbad03cf4108 \
        409a10271a86f08ca498e8ac9f031029e1720ad50c717e013d0d8d0264eade9f",
    ),
    (
        ck::CKM_SHA512_RSA_PKCS,
        "6c548a74ef5180f37a407523905b0ffa00da45377a515d2b388d16b2a81498aeb9e1db2e3fde70374d0e2c6967f057eb \
        d7e05d3a20396b94d3a8c21cb74d0c9777d64b161dfaa55e73d6d458b9b0da1ca52fec4049a15ad789a530ca639c70bb \
        ca34f9feb5ccea659b9bf5b851185f405e4cd0eb200d3175687f69a8821ed0c2",
    ),
];
const PSS_SIGNATURE: &str = "a7b2b7503422bd3c90a37e40f3c7be4e3fd97b218a88eb4f111ba5fe3f265e96fe8b4d0c075e0d5e956f66450ba8c256 \
    6d81db9d1dcb081b7745f397471ff699617a295e19fbf4f0333494e172c288f60c41dc180d93369f3b80db72fd535b5b \
    fb6f300689d3ae509300f623c47dd6c88c440c811a1bf6d51b26705570b35a37";
const PSS: Parameter<'_> = Parameter::Pss { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA1, salt: 20 };

/// "attack at dawn", encrypted.
const PKCS1_CIPHERTEXT: &str = "2ad8cb3a1a48f411f001b7785bc2a4c4a239348af01dba83c5037b666d1b9ae47b93a231dc4daa89a578972f061c0ab2 \
    e519f7fa7323ad6b05b16cd2d4bf4004812a5030a9b32f9d3f7e6b35088631867fd7d4f61c663c56e2cefa118a82e719 \
    e5f38a91aa9a3a38d56e71ba412ae2733985390a95b897b932a37dad16247701";
const OAEP_CIPHERTEXT: &str = "4386400a72fd336ad6d39bfdf6e1957fa7d18d58296d9df21fd1b587aaa001459ec378de1222a4b4fdbc97751c649b7e \
    030d24e09fb2e881cf6dc23116856a326f833a447ab6d5737deb601a27fc6f9e13e9dfa7f96a4ec088b278a3a74459fa \
    ba0917545e4639e940b84dc7e45bc392ecf8724b7307692a53ded62dc1326f91";
const OAEP: Parameter<'_> =
    Parameter::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA1, source: ck::CKZ_DATA_SPECIFIED, label: b"label" };

fn public() -> Arc<Key> {
    let numbers: &[(Type, &[u8])] = &[(ck::CKA_MODULUS, &hex(N)), (ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1])];
    import(ck::CKO_PUBLIC_KEY, ck::CKK_RSA, numbers).unwrap()
}

fn private() -> Arc<Key> {
    // The rest is computed.
    let numbers: &[(Type, &[u8])] = &[(ck::CKA_MODULUS, &hex(N)), (ck::CKA_PRIVATE_EXPONENT, &hex(D))];
    import(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, numbers).unwrap()
}

#[test]
fn pkcs1_signatures_are_those_of_openssl() {
    for (mechanism, expected) in SIGNATURES {
        let expected = hex(expected);
        let mut engine = signer(*mechanism, &private());
        for _ in 0..2 {
            assert_eq!(sign(engine.as_mut(), &Parameter::None, MESSAGE).unwrap(), expected);
            let parts = [&MESSAGE[..9], &[], &MESSAGE[9..]];
            assert_eq!(sign_parts(engine.as_mut(), &Parameter::None, &parts).unwrap(), expected);
        }
        verify(verifier(*mechanism, &public()).as_mut(), &Parameter::None, MESSAGE, &expected).unwrap();
    }
}

#[test]
fn a_pss_signature_of_openssl_is_verified_with_exactly_its_parameter() {
    let signature = hex(PSS_SIGNATURE);
    let mut engine = verifier(ck::CKM_SHA256_RSA_PKCS_PSS, &public());
    verify(engine.as_mut(), &PSS, MESSAGE, &signature).unwrap();
    for (mgf, salt) in [(ck::CKG_MGF1_SHA256, 20), (ck::CKG_MGF1_SHA1, 21)] {
        let other = Parameter::Pss { hash: ck::CKM_SHA256, mgf, salt };
        assert_eq!(verify(engine.as_mut(), &other, MESSAGE, &signature), Err(Error::SignatureInvalid));
    }
    verify(engine.as_mut(), &PSS, MESSAGE, &signature).unwrap();

    let digest = sealhsm_crypto::kdf::sha256(MESSAGE).unwrap();
    let mut raw = verifier(ck::CKM_RSA_PKCS_PSS, &public());
    verify(raw.as_mut(), &PSS, &digest, &signature).unwrap();
    assert_eq!(verify(raw.as_mut(), &PSS, MESSAGE, &signature), Err(Error::DataLenRange));
}

/// A parameter that fits a row of signatures.
fn fitting(row: &Row) -> Parameter<'static> {
    let (hash, mgf) = match row.name.strip_suffix("_RSA_PKCS_PSS") {
        Some("SHA1") => (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1),
        Some("SHA224") => (ck::CKM_SHA224, ck::CKG_MGF1_SHA224),
        Some("SHA256") => (ck::CKM_SHA256, ck::CKG_MGF1_SHA256),
        Some("SHA384") => (ck::CKM_SHA384, ck::CKG_MGF1_SHA384),
        Some("SHA512") => (ck::CKM_SHA512, ck::CKG_MGF1_SHA512),
        Some("SHA3_224") => (ck::CKM_SHA3_224, ck::CKG_MGF1_SHA3_224),
        Some("SHA3_256") => (ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_256),
        Some("SHA3_384") => (ck::CKM_SHA3_384, ck::CKG_MGF1_SHA3_384),
        Some("SHA3_512") => (ck::CKM_SHA3_512, ck::CKG_MGF1_SHA3_512),
        _ if row.name == "RSA_PKCS_PSS" => (ck::CKM_SHA3_256, ck::CKG_MGF1_SHA1),
        _ => return Parameter::None,
    };
    Parameter::Pss { hash, mgf, salt: 11 }
}

#[test]
fn every_signature_mechanism_verifies_what_it_signed_and_nothing_else() {
    let (private, public) = (private(), public());
    let rows = crate::mechanism::rows().iter().filter(|row| row.sign.is_some() && row.key_types == [ck::CKK_RSA]);
    for row in rows {
        let parameter = fitting(row);
        let data = &MESSAGE[..32];
        let mut signer = row.sign.unwrap()(&private).unwrap();
        let mut verifier = row.verify.unwrap()(&public).unwrap();
        for _ in 0..2 {
            let mut signature = sign(signer.as_mut(), &parameter, data).unwrap();
            verify(verifier.as_mut(), &parameter, data, &signature).unwrap();
            let other = verify(verifier.as_mut(), &parameter, &MESSAGE[1..33], &signature);
            assert_eq!(other, Err(Error::SignatureInvalid), "{}", row.name);
            let short = verify(verifier.as_mut(), &parameter, data, &signature[1..]);
            assert_eq!(short, Err(Error::SignatureLenRange), "{}", row.name);
            signature[5] ^= 1;
            let flipped = verify(verifier.as_mut(), &parameter, data, &signature);
            assert_eq!(flipped, Err(Error::SignatureInvalid), "{}", row.name);
        }
    }
}

#[test]
fn raw_pkcs1_takes_what_fits_and_no_more() {
    let mut engine = signer(ck::CKM_RSA_PKCS, &private());
    assert!(!engine.multi_part());
    let mut check = verifier(ck::CKM_RSA_PKCS, &public());
    for len in [1, 36, 117] {
        let data = vec![7; len];
        let signature = sign(engine.as_mut(), &Parameter::None, &data).unwrap();
        verify(check.as_mut(), &Parameter::None, &data, &signature).unwrap();
    }
    for len in [0, 118] {
        let data = vec![7; len];
        assert_eq!(sign(engine.as_mut(), &Parameter::None, &data), Err(Error::DataLenRange));
        assert_eq!(verify(check.as_mut(), &Parameter::None, &data, &[1; 128]), Err(Error::DataLenRange));
    }
}

#[test]
fn pss_parameters_are_checked() {
    let mut engine = signer(ck::CKM_SHA256_RSA_PKCS_PSS, &private());
    for (hash, mgf, salt) in [
        (ck::CKM_SHA512, ck::CKG_MGF1_SHA256, 32),
        (ck::CKM_SHA256, 0, 32),
        (ck::CKM_SHA256, ck::CKM_SHA256, 32),
        (ck::CKM_MD5, ck::CKG_MGF1_SHA256, 32),
        (ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 95),
        (ck::CKM_SHA256, ck::CKG_MGF1_SHA256, u64::MAX),
    ] {
        let wrong = Parameter::Pss { hash, mgf, salt };
        assert_eq!(engine.start(&wrong), Err(Error::MechanismParamInvalid), "{wrong:?}");
    }
    assert_eq!(engine.start(&Parameter::None), Err(Error::MechanismParamInvalid));
    let longest = Parameter::Pss { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA256, salt: 94 };
    let signature = sign(engine.as_mut(), &longest, MESSAGE).unwrap();
    verify(verifier(ck::CKM_SHA256_RSA_PKCS_PSS, &public()).as_mut(), &longest, MESSAGE, &signature).unwrap();
}

#[test]
fn what_openssl_encrypted_is_decrypted() {
    let mut pkcs1 = decrypter(ck::CKM_RSA_PKCS, &private());
    let mut oaep = decrypter(ck::CKM_RSA_PKCS_OAEP, &private());
    let unlabelled = Parameter::Oaep { hash: ck::CKM_SHA256, mgf: ck::CKG_MGF1_SHA1, source: 0, label: &[] };
    for _ in 0..2 {
        assert_eq!(once(pkcs1.as_mut(), &Parameter::None, &hex(PKCS1_CIPHERTEXT)).unwrap(), b"attack at dawn");
        assert_eq!(once(oaep.as_mut(), &OAEP, &hex(OAEP_CIPHERTEXT)).unwrap(), b"attack at dawn");
        let refused = once(oaep.as_mut(), &unlabelled, &hex(OAEP_CIPHERTEXT));
        assert_eq!(refused, Err(Error::EncryptedDataInvalid));
    }
    assert!(!pkcs1.multi_part());
}

#[test]
fn a_wrong_padding_of_pkcs1_is_not_told() {
    let mut engine = decrypter(ck::CKM_RSA_PKCS, &private());
    for seed in 1..20u8 {
        let ciphertext = [seed; 128];
        let first = once(engine.as_mut(), &Parameter::None, &ciphertext).unwrap();
        assert_eq!(once(engine.as_mut(), &Parameter::None, &ciphertext).unwrap(), first);
    }
    assert_eq!(once(engine.as_mut(), &Parameter::None, &[1; 127]), Err(Error::EncryptedDataLenRange));
    assert_eq!(once(engine.as_mut(), &Parameter::None, &[0xff; 128]), Err(Error::EncryptedDataInvalid));
    let mut there = encrypter(ck::CKM_RSA_PKCS, &public());
    let sealed = once(there.as_mut(), &Parameter::None, &[5; 117]).unwrap();
    assert_eq!(once(engine.as_mut(), &Parameter::None, &sealed).unwrap(), [5; 117]);
    assert_eq!(once(there.as_mut(), &Parameter::None, &[5; 118]), Err(Error::DataLenRange));
}

#[test]
fn oaep_encrypts_what_fits_with_any_hash_mask_and_label() {
    let mut there = encrypter(ck::CKM_RSA_PKCS_OAEP, &public());
    let mut back = decrypter(ck::CKM_RSA_PKCS_OAEP, &private());
    for (hash, mgf, label, room) in [
        (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, &b""[..], 86),
        (ck::CKM_SHA256, ck::CKG_MGF1_SHA512, b"a label", 62),
        (ck::CKM_SHA384, ck::CKG_MGF1_SHA3_224, b"", 30),
        (ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_256, b"x", 62),
    ] {
        let parameter = Parameter::Oaep { hash, mgf, source: ck::CKZ_DATA_SPECIFIED, label };
        let mut sealed = once(there.as_mut(), &parameter, &vec![5; room]).unwrap();
        assert_eq!(once(back.as_mut(), &parameter, &sealed).unwrap(), vec![5; room]);
        assert_eq!(once(there.as_mut(), &parameter, &vec![5; room + 1]), Err(Error::DataLenRange));
        sealed[100] ^= 1;
        assert_eq!(once(back.as_mut(), &parameter, &sealed), Err(Error::EncryptedDataInvalid));
    }
    for (hash, mgf, source, label) in [
        (0, ck::CKG_MGF1_SHA1, 1, &b""[..]),
        (ck::CKM_SHA_1, 0, 1, b""),
        (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, 0, b"x"),
        (ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, 2, b""),
    ] {
        let wrong = Parameter::Oaep { hash, mgf, source, label };
        assert_eq!(there.start(&wrong), Err(Error::MechanismParamInvalid));
    }
    let too_long = Parameter::Oaep { hash: ck::CKM_SHA512, mgf: 1, source: 1, label: b"" };
    assert_eq!(there.start(&too_long), Err(Error::KeySizeRange));
}

#[test]
fn an_import_may_leave_out_numbers_but_not_get_them_wrong() {
    let all = [
        (ck::CKA_MODULUS, N),
        (ck::CKA_PUBLIC_EXPONENT, "010001"),
        (ck::CKA_PRIVATE_EXPONENT, D),
        (ck::CKA_PRIME_1, P),
        (ck::CKA_PRIME_2, Q),
        (ck::CKA_EXPONENT_1, DP),
        (ck::CKA_EXPONENT_2, DQ),
        (ck::CKA_COEFFICIENT, QINV),
    ]
    .map(|(of, number)| (of, hex(number)));
    let with = |numbers: &[(Type, Vec<u8>)]| {
        let numbers: Vec<(Type, &[u8])> = numbers.iter().map(|(of, number)| (*of, &number[..])).collect();
        completed(ck::CKO_PRIVATE_KEY, ck::CKK_RSA, &numbers)
    };
    let whole = with(&all).unwrap();
    for left_out in [&[1][..], &[3], &[4], &[5, 6, 7], &[3, 4, 5, 6, 7], &[1, 3, 4, 5, 6, 7], &[1, 3, 7]] {
        let mut some = all.to_vec();
        some.retain(|(of, _)| !left_out.iter().any(|i| all[*i].0 == *of));
        let key = with(&some).unwrap();
        assert!(key.same(&whole), "{left_out:?}");
        assert!(matches!(key.value(ck::CKA_COEFFICIENT), Some(Value::Secret(_))));
    }
    for wrong in 0..all.len() {
        let mut numbers = all.to_vec();
        *numbers[wrong].1.last_mut().unwrap() ^= 2;
        assert_eq!(with(&numbers).unwrap_err(), Error::AttributeValueInvalid, "{wrong}");
    }
    let padded = all.clone().map(|(of, number)| (of, [&[0], &number[..]].concat()));
    assert!(with(&padded).unwrap().same(&whole));
    assert_eq!(with(&all[..2]).unwrap_err(), Error::TemplateIncomplete);
}

#[test]
fn a_public_key_is_checked_and_completed() {
    let with = |n: &[u8], e: &[u8]| {
        completed(ck::CKO_PUBLIC_KEY, ck::CKK_RSA, &[(ck::CKA_MODULUS, n), (ck::CKA_PUBLIC_EXPONENT, e)])
    };
    let key = with(&hex(N), &[0, 1, 0, 1]).unwrap();
    assert_eq!(key.ulong(ck::CKA_MODULUS_BITS), Some(1024));
    assert_eq!(key.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[1, 0, 1][..]));
    assert!(key.bytes(ck::CKA_PUBLIC_KEY_INFO).is_some());
    for (n, e) in [(&[0xff; 63][..], &[3][..]), (&[0xfe; 128], &[3]), (&[0xff; 128], &[1]), (&[0xff; 128], &[4])] {
        assert_eq!(with(n, e).unwrap_err(), Error::AttributeValueInvalid);
    }
    assert_eq!(with(&[0xff; 2049], &[3]).unwrap_err(), Error::AttributeValueInvalid);
    assert_eq!(with(&[], &[3]).unwrap_err(), Error::TemplateIncomplete);
}

#[test]
fn a_key_of_512_bits_verifies_what_fits_it() {
    let mut n = [0xff; 64];
    n[63] = 0xc7;
    let numbers: &[(Type, &[u8])] = &[(ck::CKA_MODULUS, &n), (ck::CKA_PUBLIC_EXPONENT, &[1, 0, 1])];
    let key = import(ck::CKO_PUBLIC_KEY, ck::CKK_RSA, numbers).unwrap();
    let mut engine = verifier(ck::CKM_SHA256_RSA_PKCS, &key);
    assert_eq!(verify(engine.as_mut(), &Parameter::None, MESSAGE, &[1; 64]), Err(Error::SignatureInvalid));
    assert_eq!(row(ck::CKM_SHA512_RSA_PKCS).verify.unwrap()(&key).err(), Some(Error::KeySizeRange));
}

#[test]
fn a_generated_pair_has_every_number_and_belongs_together() {
    let mut template = Attributes::new();
    template.set_ulong(ck::CKA_MODULUS_BITS, 1032);
    template.set_bytes(ck::CKA_PUBLIC_EXPONENT, [3]);
    let halves = generate_with(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA, template, Attributes::new()).unwrap();
    for half in [&halves.0, &halves.1] {
        assert_eq!(half.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[3][..]));
    }
    assert_eq!(halves.0.ulong(ck::CKA_MODULUS_BITS), Some(1032));
    let infos = [&halves.0, &halves.1].map(|half| half.bytes(ck::CKA_PUBLIC_KEY_INFO).unwrap());
    assert_eq!(infos[0], infos[1]);
    let (public, private) = open(&halves);
    let signature = sign(signer(ck::CKM_SHA256_RSA_PKCS, &private).as_mut(), &Parameter::None, MESSAGE).unwrap();
    verify(verifier(ck::CKM_SHA256_RSA_PKCS, &public).as_mut(), &Parameter::None, MESSAGE, &signature).unwrap();
}

#[test]
fn a_pair_that_cannot_be_is_not_generated() {
    let with = |bits: u64, exponent: &[u8]| {
        let mut template = Attributes::new();
        template.set_ulong(ck::CKA_MODULUS_BITS, bits);
        template.set_bytes(ck::CKA_PUBLIC_EXPONENT, exponent);
        generate_with(ck::CKM_RSA_PKCS_KEY_PAIR_GEN, ck::CKK_RSA, template, Attributes::new()).unwrap_err()
    };
    for bits in [0, 512, 1023, 16385, u64::MAX] {
        assert_eq!(with(bits, &[1, 0, 1]), Error::KeySizeRange);
    }
    for exponent in [&[1][..], &[2], &[0, 0], &[1, 0, 0], &[1; 9]] {
        assert_eq!(with(1024, exponent), Error::AttributeValueInvalid);
    }
}

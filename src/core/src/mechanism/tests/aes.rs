//! AES against NIST SP 800-38A and the vectors of the GCM submission.

use super::*;

const PLAIN: &str = "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 \
    30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710";
const KEY_128: &str = "2b7e151628aed2a6abf7158809cf4f3c";
const KEY_256: &str = "603deb1015ca71be2b73aef0857d7781 1f352c073b6108d72d9810a30914dff4";
const IV: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const COUNTER: [u8; 16] =
    [0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff];
const CTR: Parameter<'_> = Parameter::AesCtr { bits: 128, block: COUNTER };

/// SP 800-38A appendix F: mechanism, parameter, key, ciphertext of `PLAIN`.
const VECTORS: &[(u64, Parameter<'_>, &str, &str)] = &[
    (
        ck::CKM_AES_ECB,
        Parameter::None,
        KEY_128,
        "3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf \
         43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4",
    ),
    (
        ck::CKM_AES_ECB,
        Parameter::None,
        KEY_256,
        "f3eed1bdb5d2a03c064b5a7e3db181f8 591ccb10d410ed26dc5ba74a31362870 \
         b6ed21b99ca6f4f9f153e7b1beafed1d 23304b7a39f9f3ff067d8d8f9e24ecc7",
    ),
    (
        ck::CKM_AES_CBC,
        Parameter::Bytes(&IV),
        KEY_128,
        "7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2 \
         73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7",
    ),
    (
        ck::CKM_AES_CBC,
        Parameter::Bytes(&IV),
        KEY_256,
        "f58c4c04d6e5f1ba779eabfb5f7bfbd6 9cfc4e967edb808d679f777bc6702c7d \
         39f23369a9d9bacfa530e26304231461 b2eb05e2c39be9fcda6c19078c6a9d1b",
    ),
    (
        ck::CKM_AES_CTR,
        CTR,
        KEY_128,
        "874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff \
         5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee",
    ),
    (
        ck::CKM_AES_CTR,
        CTR,
        KEY_256,
        "601ec313775789a5b7a7f504bbf3d228 f443e3ca4d62b59aca84e990cacaf5c5 \
         2b0930daa23de94ce87017ba2d84988d dfc9c58db67aada613c2dd08457941a6",
    ),
];

const GCM_KEY: &str = "feffe9928665731c6d6a8f9467308308";
const GCM_PLAIN: &str = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525 \
    b16aedf5aa0de657ba637b39";
const GCM_AAD: [u8; 20] = [
    0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda,
    0xd2,
];
/// Test cases 4 and 5: IV and sealed message.
const GCM_VECTORS: &[(&str, &str)] = &[
    (
        "cafebabefacedbaddecaf888",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa05 \
         1ba30b396a0aac973d58e091 5bc94fbc3221a5db94fae95ae7121a47",
    ),
    (
        "cafebabefacedbad",
        "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b42 \
         4989b5e1ebac0f07c23f4598 3612d2e79e3b0785561be14aaca2fccb",
    ),
];

#[test]
fn the_vectors_of_sp_800_38a_come_out_with_every_split_in_both_directions() {
    for (mechanism, parameter, key, cipher) in VECTORS {
        let key = secret(ck::CKK_AES, &hex(key));
        let (plain, cipher) = (hex(PLAIN), hex(cipher));
        for (mut engine, input, expected) in
            [(encrypter(*mechanism, &key), &plain, &cipher), (decrypter(*mechanism, &key), &cipher, &plain)]
        {
            assert_eq!(once(engine.as_mut(), parameter, input).unwrap(), *expected);
            for split in 0..=input.len() {
                let (a, b) = input.split_at(split);
                assert_eq!(parts(engine.as_mut(), parameter, &[a, b]).unwrap(), *expected, "{split}");
                let (b, c) = b.split_at(b.len() / 2);
                assert_eq!(parts(engine.as_mut(), parameter, &[a, b, &[], c]).unwrap(), *expected);
            }
        }
    }
}

#[test]
fn padding_makes_every_length_possible_and_every_split_the_same() {
    let key = secret(ck::CKK_AES, &[3; 24]);
    let iv = Parameter::Bytes(&IV);
    let mut there = encrypter(ck::CKM_AES_CBC_PAD, &key);
    let mut back = decrypter(ck::CKM_AES_CBC_PAD, &key);
    for len in 0..50 {
        let plain: Vec<u8> = (0..len).collect();
        let cipher = once(there.as_mut(), &iv, &plain).unwrap();
        assert_eq!(cipher.len(), (usize::from(len) / 16 + 1) * 16);
        assert_eq!(once(back.as_mut(), &iv, &cipher).unwrap(), plain);
        for split in 0..=plain.len() {
            let (a, b) = plain.split_at(split);
            assert_eq!(parts(there.as_mut(), &iv, &[a, b]).unwrap(), cipher);
        }
        for split in 0..=cipher.len() {
            let (a, b) = cipher.split_at(split);
            assert_eq!(parts(back.as_mut(), &iv, &[a, b]).unwrap(), plain);
        }
    }
}

#[test]
fn a_wrong_padding_is_one_error_and_leaves_nothing_behind() {
    let key = secret(ck::CKK_AES, &[3; 16]);
    let iv = Parameter::Bytes(&IV);
    let mut raw = encrypter(ck::CKM_AES_CBC, &key);
    let mut engine = decrypter(ck::CKM_AES_CBC_PAD, &key);
    for last in [0, 17, 3, 255] {
        let mut plain = [7; 32];
        plain[31] = last;
        let cipher = once(raw.as_mut(), &iv, &plain).unwrap();
        engine.start(&iv).unwrap();
        let mut out = [0; 32];
        assert_eq!(engine.once(&cipher, &mut out), Err(Error::EncryptedDataInvalid));
        assert_eq!(out, [0; 32]);
        assert_eq!(parts(engine.as_mut(), &iv, &[&cipher]), Err(Error::EncryptedDataInvalid));
    }
    let good = once(encrypter(ck::CKM_AES_CBC_PAD, &key).as_mut(), &iv, b"good").unwrap();
    assert_eq!(once(engine.as_mut(), &iv, &good).unwrap(), b"good");
}

#[test]
fn partial_blocks_are_refused_by_length() {
    let key = secret(ck::CKK_AES, &[3; 16]);
    let iv = Parameter::Bytes(&IV);
    for (mechanism, parameter) in [(ck::CKM_AES_ECB, &Parameter::None), (ck::CKM_AES_CBC, &iv)] {
        let mut there = encrypter(mechanism, &key);
        let mut back = decrypter(mechanism, &key);
        for len in [1, 15, 17] {
            let data = vec![1; len];
            assert_eq!(once(there.as_mut(), parameter, &data), Err(Error::DataLenRange));
            assert_eq!(parts(there.as_mut(), parameter, &[&data]), Err(Error::DataLenRange));
            assert_eq!(once(back.as_mut(), parameter, &data), Err(Error::EncryptedDataLenRange));
            assert_eq!(parts(back.as_mut(), parameter, &[&data]), Err(Error::EncryptedDataLenRange));
        }
        // And the engine is as good as new.
        let cipher = once(there.as_mut(), parameter, &[1; 16]).unwrap();
        assert_eq!(once(back.as_mut(), parameter, &cipher).unwrap(), [1; 16]);
    }
    let mut back = decrypter(ck::CKM_AES_CBC_PAD, &key);
    for len in [0, 1, 15, 17] {
        assert_eq!(once(back.as_mut(), &iv, &vec![1; len]), Err(Error::EncryptedDataLenRange));
        assert_eq!(parts(back.as_mut(), &iv, &[&vec![1; len]]), Err(Error::EncryptedDataLenRange));
    }
}

#[test]
fn a_counter_is_never_used_twice() {
    let key = secret(ck::CKK_AES, &[3; 16]);
    let mut block = [0xaa; 16];
    block[15] = 0xfe;
    let mut there = encrypter(ck::CKM_AES_CTR, &key);
    let mut back = decrypter(ck::CKM_AES_CTR, &key);
    for (bits, room) in [(1, 32), (2, 32), (8, 32), (3, 32), (9, 4144 - 16)] {
        let mut block = block;
        if bits == 9 {
            block[14] = 0xfe;
        }
        let parameter = Parameter::AesCtr { bits, block };
        let room = if bits == 9 { (512 - 0xfe) * 16 } else { room };
        assert_eq!(once(there.as_mut(), &parameter, &vec![0; room]).map(|out| out.len()), Ok(room), "{bits}");
        assert_eq!(once(there.as_mut(), &parameter, &vec![0; room + 1]), Err(Error::DataLenRange), "{bits}");
        assert_eq!(parts(there.as_mut(), &parameter, &[&vec![0; room], &[1]]), Err(Error::DataLenRange));
        assert_eq!(once(back.as_mut(), &parameter, &vec![0; room + 1]), Err(Error::EncryptedDataLenRange));
    }
    let last = Parameter::AesCtr { bits: 128, block: [0xff; 16] };
    assert!(once(there.as_mut(), &last, &[0; 16]).is_ok());
    assert_eq!(once(there.as_mut(), &last, &[0; 17]), Err(Error::DataLenRange));
}

#[test]
fn the_vectors_of_gcm_come_out_with_every_split() {
    let key = secret(ck::CKK_AES, &hex(GCM_KEY));
    let plain = hex(GCM_PLAIN);
    let mut there = encrypter(ck::CKM_AES_GCM, &key);
    let mut back = decrypter(ck::CKM_AES_GCM, &key);
    for (iv, sealed) in GCM_VECTORS {
        let (iv, sealed) = (hex(iv), hex(sealed));
        let parameter = Parameter::Gcm { iv: &iv, aad: &GCM_AAD, tag_bits: 128 };
        assert_eq!(once(there.as_mut(), &parameter, &plain).unwrap(), sealed);
        assert_eq!(once(back.as_mut(), &parameter, &sealed).unwrap(), plain);
        for split in 0..=plain.len() {
            let (a, b) = plain.split_at(split);
            assert_eq!(parts(there.as_mut(), &parameter, &[a, b]).unwrap(), sealed);
        }
        for split in 0..=sealed.len() {
            let (a, b) = sealed.split_at(split);
            assert_eq!(parts(back.as_mut(), &parameter, &[a, b]).unwrap(), plain);
        }
        for tag_bits in [32, 64, 96, 104, 112, 120] {
            let parameter = Parameter::Gcm { iv: &iv, aad: &GCM_AAD, tag_bits };
            let short = &sealed[..plain.len() + tag_bits as usize / 8];
            assert_eq!(once(there.as_mut(), &parameter, &plain).unwrap(), short);
            assert_eq!(once(back.as_mut(), &parameter, short).unwrap(), plain);
        }
    }
}

#[test]
fn gcm_releases_nothing_that_is_not_authentic() {
    let key = secret(ck::CKK_AES, &[3; 32]);
    let mut there = encrypter(ck::CKM_AES_GCM, &key);
    let mut back = decrypter(ck::CKM_AES_GCM, &key);
    let parameter = Parameter::Gcm { iv: &[9; 12], aad: b"aad", tag_bits: 128 };
    let sealed = once(there.as_mut(), &parameter, MESSAGE).unwrap();
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        back.start(&parameter).unwrap();
        let mut out = vec![0xee; MESSAGE.len()];
        assert_eq!(back.once(&bad, &mut out), Err(Error::EncryptedDataInvalid));
        assert_eq!(out, vec![0; MESSAGE.len()]);
    }
    back.start(&parameter).unwrap();
    assert_eq!(back.output_len(sealed.len(), false), 0);
    assert_eq!(back.update(&sealed, &mut []), Ok(0));
    assert_eq!(back.output_len(0, true), MESSAGE.len());
    // Other associated data, another IV, and a message shorter than its tag.
    let other = Parameter::Gcm { iv: &[9; 12], aad: b"aae", tag_bits: 128 };
    assert_eq!(once(back.as_mut(), &other, &sealed), Err(Error::EncryptedDataInvalid));
    let other = Parameter::Gcm { iv: &[9; 11], aad: b"aad", tag_bits: 128 };
    assert_eq!(once(back.as_mut(), &other, &sealed), Err(Error::EncryptedDataInvalid));
    assert_eq!(once(back.as_mut(), &parameter, &sealed[..15]), Err(Error::EncryptedDataLenRange));
    assert_eq!(parts(back.as_mut(), &parameter, &[&sealed[..15]]), Err(Error::EncryptedDataLenRange));
    assert_eq!(once(back.as_mut(), &parameter, &sealed).unwrap(), MESSAGE);
}

#[test]
fn gcm_takes_ivs_of_every_length_and_empty_messages() {
    let key = secret(ck::CKK_AES, &[3; 16]);
    let mut there = encrypter(ck::CKM_AES_GCM, &key);
    let mut back = decrypter(ck::CKM_AES_GCM, &key);
    for len in (1..=128).chain([12, 1, 12]) {
        let iv = vec![7; len];
        for (aad, message) in [(&b""[..], MESSAGE), (b"aad", b""), (b"", b"")] {
            let parameter = Parameter::Gcm { iv: &iv, aad, tag_bits: 96 };
            let sealed = once(there.as_mut(), &parameter, message).unwrap();
            assert_eq!(sealed.len(), message.len() + 12);
            assert_eq!(once(back.as_mut(), &parameter, &sealed).unwrap(), message);
        }
    }
}

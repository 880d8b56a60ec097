//! Digests of "abc" and HMACs of RFC 4231 case 2 (for the younger hashes as Python computes them).

use super::*;

const KEY: &[u8] = b"Jefe";
const DATA: &[u8] = b"what do ya want for nothing?";

/// Digest, HMAC, HMAC_GENERAL; the values of the first two.
const VECTORS: &[(u64, u64, u64, &str, &str)] = &[
    (
        ck::CKM_MD5,
        ck::CKM_MD5_HMAC,
        ck::CKM_MD5_HMAC_GENERAL,
        "900150983cd24fb0d6963f7d28e17f72",
        "750c783e6ab0b503eaa86e310a5db738",
    ),
    (
        ck::CKM_SHA_1,
        ck::CKM_SHA_1_HMAC,
        ck::CKM_SHA_1_HMAC_GENERAL,
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    ),
    (
        ck::CKM_SHA224,
        ck::CKM_SHA224_HMAC,
        ck::CKM_SHA224_HMAC_GENERAL,
        "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
    ),
    (
        ck::CKM_SHA256,
        ck::CKM_SHA256_HMAC,
        ck::CKM_SHA256_HMAC_GENERAL,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        ck::CKM_SHA384,
        ck::CKM_SHA384_HMAC,
        ck::CKM_SHA384_HMAC_GENERAL,
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    ),
    (
        ck::CKM_SHA512,
        ck::CKM_SHA512_HMAC,
        ck::CKM_SHA512_HMAC_GENERAL,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd \
         454d4423643ce80e2a9ac94fa54ca49f",
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd \
         caeab1a34d4a6b4b636e070a38bce737",
    ),
    (
        ck::CKM_SHA512_224,
        ck::CKM_SHA512_224_HMAC,
        ck::CKM_SHA512_224_HMAC_GENERAL,
        "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
        "4a530b31a79ebcce36916546317c45f247d83241dfb818fd37254bde",
    ),
    (
        ck::CKM_SHA512_256,
        ck::CKM_SHA512_256_HMAC,
        ck::CKM_SHA512_256_HMAC_GENERAL,
        "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
        "6df7b24630d5ccb2ee335407081a87188c221489768fa2020513b2d593359456",
    ),
    (
        ck::CKM_SHA3_224,
        ck::CKM_SHA3_224_HMAC,
        ck::CKM_SHA3_224_HMAC_GENERAL,
        "e642824c3f8cf24ad09234ee7d3c766fc9a3a5168d0c94ad73b46fdf",
        "7fdb8dd88bd2f60d1b798634ad386811c2cfc85bfaf5d52bbace5e66",
    ),
    (
        ck::CKM_SHA3_256,
        ck::CKM_SHA3_256_HMAC,
        ck::CKM_SHA3_256_HMAC_GENERAL,
        "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        "c7d4072e788877ae3596bbb0da73b887c9171f93095b294ae857fbe2645e1ba5",
    ),
    (
        ck::CKM_SHA3_384,
        ck::CKM_SHA3_384_HMAC,
        ck::CKM_SHA3_384_HMAC_GENERAL,
        "ec01498288516fc926459f58e2c6ad8df9b473cb0fc08c2596da7cf0e49be4b298d88cea927ac7f539f1edf228376d25",
        "f1101f8cbf9766fd6764d2ed61903f21ca9b18f57cf3e1a23ca13508a93243ce48c045dc007f26a21b3f5e0e9df4c20a",
    ),
    (
        ck::CKM_SHA3_512,
        ck::CKM_SHA3_512_HMAC,
        ck::CKM_SHA3_512_HMAC_GENERAL,
        "b751850b1a57168a5693cd924b6b096e08f621827444f70d884f5d0240d2712e10e116e9192af3c91a7ec57647e39340 \
         57340b4cf408d5a56592f8274eec53f0",
        "5a4bfeab6166427c7a3647b747292b8384537cdb89afb3bf5665e4c5e709350b287baec921fd7ca0ee7a0c31d022a95e \
         1fc92ba9d77df883960275beb4e62024",
    ),
];

#[test]
fn digests_of_abc_come_out_whole_and_in_parts() {
    for (mechanism, _, _, expected, _) in VECTORS {
        let mut engine = row(*mechanism).digest.unwrap()().unwrap();
        let expected = hex(expected);
        assert_eq!(engine.digest_len(), expected.len());
        for parts in [&[&b"abc"[..]][..], &[b"a", b"", b"bc"], &[b"ab", b"c"]] {
            engine.start(&Parameter::None).unwrap();
            parts.iter().for_each(|part| engine.update(part).unwrap());
            let mut out = vec![0; expected.len()];
            assert_eq!(engine.finish(&mut out), Ok(expected.len()));
            assert_eq!(out, expected, "{}", row(*mechanism).name);
        }
        // One that was left in the middle.
        engine.start(&Parameter::None).unwrap();
        engine.update(b"left").unwrap();
        engine.start(&Parameter::None).unwrap();
        engine.update(b"abc").unwrap();
        let mut out = vec![0; expected.len()];
        engine.finish(&mut out).unwrap();
        assert_eq!(out, expected);
    }
}

#[test]
fn macs_come_out_whole_in_parts_and_again() {
    for (_, whole, general, _, expected) in VECTORS {
        let expected = hex(expected);
        let own_type = row(*whole).key_types[1];
        for key in [secret(ck::CKK_GENERIC_SECRET, KEY), secret(own_type, KEY)] {
            let mut engine = signer(*whole, &key);
            for split in 0..DATA.len() {
                let (a, b) = DATA.split_at(split);
                assert_eq!(sign_parts(engine.as_mut(), &Parameter::None, &[a, b]).unwrap(), expected);
            }
            assert_eq!(sign(engine.as_mut(), &Parameter::None, DATA).unwrap(), expected);
            engine.start(&Parameter::None).unwrap();
            engine.update(b"left").unwrap();
            assert_eq!(sign(engine.as_mut(), &Parameter::None, DATA).unwrap(), expected);
            let mut general = signer(*general, &key);
            for len in 1..=expected.len() {
                let mac = sign(general.as_mut(), &Parameter::Ulong(len as u64), DATA).unwrap();
                assert_eq!(mac, expected[..len]);
            }
        }
    }
}

#[test]
fn a_mac_is_verified_at_its_length_only() {
    let key = secret(ck::CKK_GENERIC_SECRET, KEY);
    for (_, whole, general, _, expected) in VECTORS {
        let mut mac = hex(expected);
        let mut engine = verifier(*whole, &key);
        let mut short = verifier(*general, &key);
        verify(engine.as_mut(), &Parameter::None, DATA, &mac).unwrap();
        verify(short.as_mut(), &Parameter::Ulong(5), DATA, &mac[..5]).unwrap();
        assert_eq!(verify(short.as_mut(), &Parameter::Ulong(5), DATA, &mac), Err(Error::SignatureLenRange));
        assert_eq!(verify(engine.as_mut(), &Parameter::None, DATA, &mac[..5]), Err(Error::SignatureLenRange));
        assert_eq!(verify(engine.as_mut(), &Parameter::None, DATA, &[]), Err(Error::SignatureLenRange));
        mac[0] ^= 0x80;
        assert_eq!(verify(engine.as_mut(), &Parameter::None, DATA, &mac), Err(Error::SignatureInvalid));
        mac[0] ^= 0x80;
        verify(engine.as_mut(), &Parameter::None, DATA, &mac).unwrap();
    }
}

//! That C structures are decoded as they should be, and that malformed ones are refused.
//! Structures of every length, strings at NULL, numbers that are none.

use super::*;
use crate::pointer::Call;

/// Decodes a structure, `change` bytes longer or shorter than it is.
fn decode<T>(shape: Shape, value: &mut T, change: i64, then: impl FnOnce(Option<Parameter<'_>>)) {
    let call = Call(());
    let length = (size_of::<T>() as i64 + change) as u64;
    // SAFETY: a structure that outlives the pointer; a wrong length is refused before anything is read.
    let at = unsafe { Pointer::new((&raw mut *value).cast(), &call) };
    then(Given { at, length }.decode(shape).ok());
}

fn none(shape: Shape, length: u64) -> Option<()> {
    let call = Call(());
    // SAFETY: NULL.
    let at = unsafe { Pointer::new(std::ptr::null_mut(), &call) };
    Given { at, length }.decode(shape).ok().map(drop)
}

#[test]
fn a_parameter_of_another_length_is_malformed() {
    for change in [-8, -1, 1, 8, i64::MAX - 100] {
        let refused = |got: Option<Parameter<'_>>| assert!(got.is_none(), "{change}: {got:?}");
        decode(Shape::Iv(16), &mut [0u8; 16], change, refused);
        decode(Shape::IvOrNone(16), &mut [0u8; 16], change, refused);
        decode(Shape::Ulong, &mut 1u64, change, refused);
        decode(Shape::AesCtr, &mut ck::CK_AES_CTR_PARAMS { ulCounterBits: 1, cb: [0; 16] }, change, refused);
        decode(Shape::Pss, &mut ck::CK_RSA_PKCS_PSS_PARAMS { hashAlg: 1, mgf: 2, sLen: 3 }, change, refused);
        decode(Shape::Oaep, &mut [0u64; 5], change, refused);
        decode(Shape::EddsaOrNone, &mut [0u64; 3], change, refused);
        decode(Shape::RsaAesKeyWrap, &mut [0u64; 2], change, refused);
        decode(Shape::Ecdh1, &mut [0u64; 5], change, refused);
        decode(Shape::StringData, &mut [0u64; 2], change, refused);
        decode(Shape::CbcData, &mut [0u64; 4], change, refused);
        decode(Shape::Hkdf, &mut [0u64; 8], change, refused);
        decode(Shape::Ccm, &mut [0u64; 6], change, refused);
        decode(Shape::ChaCha20Poly1305, &mut [0u64; 4], change, refused);
        decode(Shape::Rc2Cbc, &mut [1u64; 2], change, refused);
        decode(Shape::Rc2MacGeneral, &mut [1u64; 2], change, refused);
        decode(Shape::DesCbcData, &mut [0u64; 3], change, refused);
        decode(Shape::ChaCha20, &mut [0u64; 4], change, refused);
        decode(Shape::SignContextOrNone, &mut [0u64; 3], change, refused);
        decode(Shape::HashSignContext, &mut [0u64; 4], change, refused);
        decode(Shape::Sp800108, &mut [0u64; 5], change, refused);
        decode(Shape::Sp800108Feedback, &mut [0u64; 7], change, refused);
        decode(Shape::Pbkd2, &mut [0u64; 9], change, refused);
        decode(Shape::Tls12Master, &mut [0u64; 6], change, refused);
        decode(Shape::Tls12ExtendedMaster, &mut [0u64; 4], change, refused);
        decode(Shape::Tls12KeyMat, &mut [0u64; 10], change, refused);
        decode(Shape::Tls12KeyMatSafe, &mut [0u64; 10], change, refused);
        decode(Shape::TlsKdf, &mut [0u64; 9], change, refused);
        decode(Shape::TlsMac, &mut [0u64; 3], change, refused);
        decode(Shape::Ssl3Master, &mut [0u64; 5], change, refused);
        decode(Shape::Ssl3KeyMat, &mut [0u64; 9], change, refused);
        decode(Shape::TlsPrf, &mut [0u64; 6], change, refused);
        decode(Shape::Ike2PrfPlus, &mut [0u64; 5], change, refused);
        decode(Shape::IkePrf, &mut [0u64; 7], change, refused);
        decode(Shape::Ike1Prf, &mut [0u64; 9], change, refused);
        decode(Shape::Ike1Extended, &mut [0u64; 5], change, refused);
        decode(Shape::Pbe, &mut [0u64; 6], change, refused);
        decode(Shape::PbeWithoutIv, &mut [0u64; 6], change, refused);
        decode(Shape::Otp, &mut [0u64; 2], change, refused);
    }
}

#[test]
fn null_is_no_parameter_and_null_with_a_length_is_malformed() {
    for shape in [Shape::None, Shape::IvOrNone(16), Shape::EddsaOrNone, Shape::SignContextOrNone] {
        assert_eq!(none(shape, 0), Some(()));
    }
    for shape in [
        Shape::Iv(16),
        Shape::Ulong,
        Shape::AesCtr,
        Shape::Gcm,
        Shape::Oaep,
        Shape::Pss,
        Shape::RsaAesKeyWrap,
        Shape::Ecdh1,
        Shape::StringData,
        Shape::CbcData,
        Shape::Hkdf,
        Shape::Ccm,
        Shape::ChaCha20Poly1305,
        Shape::Rc2Cbc,
        Shape::Rc2MacGeneral,
        Shape::DesCbcData,
        Shape::ChaCha20,
        Shape::HashSignContext,
        Shape::Sp800108,
        Shape::Sp800108Feedback,
        Shape::Pbkd2,
        Shape::Tls12Master,
        Shape::Tls12ExtendedMaster,
        Shape::Tls12KeyMat,
        Shape::Tls12KeyMatSafe,
        Shape::TlsKdf,
        Shape::TlsMac,
        Shape::Ssl3Master,
        Shape::Ssl3KeyMat,
        Shape::TlsPrf,
        Shape::Ike2PrfPlus,
        Shape::IkePrf,
        Shape::Ike1Prf,
        Shape::Ike1Extended,
        Shape::Pbe,
        Shape::PbeWithoutIv,
        Shape::Otp,
    ] {
        assert_eq!(none(shape, 0), None, "{shape:?}");
    }
    for (shape, length) in [
        (Shape::None, 1),
        (Shape::Iv(16), 16),
        (Shape::Ulong, 8),
        (Shape::Gcm, 48),
        (Shape::Gcm, 40),
        (Shape::Oaep, 40),
        (Shape::Pss, 24),
        (Shape::EddsaOrNone, 24),
        (Shape::RsaAesKeyWrap, 16),
        (Shape::Ecdh1, 40),
        (Shape::StringData, 16),
        (Shape::CbcData, 32),
        (Shape::Hkdf, 64),
        (Shape::Ccm, 48),
        (Shape::ChaCha20Poly1305, 32),
        (Shape::Rc2Cbc, 16),
        (Shape::Rc2MacGeneral, 16),
        (Shape::DesCbcData, 24),
        (Shape::ChaCha20, 32),
        (Shape::SignContextOrNone, 24),
        (Shape::HashSignContext, 32),
        (Shape::Sp800108, 40),
        (Shape::Sp800108Feedback, 56),
        (Shape::Pbkd2, 72),
        (Shape::Tls12Master, 48),
        (Shape::Tls12ExtendedMaster, 32),
        (Shape::Tls12KeyMat, 80),
        (Shape::Tls12KeyMatSafe, 80),
        (Shape::TlsKdf, 72),
        (Shape::TlsMac, 24),
        (Shape::Ssl3Master, 40),
        (Shape::Ssl3KeyMat, 72),
        (Shape::TlsPrf, 48),
        (Shape::Ike2PrfPlus, 40),
        (Shape::IkePrf, 56),
        (Shape::Ike1Prf, 72),
        (Shape::Ike1Extended, 40),
        (Shape::Pbe, 48),
        (Shape::PbeWithoutIv, 48),
        (Shape::Otp, 16),
    ] {
        assert_eq!(none(shape, length), None, "{shape:?}");
    }
    decode(Shape::None, &mut 0u64, 0, |got| assert!(got.is_none()));
}

#[test]
fn gcm_comes_in_two_lengths_and_its_strings_are_checked() {
    let (mut iv, mut aad) = ([1u8; 12], [2u8; 3]);
    let mut given = ck::CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 0,
        pAAD: aad.as_mut_ptr(),
        ulAADLen: 3,
        ulTagBits: 128,
    };
    let expected = || Some(Parameter::Gcm { iv: &[1; 12], aad: &[2; 3], tag_bits: 128 });
    decode(Shape::Gcm, &mut given, 0, |got| assert_eq!(got, expected()));
    let mut short = ShortGcm { iv: given.pIv, iv_length: 12, aad: given.pAAD, aad_length: 3, tag_bits: 128 };
    decode(Shape::Gcm, &mut short, 0, |got| assert_eq!(got, expected()));
    for change in [-16, -1, 1, 8] {
        decode(Shape::Gcm, &mut given, change, |got| assert_eq!(got, None, "{change}"));
    }
    let (iv, aad) = (given.pIv, given.pAAD);
    for (iv, iv_length, aad, aad_length) in [
        (std::ptr::null_mut(), 12, aad, 3),
        (iv, 12, std::ptr::null_mut(), 3),
        (iv, ck::CK_UNAVAILABLE_INFORMATION, aad, 3),
        (iv, 12, aad, 1 << 63),
    ] {
        let mut bad = ck::CK_GCM_PARAMS { pIv: iv, ulIvLen: iv_length, pAAD: aad, ulAADLen: aad_length, ..given };
        decode(Shape::Gcm, &mut bad, 0, |got| assert_eq!(got, None));
    }
}

#[test]
fn strings_of_oaep_and_eddsa_are_checked() {
    let mut label = *b"label";
    let mut given = ck::CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: ck::CKM_SHA256,
        mgf: ck::CKG_MGF1_SHA256,
        source: ck::CKZ_DATA_SPECIFIED,
        pSourceData: label.as_mut_ptr().cast(),
        ulSourceDataLen: 5,
    };
    let (hash, mgf, source) = (given.hashAlg, given.mgf, given.source);
    let expected = Parameter::Oaep { hash, mgf, source, label: b"label" };
    decode(Shape::Oaep, &mut given, 0, |got| assert_eq!(got, Some(expected)));
    given.pSourceData = std::ptr::null_mut();
    decode(Shape::Oaep, &mut given, 0, |got| assert_eq!(got, None));

    let mut context = [7u8; 256];
    let mut given =
        ck::CK_EDDSA_PARAMS { phFlag: ck::CK_TRUE, ulContextDataLen: 255, pContextData: context.as_mut_ptr() };
    decode(Shape::EddsaOrNone, &mut given, 0, |got| {
        assert_eq!(got, Some(Parameter::Eddsa { prehash: true, context: &[7; 255] }));
    });
    for (flag, length) in [(2, 255), (1, 256), (1, ck::CK_UNAVAILABLE_INFORMATION)] {
        let mut bad = ck::CK_EDDSA_PARAMS { phFlag: flag, ulContextDataLen: length, ..given };
        decode(Shape::EddsaOrNone, &mut bad, 0, |got| assert_eq!(got, None));
    }
}

#[test]
fn counter_and_nonce_of_chacha20_have_the_lengths_that_exist_and_are_checked() {
    let (mut counter, mut nonce) = ([1u8; 8], [2u8; 24]);
    let mut given = ck::CK_CHACHA20_PARAMS {
        pBlockCounter: counter.as_mut_ptr(),
        blockCounterBits: 64,
        pNonce: nonce.as_mut_ptr(),
        ulNonceBits: 192,
    };
    let expected = Parameter::ChaCha20 { counter: &[1; 8], nonce: &[2; 24] };
    decode(Shape::ChaCha20, &mut given, 0, |got| assert_eq!(got, Some(expected)));
    let (counter, nonce) = (given.pBlockCounter, given.pNonce);
    for (counter, counter_bits, nonce, nonce_bits) in [
        (std::ptr::null_mut(), 64, nonce, 192),
        (counter, 64, std::ptr::null_mut(), 192),
        (counter, 0, nonce, 96),
        (counter, 33, nonce, 96),
        (counter, 32, nonce, 12),
        (counter, u64::MAX, nonce, 96),
        (counter, 32, nonce, 1 << 63),
    ] {
        let mut bad = ck::CK_CHACHA20_PARAMS {
            pBlockCounter: counter,
            blockCounterBits: counter_bits,
            pNonce: nonce,
            ulNonceBits: nonce_bits,
        };
        decode(Shape::ChaCha20, &mut bad, 0, |got| assert_eq!(got, None));
    }
}

#[test]
fn the_context_of_a_signature_is_checked() {
    let mut context = *b"context";
    let mut given = ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT {
        hedgeVariant: ck::CKH_DETERMINISTIC_REQUIRED,
        pContext: context.as_mut_ptr(),
        ulContextLen: 7,
        hash: ck::CKM_SHA256,
    };
    let hedge = given.hedgeVariant;
    let expected = Parameter::SignContext { hedge, context: b"context", hash: Some(ck::CKM_SHA256) };
    decode(Shape::HashSignContext, &mut given, 0, |got| assert_eq!(got, Some(expected)));
    let mut short = ck::CK_SIGN_ADDITIONAL_CONTEXT { hedgeVariant: hedge, pContext: given.pContext, ulContextLen: 7 };
    let expected = Parameter::SignContext { hedge, context: b"context", hash: None };
    decode(Shape::SignContextOrNone, &mut short, 0, |got| assert_eq!(got, Some(expected)));
    for (at, length) in [(std::ptr::null_mut(), 7), (given.pContext, 1 << 63), (given.pContext, u64::MAX)] {
        let mut bad = ck::CK_SIGN_ADDITIONAL_CONTEXT { pContext: at, ulContextLen: length, ..short };
        decode(Shape::SignContextOrNone, &mut bad, 0, |got| assert_eq!(got, None));
        let mut bad = ck::CK_HASH_SIGN_ADDITIONAL_CONTEXT { pContext: at, ulContextLen: length, ..given };
        decode(Shape::HashSignContext, &mut bad, 0, |got| assert_eq!(got, None));
    }
}

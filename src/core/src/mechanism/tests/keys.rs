//! Secret keys: generation, completion, opening.

use super::*;

fn made(mechanism: u64, key_type: u64, len: Option<u64>) -> Result<Attributes> {
    let mut key = object(ck::CKO_SECRET_KEY, key_type, &[]);
    if let Some(len) = len {
        key.set_ulong(ck::CKA_VALUE_LEN, len);
    }
    let made = row(mechanism).generate.unwrap()(&Parameter::None, &key)?;
    key.absorb(made);
    build::mark_generated(&mut key, mechanism);
    key::complete(&mut key)?;
    Ok(key)
}

#[test]
fn generated_secrets_have_the_length_asked_for() {
    for (mechanism, key_type, len, expected) in [
        (ck::CKM_AES_KEY_GEN, ck::CKK_AES, Some(16), 16),
        (ck::CKM_AES_KEY_GEN, ck::CKK_AES, Some(24), 24),
        (ck::CKM_AES_KEY_GEN, ck::CKK_AES, Some(32), 32),
        (ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_GENERIC_SECRET, Some(1), 1),
        (ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_SHA256_HMAC, Some(20), 20),
        (ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_GENERIC_SECRET, Some(1 << 20), 1 << 20),
        (ck::CKM_SHA256_KEY_GEN, ck::CKK_SHA256_HMAC, None, 32),
        (ck::CKM_SHA256_KEY_GEN, ck::CKK_SHA256_HMAC, Some(5), 5),
    ] {
        let key = made(mechanism, key_type, len).unwrap();
        assert_eq!(key.bytes(ck::CKA_VALUE).unwrap().len(), expected);
        assert_eq!(key.ulong(ck::CKA_VALUE_LEN), Some(expected as u64));
        assert!(matches!(key.value(ck::CKA_VALUE), Some(Value::Secret(_))));
        assert_eq!(key.bytes(ck::CKA_CHECK_VALUE).unwrap().len(), 3);
        Key::open(&key).unwrap();
    }
    let value = |key: Attributes| key.bytes(ck::CKA_VALUE).unwrap().to_vec();
    let again = || value(made(ck::CKM_AES_KEY_GEN, ck::CKK_AES, Some(16)).unwrap());
    assert_ne!(again(), again());
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    for len in [0, 1, 15, 17, 33, u64::MAX] {
        assert_eq!(made(ck::CKM_AES_KEY_GEN, ck::CKK_AES, Some(len)).unwrap_err(), Error::KeySizeRange);
    }
    for len in [0, (1 << 20) + 1, u64::MAX] {
        let refused = made(ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_GENERIC_SECRET, Some(len));
        assert_eq!(refused.unwrap_err(), Error::KeySizeRange);
    }
    for (mechanism, key_type) in
        [(ck::CKM_AES_KEY_GEN, ck::CKK_AES), (ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKK_GENERIC_SECRET)]
    {
        assert_eq!(made(mechanism, key_type, None).unwrap_err(), Error::TemplateIncomplete);
        let template = object(ck::CKO_SECRET_KEY, key_type, &[]);
        let refused = row(mechanism).generate.unwrap()(&Parameter::Ulong(1), &template);
        assert_eq!(refused.unwrap_err(), Error::MechanismParamInvalid);
    }
    for (key_type, len) in [(ck::CKK_AES, 15), (ck::CKK_AES, 0), (ck::CKK_GENERIC_SECRET, 0)] {
        let refused = completed(ck::CKO_SECRET_KEY, key_type, &[(ck::CKA_VALUE, &vec![1; len])]);
        assert_eq!(refused.unwrap_err(), Error::AttributeValueInvalid);
    }
}

#[test]
fn a_check_value_is_computed_compared_or_left_out() {
    for (key_type, check) in [
        // AES-128 of a zero block under a zero key (FIPS 197); SHA-1 of 16 zeros.
        (ck::CKK_AES, [0x66, 0xe9, 0x4b]),
        (ck::CKK_GENERIC_SECRET, [0xe1, 0x29, 0xf2]),
    ] {
        let with = |given: Option<&[u8]>| {
            let mut bytes: Vec<(Type, &[u8])> = vec![(ck::CKA_VALUE, &[0; 16])];
            bytes.extend(given.map(|given| (ck::CKA_CHECK_VALUE, given)));
            completed(ck::CKO_SECRET_KEY, key_type, &bytes)
        };
        assert_eq!(with(None).unwrap().bytes(ck::CKA_CHECK_VALUE), Some(&check[..]));
        assert!(with(Some(&check)).is_ok());
        assert_eq!(with(Some(&[])).unwrap().bytes(ck::CKA_CHECK_VALUE), Some(&[][..]));
        assert_eq!(with(Some(&[1, 2, 3])).unwrap_err(), Error::AttributeValueInvalid);
        assert_eq!(with(Some(&check[..2])).unwrap_err(), Error::AttributeValueInvalid);
    }
}

#[test]
fn what_a_template_says_of_computed_attributes_must_be_true() {
    let mut key = object(ck::CKO_SECRET_KEY, ck::CKK_AES, &[(ck::CKA_VALUE, &[1; 16])]);
    key.set_ulong(ck::CKA_VALUE_LEN, 32);
    assert_eq!(key::complete(&mut key).unwrap_err(), Error::AttributeValueInvalid);
    let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let given: &[(Type, &[u8])] = &[(ck::CKA_EC_PARAMS, &p256), (ck::CKA_VALUE, &[1])];
    let mut key = completed(ck::CKO_PRIVATE_KEY, ck::CKK_EC, given).unwrap();
    // Once complete, always complete.
    let before = key.duplicate();
    key::complete(&mut key).unwrap();
    assert!(key.same(&before));
    key.set_bytes(ck::CKA_PUBLIC_KEY_INFO, [1]);
    assert_eq!(key::complete(&mut key).unwrap_err(), Error::AttributeValueInvalid);
}

#[test]
fn engines_refuse_keys_of_other_kinds() {
    let generic = secret(ck::CKK_GENERIC_SECRET, &[1; 20]);
    assert_eq!(row(ck::CKM_AES_CBC).encrypt.unwrap()(&generic).err(), Some(Error::KeySizeRange));
    assert_eq!(row(ck::CKM_SHA256_RSA_PKCS).sign.unwrap()(&generic).err(), Some(Error::KeyTypeInconsistent));
    assert_eq!(row(ck::CKM_ECDSA).sign.unwrap()(&generic).err(), Some(Error::KeyTypeInconsistent));
    assert_eq!(row(ck::CKM_EDDSA).sign.unwrap()(&generic).err(), Some(Error::KeyTypeInconsistent));
}

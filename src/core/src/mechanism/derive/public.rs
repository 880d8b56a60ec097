//! Public keys from private ones (PKCS#11 3.2 section 6.44): which attributes both halves have, type by type.

use crate::attribute::{Attributes, Type};
use crate::mechanism::Row;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::der;

pub(in crate::mechanism) static ROWS: &[Row] =
    &[row!(CKM_PUB_KEY_FROM_PRIV_KEY { key_types: TYPES, public_half: Some(public_half) })];

const TYPES: &[u64] = &[
    ck::CKK_RSA,
    ck::CKK_EC,
    ck::CKK_EC_EDWARDS,
    ck::CKK_EC_MONTGOMERY,
    ck::CKK_ML_KEM,
    ck::CKK_ML_DSA,
    ck::CKK_SLH_DSA,
    ck::CKK_DH,
    ck::CKK_X9_42_DH,
    ck::CKK_DSA,
];

/// What a public key is made of.
struct Half {
    key_type: u64,
    /// Attributes that the private half has as well.
    shared: &'static [Type],
    /// CKA_VALUE, where public keys have one.
    value: Option<ValueOf>,
}

/// From the contents of the BIT STRING in CKA_PUBLIC_KEY_INFO.
type ValueOf = fn(&[u8]) -> Option<Vec<u8>>;

const POINT: &[Type] = &[ck::CKA_EC_PARAMS, ck::CKA_EC_POINT];
const SET: &[Type] = &[ck::CKA_PARAMETER_SET];
const GROUP: &[Type] = &[ck::CKA_PRIME, ck::CKA_BASE];
const GROUP_WITH_ORDER: &[Type] = &[ck::CKA_PRIME, ck::CKA_SUBPRIME, ck::CKA_BASE];

const fn shared(key_type: u64, shared: &'static [Type]) -> Half {
    Half { key_type, shared, value: None }
}

const fn whole(key_type: u64, shared: &'static [Type]) -> Half {
    Half { key_type, shared, value: Some(|key| Some(key.to_vec())) }
}

const fn number(key_type: u64, shared: &'static [Type]) -> Half {
    Half { key_type, shared, value: Some(|key| Some(der::strip(der::whole(der::INTEGER, key)?).to_vec())) }
}

const HALVES: &[Half] = &[
    shared(ck::CKK_RSA, &[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT]),
    shared(ck::CKK_EC, POINT),
    shared(ck::CKK_EC_EDWARDS, POINT),
    shared(ck::CKK_EC_MONTGOMERY, POINT),
    whole(ck::CKK_ML_KEM, SET),
    whole(ck::CKK_ML_DSA, SET),
    whole(ck::CKK_SLH_DSA, SET),
    number(ck::CKK_DH, GROUP),
    number(ck::CKK_X9_42_DH, GROUP_WITH_ORDER),
    number(ck::CKK_DSA, GROUP_WITH_ORDER),
];

fn public_half(private: &Attributes) -> Result<Attributes> {
    let key_type = private.ulong(ck::CKA_KEY_TYPE);
    let half = HALVES.iter().find(|half| Some(half.key_type) == key_type).ok_or(Error::KeyTypeInconsistent)?;
    let mut public = Attributes::new();
    for of in half.shared {
        public.set(*of, private.value(*of).ok_or(Error::General)?.duplicate());
    }
    if let Some(value) = half.value {
        let info = private.bytes(ck::CKA_PUBLIC_KEY_INFO).ok_or(Error::General)?;
        let value = der::public_key(info).and_then(value).ok_or(Error::General)?;
        public.set_bytes(ck::CKA_VALUE, value);
    }
    Ok(public)
}

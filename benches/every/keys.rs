//! What makes, derives and encapsulates keys. Here a token does more than OpenSSL: each key is an object with its
//! attributes, made and destroyed again, so what is cheap in OpenSSL is held to no limit.

use super::NO;
use crate::bare::Run;
use crate::cases::{Case, Limit};
use crate::client::{self, Attribute, Session};
use crate::floor::{self, Kem, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

/// How a pair is made here and in OpenSSL.
struct Pair {
    name: &'static str,
    mechanism: CK_MECHANISM_TYPE,
    attribute: CK_ATTRIBUTE_TYPE,
    value: &'static [u8],
    floor: &'static CStr,
    options: &'static [(&'static str, &'static str)],
}

const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
const X25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x6e];
const RSA_BITS: [u8; 8] = 2048u64.to_ne_bytes();
const ML_KEM: [u8; 8] = CKP_ML_KEM_768.to_ne_bytes();
const ML_DSA: [u8; 8] = CKP_ML_DSA_44.to_ne_bytes();
const SLH_DSA: [u8; 8] = CKP_SLH_DSA_SHA2_128F.to_ne_bytes();

macro_rules! pairs {
    ($($label:literal $name:ident $attribute:ident $value:expr, $floor:literal $options:expr;)*) => {
        &[$(Pair {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            attribute: $attribute,
            value: $value,
            floor: $floor,
            options: $options,
        }),*]
    };
}

const PAIRS: &[Pair] = pairs! {
    " 2048" CKM_RSA_PKCS_KEY_PAIR_GEN CKA_MODULUS_BITS &RSA_BITS, c"RSA" &[("rsa_keygen_bits", "2048")];
    " P-256" CKM_EC_KEY_PAIR_GEN CKA_EC_PARAMS P256, c"EC" &[("ec_paramgen_curve", "P-256")];
    " P-384" CKM_EC_KEY_PAIR_GEN CKA_EC_PARAMS P384, c"EC" &[("ec_paramgen_curve", "P-384")];
    " Ed25519" CKM_EC_EDWARDS_KEY_PAIR_GEN CKA_EC_PARAMS ED25519, c"ED25519" &[];
    " X25519" CKM_EC_MONTGOMERY_KEY_PAIR_GEN CKA_EC_PARAMS X25519, c"X25519" &[];
    " 768" CKM_ML_KEM_KEY_PAIR_GEN CKA_PARAMETER_SET &ML_KEM, c"ML-KEM-768" &[];
    " 44" CKM_ML_DSA_KEY_PAIR_GEN CKA_PARAMETER_SET &ML_DSA, c"ML-DSA-44" &[];
    " SHA2-128f" CKM_SLH_DSA_KEY_PAIR_GEN CKA_PARAMETER_SET &SLH_DSA, c"SLH-DSA-SHA2-128f" &[];
};

/// Every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let generated = PAIRS.iter().map(|row| {
        let floor = move || floor::generation(row.floor, row.options);
        Case::new(row.name.trim_start_matches("CKM_"), floor, move |s| generation(s, row))
    });
    let agreed = [("ECDH1_DERIVE P-256", &PAIRS[1]), ("ECDH1_DERIVE X25519", &PAIRS[4])].map(|(name, row)| {
        let floor = move || floor::pkey(row.floor, row.options, Use::Derive, &[], Vec::new());
        Case::new(name, floor, move |s| agreement(s, row))
    });
    let kem = &PAIRS[5];
    let encapsulated = [("ML_KEM 768 encapsulate", Kem::Encapsulate), ("ML_KEM 768 decapsulate", Kem::Decapsulate)]
        .map(|(name, how)| Case::new(name, move || floor::kem(kem.floor, how), move |s| encapsulation(s, kem, how)));
    generated.chain(agreed).chain(encapsulated.map(|case| case.within(Limit::Short)))
}

impl Pair {
    fn make(&self, session: &Session) -> client::Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        session.generate_pair(self.mechanism, &[(CKA_TOKEN, &NO), (self.attribute, self.value)], &[(CKA_TOKEN, &NO)])
    }
}

fn generation(session: Session, row: &'static Pair) -> Result<Run, String> {
    Ok(Box::new(move || {
        let (public, private) = row.make(&session)?;
        session.destroy(public)?;
        session.destroy(private)
    }))
}

/// What a derived key of 32 bytes is.
const SECRET: [u8; 8] = CKO_SECRET_KEY.to_ne_bytes();
const GENERIC: [u8; 8] = CKK_GENERIC_SECRET.to_ne_bytes();
const LENGTH: [u8; 8] = 32u64.to_ne_bytes();
const DERIVED: [Attribute<'static>; 4] =
    [(CKA_CLASS, &SECRET), (CKA_KEY_TYPE, &GENERIC), (CKA_TOKEN, &NO), (CKA_VALUE_LEN, &LENGTH)];

fn agreement(session: Session, row: &'static Pair) -> Result<Run, String> {
    let (other, _) = row.make(&session)?;
    let mut point = session.bytes(other, CKA_EC_POINT)?;
    let (_, private) = row.make(&session)?;
    Ok(Box::new(move || {
        let mut parameter = CK_ECDH1_DERIVE_PARAMS {
            kdf: CKD_NULL,
            ulSharedDataLen: 0,
            pSharedData: std::ptr::null_mut(),
            ulPublicDataLen: point.len() as CK_ULONG,
            pPublicData: point.as_mut_ptr(),
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_ECDH1_DERIVE,
            pParameter: (&raw mut parameter).cast(),
            ulParameterLen: size_of::<CK_ECDH1_DERIVE_PARAMS>() as CK_ULONG,
        };
        let key = session.derive(&mut mechanism, private, &DERIVED)?;
        session.destroy(key)
    }))
}

fn encapsulation(session: Session, row: &'static Pair, how: Kem) -> Result<Run, String> {
    let (public, private) = row.make(&session)?;
    let (mut ciphertext, first) = session.encapsulate(CKM_ML_KEM, public, &DERIVED)?;
    session.destroy(first)?;
    Ok(Box::new(move || {
        let key = match how {
            Kem::Encapsulate => session.encapsulate(CKM_ML_KEM, public, &DERIVED)?.1,
            Kem::Decapsulate => session.decapsulate(CKM_ML_KEM, private, &mut ciphertext, &DERIVED)?,
        };
        session.destroy(key)
    }))
}

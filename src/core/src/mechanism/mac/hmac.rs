//! HMAC (FIPS 198-1): rows, what computes them, and the generation of keys of their own types.

use super::{Code, Length, Mac};
use crate::mechanism::hash::{self, Hash};
use crate::mechanism::key::Key;
use crate::mechanism::secret::{self, MAX_SECRET};
use crate::mechanism::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::Hmac;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// Per hash: the MAC, the MAC of a length that the parameter gives, and the generation of its key type.
macro_rules! rows {
    ($($group:ident $hash:ident $key_type:ident: $whole:ident $general:ident $($generate:ident)?;)*) => {
        pub(in crate::mechanism) static ROWS: &[Row] = &[$(
            row!($whole {
                sizes: (1, MAX_SECRET),
                key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
                group: Group::$group,
                sign: Some(|key| Ok(Mac::signer(Keyed::new(key, &hash::$hash, Length::Fixed(hash::$hash.len()))?))),
                verify: Some(|key| Ok(Mac::verifier(Keyed::new(key, &hash::$hash, Length::Fixed(hash::$hash.len()))?))),
            }),
            row!($general {
                sizes: (1, MAX_SECRET),
                key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
                parameter: Shape::Ulong,
                group: Group::$group,
                sign: Some(|key| Ok(Mac::signer(Keyed::new(key, &hash::$hash, Length::Given(hash::$hash.len()))?))),
                verify: Some(|key| Ok(Mac::verifier(Keyed::new(key, &hash::$hash, Length::Given(hash::$hash.len()))?))),
            }),
            $(row!($generate {
                sizes: (1, MAX_SECRET),
                key_types: &[ck::$key_type],
                group: Group::$group,
                generate: Some(|parameter, template| secret::generate(parameter, template, Some(hash::$hash.len()))),
            }),)?
        )*];
    };
}

rows! {
    Legacy MD5 CKK_MD5_HMAC: CKM_MD5_HMAC CKM_MD5_HMAC_GENERAL;
    Modern SHA1 CKK_SHA_1_HMAC: CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN;
    Modern SHA224 CKK_SHA224_HMAC: CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN;
    Modern SHA256 CKK_SHA256_HMAC: CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN;
    Modern SHA384 CKK_SHA384_HMAC: CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN;
    Modern SHA512 CKK_SHA512_HMAC: CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN;
    Modern SHA512_224 CKK_SHA512_224_HMAC: CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN;
    Modern SHA512_256 CKK_SHA512_256_HMAC: CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN;
    Modern SHA3_224 CKK_SHA3_224_HMAC: CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN;
    Modern SHA3_256 CKK_SHA3_256_HMAC: CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN;
    Modern SHA3_384 CKK_SHA3_384_HMAC: CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN;
    Modern SHA3_512 CKK_SHA3_512_HMAC: CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN;
    Legacy RIPEMD160 CKK_RIPEMD160_HMAC: CKM_RIPEMD160_HMAC CKM_RIPEMD160_HMAC_GENERAL;
    Modern BLAKE2B_160 CKK_BLAKE2B_160_HMAC: CKM_BLAKE2B_160_HMAC CKM_BLAKE2B_160_HMAC_GENERAL CKM_BLAKE2B_160_KEY_GEN;
    Modern BLAKE2B_256 CKK_BLAKE2B_256_HMAC: CKM_BLAKE2B_256_HMAC CKM_BLAKE2B_256_HMAC_GENERAL CKM_BLAKE2B_256_KEY_GEN;
    Modern BLAKE2B_384 CKK_BLAKE2B_384_HMAC: CKM_BLAKE2B_384_HMAC CKM_BLAKE2B_384_HMAC_GENERAL CKM_BLAKE2B_384_KEY_GEN;
    Modern BLAKE2B_512 CKK_BLAKE2B_512_HMAC: CKM_BLAKE2B_512_HMAC CKM_BLAKE2B_512_HMAC_GENERAL CKM_BLAKE2B_512_KEY_GEN;
}

/// With SHA-512/t the parameter is t, and the MAC so many bits long.
macro_rules! truncated {
    ($mechanism:ident) => {
        row!($mechanism {
            sizes: (1, MAX_SECRET),
            key_types: &[ck::CKK_GENERIC_SECRET, ck::CKK_SHA512_T_HMAC],
            parameter: Shape::Ulong,
            sign: Some(|key| Ok(Mac::signer(Truncated::new(key)?))),
            verify: Some(|key| Ok(Mac::verifier(Truncated::new(key)?))),
        })
    };
}

pub(in crate::mechanism) static TRUNCATED: &[Row] = &[
    truncated!(CKM_SHA512_T_HMAC),
    truncated!(CKM_SHA512_T_HMAC_GENERAL),
    row!(CKM_SHA512_T_KEY_GEN {
        sizes: (1, MAX_SECRET),
        key_types: &[ck::CKK_SHA512_T_HMAC],
        // As long as the longest digest: t comes with the use of the key.
        generate: Some(|parameter, template| secret::generate(parameter, template, Some(hash::SHA512.len()))),
    }),
];

/// A keyed HMAC.
struct Keyed {
    hmac: Hmac,
    length: Length,
}

impl Keyed {
    fn new(key: &Arc<Key>, hash: &Hash, length: Length) -> Result<Self> {
        Ok(Self { hmac: Hmac::new(hash.algorithm, key.secret()?.as_ref()).map_err(failed)?, length })
    }
}

impl Code for Keyed {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        let len = self.length.of(parameter)?;
        self.hmac.restart().map_err(failed)?;
        Ok(len)
    }
    fn again(&mut self) -> Result<()> {
        self.hmac.restart().map_err(failed)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hmac.update(data).map_err(failed)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.hmac.finish(mac).map_err(failed)
    }
}

/// HMAC with SHA-512/t: keyed when an operation begins with another t than the one before.
struct Truncated {
    key: Secret,
    keyed: Option<(&'static Hash, Hmac)>,
}

impl Truncated {
    fn new(key: &Arc<Key>) -> Result<Self> {
        Ok(Self { key: key.secret()?.duplicate(), keyed: None })
    }

    fn hmac(&mut self) -> Result<&mut Hmac> {
        self.keyed.as_mut().map(|(_, hmac)| hmac).ok_or(Error::General)
    }
}

impl Code for Truncated {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        let hash = hash::sha512_t(parameter)?;
        match &mut self.keyed {
            Some((keyed, hmac)) if keyed.mechanism == hash.mechanism => hmac.restart().map_err(failed)?,
            keyed => *keyed = Some((hash, Hmac::new(hash.algorithm, self.key.as_ref()).map_err(failed)?)),
        }
        Ok(hash.len())
    }
    fn again(&mut self) -> Result<()> {
        self.hmac()?.restart().map_err(failed)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hmac()?.update(data).map_err(failed)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.hmac()?.finish(mac).map_err(failed)
    }
}

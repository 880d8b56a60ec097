//! HMAC (FIPS 198-1): rows, their engine, and the generation of keys of their own types.

use super::engine::{Signer, Verifier};
use super::hash::{self, Hash};
use super::key::Key;
use super::secret::{self, MAX_SECRET};
use super::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::{self, Hmac};
use std::sync::Arc;

/// Per hash: the MAC, the MAC of a length that the parameter gives, and the generation of its key type.
macro_rules! rows {
    ($($group:ident $hash:ident $key_type:ident: $whole:ident $general:ident $($generate:ident)?;)*) => {
        pub(super) static ROWS: &[Row] = &[$(
            row!($whole {
                sizes: (1, MAX_SECRET),
                key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
                group: Group::$group,
                sign: Some(|key| Ok(Box::new(Mac::new(key, &hash::$hash, Length::Whole)?))),
                verify: Some(|key| Ok(Box::new(Mac::new(key, &hash::$hash, Length::Whole)?))),
            }),
            row!($general {
                sizes: (1, MAX_SECRET),
                key_types: &[ck::CKK_GENERIC_SECRET, ck::$key_type],
                parameter: Shape::Ulong,
                group: Group::$group,
                sign: Some(|key| Ok(Box::new(Mac::new(key, &hash::$hash, Length::Given)?))),
                verify: Some(|key| Ok(Box::new(Mac::new(key, &hash::$hash, Length::Given)?))),
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
    Legacy SHA1 CKK_SHA_1_HMAC: CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN;
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
}

/// How long the MAC is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// As long as the digest.
    Whole,
    /// As CK_MAC_GENERAL_PARAMS says, 1 byte to the whole.
    Given,
}

struct Mac {
    hmac: Hmac,
    hash: &'static Hash,
    length: Length,
    /// Bytes of this operation's MAC.
    len: usize,
}

impl Mac {
    fn new(key: &Arc<Key>, hash: &'static Hash, length: Length) -> Result<Self> {
        let hmac = Hmac::new(hash.algorithm, key.secret()?.as_ref()).map_err(failed)?;
        Ok(Self { hmac, hash, length, len: hash.len() })
    }

    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        if self.length == Length::Given {
            let Parameter::Ulong(len) = parameter else { return Err(Error::MechanismParamInvalid) };
            self.len = usize::try_from(*len)
                .ok()
                .filter(|len| (1..=self.hash.len()).contains(len))
                .ok_or(Error::MechanismParamInvalid)?;
        } else {
            parameter.none()?;
        }
        self.hmac.restart().map_err(failed)
    }

    fn end(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.hmac.finish(mac).map_err(failed)
    }
}

impl Signer for Mac {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.hmac.restart().map_err(failed)
    }
    fn signature_len(&self) -> usize {
        self.len
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hmac.update(data).map_err(failed)
    }
    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let mut mac = [0; MAX_LEN];
        self.end(&mut mac)?;
        output[..self.len].copy_from_slice(&mac[..self.len]);
        Ok(self.len)
    }
}

impl Verifier for Mac {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.begin(parameter)
    }
    fn again(&mut self) -> Result<()> {
        self.hmac.restart().map_err(failed)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.hmac.update(data).map_err(failed)
    }
    fn fits(&self, signature_len: usize) -> bool {
        signature_len == self.len
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        if !self.fits(signature.len()) {
            return Err(Error::SignatureLenRange);
        }
        let mut mac = [0; MAX_LEN];
        self.end(&mut mac)?;
        if mac::same(&mac[..self.len], signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

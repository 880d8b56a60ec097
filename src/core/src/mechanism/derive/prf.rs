//! Pseudorandom functions: HMAC of any hash (FIPS 198-1), CMAC (NIST SP 800-38B), AES-XCBC (RFC 3566). They are made
//! once per key and run over lists of pieces.

use crate::mechanism::hash::{self, Hash};
use crate::mechanism::key::{Key, Spare};
use crate::mechanism::mac::chained::Chained;
use crate::mechanism::{block, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::Hmac;
use sealhsm_secret::Secret;

/// The longest output of a function here in bytes.
pub const MAX_OUTPUT: usize = MAX_LEN;
/// Bytes of a block of AES, and of the keys that its functions of IKE have.
const AES_BLOCK: usize = 16;

/// A keyed function.
pub struct Prf(Way);

enum Way {
    /// The MAC and its bytes.
    Hmac(Hmac, usize),
    /// One on a block cipher.
    Block(Chained),
}

/// How a function is built.
#[derive(Clone, Copy)]
pub enum Build {
    /// On a hash: one-way for its key and for its data.
    Hmac(&'static Hash),
    /// CMAC on AES.
    AesCmac,
    /// CMAC on Triple DES.
    Des3Cmac,
    /// AES-XCBC-MAC.
    AesXcbc,
}

/// A function that a parameter can name.
pub struct Named {
    mechanism: u64,
    /// CKK_ of the keys that are made for it, besides generic secrets where `build` is HMAC.
    own: &'static [u64],
    /// See [`Build`].
    pub build: Build,
}

macro_rules! hmacs {
    ($($mechanism:ident $key_type:ident $hash:ident;)*) => {
        static NAMED: &[Named] = &[
            $(Named { mechanism: ck::$mechanism, own: &[ck::$key_type], build: Build::Hmac(&hash::$hash) },)*
            Named { mechanism: ck::CKM_AES_CMAC, own: &[ck::CKK_AES], build: Build::AesCmac },
            Named { mechanism: ck::CKM_DES3_CMAC, own: &[ck::CKK_DES3, ck::CKK_DES2], build: Build::Des3Cmac },
            Named { mechanism: ck::CKM_AES_XCBC_MAC, own: &[ck::CKK_AES], build: Build::AesXcbc },
        ];
        /// Key types that any of the functions takes.
        pub const KEY_TYPES: &[u64] =
            &[ck::CKK_GENERIC_SECRET, ck::CKK_AES, ck::CKK_DES3, ck::CKK_DES2, $(ck::$key_type),*];
    };
}

hmacs! {
    CKM_MD5_HMAC CKK_MD5_HMAC MD5;
    CKM_SHA_1_HMAC CKK_SHA_1_HMAC SHA1;
    CKM_SHA224_HMAC CKK_SHA224_HMAC SHA224;
    CKM_SHA256_HMAC CKK_SHA256_HMAC SHA256;
    CKM_SHA384_HMAC CKK_SHA384_HMAC SHA384;
    CKM_SHA512_HMAC CKK_SHA512_HMAC SHA512;
    CKM_SHA512_224_HMAC CKK_SHA512_224_HMAC SHA512_224;
    CKM_SHA512_256_HMAC CKK_SHA512_256_HMAC SHA512_256;
    CKM_SHA3_224_HMAC CKK_SHA3_224_HMAC SHA3_224;
    CKM_SHA3_256_HMAC CKK_SHA3_256_HMAC SHA3_256;
    CKM_SHA3_384_HMAC CKK_SHA3_384_HMAC SHA3_384;
    CKM_SHA3_512_HMAC CKK_SHA3_512_HMAC SHA3_512;
}

/// The function of this CKM_; `MechanismParamInvalid` if it is none.
pub fn named(mechanism: u64) -> Result<&'static Named> {
    NAMED.iter().find(|named| named.mechanism == mechanism).ok_or(Error::MechanismParamInvalid)
}

impl Named {
    /// Whether somebody who knows the key can find short data from the output: block ciphers can be run backwards.
    pub fn shows_data(&self) -> bool {
        !matches!(self.build, Build::Hmac(_))
    }

    /// CKK_ of the keys that are made for it.
    pub fn own_type(&self) -> u64 {
        self.own[0]
    }

    /// Under these bytes, whatever their number: of AES there is a rule for each (RFC 4434 section 2, RFC 4615
    /// section 3). Triple DES has none.
    pub fn with_bytes(&self, key: &[u8]) -> Result<Prf> {
        let zero = [0; AES_BLOCK];
        match self.build {
            Build::Hmac(_) => Prf::new(self.build, key),
            Build::Des3Cmac => Err(Error::MechanismParamInvalid),
            _ if key.len() == AES_BLOCK => Prf::new(self.build, key),
            Build::AesXcbc if key.len() < AES_BLOCK => {
                let mut padded = Secret::zeroed(AES_BLOCK);
                padded.as_mut()[..key.len()].copy_from_slice(key);
                Prf::new(self.build, padded.as_ref())
            }
            _ => Prf::new(self.build, Prf::new(self.build, &zero)?.once(&[key])?.as_ref()),
        }
    }

    /// Works with the function under a key of the types that it has. `KeyTypeInconsistent`, `KeySizeRange`.
    pub fn with_key<T>(&self, key: &Key, work: impl FnOnce(&mut Prf) -> Result<T>) -> Result<T> {
        let generic = key.key_type == ck::CKK_GENERIC_SECRET && !self.shows_data();
        if !generic && !self.own.contains(&key.key_type) {
            return Err(Error::KeyTypeInconsistent);
        }
        self.with(key, Under::Key, |key| Prf::new(self.build, key), work)
    }

    /// The same under the bytes of a key, whatever their number. On AES too many go through a CMAC whose key everybody
    /// knows, see [`own_blocks`].
    pub fn with_bytes_of<T>(&self, key: &Key, work: impl FnOnce(&mut Prf) -> Result<T>) -> Result<T> {
        if self.shows_data() && key.guarded && key.composed && key.secret()?.len() != AES_BLOCK {
            return Err(Error::KeyFunctionNotPermitted);
        }
        self.with(key, Under::Bytes, |key| self.with_bytes(key), work)
    }

    /// With one that the key keeps, or a new one, which it keeps then.
    fn with<T>(
        &self,
        key: &Key,
        under: Under,
        make: impl FnOnce(&[u8]) -> Result<Prf>,
        work: impl FnOnce(&mut Prf) -> Result<T>,
    ) -> Result<T> {
        let mut prf = match key.spare(self.mechanism, |spare| matches!(spare, Spare::Prf(_, of) if *of == under)) {
            Some(Spare::Prf(prf, _)) => prf,
            _ => Box::new(make(key.secret()?.as_ref())?),
        };
        let done = work(&mut prf)?;
        key.keep(self.mechanism, Spare::Prf(prf, under));
        Ok(done)
    }
}

/// What a function was keyed with: on AES they are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    /// A key of its own types.
    Key,
    /// Bytes, see [`Named::with_bytes`].
    Bytes,
}

/// Refuses a guarded key among the data of a block cipher, behind so many bytes of them, unless it has blocks of its own.
/// Whoever knows the key of the MAC runs it backwards: for each byte that shares a block with bytes of his choice there
/// are two beginnings that come to the same for this byte alone. A composed key brings such bytes along.
/// `KeyFunctionNotPermitted`, `KeySizeRange`, `MechanismParamInvalid`.
pub fn own_blocks(key: &Key, before: usize) -> Result<()> {
    match key {
        Key { guarded: false, .. } => Ok(()),
        Key { composed: true, .. } => Err(Error::KeyFunctionNotPermitted),
        _ if key.secret()?.len() % AES_BLOCK != 0 => Err(Error::KeySizeRange),
        _ if before % AES_BLOCK != 0 => Err(Error::MechanismParamInvalid),
        _ => Ok(()),
    }
}

impl Prf {
    /// Under these bytes; `KeySizeRange` where a cipher has no such key.
    pub fn new(build: Build, key: &[u8]) -> Result<Prf> {
        let begun = |mut mac: Chained| mac.restart().map(|()| Way::Block(mac));
        let way = match build {
            Build::Hmac(hash) => {
                // OpenSSL takes an empty key for none; zeros at the end are the same key.
                let key = if key.is_empty() { &[0] } else { key };
                Way::Hmac(Hmac::new(hash.algorithm, key).map_err(failed)?, hash.len())
            }
            Build::AesCmac => begun(Chained::cmac(&block::AES, ck::CKK_AES, key)?)?,
            Build::Des3Cmac => {
                let key_type = if key.len() == 16 { ck::CKK_DES2 } else { ck::CKK_DES3 };
                begun(Chained::cmac(&block::DES3, key_type, key)?)?
            }
            Build::AesXcbc if key.len() == 16 => begun(Chained::xcbc(key)?)?,
            Build::AesXcbc => return Err(Error::KeySizeRange),
        };
        Ok(Prf(way))
    }

    /// Bytes of an output.
    pub fn output_len(&self) -> usize {
        match &self.0 {
            Way::Hmac(_, len) => *len,
            Way::Block(mac) => mac.mac_len(),
        }
    }

    /// The output for the concatenation of `pieces`, at the start of `out`. Nothing of them, or of it, stays here.
    pub fn run(&mut self, pieces: &[&[u8]], out: &mut [u8]) -> Result<()> {
        match &mut self.0 {
            Way::Hmac(hmac, _) => {
                for piece in pieces {
                    hmac.update(piece).map_err(failed)?;
                }
                hmac.finish(out).and_then(|()| hmac.restart()).map_err(failed)
            }
            Way::Block(mac) => {
                for piece in pieces {
                    mac.update(piece)?;
                }
                mac.finish(out)?;
                mac.forget()
            }
        }
    }

    /// The same as a secret of its own.
    pub fn once(&mut self, pieces: &[&[u8]]) -> Result<Secret> {
        let mut out = Secret::zeroed(self.output_len());
        self.run(pieces, out.as_mut())?;
        Ok(out)
    }
}

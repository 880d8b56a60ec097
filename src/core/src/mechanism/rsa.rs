//! RSA (RFC 8017): rows, signature schemes and ciphers. Keys and their numbers are in `key::rsa`.

use super::engine::{Cipher, Recoverer, Signer, Verifier};
use super::hash::{self, Hash};
use super::key::{Key, rsa};
use super::scheme::{Direct, Hashed, Scheme};
use super::wrapping::rsa::{OAEP, PKCS1, WITH_AES};
use super::{Group, Parameter, Row, Shape, failed, kem};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::operation::{Operation, Purpose};
use sealhsm_secret::Wipe;
use std::sync::Arc;

pub(super) const TYPES: &[u64] = &[ck::CKK_RSA];
/// Bits of a modulus. New keys have at least [`rsa::MIN_GENERATED`].
pub(super) const SIZES: (u64, u64) = (rsa::MIN_BITS, rsa::MAX_BITS);

macro_rules! pkcs1 {
    ($group:ident $mechanism:ident $hash:ident) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            group: Group::$group,
            sign: Some(|key| hashed_sign(&hash::$hash, Pkcs1::new(key, Purpose::Sign, Some(&hash::$hash))?)),
            verify: Some(|key| hashed_verify(&hash::$hash, Pkcs1::new(key, Purpose::Verify, Some(&hash::$hash))?)),
        })
    };
}

macro_rules! pss {
    ($group:ident $mechanism:ident $hash:ident) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            parameter: Shape::Pss,
            group: Group::$group,
            sign: Some(|key| hashed_sign(&hash::$hash, Pss::new(key, Purpose::Sign, Some(&hash::$hash))?)),
            verify: Some(|key| hashed_verify(&hash::$hash, Pss::new(key, Purpose::Verify, Some(&hash::$hash))?)),
        })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_RSA_PKCS_KEY_PAIR_GEN {
        sizes: (rsa::MIN_GENERATED, rsa::MAX_BITS),
        key_types: TYPES,
        generate_pair: Some(rsa::generate),
    }),
    row!(CKM_RSA_PKCS {
        sizes: SIZES,
        key_types: TYPES,
        sign: Some(|key| Ok(Box::new(Direct(Pkcs1::new(key, Purpose::Sign, None)?)))),
        verify: Some(|key| Ok(Box::new(Direct(Pkcs1::new(key, Purpose::Verify, None)?)))),
        one_part: true,
        recover: Some(|key| Ok(Box::new(Pkcs1::new(key, Purpose::Recover, None)?))),
        encrypt: Some(|key| Ok(Box::new(Crypt::new(key, Purpose::Encrypt)?))),
        decrypt: Some(|key| Ok(Box::new(Crypt::new(key, Purpose::Decrypt)?))),
        wrapping: Some(PKCS1),
        kem: Some(kem::rsa::PKCS1),
    }),
    row!(CKM_RSA_PKCS_OAEP {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::Oaep,
        encrypt: Some(|key| Ok(Box::new(Crypt::new(key, Purpose::Encrypt)?))),
        decrypt: Some(|key| Ok(Box::new(Crypt::new(key, Purpose::Decrypt)?))),
        wrapping: Some(OAEP),
        kem: Some(kem::rsa::OAEP),
    }),
    row!(CKM_RSA_AES_KEY_WRAP {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::RsaAesKeyWrap,
        wrapping: Some(WITH_AES),
    }),
    row!(CKM_RSA_PKCS_PSS {
        sizes: SIZES,
        key_types: TYPES,
        parameter: Shape::Pss,
        sign: Some(|key| Ok(Box::new(Direct(Pss::new(key, Purpose::Sign, None)?)))),
        verify: Some(|key| Ok(Box::new(Direct(Pss::new(key, Purpose::Verify, None)?)))),
        one_part: true,
    }),
    pkcs1!(Legacy CKM_MD5_RSA_PKCS MD5),
    pkcs1!(Legacy CKM_RIPEMD160_RSA_PKCS RIPEMD160),
    pkcs1!(Legacy CKM_SHA1_RSA_PKCS SHA1),
    pkcs1!(Modern CKM_SHA224_RSA_PKCS SHA224),
    pkcs1!(Modern CKM_SHA256_RSA_PKCS SHA256),
    pkcs1!(Modern CKM_SHA384_RSA_PKCS SHA384),
    pkcs1!(Modern CKM_SHA512_RSA_PKCS SHA512),
    pkcs1!(Modern CKM_SHA3_224_RSA_PKCS SHA3_224),
    pkcs1!(Modern CKM_SHA3_256_RSA_PKCS SHA3_256),
    pkcs1!(Modern CKM_SHA3_384_RSA_PKCS SHA3_384),
    pkcs1!(Modern CKM_SHA3_512_RSA_PKCS SHA3_512),
    pss!(Legacy CKM_SHA1_RSA_PKCS_PSS SHA1),
    pss!(Modern CKM_SHA224_RSA_PKCS_PSS SHA224),
    pss!(Modern CKM_SHA256_RSA_PKCS_PSS SHA256),
    pss!(Modern CKM_SHA384_RSA_PKCS_PSS SHA384),
    pss!(Modern CKM_SHA512_RSA_PKCS_PSS SHA512),
    pss!(Modern CKM_SHA3_224_RSA_PKCS_PSS SHA3_224),
    pss!(Modern CKM_SHA3_256_RSA_PKCS_PSS SHA3_256),
    pss!(Modern CKM_SHA3_384_RSA_PKCS_PSS SHA3_384),
    pss!(Modern CKM_SHA3_512_RSA_PKCS_PSS SHA3_512),
];

fn hashed_sign<S: Scheme + 'static>(hash: &'static Hash, scheme: S) -> Result<Box<dyn Signer>> {
    Ok(Box::new(Hashed::new(hash, scheme)?))
}

fn hashed_verify<S: Scheme + 'static>(hash: &'static Hash, scheme: S) -> Result<Box<dyn Verifier>> {
    Ok(Box::new(Hashed::new(hash, scheme)?))
}

/// The bytes that PKCS #1 v1.5 padding needs at least.
const PADDING: usize = 11;
/// The longest DigestInfo before the digest, of the hashes here.
const DIGEST_INFO: usize = 19;

/// Whether a signature as long as the modulus is right.
pub(super) fn verdict(operation: &mut Operation, data: &[u8], signature: &[u8], len: usize) -> Result<()> {
    if signature.len() != len {
        return Err(Error::SignatureLenRange);
    }
    if operation.verify(data, signature) { Ok(()) } else { Err(Error::SignatureInvalid) }
}

/// What a signature as long as the modulus carries.
pub(super) fn recovered(operation: &mut Operation, signature: &[u8], output: &mut [u8], len: usize) -> Result<usize> {
    if signature.len() != len {
        return Err(Error::SignatureLenRange);
    }
    operation.recover(signature, output).ok_or(Error::SignatureInvalid)
}

/// RSASSA-PKCS1-v1_5, over a digest or over data as it is.
struct Pkcs1 {
    operation: Operation,
    len: usize,
}

impl Pkcs1 {
    fn new(key: &Arc<Key>, purpose: Purpose, hash: Option<&Hash>) -> Result<Self> {
        let (key, bits) = key.rsa_for(purpose)?;
        let len = rsa::bytes(bits);
        if hash.is_some_and(|hash| len < PADDING + DIGEST_INFO + hash.len()) {
            return Err(Error::KeySizeRange);
        }
        let mut operation = Operation::new(key, purpose).map_err(failed)?;
        operation.pkcs1(hash.map(|hash| hash.algorithm)).map_err(failed)?;
        Ok(Self { operation, len })
    }

    fn check(&self, data: &[u8]) -> Result<()> {
        // OpenSSL signs nothing at all but takes no such signature for valid: then it shall not be made either.
        if (1..=self.len - PADDING).contains(&data.len()) { Ok(()) } else { Err(Error::DataLenRange) }
    }
}

impl Scheme for Pkcs1 {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }
    fn signature_len(&self) -> usize {
        self.len
    }
    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        self.check(data)?;
        self.operation.sign(data, signature).map_err(failed)
    }
    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.check(data)?;
        verdict(&mut self.operation, data, signature, self.len)
    }
}

impl Recoverer for Pkcs1 {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()
    }
    /// OpenSSL asks for room for the modulus.
    fn data_len(&self) -> usize {
        self.len
    }
    fn recover(&mut self, signature: &[u8], output: &mut [u8]) -> Result<usize> {
        recovered(&mut self.operation, signature, output, self.len)
    }
}

/// RSASSA-PSS over a digest, made here or by the caller.
struct Pss {
    operation: Operation,
    bits: u64,
    /// The mechanism's own hash, which the parameter must name.
    own: Option<u64>,
    /// What is set up: hash, mask generation, salt length.
    present: Option<(u64, u64, u64)>,
    /// Bytes of the digest.
    digest: usize,
}

impl Pss {
    fn new(key: &Arc<Key>, purpose: Purpose, own: Option<&Hash>) -> Result<Self> {
        let (key, bits) = key.rsa_for(purpose)?;
        let operation = Operation::new(key, purpose).map_err(failed)?;
        Ok(Self { operation, bits, own: own.map(|hash| hash.mechanism), present: None, digest: 0 })
    }
}

impl Scheme for Pss {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let Parameter::Pss { hash, mgf, salt } = *parameter else { return Err(Error::MechanismParamInvalid) };
        if self.present == Some((hash, mgf, salt)) {
            return Ok(());
        }
        let digest = hash::named(hash).ok_or(Error::MechanismParamInvalid)?;
        let mask = hash::of_mgf(mgf).ok_or(Error::MechanismParamInvalid)?;
        // RFC 8017 section 9.1.1: digest, salt and two bytes fit into one bit less than the modulus.
        let room = rsa::bytes(self.bits - 1).checked_sub(digest.len() + 2).ok_or(Error::KeySizeRange)?;
        if self.own.is_some_and(|own| own != hash) || salt > room as u64 {
            return Err(Error::MechanismParamInvalid);
        }
        self.present = None;
        self.operation.pss(digest.algorithm, mask.algorithm, salt as u32).map_err(failed)?;
        self.digest = digest.len();
        self.present = Some((hash, mgf, salt));
        Ok(())
    }
    fn signature_len(&self) -> usize {
        rsa::bytes(self.bits)
    }
    fn sign(&mut self, data: &[u8], signature: &mut [u8]) -> Result<usize> {
        if data.len() != self.digest {
            return Err(Error::DataLenRange);
        }
        self.operation.sign(data, signature).map_err(failed)
    }
    fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        if data.len() != self.digest {
            return Err(Error::DataLenRange);
        }
        verdict(&mut self.operation, data, signature, rsa::bytes(self.bits))
    }
}

/// RSAES-PKCS1-v1_5 and RSAES-OAEP; single-part only.
struct Crypt {
    operation: Operation,
    purpose: Purpose,
    len: usize,
    /// The longest plaintext.
    room: usize,
    present: Option<Padding>,
}

#[derive(PartialEq, Eq)]
enum Padding {
    Pkcs1,
    Oaep { hash: u64, mgf: u64, label: Vec<u8> },
}

impl Padding {
    fn is(&self, parameter: &Parameter<'_>) -> bool {
        match (self, parameter) {
            (Padding::Pkcs1, Parameter::None) => true,
            (Padding::Oaep { hash, mgf, label }, Parameter::Oaep { hash: h, mgf: m, label: l, source }) => {
                hash == h
                    && mgf == m
                    && label == l
                    && (*source == ck::CKZ_DATA_SPECIFIED || l.is_empty() && *source == 0)
            }
            _ => false,
        }
    }
}

impl Crypt {
    fn new(key: &Arc<Key>, purpose: Purpose) -> Result<Self> {
        let (key, bits) = key.rsa_for(purpose)?;
        let operation = Operation::new(key, purpose).map_err(failed)?;
        Ok(Self { operation, purpose, len: rsa::bytes(bits), room: 0, present: None })
    }
}

impl Cipher for Crypt {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        if self.present.as_ref().is_some_and(|present| present.is(parameter)) {
            return Ok(());
        }
        self.present = None;
        match *parameter {
            Parameter::None => {
                self.operation.pkcs1(None).map_err(failed)?;
                self.room = self.len - PADDING;
                self.present = Some(Padding::Pkcs1);
            }
            Parameter::Oaep { hash, mgf, source, label } => {
                let digest = hash::named(hash).ok_or(Error::MechanismParamInvalid)?;
                let mask = hash::of_mgf(mgf).ok_or(Error::MechanismParamInvalid)?;
                if !(source == ck::CKZ_DATA_SPECIFIED || source == 0 && label.is_empty()) {
                    return Err(Error::MechanismParamInvalid);
                }
                self.room = self.len.checked_sub(2 + 2 * digest.len()).ok_or(Error::KeySizeRange)?;
                self.operation.oaep(digest.algorithm, mask.algorithm, label).map_err(failed)?;
                self.present = Some(Padding::Oaep { hash, mgf, label: label.to_vec() });
            }
            _ => return Err(Error::MechanismParamInvalid),
        }
        Ok(())
    }

    fn output_len(&self, _: usize, _: bool) -> usize {
        self.len
    }

    fn least_len(&self, _: usize) -> usize {
        if self.purpose == Purpose::Encrypt { self.len } else { 0 }
    }

    fn update(&mut self, _: &[u8], _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn finish(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::FunctionNotSupported)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        if self.purpose == Purpose::Encrypt {
            if input.len() > self.room {
                return Err(Error::DataLenRange);
            }
            return self.operation.encrypt(input, output).map_err(failed);
        }
        if input.len() != self.len {
            return Err(Error::EncryptedDataLenRange);
        }
        // One answer for whatever is wrong.
        self.operation.decrypt(input, output).map_err(|_| {
            output[..self.len].wipe();
            Error::EncryptedDataInvalid
        })
    }

    fn multi_part(&self) -> bool {
        false
    }
}

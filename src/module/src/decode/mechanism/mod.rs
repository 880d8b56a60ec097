//! CK_MECHANISM and the structures behind it. The row of a mechanism names the structure; a parameter that is not
//! exactly that becomes [`Parameter::Malformed`], which the core refuses in its turn: after session, state and key.
#![allow(unsafe_code)]

mod aead;
mod agreement;
pub mod back;
mod ike;
mod kdf;
mod otp;
mod password;
mod pq;
mod tls;

pub use aead::{Message, Wrapping, authenticated, message_or_cancel, wrapping};

use crate::pointer::{Plain, Pointer};
use cryptoki_sys as ck;
use sealhsm_core::mechanism::{Mechanism, Parameter, Row, Salt, Shape, lookup};
use sealhsm_core::{Error, Result};
use std::ffi::c_void;

/// A mechanism; NULL is `ArgumentsBad`.
pub fn mechanism<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<Mechanism<'c>> {
    let (mechanism, given) = raw(pointer)?;
    Ok(given.of(mechanism, lookup(mechanism)))
}

/// Its number, and the parameter as it is.
fn raw<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<(ck::CK_MECHANISM_TYPE, Given<'c>)> {
    let given = pointer.read()?;
    // SAFETY: the parameter is covered by the promise for the mechanism.
    let at = unsafe { pointer.inner(given.pParameter) };
    Ok((given.mechanism, Given { at, length: given.ulParameterLen }))
}

/// The mechanism of an Init call; NULL cancels.
pub fn mechanism_or_cancel<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<Option<Mechanism<'c>>> {
    if pointer.is_null() { Ok(None) } else { mechanism(pointer).map(Some) }
}

/// pParameter and ulParameterLen.
#[derive(Clone, Copy)]
struct Given<'c> {
    at: Pointer<'c, c_void>,
    length: u64,
}

/// The 40-byte CK_GCM_PARAMS of old headers: no ulIvBits.
#[derive(Clone, Copy)]
#[repr(C)]
struct ShortGcm {
    iv: *mut u8,
    iv_length: u64,
    aad: *mut u8,
    aad_length: u64,
    tag_bits: u64,
}
// SAFETY: integers and raw pointers.
unsafe impl Plain for ShortGcm {}

impl<'c> Given<'c> {
    /// As its row has it.
    fn of(self, mechanism: ck::CK_MECHANISM_TYPE, row: Option<&Row>) -> Mechanism<'c> {
        // The core knows no mechanism without a row and says so.
        let parameter = row.map_or(Ok(Parameter::None), |row| self.decode(row.parameter));
        Mechanism { mechanism, parameter: parameter.unwrap_or(Parameter::Malformed) }
    }

    fn decode(self, shape: Shape) -> Result<Parameter<'c>> {
        let none = self.at.is_null() && self.length == 0;
        match shape {
            Shape::None | Shape::IvOrNone(_) | Shape::EddsaOrNone | Shape::SignContextOrNone if none => {
                Ok(Parameter::None)
            }
            Shape::None => Err(Error::MechanismParamInvalid),
            Shape::Iv(length) | Shape::IvOrNone(length) => self.raw(length as u64),
            Shape::Ulong => self.structure().map(Parameter::Ulong),
            Shape::AesCtr => self.aes_ctr(),
            Shape::Gcm => self.gcm(),
            Shape::Oaep => self.oaep(),
            Shape::Pss => self.pss(),
            Shape::EddsaOrNone => self.eddsa(),
            Shape::RsaAesKeyWrap => self.rsa_aes_key_wrap(),
            Shape::Ecdh1 => self.ecdh1(),
            Shape::StringData => self.string_data(),
            Shape::CbcData => self.cbc_data(),
            Shape::Hkdf => self.hkdf(),
            Shape::Ccm => self.ccm(),
            Shape::ChaCha20Poly1305 => self.chacha20_poly1305(),
            Shape::Rc2Cbc => self.rc2_cbc(),
            Shape::Rc2MacGeneral => self.rc2_mac_general(),
            Shape::DesCbcData => self.des_cbc_data(),
            Shape::ChaCha20 => self.chacha20(),
            Shape::SignContextOrNone => self.sign_context(),
            Shape::HashSignContext => self.hash_sign_context(),
            Shape::Sp800108 => self.sp800_108(false),
            Shape::Sp800108Feedback => self.sp800_108(true),
            Shape::Pbkd2 => self.pbkd2(),
            Shape::Tls12Master => self.tls12_master(),
            Shape::Tls12ExtendedMaster => self.tls12_extended_master(),
            Shape::Tls12KeyMat => self.tls_keys(tls::KeyMatShape::Tls12),
            Shape::Tls12KeyMatSafe => self.tls_keys(tls::KeyMatShape::Safe),
            Shape::TlsKdf => self.tls_kdf(),
            Shape::TlsMac => self.tls_mac(),
            Shape::Ssl3Master => self.ssl3_master(),
            Shape::Ssl3KeyMat => self.tls_keys(tls::KeyMatShape::Ssl3),
            Shape::TlsPrf => self.tls_prf(),
            Shape::Ike2PrfPlus => self.ike2_prf_plus(),
            Shape::IkePrf => self.ike_prf(),
            Shape::Ike1Prf => self.ike1_prf(),
            Shape::Ike1Extended => self.ike1_extended(),
            Shape::Pbe => self.pbe(true),
            Shape::PbeWithoutIv => self.pbe(false),
            Shape::Otp => self.otp(),
            Shape::RawOrNone => self.bytes_or_none(),
            Shape::EcdhAesKeyWrap => self.ecdh_aes_key_wrap(),
            Shape::DsaParameters => self.dsa_parameters(),
            Shape::X942Dh1 => self.x9_42_dh1(),
        }
    }

    fn raw(self, length: u64) -> Result<Parameter<'c>> {
        if self.length != length {
            return Err(Error::MechanismParamInvalid);
        }
        self.at.as_bytes().bytes(length).map(Parameter::Bytes)
    }

    /// A structure of exactly the length given.
    fn structure<T: Plain>(self) -> Result<T> {
        if self.length != size_of::<T>() as u64 {
            return Err(Error::MechanismParamInvalid);
        }
        self.at.cast().read()
    }

    /// A byte string that a field of the structure points to.
    fn string<T>(self, pointer: *mut T, length: u64) -> Result<&'c [u8]> {
        // SAFETY: covered by the promise for the mechanism, like the structure it was found in.
        unsafe { self.at.inner(pointer.cast::<u8>()) }.bytes(length)
    }

    fn aes_ctr(self) -> Result<Parameter<'c>> {
        let given: ck::CK_AES_CTR_PARAMS = self.structure()?;
        Ok(Parameter::AesCtr { bits: given.ulCounterBits, block: given.cb })
    }

    /// ulIvBits is not to be used for the length of the IV, says the standard: some leave it 0, some leave it out.
    fn gcm(self) -> Result<Parameter<'c>> {
        let given: ShortGcm = if self.length == size_of::<ck::CK_GCM_PARAMS>() as u64 {
            let long: ck::CK_GCM_PARAMS = self.structure()?;
            ShortGcm {
                iv: long.pIv,
                iv_length: long.ulIvLen,
                aad: long.pAAD,
                aad_length: long.ulAADLen,
                tag_bits: long.ulTagBits,
            }
        } else {
            self.structure()?
        };
        Ok(Parameter::Gcm {
            iv: self.string(given.iv, given.iv_length)?,
            aad: self.string(given.aad, given.aad_length)?,
            tag_bits: given.tag_bits,
        })
    }

    fn oaep(self) -> Result<Parameter<'c>> {
        let given: ck::CK_RSA_PKCS_OAEP_PARAMS = self.structure()?;
        Ok(Parameter::Oaep {
            hash: given.hashAlg,
            mgf: given.mgf,
            source: given.source,
            label: self.string(given.pSourceData, given.ulSourceDataLen)?,
        })
    }

    fn pss(self) -> Result<Parameter<'c>> {
        let given: ck::CK_RSA_PKCS_PSS_PARAMS = self.structure()?;
        Ok(Parameter::Pss { hash: given.hashAlg, mgf: given.mgf, salt: given.sLen })
    }

    fn eddsa(self) -> Result<Parameter<'c>> {
        let given: ck::CK_EDDSA_PARAMS = self.structure()?;
        if given.phFlag > ck::CK_TRUE || given.ulContextDataLen > 255 {
            return Err(Error::MechanismParamInvalid);
        }
        let context = self.string(given.pContextData, given.ulContextDataLen)?;
        Ok(Parameter::Eddsa { prehash: given.phFlag == ck::CK_TRUE, context })
    }

    fn rsa_aes_key_wrap(self) -> Result<Parameter<'c>> {
        let given: ck::CK_RSA_AES_KEY_WRAP_PARAMS = self.structure()?;
        // SAFETY: covered by the promise for the mechanism, like the structure it was found in.
        let oaep: ck::CK_RSA_PKCS_OAEP_PARAMS = unsafe { self.at.inner(given.pOAEPParams) }.read()?;
        Ok(Parameter::RsaAesKeyWrap {
            aes_bits: given.ulAESKeyBits,
            hash: oaep.hashAlg,
            mgf: oaep.mgf,
            source: oaep.source,
            label: self.string(oaep.pSourceData, oaep.ulSourceDataLen)?,
        })
    }

    fn ecdh1(self) -> Result<Parameter<'c>> {
        let given: ck::CK_ECDH1_DERIVE_PARAMS = self.structure()?;
        Ok(Parameter::Ecdh1 {
            kdf: given.kdf,
            shared: self.string(given.pSharedData, given.ulSharedDataLen)?,
            public: self.string(given.pPublicData, given.ulPublicDataLen)?,
        })
    }

    fn string_data(self) -> Result<Parameter<'c>> {
        let given: ck::CK_KEY_DERIVATION_STRING_DATA = self.structure()?;
        self.string(given.pData, given.ulLen).map(Parameter::Bytes)
    }

    fn cbc_data(self) -> Result<Parameter<'c>> {
        let given: ck::CK_AES_CBC_ENCRYPT_DATA_PARAMS = self.structure()?;
        Ok(Parameter::CbcData { iv: given.iv, data: self.string(given.pData, given.length)? })
    }

    fn hkdf(self) -> Result<Parameter<'c>> {
        let given: ck::CK_HKDF_PARAMS = self.structure()?;
        let extract = flag(given.bExtract)?;
        let salt = match given.ulSaltType {
            // Nobody extracts: nothing is said about a salt.
            _ if !extract => Salt::None,
            ck::CKF_HKDF_SALT_NULL => Salt::None,
            ck::CKF_HKDF_SALT_DATA => Salt::Data(self.string(given.pSalt, given.ulSaltLen)?),
            ck::CKF_HKDF_SALT_KEY => Salt::Key(given.hSaltKey),
            _ => return Err(Error::MechanismParamInvalid),
        };
        let info = self.string(given.pInfo, given.ulInfoLen)?;
        Ok(Parameter::Hkdf { extract, expand: flag(given.bExpand)?, hash: given.prfHashMechanism, salt, info })
    }
}

/// A flag of a structure.
fn flag(given: ck::CK_BBOOL) -> Result<bool> {
    match given {
        ck::CK_FALSE => Ok(false),
        ck::CK_TRUE => Ok(true),
        _ => Err(Error::MechanismParamInvalid),
    }
}

mod symmetric;
#[cfg(test)]
mod tests;

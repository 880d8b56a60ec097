//! CK_MECHANISM and the structures behind it. The row of a mechanism names the structure; a parameter that is not
//! exactly that becomes [`Parameter::Malformed`], which the core refuses in its turn: after session, state and key.
#![allow(unsafe_code)]

use crate::pointer::{Plain, Pointer};
use cryptoki_sys as ck;
use sealhsm_core::mechanism::{Mechanism, Parameter, Salt, Shape, lookup};
use sealhsm_core::{Error, Result};
use std::ffi::c_void;

/// A mechanism; NULL is `ArgumentsBad`.
pub fn mechanism<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<Mechanism<'c>> {
    let given = pointer.read()?;
    // SAFETY: the parameter is covered by the promise for the mechanism.
    let parameter = unsafe { pointer.inner(given.pParameter) };
    let parameter = match lookup(given.mechanism) {
        Some(row) => Given { at: parameter, length: given.ulParameterLen }.decode(row.parameter),
        // The core knows no such mechanism and says so.
        None => Ok(Parameter::None),
    };
    Ok(Mechanism { mechanism: given.mechanism, parameter: parameter.unwrap_or(Parameter::Malformed) })
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
    fn decode(self, shape: Shape) -> Result<Parameter<'c>> {
        let none = self.at.is_null() && self.length == 0;
        match shape {
            Shape::None | Shape::IvOrNone(_) | Shape::EddsaOrNone if none => Ok(Parameter::None),
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

#[cfg(test)]
mod tests {
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
        }
    }

    #[test]
    fn null_is_no_parameter_and_null_with_a_length_is_malformed() {
        for shape in [Shape::None, Shape::IvOrNone(16), Shape::EddsaOrNone] {
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
        let expected = Parameter::Gcm { iv: &[1; 12], aad: &[2; 3], tag_bits: 128 };
        decode(Shape::Gcm, &mut given, 0, |got| assert_eq!(got, Some(expected)));
        let mut short = ShortGcm { iv: given.pIv, iv_length: 12, aad: given.pAAD, aad_length: 3, tag_bits: 128 };
        decode(Shape::Gcm, &mut short, 0, |got| assert_eq!(got, Some(expected)));
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
}

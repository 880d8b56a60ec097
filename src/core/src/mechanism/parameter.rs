//! Mechanism parameters in Rust's types. The module turns C structures into these, guided by the
//! [`Shape`] of the row; whether the values make sense is checked by the mechanism itself.

use super::aead::Message;
use super::derive::agreement;
use super::derive::ike::Ike;
use super::derive::sp800_108::Sp800108;
use super::derive::tls::Tls;
use super::hotp::Otp;
use super::message::Layout;
use super::{hash, password};
use crate::{Error, Result};
use cryptoki_sys as ck;

/// CK_MECHANISM after decoding.
#[derive(Debug)]
pub struct Mechanism<'a> {
    /// CK_MECHANISM_TYPE.
    pub mechanism: u64,
    /// Its parameter.
    pub parameter: Parameter<'a>,
}

/// Which C structure a mechanism takes. `*Or*` shapes also take no parameter at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No parameter: pParameter NULL and length 0, else CKR_MECHANISM_PARAM_INVALID.
    None,
    /// Raw bytes of exactly this length (an IV).
    Iv(usize),
    /// Raw bytes of this length, or none.
    IvOrNone(usize),
    /// CK_ULONG (CK_MAC_GENERAL_PARAMS and others).
    Ulong,
    /// CK_AES_CTR_PARAMS.
    AesCtr,
    /// CK_GCM_PARAMS, 48 bytes, or the 40-byte form without ulIvBits.
    Gcm,
    /// CK_RSA_PKCS_OAEP_PARAMS.
    Oaep,
    /// CK_RSA_PKCS_PSS_PARAMS.
    Pss,
    /// CK_EDDSA_PARAMS or none.
    EddsaOrNone,
    /// CK_RSA_AES_KEY_WRAP_PARAMS.
    RsaAesKeyWrap,
    /// CK_ECDH1_DERIVE_PARAMS.
    Ecdh1,
    /// CK_KEY_DERIVATION_STRING_DATA.
    StringData,
    /// CK_AES_CBC_ENCRYPT_DATA_PARAMS.
    CbcData,
    /// CK_HKDF_PARAMS.
    Hkdf,
    /// CK_CCM_PARAMS.
    Ccm,
    /// CK_SALSA20_CHACHA20_POLY1305_PARAMS.
    ChaCha20Poly1305,
    /// CK_RC2_CBC_PARAMS.
    Rc2Cbc,
    /// CK_RC2_MAC_GENERAL_PARAMS.
    Rc2MacGeneral,
    /// CK_DES_CBC_ENCRYPT_DATA_PARAMS.
    DesCbcData,
    /// CK_CHACHA20_PARAMS.
    ChaCha20,
    /// CK_SIGN_ADDITIONAL_CONTEXT or none.
    SignContextOrNone,
    /// CK_HASH_SIGN_ADDITIONAL_CONTEXT.
    HashSignContext,
    /// CK_SP800_108_KDF_PARAMS.
    Sp800108,
    /// CK_SP800_108_FEEDBACK_KDF_PARAMS.
    Sp800108Feedback,
    /// CK_PKCS5_PBKD2_PARAMS2, or CK_PKCS5_PBKD2_PARAMS with a pointer to the length of the password.
    Pbkd2,
    /// CK_TLS12_MASTER_KEY_DERIVE_PARAMS.
    Tls12Master,
    /// CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS.
    Tls12ExtendedMaster,
    /// CK_TLS12_KEY_MAT_PARAMS.
    Tls12KeyMat,
    /// CK_TLS12_KEY_MAT_PARAMS of which ulIVSizeInBits is ignored.
    Tls12KeyMatSafe,
    /// CK_TLS_KDF_PARAMS.
    TlsKdf,
    /// CK_TLS_MAC_PARAMS.
    TlsMac,
    /// CK_SSL3_MASTER_KEY_DERIVE_PARAMS.
    Ssl3Master,
    /// CK_SSL3_KEY_MAT_PARAMS.
    Ssl3KeyMat,
    /// CK_TLS_PRF_PARAMS.
    TlsPrf,
    /// CK_IKE2_PRF_PLUS_DERIVE_PARAMS.
    Ike2PrfPlus,
    /// CK_IKE_PRF_DERIVE_PARAMS.
    IkePrf,
    /// CK_IKE1_PRF_DERIVE_PARAMS.
    Ike1Prf,
    /// CK_IKE1_EXTENDED_DERIVE_PARAMS.
    Ike1Extended,
    /// CK_PBE_PARAMS with a place for the IV.
    Pbe,
    /// CK_PBE_PARAMS of which pInitVector is ignored.
    PbeWithoutIv,
    /// CK_OTP_PARAMS.
    Otp,
}

/// A decoded parameter; byte strings borrow from the caller for the duration of the call.
#[derive(Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// None given.
    None,
    /// Not what the row's shape says: `MechanismParamInvalid` when its turn comes, see [`Parameter::well_formed`].
    Malformed,
    /// Raw bytes.
    Bytes(&'a [u8]),
    /// A number.
    Ulong(u64),
    /// CK_AES_CTR_PARAMS: counter bits (not yet checked) and the 16-byte counter block.
    AesCtr {
        /// ulCounterBits.
        bits: u64,
        /// cb.
        block: [u8; 16],
    },
    /// CK_GCM_PARAMS.
    Gcm {
        /// pIv.
        iv: &'a [u8],
        /// pAAD.
        aad: &'a [u8],
        /// ulTagBits.
        tag_bits: u64,
    },
    /// CK_RSA_PKCS_OAEP_PARAMS.
    Oaep {
        /// hashAlg, a CKM_.
        hash: u64,
        /// CKG_MGF1_.
        mgf: u64,
        /// source, CKZ_DATA_SPECIFIED or 0.
        source: u64,
        /// pSourceData.
        label: &'a [u8],
    },
    /// CK_RSA_PKCS_PSS_PARAMS.
    Pss {
        /// hashAlg, a CKM_.
        hash: u64,
        /// CKG_MGF1_.
        mgf: u64,
        /// sLen in bytes.
        salt: u64,
    },
    /// CK_EDDSA_PARAMS.
    Eddsa {
        /// phFlag.
        prehash: bool,
        /// pContextData, at most 255 bytes.
        context: &'a [u8],
    },
    /// CK_RSA_AES_KEY_WRAP_PARAMS, with the CK_RSA_PKCS_OAEP_PARAMS behind it.
    RsaAesKeyWrap {
        /// ulAESKeyBits.
        aes_bits: u64,
        /// hashAlg, a CKM_.
        hash: u64,
        /// CKG_MGF1_.
        mgf: u64,
        /// source.
        source: u64,
        /// pSourceData.
        label: &'a [u8],
    },
    /// CK_ECDH1_DERIVE_PARAMS.
    Ecdh1 {
        /// CKD_.
        kdf: u64,
        /// pSharedData.
        shared: &'a [u8],
        /// pPublicData: the other side's point.
        public: &'a [u8],
    },
    /// CK_AES_CBC_ENCRYPT_DATA_PARAMS.
    CbcData {
        /// iv.
        iv: [u8; 16],
        /// pData.
        data: &'a [u8],
    },
    /// CK_HKDF_PARAMS.
    Hkdf {
        /// bExtract.
        extract: bool,
        /// bExpand.
        expand: bool,
        /// prfHashMechanism, a CKM_.
        hash: u64,
        /// ulSaltType and what belongs to it.
        salt: Salt<'a>,
        /// pInfo.
        info: &'a [u8],
    },
    /// CK_CCM_PARAMS, CK_SALSA20_CHACHA20_POLY1305_PARAMS, CK_GCM_WRAP_PARAMS, CK_CCM_WRAP_PARAMS.
    Aead(Message<'a>),
    /// What a message process is begun with.
    MessageLayout(Layout),
    /// CK_RC2_CBC_PARAMS.
    Rc2Cbc {
        /// ulEffectiveBits.
        bits: u64,
        /// iv.
        iv: [u8; 8],
    },
    /// CK_RC2_MAC_GENERAL_PARAMS.
    Rc2MacGeneral {
        /// ulEffectiveBits.
        bits: u64,
        /// ulMacLength in bytes.
        len: u64,
    },
    /// CK_DES_CBC_ENCRYPT_DATA_PARAMS.
    DesCbcData {
        /// iv.
        iv: [u8; 8],
        /// pData.
        data: &'a [u8],
    },
    /// CK_CHACHA20_PARAMS; both in whole bytes, little-endian as RFC 8439 has them.
    ChaCha20 {
        /// pBlockCounter.
        counter: &'a [u8],
        /// pNonce.
        nonce: &'a [u8],
    },
    /// CK_SIGN_ADDITIONAL_CONTEXT, CK_HASH_SIGN_ADDITIONAL_CONTEXT.
    SignContext {
        /// hedgeVariant, a CKH_.
        hedge: u64,
        /// pContext.
        context: &'a [u8],
        /// hash, a CKM_, where the structure has it.
        hash: Option<u64>,
    },
    /// CK_SP800_108_KDF_PARAMS or CK_SP800_108_FEEDBACK_KDF_PARAMS.
    Sp800108(Box<Sp800108<'a>>),
    /// CK_PKCS5_PBKD2_PARAMS2.
    Pbkd2 {
        /// pSaltSourceData.
        salt: &'a [u8],
        /// iterations.
        iterations: u64,
        /// prf, a CKP_.
        prf: u64,
        /// pPassword.
        password: &'a [u8],
    },
    /// One of the structures of TLS.
    Tls(Tls<'a>),
    /// One of the structures of IKE.
    Ike(Ike<'a>),
    /// CK_OTP_PARAMS.
    Otp(Otp),
    /// CK_PBE_PARAMS.
    Pbe {
        /// pPassword.
        password: &'a [u8],
        /// pSalt.
        salt: &'a [u8],
        /// ulIteration.
        iterations: u64,
    },
}

/// The salt of HKDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salt<'a> {
    /// CKF_HKDF_SALT_NULL.
    None,
    /// CKF_HKDF_SALT_DATA.
    Data(&'a [u8]),
    /// CKF_HKDF_SALT_KEY: a handle.
    Key(u64),
}

impl<'a> Parameter<'a> {
    /// Nothing, for mechanisms without a parameter.
    pub fn none(&self) -> Result<()> {
        if *self == Parameter::None { Ok(()) } else { Err(Error::MechanismParamInvalid) }
    }

    /// Raw bytes of exactly this length.
    pub fn bytes(&self, len: usize) -> Result<&'a [u8]> {
        match self {
            Parameter::Bytes(bytes) if bytes.len() == len => Ok(bytes),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    /// CKM_ of what the parameter names to work with: hashes, pseudorandom functions. The configuration may deny one.
    pub fn named(&self) -> [Option<u64>; 3] {
        let mask = |mgf| hash::of_mgf(mgf).map(|hash| hash.mechanism);
        match *self {
            Parameter::Oaep { hash, mgf, .. } | Parameter::RsaAesKeyWrap { hash, mgf, .. } => {
                [Some(hash), mask(mgf), None]
            }
            // Signatures over SHA-1 have names of their own, under which they are denied.
            Parameter::Pss { hash: ck::CKM_SHA_1, mgf, .. } => {
                [Some(ck::CKM_SHA_1), mask(mgf), Some(ck::CKM_SHA1_RSA_PKCS_PSS)]
            }
            Parameter::Pss { hash, mgf, .. } => [Some(hash), mask(mgf), None],
            Parameter::Hkdf { hash, .. } => [Some(hash), None, None],
            Parameter::SignContext { hash, .. } => [hash, None, None],
            Parameter::Ecdh1 { kdf, .. } => [agreement::hash_of(kdf), None, None],
            Parameter::Pbkd2 { prf, .. } => [password::hash_of(prf), None, None],
            Parameter::Sp800108(ref given) => [Some(given.prf), None, None],
            Parameter::Tls(
                Tls::Master { prf, .. } | Tls::Keys { prf, .. } | Tls::Kdf { prf, .. } | Tls::Mac { prf, .. },
            ) => [Some(prf), None, None],
            Parameter::Ike(
                Ike::PrfPlus { prf, .. } | Ike::Prf { prf, .. } | Ike::One { prf, .. } | Ike::Extended { prf, .. },
            ) => [Some(prf), None, None],
            _ => [None; 3],
        }
    }

    /// The parameter, unless it is [`Parameter::Malformed`].
    pub fn well_formed(&self) -> Result<&Self> {
        match self {
            Parameter::Malformed => Err(Error::MechanismParamInvalid),
            parameter => Ok(parameter),
        }
    }
}

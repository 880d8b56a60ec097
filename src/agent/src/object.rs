//! The objects that the agent makes, as TPM structures: the storage key, the sealed object and its policies; which
//! existing key is fit to be a parent; their marshalled form.
#![allow(unsafe_code)]

use crate::esys::{Rc, Result, check};
use crate::tpm2;
use tss_esapi_sys as ffi;
use tss_esapi_sys::{TPM2B_PRIVATE, TPM2B_PUBLIC};

/// Which authorization a sealed object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// PolicyAuthValue.
    AuthValue,
    /// PolicyCommandCode(Unseal).
    UnsealOnly,
}

impl Policy {
    /// The authPolicy: SHA-256 over 32 zero bytes and the policy command's code (and, for the second, TPM_CC_Unseal).
    pub fn digest(self) -> [u8; 32] {
        match self {
            Policy::AuthValue => [
                0x8f, 0xcd, 0x21, 0x69, 0xab, 0x92, 0x69, 0x4e, 0x0c, 0x63, 0x3f, 0x1a, 0xb7, 0x72, 0x84, 0x2b, 0x82,
                0x41, 0xbb, 0xc2, 0x02, 0x88, 0x98, 0x1f, 0xc7, 0xac, 0x1e, 0xdd, 0xc1, 0xfd, 0xdb, 0x0e,
            ],
            Policy::UnsealOnly => [
                0xe6, 0x13, 0x13, 0x70, 0x76, 0x52, 0x4b, 0xde, 0x48, 0x75, 0x33, 0x86, 0x58, 0x84, 0xe9, 0x73, 0x2e,
                0xbe, 0xe3, 0xaa, 0xcb, 0x09, 0x5d, 0x94, 0xa6, 0xde, 0x49, 0x2e, 0xc0, 0x6c, 0x46, 0xfa,
            ],
        }
    }
}

/// The storage key of the TCG Provisioning Guidance, ECC P-256, `unique` empty as systemd's.
pub fn storage_template() -> TPM2B_PUBLIC {
    let mut public = TPM2B_PUBLIC::default();
    let area = &mut public.publicArea;
    area.type_ = tpm2::ALG_ECC;
    area.nameAlg = tpm2::ALG_SHA256;
    area.objectAttributes = tpm2::OBJECT_STORAGE_KEY;
    let mut ecc = ffi::TPMS_ECC_PARMS::default();
    ecc.symmetric.algorithm = tpm2::ALG_AES;
    ecc.symmetric.keyBits.aes = 128;
    ecc.symmetric.mode.aes = tpm2::ALG_CFB;
    ecc.scheme.scheme = tpm2::ALG_NULL;
    ecc.curveID = tpm2::ECC_NIST_P256;
    ecc.kdf.scheme = tpm2::ALG_NULL;
    area.parameters.eccDetail = ecc;
    public
}

/// A keyed-hash object that only its policy opens.
pub fn sealed_template(policy: Policy) -> TPM2B_PUBLIC {
    let mut public = TPM2B_PUBLIC::default();
    let area = &mut public.publicArea;
    area.type_ = tpm2::ALG_KEYEDHASH;
    area.nameAlg = tpm2::ALG_SHA256;
    area.objectAttributes = tpm2::OBJECT_FIXED_TPM | tpm2::OBJECT_FIXED_PARENT;
    if policy == Policy::UnsealOnly {
        area.objectAttributes |= tpm2::OBJECT_NO_DA;
    }
    area.authPolicy.size = 32;
    area.authPolicy.buffer[..32].copy_from_slice(&policy.digest());
    let mut detail = ffi::TPMS_KEYEDHASH_PARMS::default();
    detail.scheme.scheme = tpm2::ALG_NULL;
    area.parameters.keyedHashDetail = detail;
    public
}

/// Why a key is no parent for us, if it is not: the template of the TCG, ECC P-256 or RSA-2048, noDA.
pub fn unfit_parent(public: &TPM2B_PUBLIC) -> std::result::Result<&'static str, String> {
    let area = &public.publicArea;
    if area.objectAttributes & tpm2::OBJECT_NO_DA == 0 {
        return Err("it is subject to the dictionary-attack lockout (noDA is not set)".into());
    }
    if area.objectAttributes != tpm2::OBJECT_STORAGE_KEY || area.nameAlg != tpm2::ALG_SHA256 {
        return Err(format!("its attributes {:#x} are not those of a storage key", area.objectAttributes));
    }
    let (template, symmetric) = match area.type_ {
        // SAFETY: the type of the key decides which member of the union is valid, and the library checked it.
        tpm2::ALG_ECC => unsafe {
            let ecc = area.parameters.eccDetail;
            ((ecc.curveID == tpm2::ECC_NIST_P256).then_some("ecc-p256"), ecc.symmetric)
        },
        // SAFETY: as above.
        tpm2::ALG_RSA => unsafe {
            let rsa = area.parameters.rsaDetail;
            ((rsa.keyBits == 2048).then_some("rsa-2048"), rsa.symmetric)
        },
        _ => return Err("it is neither an ECC nor an RSA key".into()),
    };
    // SAFETY: both members are the same 16-bit number in every symmetric algorithm that has them.
    let aes = symmetric.algorithm == tpm2::ALG_AES && unsafe { symmetric.mode.aes } == tpm2::ALG_CFB;
    template.filter(|_| aes).ok_or_else(|| "its curve, size or symmetric algorithm is another".into())
}

const MARSHALLED: usize = 1024;

/// As stored and sent: with its length in front.
pub fn marshal_public(public: &TPM2B_PUBLIC) -> Result<Vec<u8>> {
    let (mut buffer, mut length) = ([0u8; MARSHALLED], 0);
    // SAFETY: a live value and a buffer of that length.
    check(unsafe { ffi::Tss2_MU_TPM2B_PUBLIC_Marshal(public, buffer.as_mut_ptr(), MARSHALLED as _, &mut length) })?;
    Ok(buffer[..(length as usize).min(MARSHALLED)].to_vec())
}

/// See [`marshal_public`].
pub fn marshal_private(private: &TPM2B_PRIVATE) -> Result<Vec<u8>> {
    let (mut buffer, mut length) = ([0u8; MARSHALLED * 2], 0);
    // SAFETY: a live value and a buffer of that length.
    check(unsafe { ffi::Tss2_MU_TPM2B_PRIVATE_Marshal(private, buffer.as_mut_ptr(), buffer.len() as _, &mut length) })?;
    Ok(buffer[..(length as usize).min(buffer.len())].to_vec())
}

/// TPM_RC_INTEGRITY for a blob that is no TPM structure at all.
const DAMAGED: Rc = Rc(0x1df);

/// Reads what [`marshal_public`] wrote, and nothing else: the library ignores the outer length.
pub fn unmarshal_public(bytes: &[u8]) -> Result<TPM2B_PUBLIC> {
    let (mut public, mut offset) = (TPM2B_PUBLIC::default(), 0);
    // SAFETY: the buffer is live and of that length; the library checks every length inside.
    check(unsafe { ffi::Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.as_ptr(), bytes.len() as _, &mut offset, &mut public) })
        .map_err(|_| DAMAGED)?;
    if marshal_public(&public)? == bytes { Ok(public) } else { Err(DAMAGED) }
}

/// Reads what [`marshal_private`] wrote, and nothing else.
pub fn unmarshal_private(bytes: &[u8]) -> Result<TPM2B_PRIVATE> {
    let (mut private, mut offset) = (TPM2B_PRIVATE::default(), 0);
    // SAFETY: as above.
    check(unsafe { ffi::Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes.as_ptr(), bytes.len() as _, &mut offset, &mut private) })
        .map_err(|_| DAMAGED)?;
    if marshal_private(&private)? == bytes { Ok(private) } else { Err(DAMAGED) }
}

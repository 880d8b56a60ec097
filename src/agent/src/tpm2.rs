//! Constants of TPM 2.0 (Part 2: Structures) that the FFI crate does not carry.

/// TPM_ALG_ID, table 9.
pub const ALG_RSA: u16 = 0x0001;
/// See [`ALG_RSA`].
pub const ALG_AES: u16 = 0x0006;
/// See [`ALG_RSA`].
pub const ALG_KEYEDHASH: u16 = 0x0008;
/// See [`ALG_RSA`].
pub const ALG_SHA256: u16 = 0x000b;
/// See [`ALG_RSA`].
pub const ALG_NULL: u16 = 0x0010;
/// See [`ALG_RSA`].
pub const ALG_ECC: u16 = 0x0023;
/// See [`ALG_RSA`].
pub const ALG_CFB: u16 = 0x0043;
/// TPM_ECC_CURVE, table 10.
pub const ECC_NIST_P256: u16 = 0x0003;
/// TPM_SE, table 42.
pub const SE_HMAC: u8 = 0x00;
/// See [`SE_HMAC`].
pub const SE_POLICY: u8 = 0x01;
/// TPM_CC, table 12.
pub const CC_UNSEAL: u32 = 0x0000_015e;
/// TPM_SU, table 20.
pub const SU_CLEAR: u16 = 0x0000;
/// TPM_CAP, table 22.
pub const CAP_HANDLES: u32 = 0x0000_0001;
/// See [`CAP_HANDLES`].
pub const CAP_TPM_PROPERTIES: u32 = 0x0000_0006;

/// TPM_PT, table 23. The four words of the vendor string follow it.
pub const PT_MANUFACTURER: u32 = 0x105;
/// TPMA_PERMANENT, first of the variable properties.
pub const PT_PERMANENT: u32 = 0x200;
/// Wrong tries so far.
pub const PT_LOCKOUT_COUNTER: u32 = 0x20e;
/// Tries before lockout.
pub const PT_MAX_AUTH_FAIL: u32 = 0x20f;
/// Seconds per forgiven try.
pub const PT_LOCKOUT_INTERVAL: u32 = 0x210;
/// TPMA_PERMANENT, table 33.
pub const PERMANENT_OWNER_AUTH_SET: u32 = 1 << 0;
/// See [`PERMANENT_OWNER_AUTH_SET`].
pub const PERMANENT_LOCKOUT_AUTH_SET: u32 = 1 << 2;
/// See [`PERMANENT_OWNER_AUTH_SET`].
pub const PERMANENT_IN_LOCKOUT: u32 = 1 << 9;

/// TPMA_OBJECT, table 31.
pub const OBJECT_FIXED_TPM: u32 = 1 << 1;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_FIXED_PARENT: u32 = 1 << 4;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_USER_WITH_AUTH: u32 = 1 << 6;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_NO_DA: u32 = 1 << 10;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_RESTRICTED: u32 = 1 << 16;
/// See [`OBJECT_FIXED_TPM`].
pub const OBJECT_DECRYPT: u32 = 1 << 17;
/// The storage key of the TCG Provisioning Guidance: 0x30472.
pub const OBJECT_STORAGE_KEY: u32 = OBJECT_FIXED_TPM
    | OBJECT_FIXED_PARENT
    | OBJECT_SENSITIVE_DATA_ORIGIN
    | OBJECT_USER_WITH_AUTH
    | OBJECT_NO_DA
    | OBJECT_RESTRICTED
    | OBJECT_DECRYPT;

/// TPMA_SESSION, table 32: the command's first parameter is encrypted.
pub const SESSION_DECRYPT: u8 = 1 << 5;
/// TPMA_SESSION: the response's first parameter is encrypted.
pub const SESSION_ENCRYPT: u8 = 1 << 6;

/// The handle where the TCG Provisioning Guidance puts the storage root key.
pub const SRK_HANDLE: u32 = 0x8100_0001;
/// First transient object handle.
pub const TRANSIENT_FIRST: u32 = 0x8000_0000;
/// First handle that names loaded sessions in TPM2_GetCapability.
pub const LOADED_SESSION_FIRST: u32 = 0x0200_0000;

/// TPM_RC, table 16, after [`bare`].
pub const RC_INITIALIZE: u32 = 0x100;
/// See [`RC_INITIALIZE`].
pub const RC_AUTH_FAIL: u32 = 0x08e;
/// See [`RC_INITIALIZE`].
pub const RC_HANDLE: u32 = 0x08b;
/// See [`RC_INITIALIZE`].
pub const RC_INTEGRITY: u32 = 0x09f;
/// See [`RC_INITIALIZE`].
pub const RC_BAD_AUTH: u32 = 0x0a2;
/// See [`RC_INITIALIZE`].
pub const RC_OBJECT_MEMORY: u32 = 0x902;
/// See [`RC_INITIALIZE`].
pub const RC_SESSION_MEMORY: u32 = 0x903;
/// See [`RC_INITIALIZE`].
pub const RC_YIELDED: u32 = 0x908;
/// See [`RC_INITIALIZE`].
pub const RC_TESTING: u32 = 0x90a;
/// See [`RC_INITIALIZE`].
pub const RC_LOCKOUT: u32 = 0x921;
/// See [`RC_INITIALIZE`].
pub const RC_RETRY: u32 = 0x922;
/// See [`RC_INITIALIZE`].
pub const RC_NV_DEFINED: u32 = 0x14c;

/// Whether a response code came from the TPM or its resource manager, and not from the library or the transport.
pub fn from_tpm(rc: u32) -> bool {
    matches!(rc >> 16, 0x00 | 0x0b)
}

/// A TPM response code without layer, and format-one codes without the number of the parameter, handle or session.
pub fn bare(rc: u32) -> u32 {
    let rc = rc & 0xffff;
    if rc & 0x80 != 0 { rc & 0x0bf } else { rc }
}

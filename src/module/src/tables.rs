//! The function lists and the interfaces over them. The names below are the only list of all functions: a table that
//! lacks one, or has one with another signature, does not compile.
#![allow(unsafe_code)]

use crate::chapter::*;
use cryptoki_sys::*;

macro_rules! tables {
    (2.40 { $($v240:ident)* } 3.0 { $($v30:ident)* } 3.2 { $($v32:ident)* }) => {
        /// What C_GetFunctionList hands out.
        pub static V2_40: CK_FUNCTION_LIST = CK_FUNCTION_LIST { version: version(2, 40), $($v240: Some($v240),)* };
        static V3_0: CK_FUNCTION_LIST_3_0 =
            CK_FUNCTION_LIST_3_0 { version: version(3, 0), $($v240: Some($v240),)* $($v30: Some($v30),)* };
        static V3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: version(3, 2),
            $($v240: Some($v240),)* $($v30: Some($v30),)* $($v32: Some($v32),)*
        };
    };
}

tables! {
    2.40 {
        C_Initialize C_Finalize C_GetInfo C_GetFunctionList
        C_GetSlotList C_GetSlotInfo C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN
        C_OpenSession C_CloseSession C_CloseAllSessions C_GetSessionInfo C_GetOperationState C_SetOperationState
        C_Login C_Logout
        C_CreateObject C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue
        C_FindObjectsInit C_FindObjects C_FindObjectsFinal
        C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt C_DecryptUpdate C_DecryptFinal
        C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal
        C_SignInit C_Sign C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover
        C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover
        C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate
        C_GenerateKey C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey
        C_SeedRandom C_GenerateRandom C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent
    }
    3.0 {
        C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel
        C_MessageEncryptInit C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal
        C_MessageDecryptInit C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal
        C_MessageSignInit C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal
        C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal
    }
    3.2 {
        C_EncapsulateKey C_DecapsulateKey
        C_VerifySignatureInit C_VerifySignature C_VerifySignatureUpdate C_VerifySignatureFinal
        C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin
        C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated
    }
}

/// The name of every interface here.
pub const NAME: &std::ffi::CStr = c"PKCS 11";

/// All interfaces, newest first.
static INTERFACES: [Interface; 3] = [
    Interface::over(&raw const V3_2 as *const CK_VERSION),
    Interface::over(&raw const V3_0 as *const CK_VERSION),
    Interface::over(&raw const V2_40 as *const CK_VERSION),
];

/// The interfaces that clients are told of, newest first.
pub fn interfaces() -> &'static [Interface] {
    &INTERFACES
}

/// CK_INTERFACE, which may be shared between threads.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Interface(pub CK_INTERFACE);

// SAFETY: its pointers lead to statics that nobody writes to.
unsafe impl Sync for Interface {}

impl Interface {
    const fn over(table: *const CK_VERSION) -> Self {
        Interface(CK_INTERFACE {
            pInterfaceName: NAME.as_ptr().cast_mut().cast(),
            pFunctionList: table.cast_mut().cast(),
            flags: 0,
        })
    }

    /// The version of its functions.
    pub fn version(&self) -> CK_VERSION {
        // SAFETY: made by `over`, which takes a table; every table begins with its version.
        unsafe { *self.0.pFunctionList.cast::<CK_VERSION>() }
    }
}

const fn version(major: u8, minor: u8) -> CK_VERSION {
    CK_VERSION { major, minor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_the_functions_of_its_version_and_says_so() {
        let functions = |size: usize| (size - size_of::<usize>()) / size_of::<usize>();
        assert_eq!(functions(size_of::<CK_FUNCTION_LIST>()), 68);
        assert_eq!(functions(size_of::<CK_FUNCTION_LIST_3_0>()), 92);
        assert_eq!(functions(size_of::<CK_FUNCTION_LIST_3_2>()), 104);
        let versions = INTERFACES.iter().map(Interface::version).map(|v| (v.major, v.minor));
        assert_eq!(versions.collect::<Vec<_>>(), [(3, 2), (3, 0), (2, 40)]);
    }
}

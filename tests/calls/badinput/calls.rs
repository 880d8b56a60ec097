//! Every function of the standard with the same few arguments: each pointer NULL, or each pointer to a page of zeros.
#![allow(unsafe_code)]

use crate::badinput::in_good_health;
use kit::{Module, Rv, Session, ck, isolated};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// What stands for every argument of its kind.
struct Arguments {
    slot: ck::CK_SLOT_ID,
    session: ck::CK_SESSION_HANDLE,
    key: ck::CK_OBJECT_HANDLE,
    /// Lengths, counts, flags, types.
    number: ck::CK_ULONG,
    /// Where pointers point to.
    page: Option<UnsafeCell<[u64; 512]>>,
}

impl Arguments {
    fn at<T>(&self) -> *mut T {
        let Some(page) = &self.page else { return null_mut() };
        // SAFETY: no reference into the page is kept anywhere.
        unsafe { (*page.get()).fill(0) };
        page.get().cast()
    }
}

/// A function by its name.
struct Call {
    name: &'static str,
    call: fn(&ck::Pkcs11, &Arguments) -> ck::CK_RV,
}

macro_rules! calls {
    ($of:ident: $($name:ident($($argument:expr),*);)*) => {
        /// All but those that work before C_Initialize and after C_Finalize.
        const CALLS: &[Call] = &[$(Call {
            name: stringify!($name),
            // SAFETY: NULL, or zeros as far as any length or count here reaches.
            call: |raw, $of| unsafe { raw.$name($($argument),*) },
        }),*];
    };
}

calls! { of:
    C_GetInfo(of.at());
    C_GetSlotList(1, of.at(), of.at());
    C_GetSlotInfo(of.slot, of.at());
    C_GetTokenInfo(of.slot, of.at());
    C_GetMechanismList(of.slot, of.at(), of.at());
    C_GetMechanismInfo(of.slot, of.number, of.at());
    C_InitToken(of.slot, of.at(), of.number, of.at());
    C_InitPIN(of.session, of.at(), of.number);
    C_SetPIN(of.session, of.at(), of.number, of.at(), of.number);
    C_OpenSession(of.slot, of.number, of.at(), None, of.at());
    C_CloseSession(of.session);
    C_CloseAllSessions(of.slot);
    C_GetSessionInfo(of.session, of.at());
    C_GetOperationState(of.session, of.at(), of.at());
    C_SetOperationState(of.session, of.at(), of.number, of.key, of.key);
    C_Login(of.session, of.number, of.at(), of.number);
    C_Logout(of.session);
    C_CreateObject(of.session, of.at(), of.number, of.at());
    C_CopyObject(of.session, of.key, of.at(), of.number, of.at());
    C_DestroyObject(of.session, of.key);
    C_GetObjectSize(of.session, of.key, of.at());
    C_GetAttributeValue(of.session, of.key, of.at(), of.number);
    C_SetAttributeValue(of.session, of.key, of.at(), of.number);
    C_FindObjectsInit(of.session, of.at(), of.number);
    C_FindObjects(of.session, of.at(), of.number, of.at());
    C_FindObjectsFinal(of.session);
    C_EncryptInit(of.session, of.at(), of.key);
    C_Encrypt(of.session, of.at(), of.number, of.at(), of.at());
    C_EncryptUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_EncryptFinal(of.session, of.at(), of.at());
    C_DecryptInit(of.session, of.at(), of.key);
    C_Decrypt(of.session, of.at(), of.number, of.at(), of.at());
    C_DecryptUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_DecryptFinal(of.session, of.at(), of.at());
    C_DigestInit(of.session, of.at());
    C_Digest(of.session, of.at(), of.number, of.at(), of.at());
    C_DigestUpdate(of.session, of.at(), of.number);
    C_DigestKey(of.session, of.key);
    C_DigestFinal(of.session, of.at(), of.at());
    C_SignInit(of.session, of.at(), of.key);
    C_Sign(of.session, of.at(), of.number, of.at(), of.at());
    C_SignUpdate(of.session, of.at(), of.number);
    C_SignFinal(of.session, of.at(), of.at());
    C_SignRecoverInit(of.session, of.at(), of.key);
    C_SignRecover(of.session, of.at(), of.number, of.at(), of.at());
    C_VerifyInit(of.session, of.at(), of.key);
    C_Verify(of.session, of.at(), of.number, of.at(), of.number);
    C_VerifyUpdate(of.session, of.at(), of.number);
    C_VerifyFinal(of.session, of.at(), of.number);
    C_VerifyRecoverInit(of.session, of.at(), of.key);
    C_VerifyRecover(of.session, of.at(), of.number, of.at(), of.at());
    C_DigestEncryptUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_DecryptDigestUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_SignEncryptUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_DecryptVerifyUpdate(of.session, of.at(), of.number, of.at(), of.at());
    C_GenerateKey(of.session, of.at(), of.at(), of.number, of.at());
    C_GenerateKeyPair(of.session, of.at(), of.at(), of.number, of.at(), of.number, of.at(), of.at());
    C_WrapKey(of.session, of.at(), of.key, of.key, of.at(), of.at());
    C_UnwrapKey(of.session, of.at(), of.key, of.at(), of.number, of.at(), of.number, of.at());
    C_DeriveKey(of.session, of.at(), of.key, of.at(), of.number, of.at());
    C_SeedRandom(of.session, of.at(), of.number);
    C_GenerateRandom(of.session, of.at(), of.number);
    C_GetFunctionStatus(of.session);
    C_CancelFunction(of.session);
    C_WaitForSlotEvent(of.number, of.at(), of.at());
    C_LoginUser(of.session, of.number, of.at(), of.number, of.at(), of.number);
    C_SessionCancel(of.session, of.number);
    C_MessageEncryptInit(of.session, of.at(), of.key);
    C_EncryptMessage(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.number, of.at(), of.at());
    C_EncryptMessageBegin(of.session, of.at(), of.number, of.at(), of.number);
    C_EncryptMessageNext(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.at(), of.number);
    C_MessageEncryptFinal(of.session);
    C_MessageDecryptInit(of.session, of.at(), of.key);
    C_DecryptMessage(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.number, of.at(), of.at());
    C_DecryptMessageBegin(of.session, of.at(), of.number, of.at(), of.number);
    C_DecryptMessageNext(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.at(), of.number);
    C_MessageDecryptFinal(of.session);
    C_MessageSignInit(of.session, of.at(), of.key);
    C_SignMessage(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.at());
    C_SignMessageBegin(of.session, of.at(), of.number);
    C_SignMessageNext(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.at());
    C_MessageSignFinal(of.session);
    C_MessageVerifyInit(of.session, of.at(), of.key);
    C_VerifyMessage(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.number);
    C_VerifyMessageBegin(of.session, of.at(), of.number);
    C_VerifyMessageNext(of.session, of.at(), of.number, of.at(), of.number, of.at(), of.number);
    C_MessageVerifyFinal(of.session);
    C_EncapsulateKey(of.session, of.at(), of.key, of.at(), of.number, of.at(), of.at(), of.at());
    C_DecapsulateKey(of.session, of.at(), of.key, of.at(), of.number, of.at(), of.number, of.at());
    C_VerifySignatureInit(of.session, of.at(), of.key, of.at(), of.number);
    C_VerifySignature(of.session, of.at(), of.number);
    C_VerifySignatureUpdate(of.session, of.at(), of.number);
    C_VerifySignatureFinal(of.session);
    C_GetSessionValidationFlags(of.session, of.number, of.at());
    C_AsyncComplete(of.session, of.at(), of.at());
    C_AsyncGetID(of.session, of.at(), of.at());
    C_AsyncJoin(of.session, of.at(), of.number, of.at(), of.number);
    C_WrapKeyAuthenticated(of.session, of.at(), of.key, of.key, of.at(), of.number, of.at(), of.at());
    C_UnwrapKeyAuthenticated(
        of.session, of.at(), of.key, of.at(), of.number, of.at(), of.number, of.at(), of.number, of.at()
    );
}

/// These end what the others need.
const LAST: [&str; 3] = ["C_CloseSession", "C_CloseAllSessions", "C_Logout"];

/// These ask for no session.
const OF_A_SLOT: [&str; 6] =
    ["C_GetSlotInfo", "C_GetTokenInfo", "C_GetMechanismList", "C_GetMechanismInfo", "C_InitToken", "C_OpenSession"];

/// These are told a session, and nothing that could be NULL.
const WITHOUT_POINTERS: [&str; 11] = [
    "C_DestroyObject",
    "C_FindObjectsFinal",
    "C_DigestKey",
    "C_GetFunctionStatus",
    "C_CancelFunction",
    "C_SessionCancel",
    "C_MessageEncryptFinal",
    "C_MessageDecryptFinal",
    "C_MessageSignFinal",
    "C_MessageVerifyFinal",
    "C_VerifySignatureFinal",
];

fn null(session: ck::CK_SESSION_HANDLE, slot: ck::CK_SLOT_ID, number: ck::CK_ULONG) -> Arguments {
    Arguments { slot, session, key: 0, number, page: None }
}

#[track_caller]
fn expect(module: &Module, arguments: &Arguments, allowed: impl Fn(&str, ck::CK_RV) -> bool) {
    for Call { name, call } in CALLS.iter().filter(|call| !LAST.contains(&call.name)) {
        let rv = call(module.raw(), arguments);
        assert!(allowed(name, rv), "{name} with {}: {:?}", arguments.number, Rv(rv));
    }
}

#[test]
fn nothing_is_forgotten_here() {
    let always = ["C_Initialize", "C_Finalize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];
    let functions = size_of::<ck::CK_FUNCTION_LIST_3_2>() / size_of::<usize>() - 1;
    assert_eq!(CALLS.len() + always.len(), functions);
}

#[test]
fn before_c_initialize_and_after_c_finalize_every_function_says_so() {
    isolated(|_| {
        let module = Module::ours();
        let check = || {
            for number in [0, 1, u64::MAX] {
                for page in [None, Some(UnsafeCell::new([0; 512]))] {
                    let arguments = Arguments { page, ..null(1, 0, number) };
                    for Call { name, call } in CALLS {
                        let rv = call(module.raw(), &arguments);
                        assert_eq!(rv, ck::CKR_CRYPTOKI_NOT_INITIALIZED, "{name}: {:?}", Rv(rv));
                    }
                }
            }
        };
        check();
        module.initialize().unwrap();
        module.finalize().unwrap();
        check();
    });
}

#[test]
fn null_for_every_pointer_is_met_with_a_return_value() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        for number in [0, 1, 2, 16, 1 << 32, 1 << 63, u64::MAX] {
            expect(&module, &null(session.handle, slot, number), |_, rv| in_good_health(rv));
            for key in [1, u64::MAX] {
                let arguments = Arguments { key, ..null(session.handle, slot, number) };
                expect(&module, &arguments, |_, rv| in_good_health(rv));
            }
        }
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_USER_FUNCTIONS, "still logged in");
        session.random(8).unwrap();
    });
}

#[test]
fn a_session_that_is_not_there_is_told_so_whatever_else_is_wrong() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let closed = module.open_ro(slot).unwrap();
        closed.close().unwrap();
        for handle in [0, closed.handle, u64::MAX] {
            for number in [0, 1, u64::MAX] {
                // What is NULL may be noticed before that, where there is something to be NULL.
                expect(&module, &null(handle, 0xdead_beef, number), |name, rv| match name {
                    "C_GetInfo" | "C_GetSlotList" | "C_WaitForSlotEvent" => rv == ck::CKR_ARGUMENTS_BAD,
                    _ if OF_A_SLOT.contains(&name) => [ck::CKR_ARGUMENTS_BAD, ck::CKR_SLOT_ID_INVALID].contains(&rv),
                    _ if WITHOUT_POINTERS.contains(&name) => rv == ck::CKR_SESSION_HANDLE_INVALID,
                    _ => [ck::CKR_ARGUMENTS_BAD, ck::CKR_SESSION_HANDLE_INVALID].contains(&rv),
                });
            }
            let page = Some(UnsafeCell::new([0; 512]));
            let arguments = Arguments { page, ..null(handle, 0xdead_beef, 1) };
            expect(&module, &arguments, |name, rv| match name {
                "C_GetInfo" => rv == ck::CKR_OK,
                "C_GetSlotList" => rv == ck::CKR_BUFFER_TOO_SMALL,
                // A flag that nobody knows; a reserved pointer; a user with a name.
                "C_OpenSession" | "C_WaitForSlotEvent" | "C_LoginUser" => rv == ck::CKR_ARGUMENTS_BAD,
                _ if OF_A_SLOT.contains(&name) => rv == ck::CKR_SLOT_ID_INVALID,
                _ => rv == ck::CKR_SESSION_HANDLE_INVALID,
            });
            for Call { name, call } in CALLS.iter().filter(|call| LAST.contains(&call.name)) {
                let rv = call(module.raw(), &arguments);
                assert!(
                    [ck::CKR_SESSION_HANDLE_INVALID, ck::CKR_SLOT_ID_INVALID].contains(&rv),
                    "{name}: {:?}",
                    Rv(rv)
                );
            }
        }
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_USER_FUNCTIONS);
        session.random(8).unwrap();
    });
}

#[test]
fn zeros_for_everything_are_met_with_a_return_value() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        for number in [0, 1, 7, 24] {
            for Call { name, call } in CALLS.iter().filter(|call| !LAST.contains(&call.name)) {
                // A wait would be one.
                if *name == "C_WaitForSlotEvent" {
                    continue;
                }
                let page = Some(UnsafeCell::new([0; 512]));
                let arguments = Arguments { page, ..null(session.handle, slot, number) };
                let rv = call(module.raw(), &arguments);
                assert!(in_good_health(rv), "{name} with {number}: {:?}", Rv(rv));
            }
        }
        session.random(8).unwrap();
    });
}

/// Calls that go on with an operation. Those of C_MessageEncryptInit and its kin among them.
const CONTINUING: &[&str] = &[
    "C_FindObjects",
    "C_FindObjectsFinal",
    "C_Encrypt",
    "C_EncryptUpdate",
    "C_EncryptFinal",
    "C_Decrypt",
    "C_DecryptUpdate",
    "C_DecryptFinal",
    "C_Digest",
    "C_DigestUpdate",
    "C_DigestKey",
    "C_DigestFinal",
    "C_Sign",
    "C_SignUpdate",
    "C_SignFinal",
    "C_SignRecover",
    "C_Verify",
    "C_VerifyUpdate",
    "C_VerifyFinal",
    "C_VerifyRecover",
    "C_DigestEncryptUpdate",
    "C_DecryptDigestUpdate",
    "C_SignEncryptUpdate",
    "C_DecryptVerifyUpdate",
    "C_EncryptMessage",
    "C_EncryptMessageBegin",
    "C_EncryptMessageNext",
    "C_MessageEncryptFinal",
    "C_DecryptMessage",
    "C_DecryptMessageBegin",
    "C_DecryptMessageNext",
    "C_MessageDecryptFinal",
    "C_SignMessage",
    "C_SignMessageBegin",
    "C_SignMessageNext",
    "C_MessageSignFinal",
    "C_VerifyMessage",
    "C_VerifyMessageBegin",
    "C_VerifyMessageNext",
    "C_MessageVerifyFinal",
    "C_VerifySignature",
    "C_VerifySignatureUpdate",
    "C_VerifySignatureFinal",
];

/// What each of them answers that is none of `but`, one after the other, with zeros for everything.
pub(super) fn going_on(session: &Session<'_>, but: &[&str]) -> Vec<(String, Rv)> {
    let known = |name: &&&str| CALLS.iter().any(|call| call.name == **name);
    assert_eq!(CONTINUING.iter().filter(known).count(), CONTINUING.len(), "a name is wrong");
    let calls = CALLS.iter().filter(|call| CONTINUING.contains(&call.name) && !but.contains(&call.name));
    let numbers = calls.flat_map(|call| [0, 1, 16, 32].map(|number| (call, number)));
    let answer = |(Call { name, call }, number): (&Call, ck::CK_ULONG)| {
        let page = Some(UnsafeCell::new([0; 512]));
        let rv = call(session.module.raw(), &Arguments { page, ..null(session.handle, 0, number) });
        (format!("{name} with {number}"), Rv(rv))
    };
    numbers.map(answer).collect()
}

#[test]
fn a_mechanism_of_another_function_and_an_object_that_is_not_there_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        // The mechanism at every pointer is CKM_RSA_PKCS_KEY_PAIR_GEN with a parameter of length 0: of no use here.
        let keyed =
            ["C_EncryptInit", "C_DecryptInit", "C_SignInit", "C_VerifyInit", "C_WrapKey", "C_UnwrapKey", "C_DeriveKey"];
        for key in [0, 1, u64::MAX] {
            for Call { name, call } in CALLS.iter().filter(|call| keyed.contains(&call.name)) {
                let page = Some(UnsafeCell::new([0; 512]));
                let arguments = Arguments { page, key, ..null(session.handle, 0, 0) };
                let rv = call(module.raw(), &arguments);
                assert_eq!(rv, ck::CKR_MECHANISM_INVALID, "{name} with key {key}: {:?}", Rv(rv));
            }
        }
        for name in ["C_DestroyObject", "C_GetObjectSize", "C_GetAttributeValue", "C_SetAttributeValue", "C_CopyObject"]
        {
            let call = CALLS.iter().find(|call| call.name == name).expect("its call").call;
            for key in [0, u64::MAX] {
                let page = Some(UnsafeCell::new([0; 512]));
                let rv = call(module.raw(), &Arguments { page, key, ..null(session.handle, 0, 1) });
                assert_eq!(rv, ck::CKR_OBJECT_HANDLE_INVALID, "{name} with object {key}: {:?}", Rv(rv));
            }
        }
    });
}

//! A loaded module, and the calls that need no session.
#![allow(unsafe_code)]

use crate::paths::program;
use crate::rv::{Result, Rv};
use crate::session::{Session, bytes};
use cryptoki_sys as ck;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr::null_mut;

/// A PKCS#11 module. Every function is called through its own symbol.
pub struct Module {
    pub(crate) raw: ck::Pkcs11,
}

/// One entry of C_GetInterfaceList.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// pInterfaceName.
    pub name: String,
    /// Of its function list.
    pub version: (u8, u8),
    /// flags.
    pub flags: ck::CK_FLAGS,
}

impl Module {
    /// The module under test.
    pub fn ours() -> Module {
        Module::at(&program("libsealhsm.so"))
    }

    /// Any module.
    pub fn at(path: &Path) -> Module {
        // SAFETY: a PKCS#11 module; what it runs when it is loaded is its business.
        let raw = unsafe { ck::Pkcs11::new(path) };
        Module { raw: raw.unwrap_or_else(|e| panic!("{}: {e}", path.display())) }
    }

    /// The functions themselves, for calls that no client should make.
    pub fn raw(&self) -> &ck::Pkcs11 {
        &self.raw
    }

    /// C_Initialize(NULL).
    pub fn initialize(&self) -> Result<()> {
        // SAFETY: NULL is allowed.
        Rv::check(unsafe { self.raw.C_Initialize(null_mut()) })
    }

    /// C_Initialize with arguments.
    pub fn initialize_with(&self, mut arguments: ck::CK_C_INITIALIZE_ARGS) -> Result<()> {
        // SAFETY: a structure that lives for the call.
        Rv::check(unsafe { self.raw.C_Initialize((&raw mut arguments).cast()) })
    }

    /// C_Finalize.
    pub fn finalize(&self) -> Result<()> {
        // SAFETY: NULL, as the standard wants it.
        Rv::check(unsafe { self.raw.C_Finalize(null_mut()) })
    }

    /// C_GetInfo.
    pub fn info(&self) -> Result<ck::CK_INFO> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw.C_GetInfo(to) })
    }

    /// C_GetFunctionList.
    pub fn function_list(&self) -> Result<&ck::CK_FUNCTION_LIST> {
        // SAFETY: a place for the result.
        let list = filled(|to| unsafe { self.raw.C_GetFunctionList(to) })?;
        // SAFETY: it lives as long as the module is loaded.
        Ok(unsafe { &*list })
    }

    /// C_GetInterfaceList: count, then list.
    pub fn interfaces(&self) -> Result<Vec<Interface>> {
        let nothing = ck::CK_INTERFACE { pInterfaceName: null_mut(), pFunctionList: null_mut(), flags: 0 };
        // SAFETY: NULL or as many places as the count says.
        let listed = two_calls(nothing, |to, count| unsafe { self.raw.C_GetInterfaceList(to, count) })?;
        Ok(listed.iter().map(interface).collect())
    }

    /// C_GetInterface.
    pub fn interface(&self, name: Option<&str>, version: Option<(u8, u8)>, flags: ck::CK_FLAGS) -> Result<Interface> {
        let name = name.map(|name| CString::new(name).expect("a name without NUL"));
        let mut version = version.map(|(major, minor)| ck::CK_VERSION { major, minor });
        let name = name.as_ref().map_or(null_mut(), |name| name.as_ptr() as *mut u8);
        let version = version.as_mut().map_or(null_mut(), |version| version as *mut _);
        // SAFETY: NULL or a C string and a version that live for the call, and a place for the result.
        let found = filled(|to| unsafe { self.raw.C_GetInterface(name, version, to, flags) })?;
        // SAFETY: it lives as long as the module is loaded.
        Ok(interface(unsafe { &*found }))
    }

    /// C_GetSlotList of all slots, read anew.
    pub fn slots(&self) -> Result<Vec<ck::CK_SLOT_ID>> {
        // SAFETY: NULL or as many places as the count says.
        two_calls(0, |to, count| unsafe { self.raw.C_GetSlotList(ck::CK_FALSE, to, count) })
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: ck::CK_SLOT_ID) -> Result<ck::CK_SLOT_INFO> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw.C_GetSlotInfo(slot, to) })
    }

    /// C_GetTokenInfo.
    pub fn token_info(&self, slot: ck::CK_SLOT_ID) -> Result<ck::CK_TOKEN_INFO> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw.C_GetTokenInfo(slot, to) })
    }

    /// The slot of the token with this label.
    pub fn slot_of(&self, label: &str) -> Option<ck::CK_SLOT_ID> {
        let found = |slot: &ck::CK_SLOT_ID| {
            let info = self.token_info(*slot).ok();
            info.is_some_and(|info| text(&info.label) == label && info.flags & ck::CKF_TOKEN_INITIALIZED != 0)
        };
        self.slots().ok()?.into_iter().find(found)
    }

    /// C_GetMechanismList.
    pub fn mechanisms(&self, slot: ck::CK_SLOT_ID) -> Result<Vec<ck::CK_MECHANISM_TYPE>> {
        // SAFETY: NULL or as many places as the count says.
        two_calls(0, |to, count| unsafe { self.raw.C_GetMechanismList(slot, to, count) })
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(
        &self,
        slot: ck::CK_SLOT_ID,
        mechanism: ck::CK_MECHANISM_TYPE,
    ) -> Result<ck::CK_MECHANISM_INFO> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw.C_GetMechanismInfo(slot, mechanism, to) })
    }

    /// C_InitToken.
    pub fn init_token(&self, slot: ck::CK_SLOT_ID, so_pin: impl AsRef<[u8]>, label: &str) -> Result<()> {
        let mut padded = [b' '; 32];
        padded[..label.len()].copy_from_slice(label.as_bytes());
        self.init_token_as(slot, so_pin, padded)
    }

    /// C_InitToken with a label as it is.
    pub fn init_token_as(&self, slot: ck::CK_SLOT_ID, so_pin: impl AsRef<[u8]>, mut label: [u8; 32]) -> Result<()> {
        let (pin, length) = bytes(so_pin.as_ref());
        // SAFETY: a PIN with its length, a label of 32 bytes; neither is written to.
        Rv::check(unsafe { self.raw.C_InitToken(slot, pin, length, label.as_mut_ptr()) })
    }

    /// C_WaitForSlotEvent.
    pub fn wait_for_slot_event(&self, flags: ck::CK_FLAGS) -> Result<ck::CK_SLOT_ID> {
        // SAFETY: a place for the result.
        filled(|to| unsafe { self.raw.C_WaitForSlotEvent(flags, to, null_mut()) })
    }

    /// C_OpenSession.
    pub fn open(&self, slot: ck::CK_SLOT_ID, flags: ck::CK_FLAGS) -> Result<Session<'_>> {
        // SAFETY: no callback, and a place for the result.
        let handle = filled(|to| unsafe { self.raw.C_OpenSession(slot, flags, null_mut(), None, to) })?;
        Ok(Session { module: self, handle })
    }

    /// A read-write session.
    pub fn open_rw(&self, slot: ck::CK_SLOT_ID) -> Result<Session<'_>> {
        self.open(slot, ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION)
    }

    /// A read-write session on the token with this label.
    #[track_caller]
    pub fn session(&self, label: &str) -> Session<'_> {
        self.open_rw(self.slot_of(label).expect("a token with this label")).expect("a session")
    }

    /// A read-only session.
    pub fn open_ro(&self, slot: ck::CK_SLOT_ID) -> Result<Session<'_>> {
        self.open(slot, ck::CKF_SERIAL_SESSION)
    }

    /// C_CloseAllSessions.
    pub fn close_all(&self, slot: ck::CK_SLOT_ID) -> Result<()> {
        // SAFETY: takes no pointer.
        Rv::check(unsafe { self.raw.C_CloseAllSessions(slot) })
    }
}

/// A blank-padded field without its blanks.
pub fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches(' ').to_string()
}

fn interface(raw: &ck::CK_INTERFACE) -> Interface {
    // SAFETY: what a module lists: a C string, and a function list, which begins with its version.
    let (name, version) =
        unsafe { (CStr::from_ptr(raw.pInterfaceName.cast()), *raw.pFunctionList.cast::<ck::CK_VERSION>()) };
    Interface { name: name.to_string_lossy().into_owned(), version: (version.major, version.minor), flags: raw.flags }
}

/// Calls with a place for one result.
pub(crate) fn filled<T>(call: impl FnOnce(*mut T) -> ck::CK_RV) -> Result<T> {
    let mut place = MaybeUninit::uninit();
    Rv::check(call(place.as_mut_ptr()))?;
    // SAFETY: a call that returned CKR_OK has filled it.
    Ok(unsafe { place.assume_init() })
}

/// Asks for the length, then for as much.
pub(crate) fn two_calls<T: Clone>(empty: T, call: impl Fn(*mut T, *mut ck::CK_ULONG) -> ck::CK_RV) -> Result<Vec<T>> {
    let mut length = 0;
    Rv::check(call(null_mut(), &raw mut length))?;
    let mut items = vec![empty; length as usize];
    Rv::check(call(items.as_mut_ptr(), &raw mut length))?;
    assert!(length as usize <= items.len(), "the module says it wrote more than there was room for");
    items.truncate(length as usize);
    Ok(items)
}

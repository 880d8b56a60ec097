//! Chapter "general purpose functions" (PKCS#11 3.2 section 5.4). C_GetFunctionList, C_GetInterfaceList and
//! C_GetInterface work before C_Initialize.
#![allow(unsafe_code)]

use crate::entry::entries;
use crate::pointer::Pointer;
use crate::{decode, encode, logger, process, tables};
use cryptoki_sys as ck;
use sealhsm_core::config::Config;
use sealhsm_core::{Application, Error, Result};
use std::ffi::{CStr, OsStr, c_void};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

entries! {
    fn C_Initialize(; arguments: *mut c_void) {
        check_arguments(arguments.cast())?;
        process::start(|| {
            logger::open(None);
            let config = Config::load(beside().as_deref()).map_err(|why| {
                log::error!("{why}");
                Error::General
            })?;
            logger::open(Some(&config));
            Application::start(config)
        })
    }

    fn C_Finalize(; reserved: *mut c_void) {
        decode::reserved(reserved)?;
        process::stop()
    }

    fn C_GetInfo(_app, info: *mut ck::CK_INFO) {
        info.write(ck::CK_INFO {
            cryptokiVersion: ck::CK_VERSION { major: 3, minor: 2 },
            manufacturerID: encode::padded("SealHSM"),
            flags: 0,
            libraryDescription: encode::padded("Tokens sealed to a TPM"),
            libraryVersion: encode::VERSION,
        })
    }

    fn C_GetFunctionList(; list: *mut *mut ck::CK_FUNCTION_LIST) {
        list.write((&raw const tables::V2_40).cast_mut())
    }

    fn C_GetInterfaceList(; list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) {
        encode::list(list, count, &tables::interfaces().iter().map(|i| i.0).collect::<Vec<_>>())
    }

    fn C_GetInterface(;
        name: *mut ck::CK_UTF8CHAR,
        version: *mut ck::CK_VERSION,
        interface: *mut *mut ck::CK_INTERFACE,
        flags: ck::CK_FLAGS
    ) {
        interface.required()?;
        let wanted = if version.is_null() { None } else { Some(version.read()?) };
        let named = name.is_null() || name.text()? == tables::NAME;
        let found = tables::interfaces().iter().find(|listed| {
            let same = |v: ck::CK_VERSION| (v.major, v.minor) == (listed.version().major, listed.version().minor);
            wanted.is_none_or(same) && listed.0.flags & flags == flags
        });
        let found = found.filter(|_| named).ok_or(Error::ArgumentsBad)?;
        interface.write((&raw const found.0).cast_mut())
    }
}

/// CK_C_INITIALIZE_ARGS: the four callbacks come together or not at all; locks are always the system's.
fn check_arguments(arguments: Pointer<'_, ck::CK_C_INITIALIZE_ARGS>) -> Result<()> {
    if arguments.is_null() {
        return Ok(());
    }
    let given = arguments.read()?;
    let callbacks = [
        given.CreateMutex.is_some(),
        given.DestroyMutex.is_some(),
        given.LockMutex.is_some(),
        given.UnlockMutex.is_some(),
    ];
    let known = ck::CKF_LIBRARY_CANT_CREATE_OS_THREADS | ck::CKF_OS_LOCKING_OK;
    let mixed = callbacks.contains(&true) && callbacks.contains(&false);
    if !given.pReserved.is_null() || given.flags & !known != 0 || mixed {
        return Err(Error::ArgumentsBad);
    }
    if callbacks.contains(&true) && given.flags & ck::CKF_OS_LOCKING_OK == 0 {
        return Err(Error::CantLock);
    }
    Ok(())
}

/// The directory that this module was loaded from.
fn beside() -> Option<PathBuf> {
    let mut info = MaybeUninit::<libc::Dl_info>::uninit();
    let here = beside as fn() -> Option<PathBuf> as *const c_void;
    // SAFETY: `here` is an address in this module, `info` has room for the answer.
    let found = unsafe { libc::dladdr(here, info.as_mut_ptr()) };
    if found == 0 {
        return None;
    }
    // SAFETY: dladdr succeeded and filled it.
    let name = unsafe { info.assume_init() }.dli_fname;
    // SAFETY: a C string that lives as long as this module is loaded; it is never unloaded.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    // A relative name is what the host gave to dlopen: resolved while its directory is most likely still the same.
    let module = Path::new(OsStr::from_bytes(name.to_bytes())).canonicalize().ok()?;
    module.parent().map(Path::to_path_buf)
}

//! Chapter "general purpose functions" (PKCS#11 3.2 section 5.4), and what C_Initialize takes on. No test here needs a
//! TPM.

use kit::ck;
use kit::{Isolated, Module, fork, isolated, text};
use std::ffi::c_void;
use std::ptr::null_mut;

/// C_INITIALIZE_ARGS with nothing in them.
fn no_arguments() -> ck::CK_C_INITIALIZE_ARGS {
    ck::CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: 0,
        pReserved: null_mut(),
    }
}

extern "C" fn create(_: *mut *mut c_void) -> ck::CK_RV {
    ck::CKR_GENERAL_ERROR
}

extern "C" fn other(_: *mut c_void) -> ck::CK_RV {
    ck::CKR_GENERAL_ERROR
}

fn callbacks() -> ck::CK_C_INITIALIZE_ARGS {
    ck::CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create),
        DestroyMutex: Some(other),
        LockMutex: Some(other),
        UnlockMutex: Some(other),
        ..no_arguments()
    }
}

#[test]
fn function_list_and_interfaces_are_there_before_c_initialize() {
    isolated(|_| {
        let module = Module::ours();
        let list = module.function_list().unwrap();
        assert_eq!((list.version.major, list.version.minor), (2, 40));
        assert!(list.C_WaitForSlotEvent.is_some());
        let interfaces = module.interfaces().unwrap();
        let versions: Vec<_> = interfaces.iter().map(|of| (of.name.as_str(), of.version, of.flags)).collect();
        assert_eq!(versions, [("PKCS 11", (3, 2), 0), ("PKCS 11", (3, 0), 0), ("PKCS 11", (2, 40), 0)]);
        assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
    });
}

#[test]
fn an_interface_is_found_by_name_version_and_flags() {
    isolated(|_| {
        let module = Module::ours();
        let newest = module.interfaces().unwrap().remove(0);
        assert_eq!(module.interface(None, None, 0).unwrap(), newest);
        assert_eq!(module.interface(Some("PKCS 11"), None, 0).unwrap(), newest);
        for version in [(3, 2), (3, 0), (2, 40)] {
            assert_eq!(module.interface(Some("PKCS 11"), Some(version), 0).unwrap().version, version);
        }
        for (name, version, flags) in [
            (Some("PKCS 11"), Some((2, 41)), 0),
            (Some("PKCS 11"), Some((3, 1)), 0),
            (Some("PKCS11"), None, 0),
            (Some("Vendor"), Some((2, 40)), 0),
            (None, None, ck::CKF_INTERFACE_FORK_SAFE),
        ] {
            assert_eq!(module.interface(name, version, flags).unwrap_err(), ck::CKR_ARGUMENTS_BAD);
        }
    });
}

#[test]
fn a_short_interface_list_is_told_how_many_there_are() {
    isolated(|_| {
        let module = Module::ours();
        let mut count = 0;
        let mut nothing = ck::CK_INTERFACE { pInterfaceName: null_mut(), pFunctionList: null_mut(), flags: 0 };
        assert_eq!(interface_list(&module, &raw mut nothing, &raw mut count), ck::CKR_BUFFER_TOO_SMALL);
        assert_eq!(count as usize, module.interfaces().unwrap().len());
        assert!(nothing.pInterfaceName.is_null());
        assert_eq!(interface_list(&module, null_mut(), null_mut()), ck::CKR_ARGUMENTS_BAD);
    });
}

#[allow(unsafe_code)]
fn interface_list(module: &Module, list: *mut ck::CK_INTERFACE, count: *mut ck::CK_ULONG) -> ck::CK_RV {
    // SAFETY: NULL or places for what the count says.
    unsafe { module.raw().C_GetInterfaceList(list, count) }
}

#[test]
fn the_module_introduces_itself_in_padded_text() {
    isolated(|env| {
        let info = env.module().info().unwrap();
        assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
        assert_eq!(info.flags, 0);
        assert_eq!(text(&info.manufacturerID), "SealHSM");
        for field in [&info.manufacturerID, &info.libraryDescription] {
            assert!(!field.contains(&0), "{field:?}");
            assert!(field.ends_with(b" "), "{field:?}");
        }
    });
}

#[test]
fn arguments_of_c_initialize_are_all_or_nothing() {
    isolated(|_| {
        let module = Module::ours();
        let some_flag = 1 << 17;
        let mut anything = 0u64;
        let bad = [
            ck::CK_C_INITIALIZE_ARGS { pReserved: (&raw mut anything).cast(), ..no_arguments() },
            ck::CK_C_INITIALIZE_ARGS { flags: some_flag, ..no_arguments() },
            ck::CK_C_INITIALIZE_ARGS { LockMutex: None, ..callbacks() },
            ck::CK_C_INITIALIZE_ARGS { CreateMutex: Some(create), ..no_arguments() },
        ];
        for arguments in bad {
            assert_eq!(module.initialize_with(arguments).unwrap_err(), ck::CKR_ARGUMENTS_BAD);
        }
        assert_eq!(module.initialize_with(callbacks()).unwrap_err(), ck::CKR_CANT_LOCK);
        let good = [
            no_arguments(),
            ck::CK_C_INITIALIZE_ARGS { flags: ck::CKF_OS_LOCKING_OK, ..no_arguments() },
            ck::CK_C_INITIALIZE_ARGS { flags: ck::CKF_LIBRARY_CANT_CREATE_OS_THREADS, ..no_arguments() },
            ck::CK_C_INITIALIZE_ARGS { flags: ck::CKF_OS_LOCKING_OK, ..callbacks() },
        ];
        for arguments in good {
            module.initialize_with(arguments).unwrap();
            module.finalize().unwrap();
        }
    });
}

#[test]
fn a_second_c_initialize_changes_nothing_and_a_second_c_finalize_is_refused() {
    isolated(|_| {
        let module = Module::ours();
        assert_eq!(module.finalize().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        module.initialize().unwrap();
        assert_eq!(module.initialize().unwrap_err(), ck::CKR_CRYPTOKI_ALREADY_INITIALIZED);
        module.info().unwrap();
        module.finalize().unwrap();
        assert_eq!(module.finalize().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_eq!(module.slots().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        module.initialize().unwrap();
        module.info().unwrap();
        module.finalize().unwrap();
    });
}

#[test]
#[allow(unsafe_code)]
fn null_and_reserved_arguments_are_refused() {
    isolated(|env| {
        let module = env.module();
        let mut anything = 0u64;
        // SAFETY: NULL is what is tested; the reserved pointer is not read.
        let rvs = unsafe {
            [
                module.raw().C_GetInfo(null_mut()),
                module.raw().C_GetFunctionList(null_mut()),
                module.raw().C_GetInterface(null_mut(), null_mut(), null_mut(), 0),
                module.raw().C_GetSlotList(ck::CK_FALSE, null_mut(), null_mut()),
                module.raw().C_Finalize((&raw mut anything).cast()),
            ]
        };
        assert_eq!(rvs, [ck::CKR_ARGUMENTS_BAD; 5]);
        module.info().unwrap();
    });
}

#[test]
fn a_forked_child_is_not_initialised_and_may_initialise_itself() {
    isolated(|env| {
        let module = env.module();
        let slots = module.slots().unwrap();
        assert!(fork(|| {
            assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            assert_eq!(module.finalize().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
            module.function_list().unwrap();
            module.initialize().unwrap();
            assert_eq!(module.slots().unwrap(), slots);
            assert!(fork(|| assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED)));
            module.finalize().unwrap();
            assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        }));
        assert_eq!(module.slots().unwrap(), slots);
    });
}

#[test]
fn a_child_forked_before_c_initialize_is_like_any_other_process() {
    isolated(|_| {
        let module = Module::ours();
        assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        assert!(fork(|| {
            module.initialize().unwrap();
            module.info().unwrap();
            module.finalize().unwrap();
        }));
        assert_eq!(module.info().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
    });
}

#[test]
fn c_finalize_from_any_thread_at_any_moment_is_met_with_not_initialized() {
    isolated(|_| {
        let module = Module::ours();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        for outcome in [module.info().map(drop), module.slots().map(drop)] {
                            assert!(outcome.is_ok() || outcome.unwrap_err() == ck::CKR_CRYPTOKI_NOT_INITIALIZED);
                        }
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let begun = module.initialize();
                        assert!(begun.is_ok() || begun.unwrap_err() == ck::CKR_CRYPTOKI_ALREADY_INITIALIZED);
                        let ended = module.finalize();
                        assert!(ended.is_ok() || ended.unwrap_err() == ck::CKR_CRYPTOKI_NOT_INITIALIZED);
                    }
                });
            }
        });
    });
}

#[test]
fn a_host_may_end_without_c_finalize_and_call_it_in_exit_handlers() {
    isolated(|_| {
        assert!(fork(|| {
            Module::ours().initialize().unwrap();
            exit();
        }));
        assert!(fork(|| {
            at_exit();
            Module::ours().initialize().unwrap();
            std::thread::spawn(|| Module::ours().info().unwrap()).join().unwrap();
            exit();
        }));
    });
}

extern "C" fn finalize_twice() {
    let module = Module::ours();
    let outcome = (module.info().is_ok(), module.finalize().is_ok(), module.finalize().is_ok());
    if outcome != (true, true, false) {
        std::process::abort();
    }
}

#[allow(unsafe_code)]
fn at_exit() {
    // SAFETY: a function that ends by itself.
    assert_eq!(unsafe { libc::atexit(finalize_twice) }, 0);
}

#[allow(unsafe_code)]
fn exit() {
    // SAFETY: runs the exit handlers of this forked process, which no other thread is part of.
    unsafe { libc::exit(0) }
}

#[test]
fn a_waiting_slot_event_ends_with_c_finalize() {
    isolated(|env| {
        let module = env.module();
        assert_eq!(module.wait_for_slot_event(ck::CKF_DONT_BLOCK).unwrap_err(), ck::CKR_NO_EVENT);
        assert_eq!(module.wait_for_slot_event(1 << 9).unwrap_err(), ck::CKR_ARGUMENTS_BAD);
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                tell.send(std::fs::read_link("/proc/thread-self").unwrap()).unwrap();
                module.wait_for_slot_event(0)
            });
            let about = std::path::Path::new("/proc").join(told.recv().unwrap()).join("stat");
            // A thread that came back without an event has no file there any more.
            let sleeps = || std::fs::read_to_string(&about).unwrap().contains(") S ");
            kit::eventually("it waits", sleeps);
            module.finalize().unwrap();
            assert_eq!(waiting.join().unwrap().unwrap_err(), ck::CKR_CRYPTOKI_NOT_INITIALIZED);
        });
    });
}

#[test]
fn the_configuration_may_ask_for_a_log_on_standard_error() {
    Isolated::default().variable("SEALHSM_LOG", "").run(|env| {
        let module = Module::ours();
        env.configure("[log]\nlevel = \"trace\"\ntarget = \"stderr\"");
        module.initialize().unwrap();
        module.info().unwrap();
        assert!(env.log().says(&["TRACE", "C_GetInfo"]), "{:?}", env.log());
    });
}

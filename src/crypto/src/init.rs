//! Starting the private OpenSSL: our heap first, then no configuration and no exit handler, before any other call.
//! A vendored copy otherwise honours OPENSSL_CONF, which can load the host's provider, which loads us.
#![allow(unsafe_code)]

use crate::{Error, Result, fork, heap};
use openssl::provider::Provider;
use std::os::raw::{c_char, c_int, c_void};
use std::sync::OnceLock;

const OPENSSL_INIT_NO_LOAD_CONFIG: u64 = 0x80;
const OPENSSL_INIT_NO_ATEXIT: u64 = 0x8_0000;

type Malloc = unsafe extern "C" fn(usize, *const c_char, c_int) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, usize, *const c_char, c_int) -> *mut c_void;
type Free = unsafe extern "C" fn(*mut c_void, *const c_char, c_int);

unsafe extern "C" {
    fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;
    fn CRYPTO_set_mem_functions(malloc: Malloc, realloc: Realloc, free: Free) -> c_int;
}

/// Starts it, once; cheap afterwards. Fails if something in this copy of OpenSSL ran before.
pub fn init() -> Result<()> {
    static STARTED: OnceLock<std::result::Result<(), &'static str>> = OnceLock::new();
    STARTED.get_or_init(|| fork::recording(start)).map_err(Error::from)
}

fn start() -> std::result::Result<(), &'static str> {
    // SAFETY: the three functions have C's allocation contract (see `heap`), and nothing was allocated yet:
    // otherwise this call refuses.
    if unsafe { CRYPTO_set_mem_functions(heap::malloc, heap::realloc, heap::free) } != 1 {
        return Err("OpenSSL was already in use before it was set up");
    }
    // SAFETY: documented to be callable at any time; a null settings pointer means defaults.
    let started =
        unsafe { OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, std::ptr::null()) };
    if started != 1 {
        return Err("OPENSSL_init_crypto failed");
    }
    // The legacy provider is compiled in; loading one explicitly switches the implicit default off, so both.
    for name in ["default", "legacy"] {
        match Provider::load(None, name) {
            // Kept for ever: unloading would need an exit handler.
            Ok(provider) => std::mem::forget(provider),
            Err(_) => return Err("a built-in OpenSSL provider does not load"),
        }
    }
    // The generators come to be with their first byte, and so do their locks.
    openssl::rand::rand_bytes(&mut [0]).map_err(|_| "OpenSSL's random generator does not start")
}

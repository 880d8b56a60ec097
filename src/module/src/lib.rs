//! `libsealhsm.so`: the C interface of PKCS#11. Every call is decode, one call into the core, encode.
//! It knows pointers, lengths and processes; it knows nothing of tokens, keys or mechanisms beyond the
//! shape of their parameters.

mod cancel;
mod chapter;
mod decode;
mod encode;
mod entry;
mod fork;
mod logger;
mod pointer;
mod process;
mod tables;

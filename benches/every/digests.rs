//! Digests.

use super::{LONG, SHORT, named};
use crate::cases::{Case, Limit};
use crate::client::{self, Session};
use crate::floor;
use crate::floor::Run;
use cryptoki_sys::*;
use std::ffi::CStr;

/// Number of a digest, its name in OpenSSL. BLAKE2b of another length than 64 bytes is the same work.
macro_rules! digests {
    ($($name:ident $floor:literal;)*) => { &[$((stringify!($name), $name, $floor)),*] };
}

pub const DIGESTS: &[(&str, CK_MECHANISM_TYPE, &CStr)] = digests! {
    CKM_MD5 c"MD5";
    CKM_RIPEMD160 c"RIPEMD160";
    CKM_SHA_1 c"SHA1";
    CKM_SHA224 c"SHA2-224";
    CKM_SHA256 c"SHA2-256";
    CKM_SHA384 c"SHA2-384";
    CKM_SHA512 c"SHA2-512";
    CKM_SHA512_224 c"SHA2-512/224";
    CKM_SHA512_256 c"SHA2-512/256";
    CKM_SHA3_224 c"SHA3-224";
    CKM_SHA3_256 c"SHA3-256";
    CKM_SHA3_384 c"SHA3-384";
    CKM_SHA3_512 c"SHA3-512";
    CKM_BLAKE2B_160 c"BLAKE2B-512";
    CKM_BLAKE2B_256 c"BLAKE2B-512";
    CKM_BLAKE2B_384 c"BLAKE2B-512";
    CKM_SHA512_T c"SHA2-512/256";
    CKM_BLAKE2B_512 c"BLAKE2B-512";
};

/// Every row, short and long.
pub fn cases() -> impl Iterator<Item = Case> {
    DIGESTS.iter().flat_map(|row| [(row, SHORT), (row, LONG)]).map(|((name, mechanism, of), length)| {
        let floor = move || floor::digest(of, length);
        Case::new(named(name, length), floor, move |s| digest(s, *mechanism, length)).within(Limit::of_length(length))
    })
}

fn digest(session: Session, mechanism: CK_MECHANISM_TYPE, length: usize) -> Result<Run, String> {
    let (mut data, mut out, mut mechanism) = (vec![7; length], [0; 64], client::bare(mechanism));
    let mut bits: CK_ULONG = 256;
    Ok(Box::new(move || {
        if mechanism.mechanism == CKM_SHA512_T {
            mechanism.pParameter = (&raw mut bits).cast();
            mechanism.ulParameterLen = size_of_val(&bits) as CK_ULONG;
        }
        session.digest(&mut mechanism, &mut data, &mut out).map(drop)
    }))
}

//! Chapter "random number generation" (PKCS#11 3.2 section 5.19).

use crate::encode;
use crate::entry::entries;
use cryptoki_sys as ck;

entries! {
    fn C_SeedRandom(app, session: ck::CK_SESSION_HANDLE, seed: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        app.seed_random(session, seed.bytes(length)?)
    }

    fn C_GenerateRandom(app, session: ck::CK_SESSION_HANDLE, random: *mut ck::CK_BYTE, length: ck::CK_ULONG) {
        encode::fill(random, length, |out| app.generate_random(session, out))
    }
}

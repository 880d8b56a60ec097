//! A host with an allocator of its own, whose blocks are aligned otherwise than the C library's.
#![allow(unsafe_code)]

use crate::hosts::{prepared, works};
use kit::{Isolated, Mechanism, ck};

#[test]
fn a_host_may_bring_its_own_malloc() {
    // 4096 and 8192 bytes, of which ML-DSA's polynomials take many, always begin at a page in jemalloc.
    Isolated::default().variable("LD_PRELOAD", "libjemalloc.so.2").run(|env| {
        // SAFETY: looks a name up among what is loaded.
        let theirs = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"mallctl".as_ptr()) };
        assert!(!theirs.is_null(), "libjemalloc2 is not installed");
        let module = env.module();
        let session = prepared(env, &module);
        works(&session);
        let ml_dsa = Mechanism::plain(ck::CKM_ML_DSA);
        for set in [ck::CKP_ML_DSA_44, ck::CKP_ML_DSA_65, ck::CKP_ML_DSA_87] {
            let (public, private) = session.pq_pair(ck::CKM_ML_DSA_KEY_PAIR_GEN, set);
            let signature = session.sign_with(&ml_dsa, private, b"data").unwrap();
            session.verify_with(&ml_dsa, public, b"data", &signature).unwrap();
        }
    });
}

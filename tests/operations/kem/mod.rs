//! C_EncapsulateKey and C_DecapsulateKey (PKCS#11 3.2 sections 5.18.8 and 5.18.9).

mod mechanisms;
mod rules;

use kit::{Mechanism, Object, Session, Template, ck, curve};

/// The template of a secret that can be read.
fn open() -> Template {
    Template::new().sensitive(false)
}

/// The same of this length.
fn of_length(length: ck::CK_ULONG) -> Template {
    open().ulong(ck::CKA_VALUE_LEN, length)
}

fn value(session: &Session<'_>, key: Object) -> Vec<u8> {
    session.bytes(key, ck::CKA_VALUE).unwrap()
}

fn agreement(of: ck::CK_MECHANISM_TYPE, kdf: ck::CK_EC_KDF_TYPE, shared: &[u8]) -> Mechanism {
    Mechanism::ecdh1(of, kdf, shared, b"")
}

fn oaep() -> Mechanism {
    Mechanism::oaep(ck::CKM_SHA256, ck::CKG_MGF1_SHA256, b"label")
}

/// A mechanism with a pair for it, the bytes of a ciphertext, and the bytes of the secret where the mechanism says it
/// (else the template must).
type Way = (Mechanism, (Object, Object), usize, Option<usize>);

fn ways(session: &Session<'_>) -> Vec<Way> {
    let ec = |generator, params| session.curve_pair(generator, params);
    let (weierstrass, montgomery) = (ck::CKM_EC_KEY_PAIR_GEN, ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN);
    let plain = Mechanism::plain;
    let ecdh = |of| agreement(of, ck::CKD_NULL, b"");
    let rsa = session.rsa_pair(2048);
    let dh = session.domain_pair(ck::CKM_DH_PKCS_PARAMETER_GEN, ck::CKM_DH_PKCS_KEY_PAIR_GEN, 2048);
    let x9_42_pair = session.domain_pair(ck::CKM_X9_42_DH_PARAMETER_GEN, ck::CKM_X9_42_DH_KEY_PAIR_GEN, 1024);
    let x9_42 = |kdf, other: &[u8]| Mechanism::x9_42_dh1(kdf, other, b"");
    let kem = |set| session.pq_pair(ck::CKM_ML_KEM_KEY_PAIR_GEN, set);
    vec![
        (plain(ck::CKM_ML_KEM), kem(1), 768, Some(32)),
        (plain(ck::CKM_ML_KEM), kem(2), 1088, Some(32)),
        (plain(ck::CKM_ML_KEM), kem(3), 1568, Some(32)),
        (ecdh(ck::CKM_ECDH1_DERIVE), ec(weierstrass, curve::P256), 65, Some(32)),
        (ecdh(ck::CKM_ECDH1_COFACTOR_DERIVE), ec(weierstrass, curve::P521), 133, Some(66)),
        (ecdh(ck::CKM_ECDH1_DERIVE), ec(montgomery, curve::X25519), 32, Some(32)),
        (ecdh(ck::CKM_ECDH1_DERIVE), ec(montgomery, curve::X448), 56, Some(56)),
        (agreement(ck::CKM_ECDH1_DERIVE, ck::CKD_SHA384_KDF, b"shared"), ec(weierstrass, curve::P384), 97, Some(48)),
        (plain(ck::CKM_DH_PKCS_DERIVE), dh, 256, Some(256)),
        (x9_42(ck::CKD_NULL, b""), x9_42_pair, 128, Some(128)),
        (x9_42(ck::CKD_SHA1_KDF_CONCATENATE, b"other"), x9_42_pair, 128, Some(20)),
        (plain(ck::CKM_RSA_PKCS), rsa, 256, None),
        (oaep(), rsa, 256, None),
        (plain(ck::CKM_RSA_X_509), rsa, 256, Some(256)),
    ]
}

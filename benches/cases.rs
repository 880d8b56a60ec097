//! What is measured: one row per operation, with the floor beside it.

use crate::client::{self, Attribute, Session};
use crate::every::pairs::{self, Pair};
use crate::floor::{self, Bytes, Direction, Keying, Kind, Options, Run, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

/// One operation.
pub struct Case {
    /// Its name in the table.
    pub name: String,
    /// The floor, unless OpenSSL has nothing of the kind.
    pub bare: Option<Box<dyn Fn() -> Result<Run, String>>>,
    /// The same through PKCS#11.
    pub module: Box<dyn Fn(Session) -> Result<Run, String>>,
    /// What it is held to.
    pub limit: Option<Limit>,
}

/// The least part of the floor's speed that is good enough.
#[derive(Clone, Copy)]
pub enum Limit {
    /// Signatures and decryption with a private key: 0.90.
    Signature,
    /// Ciphers, digests and MACs of 1 MiB: 0.95.
    Bulk,
    /// The same of a few bytes, and all that makes keys, wraps them or derives them: 0.30.
    Short,
}

impl Limit {
    /// By the length of the input.
    pub fn of_length(length: usize) -> Limit {
        if length < 1 << 20 { Limit::Short } else { Limit::Bulk }
    }

    /// The ratio.
    pub fn ratio(self) -> f64 {
        match self {
            Limit::Signature => 0.90,
            Limit::Bulk => 0.95,
            Limit::Short => 0.30,
        }
    }
}

impl Case {
    /// A case with a floor.
    pub fn new(
        name: impl Into<String>,
        bare: impl Fn() -> Result<Run, String> + 'static,
        module: impl Fn(Session) -> Result<Run, String> + 'static,
    ) -> Case {
        Case { bare: Some(Box::new(bare)), ..Case::alone(name, module) }
    }

    /// A case without one.
    pub fn alone(name: impl Into<String>, module: impl Fn(Session) -> Result<Run, String> + 'static) -> Case {
        Case { name: name.into(), bare: None, module: Box::new(module), limit: None }
    }

    /// The same, held to a limit.
    pub fn within(mut self, limit: Limit) -> Case {
        self.limit = Some(limit);
        self
    }
}

/// DigestInfo of SHA-256 (RFC 8017, 9.2) and a digest.
fn digest_info() -> Vec<u8> {
    let mut info =
        vec![0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 5, 0, 4, 32];
    info.extend([7; 32]);
    info
}

fn signature(pair: &Pair, how: Use, options: Options, data: Vec<u8>) -> Result<Run, String> {
    floor::pkey(pair.floor, pair.options, how, options, data)
}

/// Encryption under a key of 256 bits, with a new IV each time.
fn cipher(name: &CStr, kind: Kind, iv: usize, length: usize) -> Result<Run, String> {
    floor::cipher((name, kind), Keying::Once, Direction::Encrypt, 32, iv, length)
}

/// The place of P-256 in [`cases`], which is also the first signature of a new process.
pub const P256: usize = 1;

/// What the README shows, on the keys of [`make_keys`].
pub fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "sign RSA-2048 (PKCS#1 v1.5)",
            || signature(pairs::RSA, Use::Sign, &[("rsa_padding_mode", "pkcs1")], digest_info()),
            |s| sign(s, b"rsa2048", CKM_RSA_PKCS, digest_info()),
        ),
        Case::new(
            "sign P-256 (ECDSA)",
            || signature(pairs::P256, Use::Sign, &[], vec![7; 32]),
            |s| sign(s, b"p256", CKM_ECDSA, vec![7; 32]),
        ),
        Case::new(
            "sign P-384 (ECDSA)",
            || signature(pairs::P384, Use::Sign, &[], vec![7; 48]),
            |s| sign(s, b"p384", CKM_ECDSA, vec![7; 48]),
        ),
        Case::new(
            "sign Ed25519, 32 B",
            || signature(pairs::ED25519, Use::SignMessage(None), &[], vec![7; 32]),
            |s| sign(s, b"ed25519", CKM_EDDSA, vec![7; 32]),
        ),
        Case::new("AES-256-GCM, 1 KiB", || cipher(c"AES-256-GCM", Kind::Aead, 12, 1024), |s| gcm(s, 1024)),
        Case::new("AES-256-GCM, 1 MiB", || cipher(c"AES-256-GCM", Kind::Aead, 12, 1 << 20), |s| gcm(s, 1 << 20)),
        Case::new("AES-256-CBC, 1 MiB", || cipher(c"AES-256-CBC", Kind::Plain, 16, 1 << 20), |s| cbc(s, 1 << 20)),
        Case::new(
            "HMAC-SHA-256, 64 B",
            || floor::mac(c"HMAC", Some((c"digest", c"SHA2-256")), 32, 64),
            |s| sign(s, b"hmac", CKM_SHA256_HMAC, vec![7; 64]),
        ),
        Case::new("SHA-256, 64 B", || floor::digest(c"SHA2-256", 64), |s| digest(s, 64)),
        Case::new("SHA-256, 1 MiB", || floor::digest(c"SHA2-256", 1 << 20), |s| digest(s, 1 << 20)),
        Case::new("random, 32 B", || Bytes::Public.run(0, 32), |s| random(s, 32)),
        Case::alone("find by label", |s| {
            Ok(Box::new(move || match s.find(&[(CKA_LABEL, b"p256"), (CKA_CLASS, &PRIVATE)])? {
                Some(_) => Ok(()),
                None => Err("not found".into()),
            }))
        }),
    ]
}

const YES: [u8; 1] = [CK_TRUE];
const NO: [u8; 1] = [CK_FALSE];
const PRIVATE: [u8; 8] = CKO_PRIVATE_KEY.to_ne_bytes();
const SECRET: [u8; 8] = CKO_SECRET_KEY.to_ne_bytes();
/// OIDs of P-256, P-384 and Ed25519 (RFC 5480, RFC 8410).
const CURVES: [(&[u8], CK_MECHANISM_TYPE, &[u8]); 3] = [
    (b"p256", CKM_EC_KEY_PAIR_GEN, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]),
    (b"p384", CKM_EC_KEY_PAIR_GEN, &[6, 5, 0x2b, 0x81, 4, 0, 0x22]),
    (b"ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, &[6, 3, 0x2b, 0x65, 0x70]),
];

/// The keys that the cases use, and `objects` more secret keys. What a module cannot make is left out.
pub fn make_keys(session: &Session, objects: usize) -> Vec<String> {
    let mut missing = Vec::new();
    let mut note = |what: &str, outcome: Result<(), String>| {
        if let Err(error) = outcome {
            missing.push(format!("{what}: {error}"));
        }
    };
    let public = |name: &'static [u8]| [(CKA_TOKEN, &YES[..]), (CKA_LABEL, name), (CKA_VERIFY, &YES[..])];
    let private = |name: &'static [u8]| {
        let flags: [Attribute<'static>; 4] =
            [(CKA_TOKEN, &YES), (CKA_PRIVATE, &YES), (CKA_SIGN, &YES), (CKA_LABEL, name)];
        flags
    };
    let bits = 2048u64.to_ne_bytes();
    let mut rsa = public(b"rsa2048").to_vec();
    rsa.push((CKA_MODULUS_BITS, &bits));
    rsa.push((CKA_PUBLIC_EXPONENT, &[1, 0, 1]));
    let made = session.generate_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, &rsa, &private(b"rsa2048"));
    note("rsa2048", made.map(drop));
    for (name, mechanism, oid) in CURVES {
        let mut template = public(name).to_vec();
        template.push((CKA_EC_PARAMS, oid));
        note(&String::from_utf8_lossy(name), session.generate_pair(mechanism, &template, &private(name)).map(drop));
    }
    let length = 32u64.to_ne_bytes();
    let secret = |name: &'static [u8], use_: CK_ATTRIBUTE_TYPE| {
        let flags: [Attribute<'static>; 4] = [(CKA_TOKEN, &YES), (CKA_PRIVATE, &YES), (CKA_LABEL, name), (use_, &YES)];
        flags
    };
    let mut aes = secret(b"aes", CKA_ENCRYPT).to_vec();
    aes.push((CKA_VALUE_LEN, &length));
    note("aes", session.generate(&mut client::bare(CKM_AES_KEY_GEN), &aes).map(drop));
    let mut hmac = secret(b"hmac", CKA_SIGN).to_vec();
    hmac.push((CKA_VALUE_LEN, &length));
    note("hmac", session.generate(&mut client::bare(CKM_GENERIC_SECRET_KEY_GEN), &hmac).map(drop));
    let kind = CKK_GENERIC_SECRET.to_ne_bytes();
    for n in 0..objects {
        let label = format!("object {n}");
        let outcome = session.create(&[
            (CKA_CLASS, &SECRET),
            (CKA_KEY_TYPE, &kind),
            (CKA_TOKEN, &YES),
            (CKA_PRIVATE, &YES),
            (CKA_SENSITIVE, &NO),
            (CKA_LABEL, label.as_bytes()),
            (CKA_VALUE, &[3; 32]),
        ]);
        if let Err(error) = outcome {
            note("objects", Err(error));
            break;
        }
    }
    missing
}

fn private_key(session: &Session, label: &[u8]) -> Result<CK_OBJECT_HANDLE, String> {
    for class in [&PRIVATE, &SECRET] {
        if let Some(key) = session.find(&[(CKA_LABEL, label), (CKA_CLASS, class)])? {
            return Ok(key);
        }
    }
    Err("no such key".into())
}

fn sign(session: Session, key: &[u8], mechanism: CK_MECHANISM_TYPE, mut data: Vec<u8>) -> Result<Run, String> {
    let key = private_key(&session, key)?;
    let mut out = vec![0; 1024];
    let mut mechanism = client::bare(mechanism);
    Ok(Box::new(move || session.sign(&mut mechanism, key, &mut data, &mut out).map(drop)))
}

fn gcm(session: Session, length: usize) -> Result<Run, String> {
    let key = private_key(&session, b"aes")?;
    let (mut data, mut out) = (vec![7; length], vec![0; length + 16]);
    let mut count = 0u64;
    Ok(Box::new(move || {
        let mut iv = [0u8; 12];
        count += 1;
        iv[..8].copy_from_slice(&count.to_le_bytes());
        let mut parameters = CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: std::ptr::null_mut(),
            ulAADLen: 0,
            ulTagBits: 128,
        };
        let mut mechanism = CK_MECHANISM {
            mechanism: CKM_AES_GCM,
            pParameter: (&raw mut parameters).cast(),
            ulParameterLen: size_of::<CK_GCM_PARAMS>() as CK_ULONG,
        };
        session.encrypt(&mut mechanism, key, &mut data, &mut out).map(drop)
    }))
}

fn cbc(session: Session, length: usize) -> Result<Run, String> {
    let key = private_key(&session, b"aes")?;
    let (mut data, mut out, mut iv) = (vec![7; length], vec![0; length], [7u8; 16]);
    Ok(Box::new(move || {
        iv[0] = iv[0].wrapping_add(1);
        let mut mechanism =
            CK_MECHANISM { mechanism: CKM_AES_CBC, pParameter: iv.as_mut_ptr().cast(), ulParameterLen: 16 };
        session.encrypt(&mut mechanism, key, &mut data, &mut out).map(drop)
    }))
}

fn digest(session: Session, length: usize) -> Result<Run, String> {
    let (mut data, mut out) = (vec![7; length], [0; 32]);
    let mut mechanism = client::bare(CKM_SHA256);
    Ok(Box::new(move || session.digest(&mut mechanism, &mut data, &mut out).map(drop)))
}

fn random(session: Session, length: usize) -> Result<Run, String> {
    let mut out = vec![0; length];
    Ok(Box::new(move || session.random(&mut out)))
}

//! What is done with key pairs: signatures, some of them on messages too, made and verified; encryption and decryption.

use super::named_bare;
use super::pairs::{self, Pair};
use super::parameters::Parameter;
use super::work::{NONE, OAEP, PKCS1, RAW, message};
use crate::cases::{Case, Limit};
use crate::client::Session;
use crate::floor::Run;
use crate::floor::{self, Options, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

const PSS_SHA256: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "32"), ("digest", "SHA256")];
const PSS: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "digest")];

/// One operation with a key pair.
pub struct Private {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    pair: &'static Pair,
    how: Use,
    options: Options,
    data: usize,
    parameter: Parameter,
}

macro_rules! privates {
    ($($label:literal $name:ident $pair:ident, $how:expr, $options:expr, $data:literal $parameter:expr;)*) => {
        &[$(Private {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            pair: pairs::$pair,
            how: $how,
            options: $options,
            data: $data,
            parameter: $parameter,
        }),*]
    };
}

const fn hashed(name: &'static CStr) -> Use {
    Use::SignMessage(Some(name))
}
const WHOLE: Use = Use::SignMessage(None);

pub const PRIVATES: &[Private] = privates! {
    "" CKM_RSA_PKCS RSA, Use::Sign, PKCS1, 32 Parameter::None;
    " decrypt" CKM_RSA_PKCS RSA, Use::Decrypt, PKCS1, 32 Parameter::None;
    "" CKM_RSA_X_509 RSA, Use::Sign, RAW, 256 Parameter::None;
    " decrypt" CKM_RSA_X_509 RSA, Use::Decrypt, RAW, 256 Parameter::None;
    " encrypt" CKM_RSA_PKCS RSA, Use::Encrypt, PKCS1, 32 Parameter::None;
    " encrypt" CKM_RSA_X_509 RSA, Use::Encrypt, RAW, 256 Parameter::None;
    " encrypt" CKM_RSA_PKCS_OAEP RSA, Use::Encrypt, OAEP, 32 Parameter::Oaep;
    " decrypt" CKM_RSA_PKCS_OAEP RSA, Use::Decrypt, OAEP, 32 Parameter::Oaep;
    "" CKM_RSA_PKCS_PSS RSA, Use::Sign, PSS_SHA256, 32 Parameter::Pss(CKM_SHA256, CKG_MGF1_SHA256, 32);
    "" CKM_SHA1_RSA_PKCS RSA, hashed(c"SHA1"), PKCS1, 64 Parameter::None;
    "" CKM_SHA224_RSA_PKCS RSA, hashed(c"SHA2-224"), PKCS1, 64 Parameter::None;
    "" CKM_SHA256_RSA_PKCS RSA, hashed(c"SHA2-256"), PKCS1, 64 Parameter::None;
    "" CKM_SHA384_RSA_PKCS RSA, hashed(c"SHA2-384"), PKCS1, 64 Parameter::None;
    "" CKM_SHA512_RSA_PKCS RSA, hashed(c"SHA2-512"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_256_RSA_PKCS RSA, hashed(c"SHA3-256"), PKCS1, 64 Parameter::None;
    "" CKM_SHA256_RSA_PKCS_PSS RSA, hashed(c"SHA2-256"), PSS, 64 Parameter::Pss(CKM_SHA256, CKG_MGF1_SHA256, 32);
    "" CKM_SHA512_RSA_PKCS_PSS RSA, hashed(c"SHA2-512"), PSS, 64 Parameter::Pss(CKM_SHA512, CKG_MGF1_SHA512, 64);
    " P-256" CKM_ECDSA P256, Use::Sign, NONE, 32 Parameter::None;
    " P-384" CKM_ECDSA P384, Use::Sign, NONE, 48 Parameter::None;
    " P-521" CKM_ECDSA P521, Use::Sign, NONE, 64 Parameter::None;
    " secp256k1" CKM_ECDSA SECP256K1, Use::Sign, NONE, 32 Parameter::None;
    " brainpoolP256r1" CKM_ECDSA BRAINPOOL, Use::Sign, NONE, 32 Parameter::None;
    " P-256" CKM_ECDSA_SHA1 P256, hashed(c"SHA1"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA224 P256, hashed(c"SHA2-224"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA256 P256, hashed(c"SHA2-256"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA384 P256, hashed(c"SHA2-384"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA512 P256, hashed(c"SHA2-512"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_256 P256, hashed(c"SHA3-256"), NONE, 64 Parameter::None;
    " Ed25519" CKM_EDDSA ED25519, WHOLE, NONE, 64 Parameter::None;
    " Ed448" CKM_EDDSA ED448, WHOLE, NONE, 64 Parameter::None;
    " 44" CKM_ML_DSA ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    " 65" CKM_ML_DSA ML_DSA_65, WHOLE, NONE, 64 Parameter::None;
    " 87" CKM_ML_DSA ML_DSA_87, WHOLE, NONE, 64 Parameter::None;
    " SHA2-128f" CKM_SLH_DSA SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    " SHAKE-128f" CKM_SLH_DSA SLH_DSA_SHAKE_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_SHA224_RSA_PKCS_PSS RSA, hashed(c"SHA2-224"), PSS, 64 Parameter::Pss(CKM_SHA224, CKG_MGF1_SHA224, 28);
    "" CKM_SHA384_RSA_PKCS_PSS RSA, hashed(c"SHA2-384"), PSS, 64 Parameter::Pss(CKM_SHA384, CKG_MGF1_SHA384, 48);
    "" CKM_SHA3_224_RSA_PKCS_PSS RSA, hashed(c"SHA3-224"), PSS, 64 Parameter::Pss(CKM_SHA3_224, CKG_MGF1_SHA3_224, 28);
    "" CKM_SHA3_256_RSA_PKCS_PSS RSA, hashed(c"SHA3-256"), PSS, 64 Parameter::Pss(CKM_SHA3_256, CKG_MGF1_SHA3_256, 32);
    "" CKM_SHA3_384_RSA_PKCS_PSS RSA, hashed(c"SHA3-384"), PSS, 64 Parameter::Pss(CKM_SHA3_384, CKG_MGF1_SHA3_384, 48);
    "" CKM_SHA3_512_RSA_PKCS_PSS RSA, hashed(c"SHA3-512"), PSS, 64 Parameter::Pss(CKM_SHA3_512, CKG_MGF1_SHA3_512, 64);
    "" CKM_SHA1_RSA_PKCS_PSS RSA, hashed(c"SHA1"), PSS, 64 Parameter::Pss(CKM_SHA_1, CKG_MGF1_SHA1, 20);
    "" CKM_MD5_RSA_PKCS RSA, hashed(c"MD5"), PKCS1, 64 Parameter::None;
    "" CKM_RIPEMD160_RSA_PKCS RSA, hashed(c"RIPEMD160"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_224_RSA_PKCS RSA, hashed(c"SHA3-224"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_384_RSA_PKCS RSA, hashed(c"SHA3-384"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_512_RSA_PKCS RSA, hashed(c"SHA3-512"), PKCS1, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_224 P256, hashed(c"SHA3-224"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_384 P256, hashed(c"SHA3-384"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_512 P256, hashed(c"SHA3-512"), NONE, 64 Parameter::None;
    "" CKM_DSA DSA, Use::Sign, NONE, 20 Parameter::None;
    "" CKM_DSA_SHA1 DSA, hashed(c"SHA1"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA224 DSA, hashed(c"SHA2-224"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA256 DSA, hashed(c"SHA2-256"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA384 DSA, hashed(c"SHA2-384"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA512 DSA, hashed(c"SHA2-512"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_224 DSA, hashed(c"SHA3-224"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_256 DSA, hashed(c"SHA3-256"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_384 DSA, hashed(c"SHA3-384"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_512 DSA, hashed(c"SHA3-512"), NONE, 64 Parameter::None;
    // OpenSSL signs hashes in the name of their messages no other way: a signature of as short a message.
    "" CKM_HASH_ML_DSA ML_DSA_44, WHOLE, NONE, 32 Parameter::Hashed(CKM_SHA256);
    "" CKM_HASH_ML_DSA_SHA224 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA384 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA512 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_224 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_384 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_512 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHAKE128 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHAKE256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA SLH_DSA_128F, WHOLE, NONE, 32 Parameter::Hashed(CKM_SHA256);
    "" CKM_HASH_SLH_DSA_SHA224 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA384 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA512 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_224 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_384 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_512 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHAKE128 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHAKE256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
};

impl Private {
    /// The flags of the functions that the row measures.
    pub fn measures(&self) -> CK_FLAGS {
        match self.how {
            Use::Encrypt => CKF_ENCRYPT,
            Use::Decrypt => CKF_DECRYPT,
            _ => CKF_SIGN | CKF_VERIFY,
        }
    }

    fn signs(&self) -> bool {
        self.measures() & CKF_SIGN != 0
    }
}

/// Those that are measured on messages too, where there is no Init before each: one of each kind.
const MESSAGES: &[&str] = &[
    "CKM_RSA_PKCS",
    "CKM_SHA256_RSA_PKCS",
    "CKM_ECDSA P-256",
    "CKM_ECDSA_SHA256 P-256",
    "CKM_EDDSA Ed25519",
    "CKM_ML_DSA 44",
    "CKM_HASH_ML_DSA_SHA256",
];

/// Every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let floor = |row: &'static Private| {
        move || floor::pkey(row.pair.floor, row.pair.options, row.how, row.options, message(row.data))
    };
    let alone = PRIVATES.iter().map(move |row| {
        let case = Case::new(named_bare(row.name), floor(row), move |s| private(s, row));
        // A public key's work is short.
        case.within(if row.how == Use::Encrypt { Limit::Short } else { Limit::Signature })
    });
    let verified = PRIVATES.iter().filter(|row| row.signs()).map(|row| {
        let name = format!("{} verify", named_bare(row.name));
        let of = row.pair;
        let floor = move || floor::verification(of.floor, of.options, row.how, row.options, message(row.data));
        Case::new(name, floor, move |s| verification(s, row)).within(Limit::Short)
    });
    let messages = PRIVATES.iter().filter(|row| MESSAGES.contains(&row.name)).map(move |row| {
        let name = format!("{}, a message", named_bare(row.name));
        Case::new(name, floor(row), move |s| messages(s, row)).within(Limit::Signature)
    });
    alone.chain(verified).chain(messages)
}

fn private(session: Session, row: &'static Private) -> Result<Run, String> {
    let (public, private) = row.pair.make(&session)?;
    let mut mechanism = row.parameter.given(row.mechanism, &session)?.mechanism;
    let (mut data, mut out) = (message(row.data), vec![0; 65536]);
    if row.how == Use::Decrypt {
        let n = session.encrypt(&mut mechanism, public, &mut data, &mut out)?;
        data = out[..n].to_vec();
    }
    Ok(Box::new(move || {
        let done = match row.how {
            Use::Encrypt => session.encrypt(&mut mechanism, public, &mut data, &mut out),
            Use::Decrypt => session.decrypt(&mut mechanism, private, &mut data, &mut out),
            _ => session.sign(&mut mechanism, private, &mut data, &mut out),
        };
        done.map(drop)
    }))
}

fn verification(session: Session, row: &'static Private) -> Result<Run, String> {
    let (public, private) = row.pair.make(&session)?;
    let mut mechanism = row.parameter.given(row.mechanism, &session)?.mechanism;
    let (mut data, mut signature) = (message(row.data), vec![0; 65536]);
    let n = session.sign(&mut mechanism, private, &mut data, &mut signature)?;
    signature.truncate(n);
    Ok(Box::new(move || session.verify(&mut mechanism, public, &mut data, &mut signature)))
}

/// One C_MessageSignInit, and C_SignMessage again and again.
fn messages(session: Session, row: &'static Private) -> Result<Run, String> {
    let (_, private) = row.pair.make(&session)?;
    session.message_sign_init(&mut row.parameter.given(row.mechanism, &session)?.mechanism, private)?;
    let (mut data, mut out) = (message(row.data), vec![0; 65536]);
    Ok(Box::new(move || session.sign_message(&mut data, &mut out).map(drop)))
}

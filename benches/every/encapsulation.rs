//! What encapsulates keys: both halves, each of which makes an object and destroys it again.

use super::derivation::secret_template;
use super::pairs::{self, Pair};
use super::parameters::Parameter;
use super::work::{self, NONE, OAEP, PKCS1, Work};
use super::{VALUE, named_bare};
use crate::cases::{Case, Limit};
use crate::client::Session;
use crate::floor::Run;
use crate::floor::{Kem, Use};
use cryptoki_sys::*;

/// An encapsulation.
pub struct Encapsulation {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    pair: &'static Pair,
    parameter: Parameter,
    encapsulate: &'static [Work],
    decapsulate: &'static [Work],
}

macro_rules! encapsulations {
    ($($label:literal $name:ident $pair:ident $parameter:ident $to:expr, $from:expr;)*) => {
        &[$(Encapsulation {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            pair: pairs::$pair,
            parameter: Parameter::$parameter,
            encapsulate: $to,
            decapsulate: $from,
        }),*]
    };
}

/// A pair is made for the one key.
macro_rules! agreed {
    ($pair:ident) => {
        &[Work::Pair(pairs::$pair), Work::Use(pairs::$pair, Use::Derive, NONE, 0)]
    };
}

/// Half of what OpenSSL does as a whole.
macro_rules! kem {
    ($pair:ident $half:ident) => {
        &[Work::Kem(pairs::$pair, Kem::$half)]
    };
}

/// A use of a pair on the bytes of a key.
macro_rules! with {
    ($pair:ident $how:ident $options:ident) => {
        Work::Use(pairs::$pair, Use::$how, $options, VALUE)
    };
}

pub const ENCAPSULATIONS: &[Encapsulation] = encapsulations! {
    " 768" CKM_ML_KEM ML_KEM_768 None kem!(ML_KEM_768 Encapsulate), kem!(ML_KEM_768 Decapsulate);
    "" CKM_RSA_X_509 RSA None kem!(RSA Encapsulate), kem!(RSA Decapsulate);
    "" CKM_RSA_PKCS RSA None &[Work::Random, with!(RSA Encrypt PKCS1)], &[with!(RSA Decrypt PKCS1)];
    "" CKM_RSA_PKCS_OAEP RSA Oaep &[Work::Random, with!(RSA Encrypt OAEP)], &[with!(RSA Decrypt OAEP)];
    " P-256" CKM_ECDH1_DERIVE P256 Agreement agreed!(P256), &[with!(P256 Derive NONE)];
    " X25519" CKM_ECDH1_DERIVE X25519 Agreement agreed!(X25519), &[with!(X25519 Derive NONE)];
    " P-256" CKM_ECDH1_COFACTOR_DERIVE P256 Agreement agreed!(P256), &[with!(P256 Derive NONE)];
    " ffdhe2048" CKM_DH_PKCS_DERIVE DH Agreement agreed!(DH), &[with!(DH Derive NONE)];
    " 1024" CKM_X9_42_DH_DERIVE X9_42_DH Agreement agreed!(X9_42_DH), &[with!(X9_42_DH Derive NONE)];
};

/// Both halves of every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let half = |row: &'static Encapsulation, how| {
        let (word, works) = match how {
            Kem::Encapsulate => ("encapsulate", row.encapsulate),
            Kem::Decapsulate => ("decapsulate", row.decapsulate),
        };
        let name = format!("{} {word}", named_bare(row.name));
        Case::new(name, move || work::key(works), move |s| encapsulation(s, row, how)).within(Limit::Short)
    };
    ENCAPSULATIONS.iter().flat_map(move |row| [Kem::Encapsulate, Kem::Decapsulate].map(|how| half(row, how)))
}

fn encapsulation(session: Session, row: &'static Encapsulation, how: Kem) -> Result<Run, String> {
    let (public, private) = row.pair.make(&session)?;
    let mut mechanism = row.parameter.given(row.mechanism, &session)?.mechanism;
    let (template, mut out) = (secret_template(VALUE as CK_ULONG), vec![0; 2048]);
    let (n, first) = session.encapsulate(&mut mechanism, public, &template, &mut out)?;
    session.destroy(first)?;
    let mut ciphertext = out[..n].to_vec();
    Ok(Box::new(move || {
        let key = match how {
            Kem::Encapsulate => session.encapsulate(&mut mechanism, public, &template, &mut out)?.1,
            Kem::Decapsulate => session.decapsulate(&mut mechanism, private, &mut ciphertext, &template)?,
        };
        session.destroy(key)
    }))
}

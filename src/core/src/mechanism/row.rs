//! Rows and their lookup.

use super::derive::Derivation;
use super::engine::{Cipher, Digester, Recoverer, Signer, Verifier};
use super::kem::Kem;
use super::key::Key;
use super::wrapping::{self, Wrapping};
use super::{Parameter, Shape};
use super::{aead, aes, block, chacha, derive, dh, digest, dsa, ec, edwards, hotp, mac, password, pq, raw_rsa};
use super::{rsa, secret};
use crate::Result;
use crate::attribute::Attributes;
use sealhsm_secret::Secret;
use std::sync::{Arc, LazyLock};

/// Deniable groups of mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Everything current.
    Modern,
    /// What `mechanisms = "-legacy"` denies in one word.
    Legacy,
}

/// Makes a keyed engine.
pub type Make<E> = fn(&Arc<Key>) -> Result<Box<E>>;
/// Makes an engine that needs no key.
pub type MakeDigester = fn() -> Result<Box<dyn Digester>>;
/// Template (checked) to the attributes that the key adds to it.
pub type Generate = fn(&Parameter<'_>, &Attributes) -> Result<Attributes>;
/// Public and private template (checked) to the attributes that each half adds.
pub type GeneratePair = fn(&Parameter<'_>, &Attributes, &Attributes) -> Result<(Attributes, Attributes)>;
/// A complete private key to the values of its public half.
pub type PublicHalf = fn(&Attributes) -> Result<Attributes>;

/// One mechanism.
pub struct Row {
    /// CK_MECHANISM_TYPE.
    pub mechanism: u64,
    /// Its name without `CKM_`, as the configuration and `sealhsm` write it.
    pub name: &'static str,
    /// ulMinKeySize, ulMaxKeySize: bits or bytes as the standard says for the mechanism.
    pub sizes: (u64, u64),
    /// CKK_ values that fit; empty for mechanisms without a key.
    pub key_types: &'static [u64],
    /// The C structure of the parameter.
    pub parameter: Shape,
    /// See [`Group`].
    pub group: Group,
    /// CKF_EC_* and other flags beyond those that follow from the functions below.
    pub extra_flags: u64,
    /// C_EncryptInit.
    pub encrypt: Option<Make<dyn Cipher>>,
    /// C_DecryptInit.
    pub decrypt: Option<Make<dyn Cipher>>,
    /// C_SignInit.
    pub sign: Option<Make<dyn Signer>>,
    /// C_VerifyInit.
    pub verify: Option<Make<dyn Verifier>>,
    /// C_DigestInit.
    pub digest: Option<MakeDigester>,
    /// C_GenerateKey.
    pub generate: Option<Generate>,
    /// C_GenerateKeyPair.
    pub generate_pair: Option<GeneratePair>,
    /// C_WrapKey and C_UnwrapKey.
    pub wrapping: Option<Wrapping>,
    /// C_DeriveKey.
    pub derivation: Option<Derivation>,
    /// C_MessageEncryptInit, C_MessageDecryptInit, C_WrapKeyAuthenticated, C_UnwrapKeyAuthenticated.
    pub message: Option<&'static aead::Algorithm>,
    /// A parameter or a key serves one message only: nothing for C_MessageSignInit.
    pub one_message: bool,
    /// Signatures of what is given whole: nothing for C_SignUpdate and C_SignMessageBegin.
    pub one_part: bool,
    /// What it generates follows from what the caller gave: a password.
    pub known: bool,
    /// C_DeriveKey where it makes the public half of a private key.
    pub public_half: Option<PublicHalf>,
    /// C_EncapsulateKey and C_DecapsulateKey.
    pub kem: Option<Kem>,
    /// C_VerifyRecoverInit. What has it has `sign` too, which is what C_SignRecoverInit makes.
    pub recover: Option<Make<dyn Recoverer>>,
    /// Bytes that C_GenerateKey gives besides the key, for the output fields of the parameter.
    pub shown: fn(&Parameter<'_>) -> Result<Vec<Secret>>,
    /// CKO_ of what C_GenerateKey makes.
    pub makes: u64,
}

impl Row {
    /// A row that can nothing, for `..Row::NONE`.
    pub const NONE: Row = Row {
        mechanism: u64::MAX,
        name: "",
        sizes: (0, 0),
        key_types: &[],
        parameter: Shape::None,
        group: Group::Modern,
        extra_flags: 0,
        encrypt: None,
        decrypt: None,
        sign: None,
        verify: None,
        digest: None,
        generate: None,
        generate_pair: None,
        wrapping: None,
        derivation: None,
        message: None,
        one_message: false,
        one_part: false,
        known: false,
        public_half: None,
        kem: None,
        recover: None,
        shown: |_| Ok(Vec::new()),
        makes: cryptoki_sys::CKO_SECRET_KEY,
    };
}

/// A row, by the name of its constant in `cryptoki_sys`.
macro_rules! row {
    ($name:ident { $($field:ident: $value:expr),* $(,)? }) => {
        $crate::mechanism::Row {
            mechanism: cryptoki_sys::$name,
            name: $crate::mechanism::row::bare(stringify!($name)),
            $($field: $value,)*
            ..$crate::mechanism::Row::NONE
        }
    };
}

/// The name of a constant without `CKM_`; anything else does not compile.
pub(super) const fn bare(constant: &'static str) -> &'static str {
    match constant.as_bytes() {
        [b'C', b'K', b'M', b'_', rest @ ..] => match std::str::from_utf8(rest) {
            Ok(name) => name,
            Err(_) => "",
        },
        _ => "",
    }
}

/// The families; a new one is one entry here.
static FAMILIES: &[&[Row]] = &[
    rsa::ROWS,
    ec::ROWS,
    edwards::ROWS,
    aes::ROWS,
    mac::ROWS[0],
    digest::ROWS,
    secret::ROWS,
    wrapping::aes::ROWS,
    derive::agreement::ROWS,
    derive::parts::ROWS,
    derive::encrypted::ROWS,
    derive::hash::ROWS,
    derive::hkdf::ROWS,
    aead::ROWS,
    block::ROWS,
    block::xts::ROWS,
    chacha::ROWS,
    mac::ROWS[1],
    mac::ROWS[2],
    mac::ROWS[3],
    derive::hash::OTHERS,
    pq::ROWS,
    derive::sp800_108::ROWS,
    password::ROWS,
    raw_rsa::ROWS,
    derive::public::ROWS,
    hotp::ROWS,
    derive::tls::ROWS,
    derive::tls_prf::ROWS,
    derive::ike::ROWS,
    dh::ROWS,
    derive::dh::ROWS,
    dsa::ROWS,
    wrapping::ec::ROWS,
];

/// Rows in the order of their numbers, and by number: every Init looks one up. The standard's numbers are small.
struct Registry {
    rows: Vec<&'static Row>,
    by_number: Vec<Option<&'static Row>>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let mut rows: Vec<&Row> = FAMILIES.iter().copied().flatten().collect();
    rows.sort_by_key(|row| row.mechanism);
    let most = rows.last().map_or(0, |row| row.mechanism as usize);
    let mut by_number = vec![None; most + 1];
    rows.iter().for_each(|row| by_number[row.mechanism as usize] = Some(*row));
    Registry { rows, by_number }
});

/// All rows of all families, in the order of their numbers.
pub fn rows() -> &'static [&'static Row] {
    &REGISTRY.rows
}

/// The row of a mechanism.
pub fn lookup(mechanism: u64) -> Option<&'static Row> {
    REGISTRY.by_number.get(usize::try_from(mechanism).ok()?).copied()?
}

/// Names that the standard has beside those of the rows.
macro_rules! second_names {
    ($($name:ident)*) => {
        const SECOND_NAMES: &[(&str, u64)] = &[$((bare(stringify!($name)), cryptoki_sys::$name)),*];
    };
}

second_names! {
    CKM_ECDSA_KEY_PAIR_GEN
    CKM_CAST5_KEY_GEN CKM_CAST5_ECB CKM_CAST5_CBC CKM_CAST5_CBC_PAD CKM_CAST5_MAC CKM_CAST5_MAC_GENERAL
    CKM_SHA3_224_KEY_DERIVE CKM_SHA3_256_KEY_DERIVE CKM_SHA3_384_KEY_DERIVE CKM_SHA3_512_KEY_DERIVE
    CKM_SHAKE_128_KEY_DERIVE CKM_SHAKE_256_KEY_DERIVE
    CKM_DSA_PROBABILISTIC_PARAMETER_GEN CKM_DSA_PROBABLISTIC_PARAMETER_GEN
}

/// The row of a mechanism by one of its names, without `CKM_`.
pub fn named(name: &str) -> Option<&'static Row> {
    let second = || SECOND_NAMES.iter().find(|(second, _)| *second == name).and_then(|(_, number)| lookup(*number));
    rows().iter().copied().find(|row| row.name == name).or_else(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_number_and_does_something() {
        assert!(rows().windows(2).all(|pair| pair[0].mechanism < pair[1].mechanism));
        // Others would make the table by number a large one.
        assert!(rows().iter().all(|row| row.mechanism < 0x1_0000));
        for row in rows() {
            assert!(std::ptr::eq(lookup(row.mechanism).unwrap(), *row));
            assert!(!row.name.is_empty());
            assert!(row.sizes.0 <= row.sizes.1);
            let derives = row.derivation.is_some() || row.public_half.is_some();
            let from_keys = row.wrapping.is_some() || derives || row.kem.is_some();
            let keyed = row.encrypt.is_some() || row.sign.is_some() || from_keys;
            let makes = row.generate.is_some() || row.generate_pair.is_some();
            assert!(keyed || makes || row.digest.is_some(), "{}", row.name);
            assert_eq!(row.encrypt.is_some(), row.decrypt.is_some(), "{}", row.name);
            assert!(row.message.is_none() || row.encrypt.is_some(), "{}", row.name);
            assert_eq!(row.sign.is_some(), row.verify.is_some(), "{}", row.name);
            assert!(row.sign.is_some() || row.recover.is_none(), "{}", row.name);
            assert_eq!(keyed || makes, !row.key_types.is_empty(), "{}", row.name);
        }
        assert!(lookup(u64::MAX).is_none());
        assert!(lookup(cryptoki_sys::CKM_VENDOR_DEFINED).is_none());
    }
}

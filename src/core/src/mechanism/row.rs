//! Rows and their lookup.

use super::engine::{Cipher, Digester, Signer, Verifier};
use super::key::Key;
use super::{Parameter, Shape};
use crate::Result;
use crate::attribute::Attributes;
use std::sync::Arc;

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
    pub digest: Option<fn() -> Result<Box<dyn Digester>>>,
    /// C_GenerateKey: template (checked) to the attributes that the key adds to it.
    pub generate: Option<fn(&Parameter<'_>, &Attributes) -> Result<Attributes>>,
    /// C_GenerateKeyPair: public and private template to the attributes that each half adds.
    pub generate_pair: Option<fn(&Parameter<'_>, &Attributes, &Attributes) -> Result<(Attributes, Attributes)>>,
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
    };
}

/// All rows of all families, in the order of their numbers.
pub fn rows() -> &'static [&'static Row] {
    &[]
}

/// The row of a mechanism.
pub fn lookup(_mechanism: u64) -> Option<&'static Row> {
    None
}

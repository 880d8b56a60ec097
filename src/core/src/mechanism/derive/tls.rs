//! The key schedule of TLS 1.2 (RFC 5246, RFC 7627, RFC 5705; PKCS#11 3.2 section 6.40) and of TLS 1.0 and 1.1
//! (section 6.39): master secrets, the keys of a connection, exporters. The function beneath is in `tls_prf`.
//!
//! Where the base is guarded, no byte that is a key in one call is an IV or a short key in another: no IV is given at
//! all (CKM_TLS12_KEY_SAFE_DERIVE does without), keys have the lengths of real ciphers, no caller chooses a label of the
//! protocol itself, and CKM_TLS_PRF, which gives bytes, is for bases that may be read.

use super::tls_prf::{self, Prf, RESERVED};
use super::{Bases, Derivation, Derived, Several, Wanted};
use crate::attribute::{Attributes, Value, build};
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{Group, Parameter, Row, Shape};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

/// A parameter of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls<'a> {
    /// CK_TLS12_MASTER_KEY_DERIVE_PARAMS, CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS, CK_SSL3_MASTER_KEY_DERIVE_PARAMS.
    Master {
        /// prfHashMechanism, a CKM_; CKM_TLS_PRF where the structure has none.
        prf: u64,
        /// The random data, or the session hash.
        seed: Seed<'a>,
        /// Whether there is a place for the version.
        version: bool,
    },
    /// CK_TLS12_KEY_MAT_PARAMS, CK_SSL3_KEY_MAT_PARAMS.
    Keys {
        /// prfHashMechanism, a CKM_; CKM_TLS_PRF where the structure has none.
        prf: u64,
        /// RandomInfo.
        random: Randoms<'a>,
        /// ulMacSizeInBits.
        mac_bits: u64,
        /// ulKeySizeInBits.
        key_bits: u64,
        /// ulIVSizeInBits; 0 where no IV is given.
        iv_bits: u64,
    },
    /// CK_TLS_KDF_PARAMS.
    Kdf {
        /// prfMechanism, a CKM_.
        prf: u64,
        /// pLabel.
        label: &'a [u8],
        /// RandomInfo.
        random: Randoms<'a>,
        /// pContextData; none is not the same as an empty one (RFC 5705 section 4).
        context: Option<&'a [u8]>,
    },
    /// CK_TLS_MAC_PARAMS.
    Mac {
        /// prfHashMechanism, a CKM_.
        prf: u64,
        /// ulMacLength in bytes.
        len: u64,
        /// ulServerOrClient.
        side: u64,
    },
    /// CK_TLS_PRF_PARAMS.
    Prf {
        /// pLabel.
        label: &'a [u8],
        /// pSeed.
        seed: &'a [u8],
        /// What pulOutputLen points to, in bytes.
        len: u64,
    },
}

/// CK_SSL3_RANDOM_DATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Randoms<'a> {
    /// pClientRandom.
    pub client: &'a [u8],
    /// pServerRandom.
    pub server: &'a [u8],
}

/// What a master secret is made of besides the secret before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed<'a> {
    /// RFC 5246 section 8.1.
    Random(Randoms<'a>),
    /// RFC 7627 section 4.
    Session(&'a [u8]),
}

/// Bytes of a master secret, and of a secret before it that begins with a version.
const MASTER: usize = 48;
const TYPES: &[u64] = &[ck::CKK_GENERIC_SECRET];
const SIZES: (u64, u64) = (MASTER as u64, MASTER as u64);
const ANY: (u64, u64) = (1, MAX_SECRET);

/// Whether the secret before the master secret begins with a version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Version,
    Anything,
}

macro_rules! master {
    ($mechanism:ident $shape:ident $group:ident $start:ident $sizes:expr) => {
        row!($mechanism {
            sizes: $sizes,
            key_types: TYPES,
            parameter: Shape::$shape,
            group: Group::$group,
            derivation: Some(Derivation {
                several: Some(Several {
                    keys: if matches!(Group::$group, Group::Modern) { master_12 } else { master_old },
                    derive: |bases, parameter, wanted| master(Start::$start, Group::$group, bases, parameter, wanted),
                    inherits: false,
                    own_lens: true,
                }),
                ..Derivation::ONE_WAY
            }),
        })
    };
}

macro_rules! keys {
    ($mechanism:ident $shape:ident $group:ident) => {
        row!($mechanism {
            sizes: SIZES,
            key_types: TYPES,
            parameter: Shape::$shape,
            group: Group::$group,
            derivation: Some(Derivation {
                one_way: false,
                several: Some(Several {
                    keys: connection_keys,
                    derive: |bases, parameter, wanted| connection(Group::$group, bases, parameter, wanted),
                    inherits: true,
                    own_lens: true,
                }),
                ..Derivation::ONE_WAY
            }),
        })
    };
}

macro_rules! kdf {
    ($mechanism:ident) => {
        row!($mechanism {
            sizes: ANY,
            key_types: TYPES,
            parameter: Shape::TlsKdf,
            derivation: Some(Derivation {
                one_way: false,
                several: Some(Several {
                    keys: |_, template| vec![Ok(template)],
                    derive: exporter,
                    inherits: true,
                    own_lens: false
                }),
                ..Derivation::ONE_WAY
            }),
        })
    };
}

pub(in crate::mechanism) static ROWS: &[Row] = &[
    master!(CKM_TLS12_MASTER_KEY_DERIVE Tls12Master Modern Version SIZES),
    master!(CKM_TLS12_MASTER_KEY_DERIVE_DH Tls12Master Modern Anything ANY),
    master!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE Tls12ExtendedMaster Modern Version SIZES),
    master!(CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH Tls12ExtendedMaster Modern Anything ANY),
    keys!(CKM_TLS12_KEY_AND_MAC_DERIVE Tls12KeyMat Modern),
    keys!(CKM_TLS12_KEY_SAFE_DERIVE Tls12KeyMatSafe Modern),
    kdf!(CKM_TLS_KDF),
    kdf!(CKM_TLS12_KDF),
    master!(CKM_TLS_MASTER_KEY_DERIVE Ssl3Master Legacy Version SIZES),
    master!(CKM_TLS_MASTER_KEY_DERIVE_DH Ssl3Master Legacy Anything ANY),
    keys!(CKM_TLS_KEY_AND_MAC_DERIVE Ssl3KeyMat Legacy),
    row!(CKM_TLS_PRF {
        sizes: ANY,
        key_types: TYPES,
        parameter: Shape::TlsPrf,
        group: Group::Legacy,
        derivation: Some(Derivation {
            several: Some(Several { keys: |_, _| Vec::new(), derive: bare, inherits: false, own_lens: false }),
            ..Derivation::ONE_WAY
        }),
    }),
];

/// What a master secret may be used for (section 6.40.4).
const MASTER_USES: [u64; 6] = [
    ck::CKM_TLS12_KEY_AND_MAC_DERIVE,
    ck::CKM_TLS12_KEY_SAFE_DERIVE,
    ck::CKM_TLS_KDF,
    ck::CKM_TLS_MAC,
    ck::CKM_TLS12_KDF,
    ck::CKM_TLS12_MAC,
];

fn master_12(parameter: &Parameter<'_>, mut template: Attributes) -> Vec<Result<Attributes>> {
    match template.value(ck::CKA_ALLOWED_MECHANISMS) {
        Some(Value::Ulongs(given)) if !given.is_empty() => {
            if !given.iter().all(|given| MASTER_USES.contains(given)) {
                return vec![Err(Error::TemplateInconsistent)];
            }
        }
        _ => template.set(ck::CKA_ALLOWED_MECHANISMS, Value::Ulongs(MASTER_USES.to_vec())),
    }
    master_old(parameter, template)
}

fn master_old(_: &Parameter<'_>, mut template: Attributes) -> Vec<Result<Attributes>> {
    let mut implied = Attributes::new();
    implied.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
    implied.set_ulong(ck::CKA_VALUE_LEN, MASTER as u64);
    vec![build::enforce(&mut template, &implied).map(|()| template)]
}

fn master(start: Start, group: Group, bases: &Bases<'_>, parameter: &Parameter<'_>, _: &[Wanted]) -> Result<Derived> {
    let Parameter::Tls(Tls::Master { prf, seed, version }) = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let before = bases.key.secret()?.as_ref();
    let mut shown = Vec::new();
    match start {
        Start::Anything if version => return Err(Error::MechanismParamInvalid),
        Start::Version if before.len() != MASTER => return Err(Error::KeySizeRange),
        // The first bytes of any other key are not told.
        _ if version && bases.guarded && !bases.pre_master => return Err(Error::MechanismParamInvalid),
        _ if version => shown.push(Secret::copy_of(&before[..2])),
        _ => {}
    }
    let prf = Prf::of(prf, group)?;
    prf.takes(bases.key)?;
    let value = match seed {
        Seed::Random(random) => prf.expand(before, &[b"master secret", random.client, random.server], MASTER)?,
        Seed::Session(hash) => prf.expand(before, &[b"extended master secret", hash], MASTER)?,
    };
    Ok(Derived { values: vec![value], shown })
}

/// Bytes of MAC key, key and IV of one side.
struct Sizes {
    mac: usize,
    key: usize,
    iv: usize,
}

/// The longest of them.
const LONGEST: u64 = 512;
/// The bytes of MAC keys, and of the keys of ciphers beside them, that the suites of TLS 1.2 have. A guarded base makes
/// no others: between these no few bytes can be found by trial, save four, a call for each trial, behind a key of 16.
const SUITES: [(usize, &[usize]); 4] = [(20, &[0, 16, 24, 32]), (0, &[16, 32]), (32, &[0, 16, 32]), (48, &[0, 32])];

/// Whether a suite has such keys. Those of older versions all have SHA-1.
fn is_of_a_suite(group: Group, sizes: &Sizes) -> bool {
    let known = if group == Group::Modern { &SUITES[..] } else { &SUITES[..1] };
    known.iter().any(|(mac, keys)| *mac == sizes.mac && keys.contains(&sizes.key))
}

fn sizes(parameter: &Parameter<'_>) -> Result<Sizes> {
    let Parameter::Tls(Tls::Keys { mac_bits, key_bits, iv_bits, .. }) = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let bytes = |bits: u64| {
        if bits % 8 == 0 && bits / 8 <= LONGEST { Ok(bits as usize / 8) } else { Err(Error::MechanismParamInvalid) }
    };
    let sizes = Sizes { mac: bytes(mac_bits)?, key: bytes(key_bits)?, iv: bytes(iv_bits)? };
    if sizes.mac + sizes.key == 0 { Err(Error::MechanismParamInvalid) } else { Ok(sizes) }
}

/// What the keys for MACs take from a template that is that of the keys for encryption.
const SHARED: [u64; 10] = [
    ck::CKA_CLASS,
    ck::CKA_TOKEN,
    ck::CKA_PRIVATE,
    ck::CKA_MODIFIABLE,
    ck::CKA_COPYABLE,
    ck::CKA_DESTROYABLE,
    ck::CKA_LABEL,
    ck::CKA_SENSITIVE,
    ck::CKA_EXTRACTABLE,
    ck::CKA_WRAP_WITH_TRUSTED,
];

/// Client and server MAC keys, client and server keys, as far as there are any.
fn connection_keys(parameter: &Parameter<'_>, template: Attributes) -> Vec<Result<Attributes>> {
    let sizes = match sizes(parameter) {
        Ok(sizes) => sizes,
        Err(error) => return vec![Err(error)],
    };
    let mut keys = Vec::new();
    for _ in 0..if sizes.mac > 0 { 2 } else { 0 } {
        let mut mac = Attributes::new();
        for of in SHARED {
            if let Some(value) = template.value(of) {
                mac.set(of, value.duplicate());
            }
        }
        mac.set_ulong(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
        mac.set_bool(ck::CKA_SIGN, true);
        mac.set_bool(ck::CKA_VERIFY, true);
        keys.push(Ok(mac));
    }
    // They encrypt and decrypt as keys of their type do. That they also derive (section 6.40.6) is asked for by nobody,
    // and would be a second purpose.
    for _ in 0..if sizes.key > 0 { 2 } else { 0 } {
        keys.push(Ok(template.duplicate()));
    }
    keys
}

fn connection(group: Group, bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &[Wanted]) -> Result<Derived> {
    let Parameter::Tls(Tls::Keys { prf, random, .. }) = *parameter else { return Err(Error::MechanismParamInvalid) };
    let sizes = sizes(parameter)?;
    if bases.guarded && sizes.iv > 0 {
        log::warn!("no IV is derived from a guarded key; use CKM_TLS12_KEY_SAFE_DERIVE, or a base that may be read");
        return Err(Error::MechanismParamInvalid);
    }
    if bases.guarded && !is_of_a_suite(group, &sizes) {
        return Err(Error::MechanismParamInvalid);
    }
    let base = bases.key.secret()?.as_ref();
    if base.len() != MASTER {
        return Err(Error::KeySizeRange);
    }
    let keys = wanted.len() - if sizes.mac > 0 { 2 } else { 0 };
    for wanted in &wanted[wanted.len() - keys..] {
        if wanted.len.is_some_and(|len| len != sizes.key) {
            return Err(Error::TemplateInconsistent);
        }
        Wanted { len: Some(sizes.key), ..*wanted }.len_or(None)?;
    }
    let all = 2 * (sizes.mac + sizes.key + sizes.iv);
    let prf = Prf::of(prf, group)?;
    prf.takes(bases.key)?;
    let block = prf.expand(base, &[b"key expansion", random.server, random.client], all)?;
    let mut rest = block.as_ref();
    let mut pair = |len: usize| {
        let (first, after) = rest.split_at(len);
        let (second, after) = after.split_at(len);
        rest = after;
        if len == 0 { Vec::new() } else { vec![Secret::copy_of(first), Secret::copy_of(second)] }
    };
    let mut values = pair(sizes.mac);
    values.extend(pair(sizes.key));
    Ok(Derived { values, shown: pair(sizes.iv) })
}

/// RFC 5705 section 4.
fn exporter(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &[Wanted]) -> Result<Derived> {
    let Parameter::Tls(Tls::Kdf { prf, label, random, context }) = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let context_len = context.map(|context| u16::try_from(context.len())).transpose();
    let context_len = context_len.map_err(|_| Error::MechanismParamInvalid)?.map(u16::to_be_bytes);
    let context_len = context_len.as_ref().map(<[u8; 2]>::as_slice).unwrap_or_default();
    let pieces = [label, random.client, random.server, context_len, context.unwrap_or_default()];
    free_of_reserved(bases, &pieces)?;
    let len = wanted.first().ok_or(Error::General)?.len_or(None)?;
    let prf = Prf::of_any(prf)?;
    prf.takes(bases.key)?;
    let value = prf.expand(bases.key.secret()?.as_ref(), &pieces, len)?;
    Ok(Derived { values: vec![value], shown: Vec::new() })
}

/// CKM_TLS_PRF: nothing but bytes.
fn bare(bases: &Bases<'_>, parameter: &Parameter<'_>, _: &[Wanted]) -> Result<Derived> {
    let Parameter::Tls(Tls::Prf { label, seed, len }) = *parameter else { return Err(Error::MechanismParamInvalid) };
    let len = usize::try_from(len).ok().filter(|len| (1..=tls_prf::MOST).contains(len));
    let len = len.ok_or(Error::MechanismParamInvalid)?;
    if bases.guarded {
        // CKM_TLS_KDF makes a key of the same bytes, which is as guarded as its base.
        return Err(Error::MechanismParamInvalid);
    }
    let shown = Prf::of(ck::CKM_TLS_PRF, Group::Legacy)?.expand(bases.key.secret()?.as_ref(), &[label, seed], len)?;
    Ok(Derived { values: Vec::new(), shown: vec![shown] })
}

/// What the caller puts together for a guarded base is not the input of one of the protocol's own steps. A label is
/// where it begins, wherever the caller says that it ends.
fn free_of_reserved(bases: &Bases<'_>, pieces: &[&[u8]]) -> Result<()> {
    let longest = RESERVED.iter().map(|label| label.len()).max().unwrap_or(0);
    let start: Vec<u8> = pieces.iter().copied().flatten().copied().take(longest).collect();
    if bases.guarded && RESERVED.iter().any(|label| start.starts_with(label)) {
        return Err(Error::MechanismParamInvalid);
    }
    Ok(())
}

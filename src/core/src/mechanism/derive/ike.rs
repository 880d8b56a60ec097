//! Keys of IKE (RFC 7296, RFC 2409; PKCS#11 3.2 section 6.64) out of the pseudorandom function that the peers agreed on.

use super::prf::{self, MAX_OUTPUT, Named, Prf};
use super::{Bases, Derivation, Derived, SECRETS, Several, WHOLE, Wanted, whole_blocks};
use crate::attribute::Attributes;
use crate::mechanism::key::Key;
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{Parameter, Row, Shape};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::{Secret, Wipe};

/// A parameter of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ike<'a> {
    /// CK_IKE2_PRF_PLUS_DERIVE_PARAMS.
    PrfPlus {
        /// prfMechanism, a CKM_.
        prf: u64,
        /// hSeedKey, if there is one.
        seed_key: Option<u64>,
        /// pSeedData.
        seed: &'a [u8],
    },
    /// CK_IKE_PRF_DERIVE_PARAMS.
    Prf {
        /// prfMechanism, a CKM_.
        prf: u64,
        /// bDataAsKey.
        data_as_key: bool,
        /// hNewKey, if this is a rekeying.
        new_key: Option<u64>,
        /// pNi.
        ni: &'a [u8],
        /// pNr.
        nr: &'a [u8],
    },
    /// CK_IKE1_PRF_DERIVE_PARAMS.
    One {
        /// prfMechanism, a CKM_.
        prf: u64,
        /// hPrevKey, if there is one.
        previous: Option<u64>,
        /// hKeygxy.
        gxy: u64,
        /// pCKYi.
        cky_i: &'a [u8],
        /// pCKYr.
        cky_r: &'a [u8],
        /// keyNumber.
        number: u8,
    },
    /// CK_IKE1_EXTENDED_DERIVE_PARAMS.
    Extended {
        /// prfMechanism, a CKM_.
        prf: u64,
        /// hKeygxy, if there is one.
        gxy: Option<u64>,
        /// pExtraData.
        extra: &'a [u8],
    },
}

const SIZES: (u64, u64) = (1, MAX_SECRET);
const DERIVATION: Derivation = Derivation { further, shows, ..Derivation::ONE_WAY };

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_IKE2_PRF_PLUS_DERIVE {
        sizes: SIZES,
        key_types: prf::KEY_TYPES,
        parameter: Shape::Ike2PrfPlus,
        derivation: Some(Derivation { derive: plus, ..DERIVATION }),
    }),
    row!(CKM_IKE_PRF_DERIVE {
        sizes: SIZES,
        key_types: SECRETS,
        parameter: Shape::IkePrf,
        derivation: Some(Derivation {
            several: Some(Several { keys: of_the_function, derive: first, inherits: false, own_lens: false }),
            ..DERIVATION
        }),
    }),
    row!(CKM_IKE1_PRF_DERIVE {
        sizes: SIZES,
        key_types: prf::KEY_TYPES,
        parameter: Shape::Ike1Prf,
        derivation: Some(Derivation {
            several: Some(Several { keys: of_a_type, derive: one, inherits: false, own_lens: false }),
            ..DERIVATION
        }),
    }),
    row!(CKM_IKE1_EXTENDED_DERIVE {
        sizes: SIZES,
        key_types: prf::KEY_TYPES,
        parameter: Shape::Ike1Extended,
        derivation: Some(Derivation { derive: extended, composes: cuts, ..DERIVATION }),
    }),
];

/// RFC 7296 section 2.13: the number of a block is a byte.
const MOST_BLOCKS: usize = 255;

fn given<'a>(parameter: &Parameter<'a>) -> Result<Ike<'a>> {
    match parameter {
        Parameter::Ike(given) => Ok(*given),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn further(parameter: &Parameter<'_>) -> Vec<u64> {
    match given(parameter) {
        Ok(Ike::PrfPlus { seed_key: key, .. } | Ike::Prf { new_key: key, .. } | Ike::Extended { gxy: key, .. }) => {
            key.into_iter().collect()
        }
        Ok(Ike::One { previous, gxy, .. }) => previous.into_iter().chain([gxy]).collect(),
        Err(_) => Vec::new(),
    }
}

/// A key among the data of a block cipher, or a base that is only cut short.
fn shows(parameter: &Parameter<'_>) -> bool {
    let block = |mechanism| prf::named(mechanism).is_ok_and(Named::shows_data);
    match given(parameter) {
        Ok(Ike::PrfPlus { prf, seed_key, .. }) => seed_key.is_some() && block(prf),
        Ok(Ike::Prf { prf, data_as_key, new_key, .. }) => (data_as_key || new_key.is_some()) && block(prf),
        Ok(Ike::One { prf, .. }) => block(prf),
        Ok(Ike::Extended { prf, gxy, .. }) => gxy.is_none() || block(prf),
        Err(_) => false,
    }
}

/// Whether it may be that the base is only cut short.
fn cuts(parameter: &Parameter<'_>) -> bool {
    matches!(given(parameter), Ok(Ike::Extended { gxy: None, .. }))
}

/// Works with the function under a key of its own types; on AES also under a generic secret of any length.
fn keyed<T>(mechanism: u64, key: &Key, work: impl FnOnce(&mut Prf) -> Result<T>) -> Result<T> {
    let named = prf::named(mechanism)?;
    let any = matches!(key.key_type, ck::CKK_GENERIC_SECRET | ck::CKK_AES);
    if named.shows_data() && any { named.with_bytes_of(key, work) } else { named.with_key(key, work) }
}

/// Secret keys of the parameter that have to be generic secrets.
fn generic(key: &Key) -> Result<&[u8]> {
    if key.key_type == ck::CKK_GENERIC_SECRET { Ok(key.secret()?.as_ref()) } else { Err(Error::KeyTypeInconsistent) }
}

/// A key without a type in its template has that of the function.
fn of_the_function(parameter: &Parameter<'_>, mut template: Attributes) -> Vec<Result<Attributes>> {
    let own = match given(parameter) {
        Ok(Ike::Prf { prf, .. }) => prf::named(prf).map(Named::own_type),
        _ => Err(Error::MechanismParamInvalid),
    };
    if let (Ok(own), false) = (own, template.has(ck::CKA_KEY_TYPE)) {
        template.set_ulong(ck::CKA_KEY_TYPE, own);
    }
    vec![Ok(template)]
}

/// A template has to name the type.
fn of_a_type(_: &Parameter<'_>, template: Attributes) -> Vec<Result<Attributes>> {
    vec![if template.has(ck::CKA_KEY_TYPE) { Ok(template) } else { Err(Error::TemplateIncomplete) }]
}

fn only(value: Secret) -> Derived {
    Derived { values: vec![value], shown: Vec::new() }
}

fn first(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &[Wanted]) -> Result<Derived> {
    let Ike::Prf { prf, data_as_key, new_key, ni, nr } = given(parameter)? else {
        return Err(Error::MechanismParamInvalid);
    };
    if data_as_key && new_key.is_some() {
        return Err(Error::ArgumentsBad);
    }
    bases.further.iter().try_for_each(|key| own_blocks(prf, key, 0))?;
    let value = if data_as_key {
        let data = generic(bases.key)?;
        own_blocks(prf, bases.key, 0)?;
        let mut key = Secret::zeroed(ni.len() + nr.len());
        key.as_mut()[..ni.len()].copy_from_slice(ni);
        key.as_mut()[ni.len()..].copy_from_slice(nr);
        prf::named(prf)?.with_bytes(key.as_ref())?.once(&[data])?
    } else {
        keyed(prf, bases.key, |prf| {
            let new = bases.further.first().map(|key| generic(key)).transpose()?.unwrap_or_default();
            prf.once(&[new, ni, nr])
        })?
    };
    let wanted = wanted.first().ok_or(Error::General)?;
    if wanted.len_or(Some(value.len()))? != value.len() {
        return Err(Error::KeySizeRange);
    }
    Ok(only(value))
}

fn one(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &[Wanted]) -> Result<Derived> {
    let Ike::One { prf, previous, cky_i, cky_r, number, .. } = given(parameter)? else {
        return Err(Error::MechanismParamInvalid);
    };
    let (previous, gxy) = match (previous, bases.further) {
        (Some(_), [previous, gxy]) => (previous.secret()?.as_ref(), generic(gxy)?),
        (None, [gxy]) => (&[][..], generic(gxy)?),
        _ => return Err(Error::General),
    };
    for (key, before) in bases.further.iter().rev().zip([previous.len(), 0]) {
        own_blocks(prf, key, before)?;
    }
    keyed(prf, bases.key, |prf| {
        let len = wanted.first().ok_or(Error::General)?.len_within(prf.output_len())?;
        whole(bases, parameter, prf, len)?;
        let mut value = prf.once(&[previous, gxy, cky_i, cky_r, &[number]])?;
        value.truncate(len);
        Ok(only(value))
    })
}

/// What goes into the function: of a block cipher, guarded keys have blocks of their own.
fn own_blocks(prf: u64, key: &Key, before: usize) -> Result<()> {
    if prf::named(prf)?.shows_data() { prf::own_blocks(key, before) } else { Ok(()) }
}

/// See [`whole_blocks`].
fn whole(bases: &Bases<'_>, parameter: &Parameter<'_>, prf: &Prf, len: usize) -> Result<()> {
    if bases.further_guarded && shows(parameter) { whole_blocks(prf.output_len(), &[len]) } else { Ok(()) }
}

fn plus(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Ike::PrfPlus { prf, seed, .. } = given(parameter)? else { return Err(Error::MechanismParamInvalid) };
    bases.further.iter().try_for_each(|key| own_blocks(prf, key, 0))?;
    keyed(prf, bases.key, |prf| {
        let len = long(wanted, prf)?;
        whole(bases, parameter, prf, len)?;
        let seed_key = bases.further.first().map(|key| key.secret()).transpose()?;
        let seed_key = seed_key.map(Secret::as_ref).unwrap_or_default();
        chain(prf, len, |before, number, prf, out| prf.run(&[before, seed_key, seed, &[number]], out))
    })
}

fn extended(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Ike::Extended { prf, gxy, extra } = given(parameter)? else { return Err(Error::MechanismParamInvalid) };
    bases.further.iter().try_for_each(|key| own_blocks(prf, key, 0))?;
    keyed(prf, bases.key, |prf| {
        let len = long(wanted, prf)?;
        if gxy.is_none() && len <= prf.output_len() {
            return cut(bases, len);
        }
        whole(bases, parameter, prf, len)?;
        let gxy = bases.further.first().map(|key| generic(key)).transpose()?.unwrap_or_default();
        let nothing = gxy.is_empty() && extra.is_empty();
        chain(prf, len, |before, _, prf, out| {
            let zero: &[u8] = if nothing && before.is_empty() { &[0] } else { &[] };
            prf.run(&[before, gxy, extra, zero], out)
        })
    })
}

/// RFC 2409 appendix B: what is long enough is only cut short. For a guarded base see `parts::extract`.
fn cut(bases: &Bases<'_>, len: usize) -> Result<Secret> {
    let base = bases.key.secret()?.as_ref();
    let pieces = bases.random && base.len() % WHOLE == 0 && len % WHOLE == 0;
    if len > base.len() || bases.guarded && len < base.len() && !pieces {
        return Err(Error::KeySizeRange);
    }
    Ok(Secret::copy_of(&base[..len]))
}

/// A length that the template has to say.
fn long(wanted: &Wanted, prf: &Prf) -> Result<usize> {
    Some(wanted.len_or(None)?).filter(|len| *len <= MOST_BLOCKS * prf.output_len()).ok_or(Error::KeySizeRange)
}

/// Blocks, each of them made from the one before and its number.
fn chain(prf: &mut Prf, len: usize, run: impl Fn(&[u8], u8, &mut Prf, &mut [u8]) -> Result<()>) -> Result<Secret> {
    let mut out = Secret::zeroed(len);
    let (mut block, mut next) = ([0; MAX_OUTPUT], [0; MAX_OUTPUT]);
    let block_len = prf.output_len();
    for (number, part) in (1u8..=255).zip(out.as_mut().chunks_mut(block_len)) {
        let before = if number == 1 { &[][..] } else { &block[..block_len] };
        run(before, number, prf, &mut next)?;
        part.copy_from_slice(&next[..part.len()]);
        block = next;
    }
    block.wipe();
    next.wipe();
    Ok(out)
}

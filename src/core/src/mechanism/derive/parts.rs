//! The simple derivations (PKCS#11 3.2 section 6.44): keys put together, mixed with data, or cut out of one another.
//! The derived key shows its base. Where the base is guarded nothing is cut so short that it could be found by trial,
//! one piece after the other.

use super::{Bases, Derivation, SECRETS, WHOLE, Wanted};
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{Parameter, Row, Shape};
use crate::{Error, Result};
use sealhsm_secret::Secret;

const SIZES: (u64, u64) = (1, MAX_SECRET);
const SHOWING: Derivation = Derivation { one_way: false, composes: |_| true, ..Derivation::ONE_WAY };

macro_rules! parts {
    ($mechanism:ident $shape:expr, $derivation:expr) => {
        row!($mechanism { sizes: SIZES, key_types: SECRETS, parameter: $shape, derivation: Some($derivation) })
    };
}

pub(in crate::mechanism) static ROWS: &[Row] = &[
    parts!(CKM_CONCATENATE_BASE_AND_KEY Shape::Ulong, Derivation { further: handle, derive: base_and_key, ..SHOWING }),
    parts!(CKM_CONCATENATE_BASE_AND_DATA Shape::StringData, Derivation { derive: base_and_data, ..SHOWING }),
    parts!(CKM_CONCATENATE_DATA_AND_BASE Shape::StringData, Derivation { derive: data_and_base, ..SHOWING }),
    parts!(CKM_XOR_BASE_AND_DATA Shape::StringData, Derivation { derive: xor, ..SHOWING }),
    parts!(CKM_EXTRACT_KEY_FROM_KEY Shape::Ulong, Derivation { derive: extract, ..SHOWING }),
];

fn handle(parameter: &Parameter<'_>) -> Vec<u64> {
    match parameter {
        Parameter::Ulong(handle) => vec![*handle],
        _ => Vec::new(),
    }
}

fn data<'a>(parameter: &Parameter<'a>) -> Result<&'a [u8]> {
    match parameter {
        Parameter::Bytes(data) => Ok(data),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn base_and_key(bases: &Bases<'_>, _: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let further = bases.further.first().ok_or(Error::MechanismParamInvalid)?.secret()?;
    concatenate(bases, bases.key.secret()?.as_ref(), further.as_ref(), wanted)
}

fn base_and_data(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    concatenate(bases, bases.key.secret()?.as_ref(), data(parameter)?, wanted)
}

fn data_and_base(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    concatenate(bases, data(parameter)?, bases.key.secret()?.as_ref(), wanted)
}

fn concatenate(bases: &Bases<'_>, first: &[u8], second: &[u8], wanted: &Wanted) -> Result<Secret> {
    let all = first.len().saturating_add(second.len());
    let len = wanted.len_within(all)?;
    if bases.guarded && len < all {
        return Err(Error::KeySizeRange);
    }
    let mut out = Secret::zeroed(all);
    out.as_mut()[..first.len()].copy_from_slice(first);
    out.as_mut()[first.len()..].copy_from_slice(second);
    out.truncate(len);
    Ok(out)
}

fn xor(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let (base, data) = (bases.key.secret()?.as_ref(), data(parameter)?);
    let len = wanted.len_within(base.len().min(data.len()))?;
    if bases.guarded && len < base.len() {
        return Err(Error::KeySizeRange);
    }
    let mut out = Secret::copy_of(&base[..len]);
    out.as_mut().iter_mut().zip(data).for_each(|(to, from)| *to ^= from);
    Ok(out)
}

/// The parameter counts bits from the highest of the first byte; behind the last the first comes again.
fn extract(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Ulong(start) = *parameter else { return Err(Error::MechanismParamInvalid) };
    let base = bases.key.secret()?.as_ref();
    let start =
        usize::try_from(start).ok().filter(|start| *start < base.len() * 8).ok_or(Error::MechanismParamInvalid)?;
    let len = wanted.len_or(None)?;
    // Whole, or pieces of which no two differ by something short enough to be found by trial.
    let blocks = bases.random && base.len() % WHOLE == 0;
    if len > base.len() || bases.guarded && len < base.len() && !(blocks && len % WHOLE == 0) {
        return Err(Error::KeySizeRange);
    }
    // A key that is turned and then lengthened is the same as lengthened first, if it was by its own first bytes. Turned
    // by so many that they are not found by trial it tells nothing, unless the caller put known bytes among them.
    if bases.guarded && start != 0 && !(blocks && start % (8 * WHOLE) == 0) {
        return Err(Error::MechanismParamInvalid);
    }
    let (from, shift) = (start / 8, start % 8);
    let at = |index: usize| u16::from(base[(from + index) % base.len()]);
    let mut out = Secret::zeroed(len);
    for (index, byte) in out.as_mut().iter_mut().enumerate() {
        let two = at(index) << 8 | at(index + 1);
        *byte = (two << shift >> 8) as u8;
    }
    Ok(out)
}

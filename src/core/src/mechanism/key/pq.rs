//! Keys of ML-KEM, ML-DSA and SLH-DSA: CKA_PARAMETER_SET, CKA_VALUE and CKA_SEED (PKCS#11 3.2 sections 6.67 to 6.69).
//! A private key comes by its value, by its seed where it has one, or by both, which must then agree.

use super::{Material, computed, given, is_private, required};
use crate::attribute::{Attributes, Value};
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::der;
use sealhsm_crypto::pq::{self, Family, Set};
use sealhsm_secret::Secret;

/// The parameter sets of each key type; the first is CKP_ number 1.
const SETS: &[(u64, &[Set])] =
    &[(ck::CKK_ML_KEM, &pq::ML_KEM), (ck::CKK_ML_DSA, &pq::ML_DSA), (ck::CKK_SLH_DSA, &pq::SLH_DSA)];

fn sets(key_type: u64) -> Option<&'static [Set]> {
    SETS.iter().find(|(of, _)| *of == key_type).map(|(_, sets)| *sets)
}

fn named(key_type: u64, number: u64) -> Result<&'static Set> {
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let sets = sets(key_type).ok_or(Error::General)?;
    index.and_then(|index| sets.get(index)).ok_or(Error::ParameterSetNotSupported)
}

fn of_key(key: &Attributes) -> Result<&'static Set> {
    let key_type = key.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?;
    named(key_type, key.ulong(ck::CKA_PARAMETER_SET).ok_or(Error::TemplateIncomplete)?)
}

pub(super) fn open(key: &Attributes) -> Result<Material> {
    let set = of_key(key)?;
    let value = required(key, ck::CKA_VALUE)?;
    let opened = if is_private(key) {
        set.private_key(Some(value), None, false).map_err(failed)?
    } else {
        set.public_key(value)
    };
    Ok(Material::Pq { key: opened.ok_or(Error::General)?, set })
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let set = of_key(key)?;
    if key.is(ck::CKA_LOCAL) {
        // Our own generation wrote all of it; a look at the seed would make the pair once more.
        return if key.has(ck::CKA_PUBLIC_KEY_INFO) { Ok(()) } else { Err(Error::General) };
    }
    let public = if is_private(key) {
        let (value, seed) = (given(key, ck::CKA_VALUE), given(key, ck::CKA_SEED));
        if value.is_none() && seed.is_none() {
            return Err(Error::TemplateIncomplete);
        }
        let opened = set.private_key(value, seed, true).map_err(failed)?;
        let opened = opened.ok_or(Error::AttributeValueInvalid)?;
        if seed.is_none() {
            key.remove(ck::CKA_SEED);
        }
        key.set_secret(ck::CKA_VALUE, set.private_of(&opened).map_err(failed)?);
        set.public_of(&opened).map_err(failed)?
    } else {
        let value = required(key, ck::CKA_VALUE)?;
        set.public_key(value).ok_or(Error::PublicKeyInvalid)?;
        value.to_vec()
    };
    computed(key, ck::CKA_PUBLIC_KEY_INFO, Value::Bytes(set.public_key_info(&public)))
}

/// The generation mechanisms: CKA_PARAMETER_SET stands in the public template, and may be repeated in the private one.
pub fn generate(
    key_type: u64,
    parameter: &Parameter<'_>,
    public: &Attributes,
    private: &Attributes,
) -> Result<(Attributes, Attributes)> {
    parameter.none()?;
    let number = public.ulong(ck::CKA_PARAMETER_SET).ok_or(Error::TemplateIncomplete)?;
    let set = named(key_type, number)?;
    if private.ulong(ck::CKA_PARAMETER_SET).is_some_and(|repeated| repeated != number) {
        return Err(Error::TemplateInconsistent);
    }
    let made = set.generate().map_err(failed)?;
    let mut halves = (Attributes::new(), Attributes::new());
    for half in [&mut halves.0, &mut halves.1] {
        half.set_bytes(ck::CKA_PUBLIC_KEY_INFO, set.public_key_info(&made.public));
    }
    halves.0.set_bytes(ck::CKA_VALUE, made.public);
    halves.1.set_ulong(ck::CKA_PARAMETER_SET, number);
    halves.1.set_secret(ck::CKA_VALUE, made.private);
    if let Some(seed) = made.seed {
        halves.1.set_secret(ck::CKA_SEED, seed);
    }
    Ok(halves)
}

/// `[0]`, implicit: an OCTET STRING that is the seed.
const SEED_ONLY: u8 = 0x80;

/// AlgorithmIdentifier, and what the OCTET STRING of a PrivateKeyInfo holds.
pub(super) fn to_pkcs8(key: &Attributes) -> Result<(Vec<u8>, Secret)> {
    let set = of_key(key)?;
    let value = required(key, ck::CKA_VALUE)?;
    let inner = match given(key, ck::CKA_SEED) {
        _ if set.family == Family::SlhDsa => Secret::copy_of(value),
        None => der::secret(der::OCTET_STRING, &[value]),
        Some(seed) => {
            let seed = der::secret(der::OCTET_STRING, &[seed]);
            let value = der::secret(der::OCTET_STRING, &[value]);
            der::secret(der::SEQUENCE, &[seed.as_ref(), value.as_ref()])
        }
    };
    Ok((der::element(der::SEQUENCE, &[&set.oid()]), inner))
}

/// The reverse, from the contents of the AlgorithmIdentifier.
pub(super) fn of_pkcs8(key_type: u64, algorithm: &[u8], inner: &[u8]) -> Option<Attributes> {
    let sets = sets(key_type)?;
    let index = sets.iter().position(|set| set.oid() == algorithm)?;
    let (value, seed) = if sets[index].family == Family::SlhDsa { (inner, NONE) } else { parts(inner)? };
    let mut key = Attributes::new();
    key.set_ulong(ck::CKA_PARAMETER_SET, index as u64 + 1);
    for (of, bytes) in [(ck::CKA_VALUE, value), (ck::CKA_SEED, seed)] {
        if bytes != NONE {
            key.set_secret(of, Secret::copy_of(bytes));
        }
    }
    Some(key)
}

/// The attributes of a public key, from the contents of its AlgorithmIdentifier and of its BIT STRING.
pub(super) fn of_public(key_type: u64, algorithm: &[u8], bits: &[u8]) -> Option<Attributes> {
    let index = sets(key_type)?.iter().position(|set| set.oid() == algorithm)?;
    let mut key = Attributes::new();
    key.set_ulong(ck::CKA_PARAMETER_SET, index as u64 + 1);
    key.set_bytes(ck::CKA_VALUE, bits);
    Some(key)
}

/// Of value or seed: it is not there.
const NONE: &[u8] = &[];

/// Value and seed of a CHOICE between both, the value, and the seed.
fn parts(inner: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(seed) = der::whole(SEED_ONLY, inner) {
        return Some((NONE, seed));
    }
    if let Some(value) = der::whole(der::OCTET_STRING, inner) {
        return Some((value, NONE));
    }
    let (seed, rest) = der::read(der::OCTET_STRING, der::whole(der::SEQUENCE, inner)?)?;
    Some((der::whole(der::OCTET_STRING, rest)?, seed))
}

//! HKDF (RFC 5869; PKCS#11 3.2 section 6.62): a key, or data that may be read, and keys for it.

use super::{Bases, Derivation, Wanted};
use crate::mechanism::hash::{self, Hash};
use crate::mechanism::secret::{MAX_SECRET, generate};
use crate::mechanism::{Parameter, Row, Salt, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::Hmac;
use sealhsm_secret::{Secret, Wipe};

const TYPES: &[u64] = &[ck::CKK_HKDF, ck::CKK_GENERIC_SECRET];
const DERIVATION: Derivation = Derivation { further: salt_key, derive, ..Derivation::ONE_WAY };

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_HKDF_DERIVE {
        sizes: (1, MAX_SECRET),
        key_types: TYPES,
        parameter: Shape::Hkdf,
        derivation: Some(DERIVATION),
    }),
    row!(CKM_HKDF_DATA {
        sizes: (1, MAX_SECRET),
        key_types: TYPES,
        parameter: Shape::Hkdf,
        derivation: Some(Derivation { makes: ck::CKO_DATA, ..DERIVATION }),
    }),
    row!(CKM_HKDF_KEY_GEN {
        sizes: (1, MAX_SECRET),
        key_types: &[ck::CKK_HKDF],
        generate: Some(|parameter, template| generate(parameter, template, None)),
    }),
];

/// RFC 5869 section 2.3.
const MOST_BLOCKS: usize = 255;

fn salt_key(parameter: &Parameter<'_>) -> Vec<u64> {
    match parameter {
        Parameter::Hkdf { extract: true, salt: Salt::Key(handle), .. } => vec![*handle],
        _ => Vec::new(),
    }
}

fn derive(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Hkdf { extract, expand, hash, salt, info } = *parameter else {
        return Err(Error::MechanismParamInvalid);
    };
    let hash = hash::any(hash).filter(|_| extract || expand).ok_or(Error::MechanismParamInvalid)?;
    let natural = if expand { None } else { Some(hash.len()) };
    let len = wanted.len_or(natural)?;
    let most = if expand { MOST_BLOCKS * hash.len() } else { hash.len() };
    if len > most {
        return Err(Error::KeySizeRange);
    }
    let base = bases.key.secret()?;
    let extracted;
    let mut key = base;
    if extract {
        let salt = match salt {
            Salt::None => &[],
            Salt::Data(salt) => salt,
            Salt::Key(_) => bases.further.first().ok_or(Error::MechanismParamInvalid)?.secret()?.as_ref(),
        };
        // No salt is as many zeros as the hash is long, which is the same key to HMAC as none.
        extracted = mac(hash, salt, base.as_ref())?;
        key = &extracted;
    }
    if expand {
        return expanded(hash, key, info, len);
    }
    Ok(Secret::copy_of(&key.as_ref()[..len]))
}

fn mac(hash: &Hash, key: &[u8], data: &[u8]) -> Result<Secret> {
    // OpenSSL takes an empty key for none.
    let key = if key.is_empty() { &[0] } else { key };
    let mut out = Secret::zeroed(hash.len());
    let mut hmac = Hmac::new(hash.algorithm, key).map_err(failed)?;
    hmac.update(data).and_then(|()| hmac.finish(out.as_mut())).map_err(failed)?;
    Ok(out)
}

fn expanded(hash: &Hash, key: &Secret, info: &[u8], len: usize) -> Result<Secret> {
    let mut hmac = Hmac::new(hash.algorithm, key.as_ref()).map_err(failed)?;
    let mut out = Secret::zeroed(len);
    let mut block = [0; MAX_LEN];
    for (counter, part) in (1..=u8::MAX).zip(out.as_mut().chunks_mut(hash.len())) {
        hmac.restart().map_err(failed)?;
        let before = if counter == 1 { &[][..] } else { &block[..hash.len()] };
        for piece in [before, info, &[counter]] {
            hmac.update(piece).map_err(failed)?;
        }
        hmac.finish(&mut block).map_err(failed)?;
        part.copy_from_slice(&block[..part.len()]);
    }
    block.wipe();
    Ok(out)
}

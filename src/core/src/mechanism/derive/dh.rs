//! Diffie-Hellman agreement (PKCS#11 3.2 sections 6.4.6 and 6.4.11): the shared secret itself, or what ANSI X9.42 makes
//! of it.

use super::agreement::{Order, expand};
use super::{Bases, Derivation, Wanted};
use crate::mechanism::hash::SHA1;
use crate::mechanism::kem::dh::AGREEMENT;
use crate::mechanism::key::{Key, dl};
use crate::mechanism::{Parameter, Row, Shape, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::der;
use sealhsm_crypto::dl::Group;
use sealhsm_secret::Secret;

const DERIVATION: Derivation = Derivation { base: ck::CKO_PRIVATE_KEY, ..Derivation::ONE_WAY };

pub(in crate::mechanism) static ROWS: &[Row] = &[
    row!(CKM_DH_PKCS_DERIVE {
        sizes: dl::DH.bits,
        key_types: &[ck::CKK_DH],
        parameter: Shape::RawOrNone,
        derivation: Some(Derivation { derive: plain, ..DERIVATION }),
        kem: Some(AGREEMENT),
    }),
    row!(CKM_X9_42_DH_DERIVE {
        sizes: dl::X9_42.bits,
        key_types: &[ck::CKK_X9_42_DH],
        parameter: Shape::X942Dh1,
        derivation: Some(Derivation { derive: x9_42, ..DERIVATION }),
        kem: Some(AGREEMENT),
    }),
];

/// The parameter is the public value of the other side.
fn plain(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::Bytes(public) = *parameter else { return Err(Error::MechanismParamInvalid) };
    derive(bases.key, &After::Cut, public, wanted)
}

fn x9_42(bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &Wanted) -> Result<Secret> {
    let Parameter::X942Dh1 { public, .. } = *parameter else { return Err(Error::MechanismParamInvalid) };
    derive(bases.key, &After::of(parameter)?, public, wanted)
}

fn derive(key: &Key, after: &After<'_>, public: &[u8], wanted: &Wanted) -> Result<Secret> {
    let (group, private) = key.dh()?;
    after.agree(group, private.as_ref(), &dl::peer(group, public)?, wanted)
}

/// What becomes of the shared secret.
pub(in crate::mechanism) enum After<'a> {
    /// What is too much is cut off at the front.
    Cut,
    /// Hashed: with what stands before the counter, and with what stands behind it.
    Hashed(&'a [u8], &'a [u8]),
}

impl<'a> After<'a> {
    /// As CK_X9_42_DH1_DERIVE_PARAMS says it, whatever stands there of the other side.
    pub(in crate::mechanism) fn of(parameter: &Parameter<'a>) -> Result<Self> {
        let Parameter::X942Dh1 { kdf, other, .. } = *parameter else { return Err(Error::MechanismParamInvalid) };
        let after = match kdf {
            ck::CKD_NULL if other.is_empty() => Some(After::Cut),
            ck::CKD_SHA1_KDF_CONCATENATE => Some(After::Hashed(&[], other)),
            ck::CKD_SHA1_KDF_ASN1 => around_counter(other).map(|(before, after)| After::Hashed(before, after)),
            _ => None,
        };
        after.ok_or(Error::MechanismParamInvalid)
    }

    /// What our private key and this public value of the other side, which is checked, come to.
    pub(in crate::mechanism) fn agree(
        &self,
        group: &Group,
        private: &[u8],
        peer: &[u8],
        wanted: &Wanted,
    ) -> Result<Secret> {
        let agreed = || group.agree(private, peer).map_err(failed)?.ok_or(Error::PublicKeyInvalid);
        match *self {
            After::Cut => {
                let len = wanted.len_within(group.prime_len())?;
                Ok(Secret::copy_of(&agreed()?.as_ref()[group.prime_len() - len..]))
            }
            After::Hashed(before, after) => {
                let len = wanted.len_or(Some(SHA1.len()))?;
                expand(&SHA1, Order::CounterAfter { before }, agreed()?.as_ref(), after, len)
            }
        }
    }
}

/// What stands before and behind the counter in an OtherInfo (RFC 2631 section 2.1.2): a sequence that begins with a
/// sequence of an OID and the counter, four bytes in an OCTET STRING.
fn around_counter(other: &[u8]) -> Option<(&[u8], &[u8])> {
    let all = der::whole(der::SEQUENCE, other)?;
    let (key_info, after) = der::read(der::SEQUENCE, all)?;
    let (_, counter) = der::read(der::OID, key_info)?;
    let 4 = der::whole(der::OCTET_STRING, counter)?.len() else { return None };
    let at = other.len() - after.len() - 4;
    Some((&other[..at], after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_where_it_must_be() {
        let mut right = [0x30, 17, 0x30, 9, 6, 1, 0x2a, 4, 4, 0, 0, 0, 1, 0xa2, 4, 4, 2, 0, 0x80];
        assert_eq!(around_counter(&right), Some((&right[..9], &right[13..])));
        for cut in 0..right.len() {
            assert!(around_counter(&right[..cut]).is_none());
        }
        right[8] = 3;
        assert!(around_counter(&right).is_none());
    }
}

//! Pairs and domain parameters of Diffie-Hellman (PKCS#11 3.2 sections 6.4.4, 6.4.5, 6.4.9 and 6.4.10): rows. What is
//! derived with them stands in `derive::dh`.

use super::key::dl;
use super::{Parameter, Row};
use crate::attribute::Attributes;
use crate::mechanism::failed;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::dl::Numbers;

/// Bits of a safe prime: there is a group of RFC 7919 for the larger ones.
const SAFE_BITS: (u64, u64) = (512, 8192);

pub(super) static ROWS: &[Row] = &[
    row!(CKM_DH_PKCS_KEY_PAIR_GEN {
        sizes: dl::DH.bits,
        key_types: &[ck::CKK_DH],
        generate_pair: Some(|parameter, public, private| dl::generate(&dl::DH, parameter, public, private)),
    }),
    row!(CKM_DH_PKCS_PARAMETER_GEN {
        sizes: SAFE_BITS,
        key_types: &[ck::CKK_DH],
        makes: ck::CKO_DOMAIN_PARAMETERS,
        generate: Some(safe_prime),
    }),
    row!(CKM_X9_42_DH_KEY_PAIR_GEN {
        sizes: dl::X9_42.bits,
        key_types: &[ck::CKK_X9_42_DH],
        generate_pair: Some(|parameter, public, private| dl::generate(&dl::X9_42, parameter, public, private)),
    }),
    row!(CKM_X9_42_DH_PARAMETER_GEN {
        sizes: (1024, 3072),
        key_types: &[ck::CKK_X9_42_DH],
        makes: ck::CKO_DOMAIN_PARAMETERS,
        generate: Some(|parameter, wanted| {
            parameter.none()?;
            Ok(dl::parameters_with_order(wanted, None)?.0)
        }),
    }),
];

fn safe_prime(parameter: &Parameter<'_>, wanted: &Attributes) -> Result<Attributes> {
    parameter.none()?;
    let bits = wanted.ulong(ck::CKA_PRIME_BITS).ok_or(Error::TemplateIncomplete)?;
    if !(SAFE_BITS.0..=SAFE_BITS.1).contains(&bits) {
        return Err(Error::KeySizeRange);
    }
    Ok(dl::attributes(Numbers::safe_prime(bits as u32).map_err(failed)?))
}

//! RSA keys: attributes to numbers and back.

use super::{Material, computed, given, is_private, required};
use crate::attribute::{Attributes, Type, Value};
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::rsa::{self, Flaw, Given, Private};
use sealhsm_secret::Secret;

/// The smallest modulus that is taken, in bits: it opens and verifies what is old.
pub const MIN_BITS: u64 = 512;
/// The smallest that is made, and that signs and encrypts.
pub const MIN_GENERATED: u64 = 1024;
/// The largest: OpenSSL's limit.
pub const MAX_BITS: u64 = 16384;
/// F4.
const DEFAULT_EXPONENT: &[u8] = &[1, 0, 1];
/// OpenSSL does not use keys with longer public exponents if the modulus has more than 3072 bits.
const MAX_EXPONENT_BITS: u64 = 64;

/// Whole bytes for so many bits.
pub const fn bytes(bits: u64) -> usize {
    bits.div_ceil(8) as usize
}

pub(super) fn open(key: &Attributes) -> Result<Material> {
    let numbers = numbers(key)?;
    let bits = rsa::bits(numbers.modulus);
    let opened = if is_private(key) {
        rsa::private_key(&numbers)
    } else {
        rsa::public_key(numbers.modulus, required(key, ck::CKA_PUBLIC_EXPONENT)?)
    };
    Ok(Material::Rsa { key: opened.map_err(failed)?, bits })
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let modulus = required(key, ck::CKA_MODULUS)?;
    let bits = rsa::bits(modulus);
    let odd = modulus.last().is_some_and(|low| low & 1 == 1);
    if !odd || !(MIN_BITS..=MAX_BITS).contains(&bits) {
        return Err(Error::AttributeValueInvalid);
    }
    if let Some(exponent) = given(key, ck::CKA_PUBLIC_EXPONENT) {
        check_exponent(exponent, bits)?;
    }
    if is_private(key) {
        if !key.is(ck::CKA_LOCAL) {
            let private = rsa::complete(&numbers(key)?).map_err(|flaw| match flaw {
                Flaw::Inconsistent => Error::AttributeValueInvalid,
                Flaw::NoExponent => Error::TemplateIncomplete,
                Flaw::Failed(error) => failed(error),
            })?;
            check_exponent(&private.public_exponent, bits)?;
            key.absorb(private_part(private));
        }
    } else {
        computed(key, ck::CKA_MODULUS_BITS, Value::Ulong(bits))?;
        for of in [ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT] {
            let number = sealhsm_crypto::der::strip(required(key, of)?).to_vec();
            key.set_bytes(of, number);
        }
    }
    let info = rsa::public_key_info(required(key, ck::CKA_MODULUS)?, required(key, ck::CKA_PUBLIC_EXPONENT)?);
    computed(key, ck::CKA_PUBLIC_KEY_INFO, Value::Bytes(info))
}

/// Odd, at least 3, and not longer than OpenSSL takes.
fn check_exponent(exponent: &[u8], modulus_bits: u64) -> Result<()> {
    let bits = rsa::bits(exponent);
    let odd = exponent.last().is_some_and(|low| low & 1 == 1);
    let most = if modulus_bits > 3072 { MAX_EXPONENT_BITS } else { modulus_bits - 1 };
    if odd && (2..=most).contains(&bits) { Ok(()) } else { Err(Error::AttributeValueInvalid) }
}

/// CKM_RSA_PKCS_KEY_PAIR_GEN: CKA_PUBLIC_EXPONENT stands in the public template, and may be repeated in the private
/// one.
pub fn generate(
    parameter: &Parameter<'_>,
    public: &Attributes,
    private: &Attributes,
) -> Result<(Attributes, Attributes)> {
    parameter.none()?;
    let bits = public.ulong(ck::CKA_MODULUS_BITS).ok_or(Error::TemplateIncomplete)?;
    if !(MIN_GENERATED..=MAX_BITS).contains(&bits) {
        return Err(Error::KeySizeRange);
    }
    let exponent = given(public, ck::CKA_PUBLIC_EXPONENT).unwrap_or(DEFAULT_EXPONENT);
    check_exponent(exponent, bits)?;
    if rsa::bits(exponent) > MAX_EXPONENT_BITS {
        return Err(Error::AttributeValueInvalid);
    }
    let strip = sealhsm_crypto::der::strip;
    if given(private, ck::CKA_PUBLIC_EXPONENT).is_some_and(|repeated| strip(repeated) != strip(exponent)) {
        return Err(Error::TemplateInconsistent);
    }
    let private = rsa::generate(bits as u32, exponent).map_err(failed)?;
    let mut half = Attributes::new();
    half.set_bytes(ck::CKA_MODULUS, private.modulus.clone());
    half.set_bytes(ck::CKA_PUBLIC_EXPONENT, private.public_exponent.clone());
    Ok((half, private_part(private)))
}

fn numbers(key: &Attributes) -> Result<Given<'_>> {
    Ok(Given {
        modulus: required(key, ck::CKA_MODULUS)?,
        public_exponent: given(key, ck::CKA_PUBLIC_EXPONENT),
        private_exponent: if is_private(key) { required(key, ck::CKA_PRIVATE_EXPONENT)? } else { &[] },
        prime_1: given(key, ck::CKA_PRIME_1),
        prime_2: given(key, ck::CKA_PRIME_2),
        exponent_1: given(key, ck::CKA_EXPONENT_1),
        exponent_2: given(key, ck::CKA_EXPONENT_2),
        coefficient: given(key, ck::CKA_COEFFICIENT),
    })
}

fn private_part(private: Private) -> Attributes {
    let mut part = Attributes::new();
    part.set_bytes(ck::CKA_MODULUS, private.modulus);
    part.set_bytes(ck::CKA_PUBLIC_EXPONENT, private.public_exponent);
    let secrets: [(Type, Secret); 6] = [
        (ck::CKA_PRIVATE_EXPONENT, private.private_exponent),
        (ck::CKA_PRIME_1, private.prime_1),
        (ck::CKA_PRIME_2, private.prime_2),
        (ck::CKA_EXPONENT_1, private.exponent_1),
        (ck::CKA_EXPONENT_2, private.exponent_2),
        (ck::CKA_COEFFICIENT, private.coefficient),
    ];
    for (of, secret) in secrets {
        part.set_secret(of, secret);
    }
    part
}

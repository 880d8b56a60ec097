//! Curves that are written out instead of named: ECParameters (SEC 1 version 2 section C.2). They are taken only when
//! they are one of the table, which is what makes them safe.

use super::{CURVES, Curve, Shape};
use crate::{Result, der};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::PointConversionForm;

/// prime-field: 1.2.840.10045.1.1.
const PRIME_FIELD: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 1, 1];
/// What ECParameters can be long: a curve of 66 bytes, and a seed.
const MAX_LEN: usize = 1024;

/// What is written. Numbers are without leading zeros.
struct Written<'a> {
    prime: &'a [u8],
    a: &'a [u8],
    b: &'a [u8],
    base: &'a [u8],
    order: &'a [u8],
    cofactor: Option<&'a [u8]>,
}

/// The curve of these ECParameters in DER, if it is one of ours. The outer `None`: they are no such thing.
pub fn explicit(parameters: &[u8]) -> Result<Option<Option<&'static Curve>>> {
    if parameters.len() > MAX_LEN {
        return Ok(None);
    }
    let Some(written) = read(parameters) else { return Ok(None) };
    for curve in CURVES.iter().filter(|curve| curve.shape == Shape::Weierstrass) {
        if is(curve, &written)? {
            return Ok(Some(Some(curve)));
        }
    }
    Ok(Some(None))
}

fn natural(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (number, rest) = der::read(der::INTEGER, bytes)?;
    let positive = number.first().is_some_and(|first| first & 0x80 == 0);
    positive.then(|| (der::strip(number), rest))
}

fn read(parameters: &[u8]) -> Option<Written<'_>> {
    let all = der::whole(der::SEQUENCE, parameters)?;
    // Version 1, or more with a seed that proves something nobody checks here.
    let (version, rest) = natural(all)?;
    let (field, rest) = der::read(der::SEQUENCE, rest)?;
    let (curve, rest) = der::read(der::SEQUENCE, rest)?;
    let (base, rest) = der::read(der::OCTET_STRING, rest)?;
    let (order, rest) = natural(rest)?;
    let (cofactor, rest) = match rest {
        [] => (None, rest),
        _ => natural(rest).map(|(cofactor, rest)| (Some(cofactor), rest))?,
    };
    let (kind, field) = der::read(der::OID, field)?;
    // A field of characteristic two is parameters too, but of no curve here.
    let prime = if kind == PRIME_FIELD { natural(field).filter(|(_, rest)| rest.is_empty())?.0 } else { &[] };
    let (a, of_curve) = der::read(der::OCTET_STRING, curve)?;
    let (b, seed) = der::read(der::OCTET_STRING, of_curve)?;
    if !seed.is_empty() {
        der::whole(der::BIT_STRING, seed)?;
    }
    let whole = matches!(version, [1..=3]) && rest.is_empty();
    whole.then(|| Written { prime, a: der::strip(a), b: der::strip(b), base, order, cofactor })
}

fn is(curve: &Curve, written: &Written<'_>) -> Result<bool> {
    let group = curve.group()?;
    let mut context = BigNumContext::new()?;
    let (mut prime, mut a, mut b) = (BigNum::new()?, BigNum::new()?, BigNum::new()?);
    let (mut order, mut cofactor) = (BigNum::new()?, BigNum::new()?);
    group.components_gfp(&mut prime, &mut a, &mut b, &mut context)?;
    group.order(&mut order, &mut context)?;
    group.cofactor(&mut cofactor, &mut context)?;
    let numbers = [(&prime, written.prime), (&a, written.a), (&b, written.b), (&order, written.order)];
    if numbers.iter().any(|(number, written)| number.to_vec() != *written) {
        return Ok(false);
    }
    if written.cofactor.is_some_and(|written| cofactor.to_vec() != written) {
        return Ok(false);
    }
    let Some(generator) = group.generator_opt() else { return Ok(false) };
    for form in [PointConversionForm::UNCOMPRESSED, PointConversionForm::COMPRESSED, PointConversionForm::HYBRID] {
        if generator.to_bytes(group, form, &mut context)? == written.base {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::ec::{Asn1Flag, EcKey};
    use openssl::pkey::PKey;

    /// The parameters as OpenSSL writes them into a public key.
    fn written(curve: &Curve) -> Vec<u8> {
        crate::init().unwrap();
        let mut group = openssl::ec::EcGroup::from_curve_name(curve.nid).unwrap();
        group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
        let info = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap().public_key_to_der().unwrap();
        let (algorithm, _) = der::read(der::SEQUENCE, der::whole(der::SEQUENCE, &info).unwrap()).unwrap();
        der::read(der::OID, algorithm).unwrap().1.to_vec()
    }

    #[test]
    fn every_curve_is_known_when_it_is_written_out() {
        for curve in CURVES.iter().filter(|curve| curve.shape == Shape::Weierstrass) {
            assert_eq!(explicit(&written(curve)).unwrap(), Some(Some(curve)));
        }
    }

    #[test]
    fn a_curve_with_one_changed_number_is_another_and_half_of_one_is_none() {
        let whole = written(CURVES.iter().find(|curve| curve.names.contains(&"P-256")).unwrap());
        for at in 0..whole.len() {
            assert_eq!(explicit(&whole[..at]).unwrap(), None);
            let mut changed = whole.clone();
            changed[at] ^= 1;
            // The seed is the only thing that may be different.
            let found = explicit(&changed).unwrap().flatten();
            assert!(found.is_none() || is_seed(&whole, at) || changed[at - 1] == 1, "{at}");
        }
    }

    fn is_seed(whole: &[u8], at: usize) -> bool {
        let seed = whole.windows(3).position(|three| three == [der::BIT_STRING, 21, 0]).unwrap();
        (seed + 2..seed + 23).contains(&at)
    }
}

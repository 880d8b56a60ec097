//! Private numbers.

use crate::{Result, random};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use sealhsm_secret::Secret;

/// A random number from 1 to `order` - 1, of 64 more random bits than `order` has (FIPS 186-5 section A.2.1).
pub(crate) fn below(order: &BigNumRef) -> Result<BigNum> {
    let mut bytes = Secret::zeroed(order.num_bytes() as usize + 8);
    random::private(bytes.as_mut())?;
    let one = BigNum::from_u32(1)?;
    let (mut less, mut number, mut rest) = (BigNum::new()?, BigNum::new_secure()?, BigNum::new_secure()?);
    less.checked_sub(order, &one)?;
    number.copy_from_slice(bytes.as_ref())?;
    number.set_const_time();
    rest.nnmod(&number, &less, &mut *BigNumContext::new_secure()?)?;
    number.checked_add(&rest, &one)?;
    Ok(number)
}

/// A random number of exactly this many bits, at least 1.
pub(crate) fn of_bits(bits: u32) -> Result<BigNum> {
    let mut bytes = Secret::zeroed(bits.div_ceil(8).max(1) as usize);
    random::private(bytes.as_mut())?;
    let top = bits.max(1) - 1;
    let first = &mut bytes.as_mut()[0];
    *first = *first & ((1u8 << (top % 8)) - 1) | 1 << (top % 8);
    let mut number = BigNum::new_secure()?;
    number.copy_from_slice(bytes.as_ref())?;
    number.set_const_time();
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_from_their_range() {
        crate::init().unwrap();
        let order = BigNum::from_u32(5).unwrap();
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[below(&order).unwrap().to_vec()[0] as usize] = true;
        }
        assert_eq!(seen, [false, true, true, true, true]);
        for bits in [1, 7, 8, 9, 160, 225] {
            assert_eq!(of_bits(bits).unwrap().num_bits(), bits as i32);
        }
    }
}

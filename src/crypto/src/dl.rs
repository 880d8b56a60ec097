//! Discrete logarithms in prime fields: Diffie-Hellman (PKCS #3, ANSI X9.42, NIST SP 800-56A) and the keys of DSA
//! (FIPS 186-4). Numbers are big-endian without leading zeros, save where a length is stated.
#![allow(unsafe_code)]

use crate::digest::Algorithm;
use crate::params::Params;
use crate::pkey::{Half, Key};
use crate::{Result, der, init, scalar};
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::error::ErrorStack;
use openssl_sys as ffi;
use sealhsm_secret::Secret;
use std::ffi::{CStr, c_int};
use std::sync::OnceLock;

/// The smallest and the largest prime, in bits: OpenSSL's limits.
pub const BITS: (u64, u64) = (512, 10000);

// openssl/core_names.h
const P: &CStr = c"p";
const Q: &CStr = c"q";
const G: &CStr = c"g";

/// BN_kronecker's answer when it has none.
const FAILED: c_int = -2;

/// The domain parameters of a key.
pub struct Group {
    p: BigNum,
    g: BigNum,
    /// The order of g, where it is given or known.
    q: Option<BigNum>,
    /// Bits of a private key, where less than those of the order are as good: of the groups with a safe prime.
    private_bits: Option<u32>,
}

unsafe extern "C" {
    fn BN_kronecker(a: *const ffi::BIGNUM, b: *const ffi::BIGNUM, context: *mut ffi::BN_CTX) -> c_int;
}

/// Domain parameters as numbers.
pub struct Numbers {
    /// p.
    pub prime: Vec<u8>,
    /// q, the order of the base.
    pub subprime: Option<Vec<u8>>,
    /// g.
    pub base: Vec<u8>,
}

/// A group that everyone knows. OpenSSL's name of it; bits of a private key that is as strong as the prime (RFC 7919
/// section 5.2) where the order is much longer.
const NAMED: &[(&CStr, Option<u32>)] = &[
    (c"ffdhe2048", Some(225)),
    (c"ffdhe3072", Some(275)),
    (c"ffdhe4096", Some(325)),
    (c"ffdhe6144", Some(375)),
    (c"ffdhe8192", Some(400)),
    (c"modp_1536", Some(200)),
    (c"modp_2048", Some(225)),
    (c"modp_3072", Some(275)),
    (c"modp_4096", Some(325)),
    (c"modp_6144", Some(375)),
    (c"modp_8192", Some(400)),
    (c"dh_1024_160", None),
    (c"dh_2048_224", None),
    (c"dh_2048_256", None),
];

struct Named {
    numbers: Numbers,
    private_bits: Option<u32>,
}

/// The named groups with their numbers.
fn named() -> Result<&'static [Named]> {
    static TABLE: OnceLock<Vec<Named>> = OnceLock::new();
    if let Some(table) = TABLE.get() {
        return Ok(table);
    }
    let row = |(name, private_bits): &(&CStr, Option<u32>)| {
        let key = Key::from_params(c"DH", Half::Parameters, Params::new().text(c"group", name))?;
        Ok(Named { numbers: Numbers::of(&key, true)?, private_bits: *private_bits })
    };
    let table = NAMED.iter().map(row).collect::<Result<_>>()?;
    Ok(TABLE.get_or_init(|| table))
}

impl Numbers {
    fn of(key: &Key, with_order: bool) -> Result<Numbers> {
        let number = |name| Ok::<_, crate::Error>(key.number(name)?.as_ref().to_vec());
        let subprime = if with_order { Some(number(Q)?) } else { None };
        Ok(Numbers { prime: number(P)?, subprime, base: number(G)? })
    }

    /// A safe prime of this many bits, and 2: a group of RFC 7919 where there is one of that size, else a new one.
    /// Takes long for large ones.
    pub fn safe_prime(bits: u32) -> Result<Numbers> {
        for known in named()? {
            if bit_len(&known.numbers.prime) == u64::from(bits) && known.private_bits.is_some() && bits >= 2048 {
                let (prime, base) = (known.numbers.prime.clone(), known.numbers.base.clone());
                return Ok(Numbers { prime, subprime: None, base });
            }
        }
        let params = Params::new().text(c"type", c"generator").number(c"pbits", &bits.to_be_bytes());
        let key = Key::generate_parameters(c"DH", params.number(c"safeprime-generator", &[2]))?;
        Numbers::of(&key, false)
    }

    /// New parameters with an order of `order_bits` (FIPS 186-4 sections A.1.1.2 and A.2.1), and the seed that they come
    /// from; `digest` is not shorter than the order.
    pub fn with_order(bits: u32, order_bits: u32, digest: &Algorithm) -> Result<(Numbers, Vec<u8>)> {
        // Left alone, OpenSSL makes small ones as FIPS 186-2 says.
        let params = Params::new().text(c"type", c"fips186_4").number(c"pbits", &bits.to_be_bytes());
        let params = params.number(c"qbits", &order_bits.to_be_bytes());
        let key = Key::generate_parameters(c"DSA", params.text(c"digest", digest.name()))?;
        let seed = key.octets(c"seed", crate::digest::MAX_LEN)?.as_ref().to_vec();
        Ok((Numbers::of(&key, true)?, seed))
    }
}

/// The length of a number in bits.
pub fn bit_len(number: &[u8]) -> u64 {
    crate::rsa::bits(number)
}

impl Group {
    /// From p, q where the key has it, and g. Whether they make sense is not asked here.
    pub fn new(prime: &[u8], subprime: Option<&[u8]>, base: &[u8]) -> Result<Group> {
        init()?;
        let (prime, base) = (der::strip(prime), der::strip(base));
        let known = named()?.iter().find(|known| known.numbers.prime == prime && known.numbers.base == base);
        let order = subprime.or_else(|| known?.numbers.subprime.as_deref());
        Ok(Group {
            p: BigNum::from_slice(prime)?,
            g: BigNum::from_slice(base)?,
            q: order.map(BigNum::from_slice).transpose()?,
            private_bits: known.and_then(|known| known.private_bits),
        })
    }

    /// Whether p is odd and of a size that is taken, q divides p - 1, and g is of order q or at least not of order 2.
    pub fn makes_sense(&self) -> Result<bool> {
        let less = self.less_one()?;
        if !self.p.is_bit_set(0) || !(BITS.0..=BITS.1).contains(&self.bits()) || self.g.num_bits() < 2 || self.g >= less
        {
            return Ok(false);
        }
        let Some(q) = &self.q else { return Ok(true) };
        let (mut rest, mut context) = (BigNum::new()?, BigNumContext::new()?);
        if !q.is_bit_set(0) || q.num_bits() < 160 || *q >= self.p {
            return Ok(false);
        }
        rest.nnmod(&less, q, &mut context)?;
        Ok(rest.num_bits() == 0 && self.is_in_subgroup(&self.g)?)
    }

    fn less_one(&self) -> Result<BigNum> {
        let mut less = BigNum::new()?;
        less.checked_sub(&self.p, &*BigNum::from_u32(1)?)?;
        Ok(less)
    }

    fn is_in_subgroup(&self, number: &BigNumRef) -> Result<bool> {
        let Some(q) = &self.q else { return Ok(true) };
        if self.private_bits.is_some() {
            // p is known to be a prime, and q half of it: the subgroup is that of the squares (Euler's criterion), and
            // the symbol is a tenth of the work.
            let context = BigNumContext::new()?;
            // SAFETY: live numbers and a live context; only the context is written to.
            return match unsafe { BN_kronecker(number.as_ptr(), self.p.as_ptr(), context.as_ptr()) } {
                FAILED => Err(ErrorStack::get().into()),
                symbol => Ok(symbol == 1),
            };
        }
        let mut power = BigNum::new()?;
        power.mod_exp(number, q, &self.p, &mut *BigNumContext::new()?)?;
        Ok(power.num_bits() == 1)
    }

    /// Bits of p.
    pub fn bits(&self) -> u64 {
        u64::from(self.p.num_bits().unsigned_abs())
    }

    /// Bytes of p.
    pub fn prime_len(&self) -> usize {
        self.p.num_bytes().unsigned_abs() as usize
    }

    /// Bytes of q: of each number of a DSA signature. `None` without a q.
    pub fn order_len(&self) -> Option<usize> {
        self.q.as_ref().map(|q| q.num_bytes().unsigned_abs() as usize)
    }

    /// A new private key. Of exactly `bits` bits where they are given, which are fewer than those of p.
    pub fn generate(&self, bits: Option<u32>) -> Result<Secret> {
        let number = match (bits.or(self.private_bits), &self.q) {
            (Some(bits), _) => scalar::of_bits(bits)?,
            (None, Some(q)) => scalar::below(q)?,
            (None, None) => scalar::below(&*self.less_one()?)?,
        };
        Ok(Secret::from(number.to_vec()))
    }

    /// The private key as it is kept; `None` when it is none of this group.
    pub fn private(&self, value: &[u8]) -> Result<Option<Secret>> {
        let number = secret(value)?;
        let below = match &self.q {
            Some(q) => number < *q,
            None => number < self.less_one()?,
        };
        Ok((number.num_bits() > 0 && below).then(|| Secret::copy_of(der::strip(value))))
    }

    /// The public key of a private key.
    pub fn public_of(&self, private: &[u8]) -> Result<Vec<u8>> {
        let mut public = BigNum::new()?;
        public.mod_exp(&self.g, &*secret(private)?, &self.p, &mut *BigNumContext::new_secure()?)?;
        Ok(public.to_vec())
    }

    /// The public key as it is kept; `None` when it is 0, 1, p - 1 or more, or outside of the subgroup.
    pub fn public(&self, value: &[u8]) -> Result<Option<Vec<u8>>> {
        if der::strip(value).len() > self.prime_len() {
            return Ok(None);
        }
        let number = BigNum::from_slice(value)?;
        let valid = number.num_bits() > 1 && number < self.less_one()? && self.is_in_subgroup(&number)?;
        Ok(valid.then(|| number.to_vec()))
    }

    /// The shared secret, padded to the length of p (SP 800-56A section 5.7.1.1). `peer` is as [`Group::public`] gives
    /// it; `None` when the result is 1.
    pub fn agree(&self, private: &[u8], peer: &[u8]) -> Result<Option<Secret>> {
        let mut shared = BigNum::new_secure()?;
        let peer = BigNum::from_slice(peer)?;
        shared.mod_exp(&peer, &*secret(private)?, &self.p, &mut *BigNumContext::new_secure()?)?;
        if shared.num_bits() <= 1 {
            return Ok(None);
        }
        let len = i32::try_from(self.prime_len()).map_err(|_| crate::Error::from("a prime that is too large"))?;
        Ok(Some(Secret::from(shared.to_vec_padded(len)?)))
    }

    /// A private key of DSA, ready for use.
    pub fn dsa_private_key(&self, value: &[u8]) -> Result<Key> {
        let params = self.params().number(c"pub", &self.public_of(value)?).number(c"priv", value);
        Key::from_params(c"DSA", Half::Private, params)
    }

    /// A public key of DSA, ready for use.
    pub fn dsa_public_key(&self, value: &[u8]) -> Result<Key> {
        Key::from_params(c"DSA", Half::Public, self.params().number(c"pub", value))
    }

    fn params(&self) -> Params {
        let params = Params::new().number(P, &self.p.to_vec()).number(G, &self.g.to_vec());
        match &self.q {
            Some(q) => params.number(Q, &q.to_vec()),
            None => params,
        }
    }
}

/// A number that exponentiation treats in constant time.
fn secret(bytes: &[u8]) -> Result<BigNum> {
    let mut number = BigNum::new_secure()?;
    number.copy_from_slice(bytes)?;
    number.set_const_time();
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::SHA1;
    use crate::operation::{Operation, Purpose};

    fn group(numbers: &Numbers) -> Group {
        Group::new(&numbers.prime, numbers.subprime.as_deref(), &numbers.base).unwrap()
    }

    #[test]
    fn named_groups_are_recognised_by_their_numbers_and_make_sense() {
        for known in named().unwrap() {
            let group = Group::new(&known.numbers.prime, None, &known.numbers.base).unwrap();
            assert!(group.makes_sense().unwrap());
            assert_eq!(group.q.as_ref().unwrap().to_vec(), *known.numbers.subprime.as_ref().unwrap());
            let private = group.generate(None).unwrap();
            if let Some(bits) = known.private_bits {
                assert_eq!(bit_len(private.as_ref()), u64::from(bits));
            }
            let public = group.public_of(private.as_ref()).unwrap();
            assert_eq!(group.public(&public).unwrap(), Some(public));
        }
    }

    #[test]
    fn both_sides_agree_and_the_result_is_as_long_as_the_prime() {
        for numbers in [Numbers::safe_prime(512).unwrap(), Numbers::safe_prime(2048).unwrap()] {
            let group = group(&numbers);
            assert!(group.makes_sense().unwrap());
            for bits in [None, Some(200)] {
                let (a, b) = (group.generate(bits).unwrap(), group.generate(bits).unwrap());
                let public = |private: &Secret| group.public_of(private.as_ref()).unwrap();
                let one = group.agree(a.as_ref(), &public(&b)).unwrap().unwrap();
                let other = group.agree(b.as_ref(), &public(&a)).unwrap().unwrap();
                assert!(one.ct_eq(other.as_ref()));
                assert_eq!(one.len(), group.prime_len());
            }
        }
    }

    #[test]
    fn public_keys_outside_of_the_group_are_none() {
        let (numbers, seed) = Numbers::with_order(1024, 160, &SHA1).unwrap();
        assert_eq!(seed.len(), 20);
        let group = group(&numbers);
        assert!(group.makes_sense().unwrap());
        assert_eq!((group.bits(), group.order_len()), (1024, Some(20)));
        let less = group.less_one().unwrap().to_vec();
        // 2 is of order q by a chance of 1 to 2^864.
        for wrong in [&[][..], &[0], &[1], &[2], &less, &numbers.prime, &[0xff; 129]] {
            assert_eq!(group.public(wrong).unwrap(), None);
        }
        assert!(group.private(&[0]).unwrap().is_none());
        assert!(group.private(numbers.subprime.as_ref().unwrap()).unwrap().is_none());
        assert_eq!(group.private(&[0, 0, 5]).unwrap().unwrap().as_ref(), [5]);
        let q = numbers.subprime.as_deref();
        for (p, q, g) in [
            (&less[..], q, &numbers.base[..]),
            (&numbers.prime, Some(&[0xff; 20][..]), &numbers.base),
            (&numbers.prime, q, &[2]),
            (&numbers.prime, q, &[1]),
            (&numbers.prime, None, &less),
            (&numbers.prime[..60], None, &[2]),
            (&[], None, &[]),
        ] {
            assert!(!Group::new(p, q, g).unwrap().makes_sense().unwrap());
        }
    }

    #[test]
    fn dsa_keys_sign_and_verify() {
        let (numbers, _) = Numbers::with_order(1024, 160, &SHA1).unwrap();
        let group = group(&numbers);
        let private = group.generate(None).unwrap();
        let public = group.public_of(private.as_ref()).unwrap();
        let mut signature = [0; 64];
        let mut sign = Operation::new(&group.dsa_private_key(private.as_ref()).unwrap(), Purpose::Sign).unwrap();
        let len = sign.sign(&[7; 20], &mut signature).unwrap();
        let mut verify = Operation::new(&group.dsa_public_key(&public).unwrap(), Purpose::Verify).unwrap();
        assert!(verify.verify(&[7; 20], &signature[..len]));
        assert!(!verify.verify(&[8; 20], &signature[..len]));
    }
}

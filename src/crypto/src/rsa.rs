//! RSA keys (RFC 8017): generation, making them usable, and computing the numbers that an import leaves out.

use crate::der::{self, strip};
use crate::params::Params;
use crate::pkey::{Half, Key};
use crate::{Result, init};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::pkey::Id;
use openssl::pkey_ctx::PkeyCtx;
use sealhsm_secret::Secret;
use std::ffi::CStr;

/// All numbers of a private key, big-endian without leading zeros.
pub struct Private {
    /// n.
    pub modulus: Vec<u8>,
    /// e.
    pub public_exponent: Vec<u8>,
    /// d.
    pub private_exponent: Secret,
    /// p.
    pub prime_1: Secret,
    /// q.
    pub prime_2: Secret,
    /// d mod (p - 1).
    pub exponent_1: Secret,
    /// d mod (q - 1).
    pub exponent_2: Secret,
    /// q^-1 mod p.
    pub coefficient: Secret,
}

/// What an import gives of a private key.
#[derive(Default)]
pub struct Given<'a> {
    /// n.
    pub modulus: &'a [u8],
    /// e.
    pub public_exponent: Option<&'a [u8]>,
    /// d.
    pub private_exponent: &'a [u8],
    /// p.
    pub prime_1: Option<&'a [u8]>,
    /// q.
    pub prime_2: Option<&'a [u8]>,
    /// d mod (p - 1).
    pub exponent_1: Option<&'a [u8]>,
    /// d mod (q - 1).
    pub exponent_2: Option<&'a [u8]>,
    /// q^-1 mod p.
    pub coefficient: Option<&'a [u8]>,
}

/// What can be wrong with an import.
#[derive(Debug)]
pub enum Flaw {
    /// The numbers do not belong together.
    Inconsistent,
    /// The public exponent is not given and cannot be found.
    NoExponent,
    /// OpenSSL failed.
    Failed(crate::Error),
}

impl<E: Into<crate::Error>> From<E> for Flaw {
    fn from(error: E) -> Self {
        Flaw::Failed(error.into())
    }
}

// openssl/core_names.h
const N: &CStr = c"n";
const E: &CStr = c"e";
const D: &CStr = c"d";
const P: &CStr = c"rsa-factor1";
const Q: &CStr = c"rsa-factor2";
const DP: &CStr = c"rsa-exponent1";
const DQ: &CStr = c"rsa-exponent2";
const QINV: &CStr = c"rsa-coefficient1";

/// A new key of `bits` bits with an odd public exponent ≥ 3. Takes long.
pub fn generate(bits: u32, public_exponent: &[u8]) -> Result<Private> {
    init()?;
    let mut context = PkeyCtx::new_id(Id::RSA)?;
    context.keygen_init()?;
    context.set_rsa_keygen_bits(bits)?;
    context.set_rsa_keygen_pubexp(BigNum::from_slice(public_exponent)?.as_ref())?;
    let key = Key::from_openssl(context.keygen()?);
    Ok(Private {
        modulus: key.number(N)?.as_ref().to_vec(),
        public_exponent: key.number(E)?.as_ref().to_vec(),
        private_exponent: key.number(D)?,
        prime_1: key.number(P)?,
        prime_2: key.number(Q)?,
        exponent_1: key.number(DP)?,
        exponent_2: key.number(DQ)?,
        coefficient: key.number(QINV)?,
    })
}

/// A usable public key.
pub fn public_key(modulus: &[u8], public_exponent: &[u8]) -> Result<Key> {
    let params = Params::new().number(N, modulus).number(E, public_exponent);
    Key::from_params(c"RSA", Half::Public, params)
}

/// A usable private key; every number must be there.
pub fn private_key(key: &Given<'_>) -> Result<Key> {
    let (Some(e), Some(p), Some(q), Some(dp), Some(dq), Some(qinv)) =
        (key.public_exponent, key.prime_1, key.prime_2, key.exponent_1, key.exponent_2, key.coefficient)
    else {
        return Err(crate::Error::from("an RSA key that lacks a number"));
    };
    let params = Params::new()
        .number(N, key.modulus)
        .number(E, e)
        .number(D, key.private_exponent)
        .number(P, p)
        .number(Q, q)
        .number(DP, dp)
        .number(DQ, dq)
        .number(QINV, qinv);
    Key::from_params(c"RSA", Half::Private, params)
}

/// The SubjectPublicKeyInfo (RFC 3279 section 2.3.1).
pub fn public_key_info(modulus: &[u8], public_exponent: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: &[u8] = &[der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    let key = der::element(der::SEQUENCE, &[&der::integer(modulus), &der::integer(public_exponent)]);
    der::public_key_info(&[RSA_ENCRYPTION, &[der::NULL, 0]], &key)
}

/// The length of a number in bits.
pub fn bits(number: &[u8]) -> u64 {
    let number = strip(number);
    number.first().map_or(0, |first| number.len() as u64 * 8 - u64::from(first.leading_zeros()))
}

/// Checks what is given against each other and computes the rest.
pub fn complete(given: &Given<'_>) -> std::result::Result<Private, Flaw> {
    init()?;
    let mut math = Math { context: BigNumContext::new_secure()?, one: BigNum::from_u32(1)? };
    let n = BigNum::from_slice(given.modulus)?;
    let d = secret(given.private_exponent)?;
    if !n.is_bit_set(0) || d.num_bits() == 0 || d >= n {
        return Err(Flaw::Inconsistent);
    }
    let e = given.public_exponent.map(BigNum::from_slice).transpose()?;
    let (p, q, e) = match (given.prime_1, given.prime_2, e) {
        (None, None, e) => math.factor(&n, &d, e)?,
        (p, q, e) => {
            let p = p.map(secret).transpose()?;
            let q = q.map(secret).transpose()?;
            let (p, q) = match (p, q) {
                (Some(p), Some(q)) => (p, q),
                (Some(p), None) => {
                    let q = math.divide(&n, &p)?;
                    (p, q)
                }
                (None, q) => {
                    let q = q.ok_or(Flaw::Inconsistent)?;
                    (math.divide(&n, &q)?, q)
                }
            };
            math.check_primes(&n, &p, &q)?;
            let e = e.map_or_else(|| math.exponent(&d, &p, &q), Ok)?;
            (p, q, e)
        }
    };
    math.finish(given, n, e, d, p, q)
}

struct Math {
    context: BigNumContext,
    one: BigNum,
}

impl Math {
    /// n / by, which must come out even.
    fn divide(&mut self, n: &BigNumRef, by: &BigNumRef) -> std::result::Result<BigNum, Flaw> {
        if by.num_bits() == 0 {
            return Err(Flaw::Inconsistent);
        }
        let (mut quotient, mut rest) = (BigNum::new()?, BigNum::new()?);
        quotient.div_rem(&mut rest, n, by, &mut self.context)?;
        if rest.num_bits() == 0 { Ok(quotient) } else { Err(Flaw::Inconsistent) }
    }

    fn check_primes(&mut self, n: &BigNumRef, p: &BigNumRef, q: &BigNumRef) -> std::result::Result<(), Flaw> {
        let mut product = BigNum::new()?;
        product.checked_mul(p, q, &mut self.context)?;
        let fit = product == *n && *p > *self.one && *q > *self.one && p != q;
        if fit { Ok(()) } else { Err(Flaw::Inconsistent) }
    }

    /// e from d and the primes: the inverse of d modulo the least common multiple of p - 1 and q - 1.
    fn exponent(&mut self, d: &BigNumRef, p: &BigNumRef, q: &BigNumRef) -> std::result::Result<BigNum, Flaw> {
        let (p1, q1) = (self.less_one(p)?, self.less_one(q)?);
        let (mut product, mut common, mut least) = (BigNum::new()?, BigNum::new()?, BigNum::new()?);
        product.checked_mul(&p1, &q1, &mut self.context)?;
        common.gcd(&p1, &q1, &mut self.context)?;
        least.checked_div(&product, &common, &mut self.context)?;
        let mut e = BigNum::new()?;
        e.mod_inverse(d, &least, &mut self.context).map_err(|_| Flaw::Inconsistent)?;
        Ok(e)
    }

    /// p and q from n, e and d (NIST SP 800-56B revision 2, appendix C.1). Without e, 65537 is tried.
    fn factor(
        &mut self,
        n: &BigNumRef,
        d: &BigNumRef,
        e: Option<BigNum>,
    ) -> std::result::Result<(BigNum, BigNum, BigNum), Flaw> {
        let told = e.is_some();
        let wrong = || if told { Flaw::Inconsistent } else { Flaw::NoExponent };
        let tried = e.map_or_else(|| BigNum::from_u32(65537), Ok)?;
        let (mut product, mut k) = (BigNum::new()?, BigNum::new()?);
        product.checked_mul(d, &tried, &mut self.context)?;
        k.checked_sub(&product, &self.one)?;
        if k.num_bits() == 0 || k.is_bit_set(0) {
            return Err(wrong());
        }
        let halvings = (0..k.num_bits()).find(|bit| k.is_bit_set(*bit)).unwrap_or(0);
        let mut odd = BigNum::new()?;
        odd.rshift(&k, halvings)?;
        let last = self.less_one(n)?;
        // Each base finds the factors with probability one half, if e and d belong to n.
        for _ in 0..100 {
            let mut base = BigNum::new()?;
            n.rand_range(&mut base)?;
            let mut y = BigNum::new()?;
            y.mod_exp(&base, &odd, n, &mut self.context)?;
            for _ in 0..halvings {
                if y.num_bits() <= 1 || y == last {
                    break;
                }
                let mut square = BigNum::new()?;
                square.mod_sqr(&y, n, &mut self.context)?;
                if square == self.one {
                    let (root, mut p) = (self.less_one(&y)?, BigNum::new()?);
                    p.gcd(&root, n, &mut self.context)?;
                    let q = self.divide(n, &p)?;
                    return Ok(if p > q { (p, q, tried) } else { (q, p, tried) });
                }
                y = square;
            }
        }
        Err(wrong())
    }

    /// The last check, e·d = 1 modulo p - 1 and q - 1, and the numbers of the Chinese remainder theorem.
    fn finish(
        &mut self,
        given: &Given<'_>,
        n: BigNum,
        e: BigNum,
        d: BigNum,
        p: BigNum,
        q: BigNum,
    ) -> std::result::Result<Private, Flaw> {
        let mut exponents = [BigNum::new()?, BigNum::new()?];
        for (exponent, prime) in exponents.iter_mut().zip([&p, &q]) {
            let less = self.less_one(prime)?;
            exponent.nnmod(&d, &less, &mut self.context)?;
            let mut check = BigNum::new()?;
            check.mod_mul(exponent, &e, &less, &mut self.context)?;
            if check != self.one {
                return Err(Flaw::Inconsistent);
            }
        }
        let mut coefficient = BigNum::new()?;
        coefficient.mod_inverse(&q, &p, &mut self.context).map_err(|_| Flaw::Inconsistent)?;
        let [dp, dq] = &exponents;
        for (told, computed) in [(given.exponent_1, dp), (given.exponent_2, dq), (given.coefficient, &coefficient)] {
            if told.is_some_and(|told| !Secret::from(computed.to_vec()).ct_eq(strip(told))) {
                return Err(Flaw::Inconsistent);
            }
        }
        Ok(Private {
            modulus: n.to_vec(),
            public_exponent: e.to_vec(),
            private_exponent: Secret::from(d.to_vec()),
            prime_1: Secret::from(p.to_vec()),
            prime_2: Secret::from(q.to_vec()),
            exponent_1: Secret::from(dp.to_vec()),
            exponent_2: Secret::from(dq.to_vec()),
            coefficient: Secret::from(coefficient.to_vec()),
        })
    }

    fn less_one(&self, number: &BigNumRef) -> std::result::Result<BigNum, Flaw> {
        let mut less = BigNum::new()?;
        less.checked_sub(number, &self.one)?;
        less.set_const_time();
        Ok(less)
    }
}

/// A number that operations treat in constant time where they can.
fn secret(bytes: &[u8]) -> std::result::Result<BigNum, Flaw> {
    let mut number = BigNum::from_slice(bytes)?;
    number.set_const_time();
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Operation, Purpose};
    use openssl::pkey::PKey;

    fn given(key: &Private) -> Given<'_> {
        Given {
            modulus: &key.modulus,
            public_exponent: Some(&key.public_exponent),
            private_exponent: key.private_exponent.as_ref(),
            prime_1: Some(key.prime_1.as_ref()),
            prime_2: Some(key.prime_2.as_ref()),
            exponent_1: Some(key.exponent_1.as_ref()),
            exponent_2: Some(key.exponent_2.as_ref()),
            coefficient: Some(key.coefficient.as_ref()),
        }
    }

    fn only_n_and_d(key: &Private) -> Given<'_> {
        Given { modulus: &key.modulus, private_exponent: key.private_exponent.as_ref(), ..Given::default() }
    }

    #[test]
    fn what_an_import_leaves_out_is_computed() {
        let key = generate(1024, &[1, 0, 1]).unwrap();
        let whole = given(&key);
        let signature = |key: &Private| {
            let mut out = [0; 128];
            let mut operation = Operation::new(&private_key(&given(key)).unwrap(), Purpose::Sign).unwrap();
            operation.pkcs1(Some(&crate::digest::SHA256)).unwrap();
            operation.sign(&[7; 32], &mut out).unwrap();
            out
        };
        let expected = signature(&key);
        for import in [
            only_n_and_d(&key),
            Given { public_exponent: whole.public_exponent, ..only_n_and_d(&key) },
            Given { prime_1: whole.prime_1, prime_2: whole.prime_2, ..only_n_and_d(&key) },
            Given { prime_1: whole.prime_1, ..only_n_and_d(&key) },
            Given { prime_2: whole.prime_2, ..only_n_and_d(&key) },
            given(&key),
        ] {
            let completed = complete(&import).unwrap();
            assert_eq!(completed.public_exponent, [1, 0, 1]);
            assert_eq!(signature(&completed), expected);
        }
    }

    #[test]
    fn numbers_that_do_not_belong_together_are_refused() {
        let key = generate(1024, &[3]).unwrap();
        let other = generate(1024, &[3]).unwrap();
        assert!(matches!(complete(&only_n_and_d(&key)), Err(Flaw::NoExponent)));
        for wrong in [
            Given { public_exponent: Some(&[5]), ..given(&key) },
            Given { public_exponent: Some(&[5]), ..only_n_and_d(&key) },
            Given { private_exponent: other.private_exponent.as_ref(), ..given(&key) },
            Given { modulus: &other.modulus, ..given(&key) },
            Given { prime_1: Some(other.prime_1.as_ref()), ..given(&key) },
            Given { prime_1: Some(&[1]), prime_2: Some(&key.modulus), ..given(&key) },
            Given { prime_1: Some(&[]), prime_2: None, ..given(&key) },
            Given { exponent_1: Some(other.exponent_1.as_ref()), ..given(&key) },
            Given { exponent_2: Some(&[]), ..given(&key) },
            Given { coefficient: Some(&[2]), ..given(&key) },
            Given { private_exponent: &[], ..given(&key) },
        ] {
            assert!(matches!(complete(&wrong), Err(Flaw::Inconsistent)));
        }
    }

    /// One of the two halves of a signature wrong, and the greatest common divisor with the modulus is a prime (Boneh,
    /// DeMillo, Lipton 1997). OpenSSL checks what came out of the remainder theorem with the public exponent, whatever
    /// the padding, and on a mismatch does without the theorem (rsa_ossl_mod_exp).
    #[test]
    fn a_signature_with_a_fault_in_one_half_never_leaves() {
        let key = generate(1024, &[1, 0, 1]).unwrap();
        let sign = |key: &Given<'_>, padded: bool| {
            let mut out = [0; 128];
            let mut operation = Operation::new(&private_key(key).unwrap(), Purpose::Sign).unwrap();
            if padded { operation.pkcs1(None) } else { operation.raw() }.unwrap();
            operation.sign(&[7; 128][..if padded { 32 } else { 128 }], &mut out).map(|_| out).ok()
        };
        for padded in [true, false] {
            let right = sign(&given(&key), padded).unwrap();
            let faulty = key.exponent_1.as_ref().iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 9));
            let faulty = faulty.collect::<Vec<u8>>();
            for fault in [
                Given { exponent_1: Some(&faulty), ..given(&key) },
                Given { exponent_2: Some(&faulty), ..given(&key) },
                Given { coefficient: Some(&faulty), ..given(&key) },
            ] {
                assert!(sign(&fault, padded).is_none_or(|signature| signature == right));
            }
        }
    }

    #[test]
    fn the_public_key_info_is_what_openssl_writes() {
        let key = generate(1024, &[1, 0, 1]).unwrap();
        let info = public_key_info(&key.modulus, &key.public_exponent);
        assert_eq!(PKey::public_key_from_der(&info).unwrap().public_key_to_der().unwrap(), info);
        assert_eq!(bits(&key.modulus), 1024);
    }
}

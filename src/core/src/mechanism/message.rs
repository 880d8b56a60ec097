//! What the parameter of a message says (CK_GCM_MESSAGE_PARAMS and its kin), and the nonces that the token makes
//! (PKCS#11 3.2 section 6.13.5). The module decodes the structure into [`Given`] and writes nonce and tag back.

use super::aead::{Algorithm, Message};
use super::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;

/// The C structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// CK_GCM_MESSAGE_PARAMS.
    Gcm,
    /// CK_CCM_MESSAGE_PARAMS.
    Ccm,
    /// CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS.
    ChaCha20Poly1305,
}

/// The numbers in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Which structure it was.
    pub shape: Shape,
    /// Bytes of the nonce.
    pub nonce_len: u64,
    /// How many of its first bits are the client's.
    pub fixed_bits: u64,
    /// CKG_.
    pub generator: u64,
    /// Bits of the tag.
    pub tag_bits: u64,
    /// Bytes of plaintext, where the structure says it.
    pub len: Option<u64>,
}

impl Layout {
    /// `MechanismParamInvalid` unless this algorithm can have such a message.
    pub fn check(&self, algorithm: &Algorithm) -> Result<()> {
        let nonce = usize::try_from(self.nonce_len).map_err(|_| Error::MechanismParamInvalid)?;
        if self.shape != algorithm.message {
            return Err(Error::MechanismParamInvalid);
        }
        algorithm.check(nonce, self.tag_bits, self.len).map(drop)
    }
}

/// All of it.
#[derive(Debug)]
pub struct Given {
    /// See [`Layout`].
    pub layout: Layout,
    /// The nonce: given, or made here.
    pub nonce: Vec<u8>,
    /// The tag: made when encrypting ends, compared when decrypting ends.
    pub tag: Vec<u8>,
}

impl Given {
    /// What the message is sealed with.
    pub fn message<'a>(&'a self, aad: &'a [u8]) -> Message<'a> {
        Message { nonce: &self.nonce, aad, tag_bits: self.layout.tag_bits, len: self.layout.len }
    }

    /// The parameter of one wrapping, with a nonce made if that is asked.
    pub fn parameter<'a>(&'a mut self, aad: &'a [u8], wrapping: bool) -> Parameter<'a> {
        if wrapping && self.make_nonce().is_err() {
            return Parameter::Malformed;
        }
        Parameter::Aead(self.message(aad))
    }

    /// Makes the nonce of a message that is alone. There is no process that could count, so a counter is refused.
    pub fn make_nonce(&mut self) -> Result<()> {
        match self.layout.generator {
            ck::CKG_GENERATE_COUNTER | ck::CKG_GENERATE_COUNTER_XOR => Err(Error::MechanismParamInvalid),
            _ => Nonces::default().make(self),
        }
    }
}

/// The nonces of one message process.
#[derive(Default)]
pub struct Nonces {
    made: Option<Series>,
}

/// Nonces that the token makes, all of one kind.
struct Series {
    generator: u64,
    fixed_bits: u64,
    /// What the client gave with the first message.
    base: Vec<u8>,
    /// Where the counter begins.
    first: Vec<u8>,
    /// How many there were.
    count: u64,
}

impl Nonces {
    /// Makes the nonce of the next message, unless the client gives it. `DataLenRange` when there are no more.
    pub fn make(&mut self, given: &mut Given) -> Result<()> {
        let Layout { generator, fixed_bits, .. } = given.layout;
        if generator == ck::CKG_NO_GENERATE && self.made.is_none() {
            return Ok(());
        }
        if self.made.is_none() {
            self.made = Some(Series::new(generator, fixed_bits, &given.nonce)?);
        }
        let series = self.made.as_mut().ok_or(Error::General)?;
        // The same parameter for all messages, or nobody could tell whether a nonce was there before.
        if (series.generator, series.fixed_bits, series.base.len()) != (generator, fixed_bits, given.nonce.len()) {
            return Err(Error::MechanismParamInvalid);
        }
        given.nonce = series.next()?;
        Ok(())
    }
}

impl Series {
    fn new(generator: u64, fixed_bits: u64, base: &[u8]) -> Result<Self> {
        let known = matches!(
            generator,
            ck::CKG_GENERATE | ck::CKG_GENERATE_COUNTER | ck::CKG_GENERATE_COUNTER_XOR | ck::CKG_GENERATE_RANDOM
        );
        if !known || fixed_bits > base.len() as u64 * 8 {
            return Err(Error::MechanismParamInvalid);
        }
        let mut first = vec![0; base.len()];
        if generator == ck::CKG_GENERATE {
            // Two processes with the same key shall not have the same nonces.
            sealhsm_crypto::random::public(&mut first).map_err(failed)?;
        }
        Ok(Series { generator, fixed_bits, base: base.to_vec(), first, count: 0 })
    }

    /// How many there may be: all that the free bits can number, or as many random ones as repeat with a probability
    /// of 2^-33 at most, and never more than 2^32 (NIST SP 800-38D section 8.3).
    fn limit(&self) -> u64 {
        let free = self.base.len() as u64 * 8 - self.fixed_bits;
        match self.generator {
            ck::CKG_GENERATE_RANDOM if free < 32 => 0,
            ck::CKG_GENERATE_RANDOM => 1 << ((free - 32) / 2).min(32),
            _ => 1u64.checked_shl(u32::try_from(free).unwrap_or(u32::MAX)).unwrap_or(u64::MAX),
        }
    }

    fn next(&mut self) -> Result<Vec<u8>> {
        if self.count >= self.limit() {
            return Err(Error::DataLenRange);
        }
        let mut free = self.first.clone();
        match self.generator {
            ck::CKG_GENERATE_RANDOM => sealhsm_crypto::random::public(&mut free).map_err(failed)?,
            _ => add(&mut free, self.count),
        }
        self.count += 1;
        let exclusive = self.generator == ck::CKG_GENERATE_COUNTER_XOR;
        let of = |(index, (base, free)): (usize, (&u8, &u8))| {
            let fixed = self.fixed_bits.saturating_sub(8 * index as u64).min(8) as u32;
            let mask = 0xff_u8.checked_shr(fixed).unwrap_or(0);
            let kept = if exclusive { *base } else { base & !mask };
            kept ^ (free & mask)
        };
        Ok(self.base.iter().zip(&free).enumerate().map(of).collect())
    }
}

/// Adds to a big-endian number of any length, and wraps.
fn add(number: &mut [u8], more: u64) {
    let mut carry = u128::from(more);
    for byte in number.iter_mut().rev() {
        carry += u128::from(*byte);
        *byte = carry as u8;
        carry >>= 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(generator: u64, fixed_bits: u64, nonce: &[u8]) -> Given {
        let layout = Layout {
            shape: Shape::Gcm,
            nonce_len: nonce.len() as u64,
            fixed_bits,
            generator,
            tag_bits: 128,
            len: None,
        };
        Given { layout, nonce: nonce.to_vec(), tag: vec![0; 16] }
    }

    /// Nonces until there are no more, or `most`.
    fn series(generator: u64, fixed_bits: u64, nonce: &[u8], most: usize) -> Vec<Vec<u8>> {
        let mut nonces = Nonces::default();
        let mut given = given(generator, fixed_bits, nonce);
        let next = || nonces.make(&mut given).map(|()| given.nonce.clone()).ok();
        std::iter::from_fn(next).take(most).collect()
    }

    #[test]
    fn counters_fill_the_free_bits_from_zero_and_end() {
        let all = series(ck::CKG_GENERATE_COUNTER, 12, &[0xab, 0xcd, 0xef], 5000);
        assert_eq!(all.len(), 4096);
        assert_eq!(all[0], [0xab, 0xc0, 0]);
        assert_eq!(all[4095], [0xab, 0xcf, 0xff]);
        let all = series(ck::CKG_GENERATE_COUNTER_XOR, 20, &[0xab, 0xcd, 0xef], 50);
        assert_eq!(all.len(), 16);
        assert_eq!((&all[0][..], &all[1][..]), (&[0xab, 0xcd, 0xef][..], &[0xab, 0xcd, 0xee][..]));
        assert_eq!(series(ck::CKG_GENERATE_COUNTER, 24, &[1, 2, 3], 50), [[1, 2, 3]]);
    }

    #[test]
    fn no_nonce_comes_twice_and_the_fixed_bits_stay() {
        for generator in
            [ck::CKG_GENERATE, ck::CKG_GENERATE_COUNTER, ck::CKG_GENERATE_COUNTER_XOR, ck::CKG_GENERATE_RANDOM]
        {
            let mut all = series(generator, 4, &[0x5a; 12], 300);
            assert!(all.iter().all(|nonce| nonce[0] >> 4 == 5));
            all.sort();
            all.dedup();
            assert_eq!(all.len(), 300, "{generator}");
        }
        // As many as the free bits have, even from a random beginning.
        let mut all = series(ck::CKG_GENERATE, 88, &[0x5a; 12], 300);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 256);
        assert_ne!(series(ck::CKG_GENERATE, 0, &[0; 12], 1), series(ck::CKG_GENERATE, 0, &[0; 12], 1));
    }

    #[test]
    fn random_nonces_end_before_they_are_likely_to_repeat() {
        assert_eq!(series(ck::CKG_GENERATE_RANDOM, 64, &[0; 12], 9).len(), 1);
        assert_eq!(series(ck::CKG_GENERATE_RANDOM, 56, &[0; 12], 99).len(), 16);
        assert!(series(ck::CKG_GENERATE_RANDOM, 72, &[0; 12], 9).is_empty());
    }

    #[test]
    fn a_series_is_of_one_kind() {
        let mut nonces = Nonces::default();
        nonces.make(&mut given(ck::CKG_NO_GENERATE, 0, &[1; 12])).unwrap();
        nonces.make(&mut given(ck::CKG_GENERATE_COUNTER, 32, &[1; 12])).unwrap();
        for mut other in [
            given(ck::CKG_NO_GENERATE, 32, &[1; 12]),
            given(ck::CKG_GENERATE_COUNTER, 33, &[1; 12]),
            given(ck::CKG_GENERATE, 32, &[1; 12]),
            given(ck::CKG_GENERATE_COUNTER, 32, &[1; 13]),
        ] {
            assert_eq!(nonces.make(&mut other), Err(Error::MechanismParamInvalid));
        }
        let mut wrong = given(5, 0, &[1; 12]);
        assert_eq!(Nonces::default().make(&mut wrong), Err(Error::MechanismParamInvalid));
        let mut wrong = given(ck::CKG_GENERATE, 97, &[1; 12]);
        assert_eq!(Nonces::default().make(&mut wrong), Err(Error::MechanismParamInvalid));
        let mut alone = given(ck::CKG_GENERATE_COUNTER, 0, &[1; 12]);
        assert_eq!(alone.make_nonce(), Err(Error::MechanismParamInvalid));
    }
}

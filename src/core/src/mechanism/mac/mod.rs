//! MACs: the engine that all have in common. What computes one is a [`Code`]: HMAC, chains of a block cipher, GMAC,
//! Poly1305.

pub(super) mod chained;
mod hmac;
mod rows;

use super::Row;

/// Every row, by what computes it.
pub(super) static ROWS: [&[Row]; 4] = [hmac::ROWS, hmac::TRUNCATED, rows::CHAINS, rows::OTHERS];

use super::Parameter;
use super::engine::{Signer, Verifier};
use crate::{Error, Result};
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac;
use sealhsm_secret::Wipe;

/// What computes a MAC.
trait Code: Send {
    /// Begins a message; says how many bytes of MAC the parameter asks for.
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize>;
    /// Begins another message with the parameter of the last `begin`. Never called where a parameter serves one message.
    fn again(&mut self) -> Result<()> {
        Err(Error::FunctionNotSupported)
    }
    /// Another one in the middle of the same message.
    fn duplicate(&self) -> Result<Self>
    where
        Self: Sized,
    {
        Err(Error::StateUnsaveable)
    }
    /// Takes data.
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// Ends the message; the whole MAC at the start of `mac`.
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()>;
}

/// How long a MAC is, in bytes.
#[derive(Clone, Copy)]
enum Length {
    /// Always so long, without a parameter.
    Fixed(usize),
    /// As CK_MAC_GENERAL_PARAMS says, from 1 byte to this many.
    Given(usize),
}

impl Length {
    fn of(self, parameter: &Parameter<'_>) -> Result<usize> {
        match (self, parameter) {
            (Length::Fixed(len), Parameter::None) => Ok(len),
            (Length::Given(most), Parameter::Ulong(len)) => within(*len, most),
            _ => Err(Error::MechanismParamInvalid),
        }
    }
}

/// A length that a parameter asks for.
fn within(len: u64, most: usize) -> Result<usize> {
    let len = usize::try_from(len).ok().filter(|len| (1..=most).contains(len));
    len.ok_or(Error::MechanismParamInvalid)
}

/// The engine.
struct Mac<C> {
    code: C,
    /// Bytes of this message's MAC.
    len: usize,
}

impl<C: Code + 'static> Mac<C> {
    fn signer(code: C) -> Box<dyn Signer> {
        Box::new(Self { code, len: 0 })
    }

    fn verifier(code: C) -> Box<dyn Verifier> {
        Box::new(Self { code, len: 0 })
    }
}

impl<C: Code + 'static> Signer for Mac<C> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.len = self.code.begin(parameter)?;
        Ok(())
    }
    fn duplicate(&self) -> Result<Box<dyn Signer>> {
        Ok(Box::new(Self { code: self.code.duplicate()?, len: self.len }))
    }
    fn again(&mut self) -> Result<()> {
        self.code.again()
    }
    fn signature_len(&self) -> usize {
        self.len
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.code.update(data)
    }
    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        let mut mac = [0; MAX_LEN];
        self.code.finish(&mut mac)?;
        let (given, kept) = mac.split_at_mut(self.len);
        output[..self.len].copy_from_slice(given);
        // What was cut off is nobody's to know.
        kept.wipe();
        Ok(self.len)
    }
}

impl<C: Code + 'static> Verifier for Mac<C> {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.len = self.code.begin(parameter)?;
        Ok(())
    }
    fn duplicate(&self) -> Result<Box<dyn Verifier>> {
        Ok(Box::new(Self { code: self.code.duplicate()?, len: self.len }))
    }
    fn again(&mut self) -> Result<()> {
        self.code.again()
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.code.update(data)
    }
    fn fits(&self, signature_len: usize) -> bool {
        signature_len == self.len
    }
    fn finish(&mut self, signature: &[u8]) -> Result<()> {
        if !self.fits(signature.len()) {
            return Err(Error::SignatureLenRange);
        }
        let mut mac = [0; MAX_LEN];
        self.code.finish(&mut mac)?;
        let same = mac::same(&mac[..self.len], signature);
        mac.wipe();
        if same { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}

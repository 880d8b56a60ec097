//! RC2 (RFC 2268): its key schedule depends on the parameter, so the cipher is keyed when an operation begins with
//! other effective bits than the one before.

use super::{Block, Mode, RC2};
use crate::mechanism::engine::Cipher;
use crate::mechanism::key::Key;
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_secret::Secret;

/// The effective bits that a key may have.
const BITS: std::ops::RangeInclusive<u64> = 1..=1024;

/// RC2 in one mode and direction.
pub struct Rc2 {
    key: Secret,
    least: u64,
    mode: Mode,
    direction: Direction,
    /// Keyed with so many effective bits.
    keyed: Option<(u64, Block)>,
}

/// The effective bits that a key must at least be used with. With 8, then 16, and so on a guarded key could be found by
/// trial, a byte after the other, and so could one of another type whose value it has.
pub fn least(key: &Key) -> Result<u64> {
    Ok(if key.guarded { (8 * key.secret()?.len() as u64).min(*BITS.end()) } else { *BITS.start() })
}

/// A context with this many effective bits.
pub fn context(key: &[u8], (least, bits): (u64, u64), mode: Mode, direction: Direction) -> Result<Context> {
    let bits = Some(bits).filter(|bits| BITS.contains(bits) && *bits >= least).ok_or(Error::MechanismParamInvalid)?;
    let name = RC2.name(ck::CKK_RC2, key.len(), mode)?;
    Context::with_effective_bits(&name, key, Some(bits as u32), direction, mode == Mode::CbcPad).map_err(failed)
}

impl Rc2 {
    /// Not keyed yet.
    pub fn new(key: &Key, mode: Mode, direction: Direction) -> Result<Self> {
        Ok(Self { key: key.secret()?.duplicate(), least: least(key)?, mode, direction, keyed: None })
    }

    fn block(&mut self) -> Result<&mut Block> {
        self.keyed.as_mut().map(|(_, block)| block).ok_or(Error::General)
    }
}

impl Cipher for Rc2 {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        let (bits, inner) = match (self.mode, parameter) {
            (Mode::Ecb, Parameter::Ulong(bits)) => (*bits, Parameter::None),
            (Mode::Cbc | Mode::CbcPad, Parameter::Rc2Cbc { bits, iv }) => (*bits, Parameter::Bytes(iv)),
            _ => return Err(Error::MechanismParamInvalid),
        };
        if self.keyed.as_ref().is_none_or(|(keyed, _)| *keyed != bits) {
            let context = context(self.key.as_ref(), (self.least, bits), self.mode, self.direction)?;
            self.keyed = Some((bits, Block::over(context, self.mode, self.direction, RC2.block)));
        }
        self.block()?.start(&inner)
    }

    fn output_len(&self, input: usize, last: bool) -> usize {
        self.keyed.as_ref().map_or(0, |(_, block)| block.output_len(input, last))
    }

    fn least_len(&self, input: usize) -> usize {
        self.keyed.as_ref().map_or(0, |(_, block)| block.least_len(input))
    }

    fn duplicate(&self) -> Result<Box<dyn Cipher>> {
        let (bits, block) = self.keyed.as_ref().ok_or(Error::General)?;
        Ok(Box::new(Rc2 { key: self.key.duplicate(), keyed: Some((*bits, block.copy()?)), ..*self }))
    }

    fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.block()?.update(input, output)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.block()?.finish(output)
    }

    fn once(&mut self, input: &[u8], output: &mut [u8]) -> Result<usize> {
        self.block()?.once(input, output)
    }

    fn forget(&mut self, output: bool) -> Result<()> {
        self.block()?.forget(output)
    }
}

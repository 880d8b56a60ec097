//! The three derivations of NIST SP 800-108 (PKCS#11 3.2 section 6.42): several keys from one, out of a pseudorandom
//! function whose input the caller lays out field by field.

use super::prf::{self, MAX_OUTPUT, Prf};
use super::{Bases, Derivation, Derived, Several, Wanted, whole_blocks};
use crate::attribute::{Attributes, Template, template};
use crate::mechanism::secret::MAX_SECRET;
use crate::mechanism::{Parameter, Row, Shape};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::{Secret, Wipe};

/// CK_SP800_108_KDF_PARAMS or CK_SP800_108_FEEDBACK_KDF_PARAMS.
#[derive(Debug, PartialEq, Eq)]
pub struct Sp800108<'a> {
    /// prfType, a CKM_.
    pub prf: u64,
    /// pDataParams in their order.
    pub fields: Vec<Field<'a>>,
    /// pIV; empty without.
    pub iv: &'a [u8],
    /// pTemplate of each of pAdditionalDerivedKeys.
    pub further: Vec<Template<'a>>,
}

/// One CK_PRF_DATA_PARAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// CK_SP800_108_ITERATION_VARIABLE; with a format in counter mode only.
    Iteration(Option<Number>),
    /// CK_SP800_108_COUNTER.
    Counter(Number),
    /// CK_SP800_108_DKM_LENGTH: dkmLengthMethod and the format.
    Length(u64, Number),
    /// CK_SP800_108_BYTE_ARRAY.
    Bytes(&'a [u8]),
    /// CK_SP800_108_KEY_HANDLE.
    Key(u64),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// bLittleEndian.
    pub little_endian: bool,
    /// ulWidthInBits.
    pub bits: u64,
}

/// The widest counter in bits (SP 800-108 section 4).
const COUNTER_BITS: u64 = 32;
/// The widest length in bits.
const LENGTH_BITS: u64 = 64;

macro_rules! mode {
    ($mechanism:ident $shape:ident $mode:ident) => {
        row!($mechanism {
            sizes: (1, MAX_SECRET),
            key_types: prf::KEY_TYPES,
            parameter: Shape::$shape,
            derivation: Some(Derivation {
                further,
                shows,
                several: Some(Several {
                    keys,
                    derive: |bases, parameter, wanted| derive(Mode::$mode, bases, parameter, wanted),
                    inherits: true,
                    own_lens: false,
                }),
                ..Derivation::ONE_WAY
            }),
        })
    };
}

pub(in crate::mechanism) static ROWS: &[Row] = &[
    mode!(CKM_SP800_108_COUNTER_KDF Sp800108 Counter),
    mode!(CKM_SP800_108_FEEDBACK_KDF Sp800108Feedback Feedback),
    mode!(CKM_SP800_108_DOUBLE_PIPELINE_KDF Sp800108 DoublePipeline),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Counter,
    Feedback,
    DoublePipeline,
}

fn given<'p, 'a>(parameter: &'p Parameter<'a>) -> Result<&'p Sp800108<'a>> {
    match parameter {
        Parameter::Sp800108(given) => Ok(given),
        _ => Err(Error::MechanismParamInvalid),
    }
}

fn further(parameter: &Parameter<'_>) -> Vec<u64> {
    let fields = given(parameter).map(|given| given.fields.as_slice()).unwrap_or_default();
    let handle = |field: &Field<'_>| if let Field::Key(handle) = field { Some(*handle) } else { None };
    fields.iter().filter_map(handle).collect()
}

fn shows(parameter: &Parameter<'_>) -> bool {
    let shows_data = |given: &Sp800108<'_>| prf::named(given.prf).is_ok_and(|prf| prf.shows_data());
    !further(parameter).is_empty() && given(parameter).is_ok_and(shows_data)
}

fn keys(parameter: &Parameter<'_>, first: Attributes) -> Vec<Result<Attributes>> {
    let further = given(parameter).map(|given| given.further.as_slice()).unwrap_or_default();
    [Ok(first)].into_iter().chain(further.iter().map(template::parse)).collect()
}

fn derive(mode: Mode, bases: &Bases<'_>, parameter: &Parameter<'_>, wanted: &[Wanted]) -> Result<Derived> {
    let given = given(parameter)?;
    let named = prf::named(given.prf).ok().filter(|_| given.prf != ck::CKM_AES_XCBC_MAC);
    let named = named.ok_or(Error::MechanismParamInvalid)?;
    well_laid_out(mode, &given.fields)?;
    named.with_key(bases.key, |prf| {
        let lens: Vec<usize> = wanted.iter().map(|wanted| wanted.len_or(None)).collect::<Result<_>>()?;
        if named.shows_data() && bases.further_guarded {
            whole_blocks(prf.output_len(), &lens)?;
            let block = prf.output_len();
            match mode {
                Mode::Counter => own_blocks(given, bases, Some(0))?,
                Mode::Feedback => {
                    [given.iv.len(), block].into_iter().try_for_each(|len| own_blocks(given, bases, Some(len)))?
                }
                Mode::DoublePipeline => {
                    [None, Some(block)].into_iter().try_for_each(|len| own_blocks(given, bases, len))?
                }
            }
        }
        // No two keys share a segment.
        let segments: usize = lens.iter().map(|len| len.div_ceil(prf.output_len())).sum();
        if segments as u64 > most_segments(&given.fields) {
            return Err(Error::KeySizeRange);
        }
        let layout = Layout::new(given, bases, lens.iter().sum(), segments * prf.output_len())?;
        let mut stream = Stream::new(mode, prf, &layout, given.iv)?;
        let values = lens.iter().map(|len| stream.key(*len)).collect::<Result<_>>()?;
        Ok(Derived { values, shown: Vec::new() })
    })
}

/// See [`prf::own_blocks`]. `iteration`: bytes of the iteration variable where that is no number; without, what changes
/// from one input to the next is left out.
fn own_blocks(given: &Sp800108<'_>, bases: &Bases<'_>, iteration: Option<usize>) -> Result<()> {
    let (mut before, mut further) = (0, bases.further.iter());
    for field in &given.fields {
        before += match field {
            Field::Iteration(None) => iteration.unwrap_or(0),
            Field::Iteration(Some(number)) | Field::Counter(number) => iteration.map_or(0, |_| number.bytes()),
            Field::Length(_, number) => number.bytes(),
            Field::Bytes(bytes) => bytes.len(),
            Field::Key(_) => {
                let key = further.next().ok_or(Error::General)?;
                prf::own_blocks(key, before)?;
                key.secret()?.len()
            }
        };
    }
    Ok(())
}

/// Which fields a mode must have, may have and how often (tables of section 6.42).
fn well_laid_out(mode: Mode, fields: &[Field<'_>]) -> Result<()> {
    let count = |which: fn(&Field<'_>) -> bool| fields.iter().filter(|field| which(field)).count();
    let counts = mode == Mode::Counter;
    let right = fields.iter().all(|field| match field {
        Field::Iteration(None) => !counts,
        Field::Iteration(Some(number)) => counts && number.fits(COUNTER_BITS),
        Field::Counter(number) => !counts && number.fits(COUNTER_BITS),
        Field::Length(method, number) => {
            matches!(*method, ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS | ck::CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS)
                && number.fits(LENGTH_BITS)
        }
        Field::Bytes(bytes) => !bytes.is_empty(),
        Field::Key(_) => true,
    });
    let once = count(|field| matches!(field, Field::Iteration(_))) == 1
        && count(|field| matches!(field, Field::Counter(_))) <= 1
        && count(|field| matches!(field, Field::Length(..))) <= 1;
    if right && once { Ok(()) } else { Err(Error::MechanismParamInvalid) }
}

/// A counter never comes to 0 again.
fn most_segments(fields: &[Field<'_>]) -> u64 {
    let bits = fields.iter().filter_map(|field| match field {
        Field::Iteration(Some(number)) | Field::Counter(number) => Some(number.bits),
        _ => None,
    });
    (1 << bits.min().unwrap_or(COUNTER_BITS)) - 1
}

impl Number {
    fn fits(self, most: u64) -> bool {
        self.bits > 0 && self.bits <= most && self.bits % 8 == 0
    }

    fn bytes(self) -> usize {
        self.bits as usize / 8
    }

    /// `MechanismParamInvalid` if it does not fit.
    fn write(self, number: u64) -> Result<Vec<u8>> {
        if self.bits < 64 && number >> self.bits != 0 {
            return Err(Error::MechanismParamInvalid);
        }
        let mut bytes = number.to_le_bytes()[..self.bytes()].to_vec();
        if !self.little_endian {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

/// What the function is given, with everything filled in that stays the same.
struct Layout<'a> {
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Iteration(Option<Number>),
    Counter(Number),
    Borrowed(&'a [u8]),
    Length(Vec<u8>),
}

impl<'a> Layout<'a> {
    /// `keys` and `segments`: bytes of all of them.
    fn new(given: &Sp800108<'a>, bases: &Bases<'a>, keys: usize, segments: usize) -> Result<Layout<'a>> {
        let mut further = bases.further.iter();
        let piece = |field: &Field<'a>| {
            Ok(match *field {
                Field::Iteration(number) => Piece::Iteration(number),
                Field::Counter(number) => Piece::Counter(number),
                Field::Bytes(bytes) => Piece::Borrowed(bytes),
                Field::Key(_) => Piece::Borrowed(further.next().ok_or(Error::General)?.secret()?.as_ref()),
                Field::Length(method, number) => {
                    let of_keys = method == ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
                    let bytes = if of_keys { keys } else { segments };
                    Piece::Length(number.write(bytes as u64 * 8)?)
                }
            })
        };
        Ok(Layout { pieces: given.fields.iter().map(piece).collect::<Result<_>>()? })
    }

    /// One input of the function.
    fn run(&self, prf: &mut Prf, counter: u64, iteration: &[u8], out: &mut [u8]) -> Result<()> {
        let write = |piece: &Piece<'_>| match piece {
            Piece::Iteration(Some(number)) | Piece::Counter(number) => number.write(counter),
            _ => Ok(Vec::new()),
        };
        let numbers: Vec<Vec<u8>> = self.pieces.iter().map(write).collect::<Result<_>>()?;
        let bytes = |(piece, number)| match piece {
            &Piece::Iteration(None) => iteration,
            Piece::Borrowed(bytes) => bytes,
            Piece::Length(bytes) => bytes,
            _ => number,
        };
        let pieces: Vec<&[u8]> = self.pieces.iter().zip(numbers.iter().map(Vec::as_slice)).map(bytes).collect();
        prf.run(&pieces, out)
    }

    /// What stays the same: A(0) of the double pipeline.
    fn fixed(&self) -> Vec<&[u8]> {
        let fixed = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Borrowed(bytes) => Some(*bytes),
            Piece::Length(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        fixed.collect()
    }
}

/// The output of the function, segment by segment.
struct Stream<'a, 'p> {
    mode: Mode,
    prf: &'p mut Prf,
    layout: &'p Layout<'a>,
    /// Of the segment that is next.
    counter: u64,
    /// K(i-1), or A(i) of the double pipeline.
    iteration: Secret,
}

impl<'a, 'p> Stream<'a, 'p> {
    fn new(mode: Mode, prf: &'p mut Prf, layout: &'p Layout<'a>, iv: &[u8]) -> Result<Self> {
        let iteration = match mode {
            Mode::Counter => Secret::zeroed(0),
            Mode::Feedback => Secret::copy_of(iv),
            Mode::DoublePipeline => prf.once(&layout.fixed())?,
        };
        Ok(Stream { mode, prf, layout, counter: 1, iteration })
    }

    fn key(&mut self, len: usize) -> Result<Secret> {
        let mut key = Secret::zeroed(len);
        let mut segment = [0; MAX_OUTPUT];
        let segment_len = self.prf.output_len();
        for part in key.as_mut().chunks_mut(segment_len) {
            self.layout.run(self.prf, self.counter, self.iteration.as_ref(), &mut segment)?;
            part.copy_from_slice(&segment[..part.len()]);
            self.counter += 1;
            match self.mode {
                Mode::Counter => {}
                Mode::Feedback => self.iteration = Secret::copy_of(&segment[..segment_len]),
                Mode::DoublePipeline => self.iteration = self.prf.once(&[self.iteration.as_ref()])?,
            }
        }
        segment.wipe();
        Ok(key)
    }
}

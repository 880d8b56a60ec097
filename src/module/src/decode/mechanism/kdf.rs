//! The structures of derivations from a key by a pseudorandom function.
#![allow(unsafe_code)]

use super::back::Back;
use super::{Given, flag};
use crate::decode::template;
use crate::pointer::{Plain, Pointer};
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::mechanism::derive::sp800_108::{Field, Number, Sp800108};
use sealhsm_core::{Error, Result};

/// More fields, or keys, than any derivation has.
const MOST: u64 = 256;

/// Both structures of SP 800-108 as one.
#[derive(Clone, Copy)]
struct Layout {
    prf: u64,
    fields: (*mut ck::CK_PRF_DATA_PARAM, u64),
    iv: (*mut u8, u64),
    keys: (*mut ck::CK_DERIVED_KEY, u64),
}

impl<'c> Given<'c> {
    pub(super) fn sp800_108(self, feedback: bool) -> Result<Parameter<'c>> {
        let layout = self.layout(feedback)?;
        let fields = self.array(layout.fields)?.into_iter().map(|field| self.field(field)).collect::<Result<_>>()?;
        let keys = self.array(layout.keys)?.into_iter();
        let further = keys.map(|key| {
            self.at(key.phKey).required()?;
            template(self.at(key.pTemplate), key.ulAttributeCount)
        });
        let (iv, further) = (self.string(layout.iv.0, layout.iv.1)?, further.collect::<Result<_>>()?);
        Ok(Parameter::Sp800108(Box::new(Sp800108 { prf: layout.prf, fields, iv, further })))
    }

    /// Where the handles of further keys go.
    pub(super) fn sp800_108_places(self, feedback: bool, back: &mut Back<'c>) -> Result<()> {
        let keys = self.array(self.layout(feedback)?.keys)?;
        back.handles.extend(keys.into_iter().map(|key| self.at(key.phKey)));
        Ok(())
    }

    fn layout(self, feedback: bool) -> Result<Layout> {
        if feedback {
            let given: ck::CK_SP800_108_FEEDBACK_KDF_PARAMS = self.structure()?;
            return Ok(Layout {
                prf: given.prfType,
                fields: (given.pDataParams, given.ulNumberOfDataParams),
                iv: (given.pIV, given.ulIVLen),
                keys: (given.pAdditionalDerivedKeys, given.ulAdditionalDerivedKeys),
            });
        }
        let given: ck::CK_SP800_108_KDF_PARAMS = self.structure()?;
        Ok(Layout {
            prf: given.prfType,
            fields: (given.pDataParams, given.ulNumberOfDataParams),
            iv: (std::ptr::null_mut(), 0),
            keys: (given.pAdditionalDerivedKeys, given.ulAdditionalDerivedKeys),
        })
    }

    fn field(self, given: ck::CK_PRF_DATA_PARAM) -> Result<Field<'c>> {
        let value = Given { at: self.at(given.pValue), length: given.ulValueLen };
        match given.type_ {
            ck::CK_SP800_108_ITERATION_VARIABLE if value.at.is_null() && value.length == 0 => {
                Ok(Field::Iteration(None))
            }
            ck::CK_SP800_108_ITERATION_VARIABLE => value.counter().map(|number| Field::Iteration(Some(number))),
            ck::CK_SP800_108_COUNTER => value.counter().map(Field::Counter),
            ck::CK_SP800_108_DKM_LENGTH => {
                let given: ck::CK_SP800_108_DKM_LENGTH_FORMAT = value.structure()?;
                let number = Number { little_endian: flag(given.bLittleEndian)?, bits: given.ulWidthInBits };
                Ok(Field::Length(given.dkmLengthMethod, number))
            }
            ck::CK_SP800_108_BYTE_ARRAY => value.at.as_bytes().bytes(value.length).map(Field::Bytes),
            ck::CK_SP800_108_KEY_HANDLE => value.structure().map(Field::Key),
            _ => Err(Error::MechanismParamInvalid),
        }
    }

    fn counter(self) -> Result<Number> {
        let given: ck::CK_SP800_108_COUNTER_FORMAT = self.structure()?;
        Ok(Number { little_endian: flag(given.bLittleEndian)?, bits: given.ulWidthInBits })
    }

    /// A pointer that a field of the structure holds.
    pub(super) fn at<T>(self, pointer: *mut T) -> Pointer<'c, T> {
        // SAFETY: covered by the promise for the mechanism, like the structure it was found in.
        unsafe { self.at.inner(pointer) }
    }

    /// The elements of an array that a field of the structure points to.
    pub(super) fn array<T: Plain>(self, (pointer, count): (*mut T, u64)) -> Result<Vec<T>> {
        if count > MOST {
            return Err(Error::MechanismParamInvalid);
        }
        (0..count as usize).map(|index| self.at(pointer).read_at(index)).collect()
    }
}

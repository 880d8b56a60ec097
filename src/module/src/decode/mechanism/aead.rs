//! The structures of authenticated encryption: those that a mechanism takes once, and those that come with every message
//! and into which nonce and tag are written back.
#![allow(unsafe_code)]

use super::{Given, raw};
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::message::{self, Layout, Shape};
use sealhsm_core::mechanism::{Mechanism, Parameter, aead, lookup};
use sealhsm_core::{Error, Result};
use std::ffi::c_void;

/// The longest tag in bits.
const MAX_TAG: u64 = 128;
/// The longest nonce in bytes that is read at all; the standard allows no longer one anywhere.
const MAX_NONCE: u64 = 256;

impl<'c> Given<'c> {
    pub(super) fn ccm(self) -> Result<Parameter<'c>> {
        let given: ck::CK_CCM_PARAMS = self.structure()?;
        Ok(Parameter::Aead(aead::Message {
            nonce: self.string(given.pNonce, given.ulNonceLen)?,
            aad: self.string(given.pAAD, given.ulAADLen)?,
            tag_bits: bits(given.ulMACLen)?,
            len: Some(given.ulDataLen),
        }))
    }

    /// The text counts the nonce in bits, most clients in bytes.
    pub(super) fn chacha20_poly1305(self) -> Result<Parameter<'c>> {
        let given: ck::CK_SALSA20_CHACHA20_POLY1305_PARAMS = self.structure()?;
        Ok(Parameter::Aead(aead::Message {
            nonce: self.string(given.pNonce, nonce_bytes(given.ulNonceLen))?,
            aad: self.string(given.pAAD, given.ulAADLen)?,
            tag_bits: 128,
            len: None,
        }))
    }

    /// CK_GCM_WRAP_PARAMS or CK_CCM_WRAP_PARAMS: the values, and the associated data.
    fn wrapping(self, shape: Shape) -> Result<(Message<'c>, &'c [u8])> {
        let (layout, nonce, aad) = match shape {
            Shape::Gcm => {
                let given: ck::CK_GCM_WRAP_PARAMS = self.structure()?;
                let layout = Layout {
                    shape,
                    nonce_len: given.ulIvLen,
                    fixed_bits: given.ulIvFixedBits,
                    generator: given.ivGenerator,
                    tag_bits: given.ulTagBits,
                    len: None,
                };
                (layout, given.pIv, self.string(given.pAAD, given.ulAADLen)?)
            }
            Shape::Ccm => {
                let given: ck::CK_CCM_WRAP_PARAMS = self.structure()?;
                let layout = Layout {
                    shape,
                    nonce_len: given.ulNonceLen,
                    fixed_bits: given.ulNonceFixedBits,
                    generator: given.nonceGenerator,
                    tag_bits: bits(given.ulMACLen)?,
                    len: None,
                };
                (layout, given.pNonce, self.string(given.pAAD, given.ulAADLen)?)
            }
            Shape::ChaCha20Poly1305 => return Err(Error::MechanismParamInvalid),
        };
        Ok((self.message(layout, nonce, std::ptr::null_mut())?, aad))
    }

    /// The structure of a message: its numbers, and where nonce and tag are.
    fn message_layout(self, shape: Shape) -> Result<(Layout, *mut u8, *mut u8)> {
        Ok(match shape {
            Shape::Gcm => {
                let given: ck::CK_GCM_MESSAGE_PARAMS = self.structure()?;
                let layout = Layout {
                    shape,
                    nonce_len: given.ulIvLen,
                    fixed_bits: given.ulIvFixedBits,
                    generator: given.ivGenerator,
                    tag_bits: given.ulTagBits,
                    len: None,
                };
                (layout, given.pIv, given.pTag)
            }
            Shape::Ccm => {
                let given: ck::CK_CCM_MESSAGE_PARAMS = self.structure()?;
                let layout = Layout {
                    shape,
                    nonce_len: given.ulNonceLen,
                    fixed_bits: given.ulNonceFixedBits,
                    generator: given.nonceGenerator,
                    tag_bits: bits(given.ulMACLen)?,
                    len: Some(given.ulDataLen),
                };
                (layout, given.pNonce, given.pMAC)
            }
            Shape::ChaCha20Poly1305 => {
                let given: ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS = self.structure()?;
                let layout = Layout {
                    shape,
                    nonce_len: nonce_bytes(given.ulNonceLen),
                    fixed_bits: 0,
                    generator: ck::CKG_NO_GENERATE,
                    tag_bits: MAX_TAG,
                    len: None,
                };
                (layout, given.pNonce, given.pTag)
            }
        })
    }

    /// Copies of nonce and tag, and where they came from. A NULL tag is one that nobody asks for.
    fn message(self, layout: Layout, nonce: *mut u8, tag: *mut u8) -> Result<Message<'c>> {
        if layout.tag_bits > MAX_TAG || layout.nonce_len > MAX_NONCE {
            return Err(Error::MechanismParamInvalid);
        }
        // SAFETY: covered by the promise for the parameter, like the structure they were found in.
        let (nonce, tag) = unsafe { (self.at.inner(nonce), self.at.inner(tag)) };
        let tag_value = if tag.is_null() { &[] } else { tag.bytes(layout.tag_bits / 8)? };
        let given = message::Given { layout, nonce: nonce.bytes(layout.nonce_len)?.to_vec(), tag: tag_value.to_vec() };
        Ok(Message { given, nonce, tag })
    }
}

fn bits(bytes: u64) -> Result<u64> {
    bytes.checked_mul(8).ok_or(Error::MechanismParamInvalid)
}

fn nonce_bytes(len: u64) -> u64 {
    if len == 96 { 12 } else { len }
}

/// The parameter of a message.
pub struct Message<'c> {
    /// What it says; the core makes nonce and tag in it.
    pub given: message::Given,
    nonce: Pointer<'c, u8>,
    tag: Pointer<'c, u8>,
}

impl<'c> Message<'c> {
    /// `MechanismParamInvalid` for everything that is not this structure.
    pub fn of(shape: Shape, at: Pointer<'c, c_void>, length: u64) -> Result<Self> {
        let given = Given { at, length };
        let decoded = given.message_layout(shape).and_then(|(layout, nonce, tag)| {
            if tag.is_null() { Err(Error::MechanismParamInvalid) } else { given.message(layout, nonce, tag) }
        });
        decoded.map_err(|_| Error::MechanismParamInvalid)
    }

    /// Writes the nonce where it came from.
    pub fn return_nonce(&self) -> Result<()> {
        self.nonce.write_bytes(&self.given.nonce)
    }

    /// Writes the tag where it came from.
    pub fn return_tag(&self) -> Result<()> {
        self.tag.write_bytes(&self.given.tag)
    }
}

/// The mechanism of a message process, whose parameter may be there or not; NULL cancels.
pub fn message_or_cancel<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<Option<Mechanism<'c>>> {
    if pointer.is_null() {
        return Ok(None);
    }
    let (mechanism, parameter) = raw(pointer)?;
    let parameter = match lookup(mechanism).and_then(|row| row.message) {
        Some(of) if !(parameter.at.is_null() && parameter.length == 0) => parameter
            .message_layout(of.message)
            .map_or(Parameter::Malformed, |(layout, _, _)| Parameter::MessageLayout(layout)),
        // No parameter, or the core knows no such process and says so.
        _ => Parameter::None,
    };
    Ok(Some(Mechanism { mechanism, parameter }))
}

/// The mechanism of an authenticated wrapping and its parameter, that of a message; none if it is not one.
pub fn authenticated<'c>(
    pointer: Pointer<'c, ck::CK_MECHANISM>,
) -> Result<(ck::CK_MECHANISM_TYPE, Option<Message<'c>>)> {
    let (mechanism, parameter) = raw(pointer)?;
    let of = lookup(mechanism).and_then(|row| row.message);
    Ok((mechanism, of.and_then(|of| Message::of(of.message, parameter.at, parameter.length).ok())))
}

/// The mechanism of C_WrapKey or C_UnwrapKey.
pub enum Wrapping<'c> {
    /// As in every other call.
    Plain(Mechanism<'c>),
    /// CK_GCM_WRAP_PARAMS or CK_CCM_WRAP_PARAMS, which may ask for a nonce, and the associated data beside it.
    Nonce(ck::CK_MECHANISM_TYPE, Message<'c>, &'c [u8]),
}

/// See [`Wrapping`].
pub fn wrapping<'c>(pointer: Pointer<'c, ck::CK_MECHANISM>) -> Result<Wrapping<'c>> {
    let (mechanism, parameter) = raw(pointer)?;
    let row = lookup(mechanism);
    let decoded = row.and_then(|row| row.message).and_then(|of| parameter.wrapping(of.message).ok());
    Ok(match decoded {
        Some((message, aad)) => Wrapping::Nonce(mechanism, message, aad),
        None => Wrapping::Plain(parameter.of(mechanism, row)),
    })
}

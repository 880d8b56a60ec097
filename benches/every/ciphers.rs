//! Symmetric ciphers, and the same on messages.

use super::{LONG, SHORT, named, secret};
use crate::cases::{Case, Limit};
use crate::client::{self, Session};
use crate::floor::Run;
use crate::floor::{self, Direction, Keying, Kind};
use cryptoki_sys::*;
use std::ffi::CStr;

/// What a mechanism's parameter is made of.
#[derive(Clone, Copy)]
pub enum Parameter {
    /// The IV itself, or nothing where its length is 0.
    Iv,
    /// CK_AES_CTR_PARAMS and CK_CAMELLIA_CTR_PARAMS, which are the same.
    Counter,
    /// CK_GCM_PARAMS, a tag of 16 bytes.
    Gcm,
    /// CK_CCM_PARAMS, a MAC of 16 bytes.
    Ccm,
    /// CK_CHACHA20_PARAMS: a counter of 32 bits and the nonce.
    ChaCha20,
    /// CK_SALSA20_CHACHA20_POLY1305_PARAMS.
    ChaCha20Poly1305,
    /// CK_GCM_MESSAGE_PARAMS, CK_CCM_MESSAGE_PARAMS and CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS, by the parameter that
    /// the mechanism has for a message that is alone.
    Message(Message),
    /// CK_RC2_CBC_PARAMS with all the bits of the key, and the IV.
    Rc2(CK_ULONG),
    /// A number.
    Ulong(CK_ULONG),
}

/// The structure of a message; the tag goes behind the IV.
#[derive(Clone, Copy)]
pub enum Message {
    Gcm,
    Ccm,
    ChaCha20Poly1305,
}

/// A symmetric cipher.
pub struct Cipher {
    pub name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    pub floor: &'static CStr,
    pub kind: Kind,
    pub key: (CK_KEY_TYPE, usize),
    pub iv: usize,
    pub parameter: Parameter,
    lengths: &'static [usize],
}

macro_rules! ciphers {
    ($($name:ident $floor:literal $kind:ident $(($segment:literal))? $type:ident $key:literal $iv:literal $parameter:expr;)*) => {
        &[$(Cipher {
            name: stringify!($name),
            mechanism: $name,
            floor: $floor,
            kind: Kind::$kind$(($segment))?,
            key: ($type, $key),
            iv: $iv,
            parameter: $parameter,
            lengths: if matches!(Kind::$kind$(($segment))?, Kind::Wrap) { &[SHORT] } else { &[SHORT, LONG] },
        }),*]
    };
}

use Parameter::{ChaCha20, ChaCha20Poly1305, Counter, Iv, Rc2, Ulong};

pub const CIPHERS: &[Cipher] = ciphers! {
    CKM_AES_ECB c"AES-256-ECB" Plain CKK_AES 32 0 Iv;
    CKM_AES_CBC c"AES-256-CBC" Plain CKK_AES 32 16 Iv;
    CKM_AES_CBC_PAD c"AES-256-CBC" Padded CKK_AES 32 16 Iv;
    CKM_AES_CTR c"AES-256-CTR" Plain CKK_AES 32 16 Counter;
    CKM_AES_CTS c"AES-256-CBC-CTS" Plain CKK_AES 32 16 Iv;
    CKM_AES_OFB c"AES-256-OFB" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB1 c"AES-256-CFB1" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB8 c"AES-256-CFB8" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB64 c"AES-256-ECB" Feedback(8) CKK_AES 32 16 Iv;
    CKM_AES_CFB128 c"AES-256-CFB" Plain CKK_AES 32 16 Iv;
    CKM_AES_XTS c"AES-256-XTS" Plain CKK_AES_XTS 64 16 Iv;
    CKM_AES_GCM c"AES-256-GCM" Aead CKK_AES 32 12 Parameter::Gcm;
    CKM_AES_CCM c"AES-256-CCM" Ccm CKK_AES 32 12 Parameter::Ccm;
    CKM_AES_KEY_WRAP c"AES-256-WRAP" Wrap CKK_AES 32 0 Iv;
    CKM_AES_KEY_WRAP_PAD c"AES-256-WRAP-PAD" Wrap CKK_AES 32 0 Iv;
    CKM_AES_KEY_WRAP_PKCS7 c"AES-256-WRAP" Wrap CKK_AES 32 0 Iv;
    CKM_AES_KEY_WRAP_KWP c"AES-256-WRAP-PAD" Wrap CKK_AES 32 0 Iv;
    CKM_CHACHA20 c"ChaCha20" Plain CKK_CHACHA20 32 16 ChaCha20;
    CKM_CHACHA20_POLY1305 c"ChaCha20-Poly1305" Aead CKK_CHACHA20 32 12 ChaCha20Poly1305;
    CKM_CAMELLIA_ECB c"CAMELLIA-256-ECB" Plain CKK_CAMELLIA 32 0 Iv;
    CKM_CAMELLIA_CBC c"CAMELLIA-256-CBC" Plain CKK_CAMELLIA 32 16 Iv;
    CKM_CAMELLIA_CBC_PAD c"CAMELLIA-256-CBC" Padded CKK_CAMELLIA 32 16 Iv;
    CKM_CAMELLIA_CTR c"CAMELLIA-256-CTR" Plain CKK_CAMELLIA 32 16 Counter;
    CKM_ARIA_ECB c"ARIA-256-ECB" Plain CKK_ARIA 32 0 Iv;
    CKM_ARIA_CBC c"ARIA-256-CBC" Plain CKK_ARIA 32 16 Iv;
    CKM_ARIA_CBC_PAD c"ARIA-256-CBC" Padded CKK_ARIA 32 16 Iv;
    CKM_SEED_ECB c"SEED-ECB" Plain CKK_SEED 16 0 Iv;
    CKM_SEED_CBC c"SEED-CBC" Plain CKK_SEED 16 16 Iv;
    CKM_SEED_CBC_PAD c"SEED-CBC" Padded CKK_SEED 16 16 Iv;
    CKM_DES_ECB c"DES-ECB" Plain CKK_DES 8 0 Iv;
    CKM_DES_CBC c"DES-CBC" Plain CKK_DES 8 8 Iv;
    CKM_DES_CBC_PAD c"DES-CBC" Padded CKK_DES 8 8 Iv;
    CKM_DES_OFB64 c"DES-OFB" Plain CKK_DES 8 8 Iv;
    CKM_DES_OFB8 c"DES-ECB" Feedback(1) CKK_DES 8 8 Iv;
    CKM_DES_CFB64 c"DES-CFB" Plain CKK_DES 8 8 Iv;
    CKM_DES_CFB8 c"DES-CFB8" Plain CKK_DES 8 8 Iv;
    CKM_DES3_ECB c"DES-EDE3-ECB" Plain CKK_DES3 24 0 Iv;
    CKM_DES3_CBC c"DES-EDE3-CBC" Plain CKK_DES3 24 8 Iv;
    CKM_DES3_CBC_PAD c"DES-EDE3-CBC" Padded CKK_DES3 24 8 Iv;
    CKM_CAST128_ECB c"CAST5-ECB" Plain CKK_CAST128 16 0 Iv;
    CKM_CAST128_CBC c"CAST5-CBC" Plain CKK_CAST128 16 8 Iv;
    CKM_CAST128_CBC_PAD c"CAST5-CBC" Padded CKK_CAST128 16 8 Iv;
    CKM_IDEA_ECB c"IDEA-ECB" Plain CKK_IDEA 16 0 Iv;
    CKM_IDEA_CBC c"IDEA-CBC" Plain CKK_IDEA 16 8 Iv;
    CKM_IDEA_CBC_PAD c"IDEA-CBC" Padded CKK_IDEA 16 8 Iv;
    CKM_BLOWFISH_CBC c"BF-CBC" Plain CKK_BLOWFISH 16 8 Iv;
    CKM_BLOWFISH_CBC_PAD c"BF-CBC" Padded CKK_BLOWFISH 16 8 Iv;
    CKM_RC2_ECB c"RC2-ECB" Plain CKK_RC2 16 0 Ulong(128);
    CKM_RC2_CBC c"RC2-CBC" Plain CKK_RC2 16 8 Rc2(128);
    CKM_RC2_CBC_PAD c"RC2-CBC" Padded CKK_RC2 16 8 Rc2(128);
    CKM_RC4 c"RC4" Keyed CKK_RC4 16 0 Iv;
};

/// The ciphers of messages: mechanism, and the structure of a message.
pub const MESSAGES: &[(CK_MECHANISM_TYPE, Message)] =
    &[(CKM_AES_GCM, Message::Gcm), (CKM_AES_CCM, Message::Ccm), (CKM_CHACHA20_POLY1305, Message::ChaCha20Poly1305)];

/// Every row at every length, and the ciphers of messages once more.
pub fn cases() -> impl Iterator<Item = Case> {
    let with_lengths = |row: &'static Cipher| row.lengths.iter().map(move |length| (row, *length));
    let floor = |row: &'static Cipher, length| {
        move || floor::cipher((row.floor, row.kind), Keying::Once, Direction::Encrypt, row.key.1, row.iv, length)
    };
    let alone = CIPHERS.iter().flat_map(with_lengths).map(move |(row, length)| {
        let case = Case::new(named(row.name, length), floor(row, length), move |s| encrypt(s, row, length));
        case.within(Limit::of_length(length))
    });
    let messages = MESSAGES.iter().flat_map(move |(mechanism, shape)| {
        let rows = CIPHERS.iter().filter(|row| row.mechanism == *mechanism);
        rows.flat_map(with_lengths).map(move |(row, length)| {
            let name = format!("{}, a message", named(row.name, length));
            let case = Case::new(name, floor(row, length), move |s| message(s, row, *shape, length));
            case.within(Limit::of_length(length))
        })
    });
    alone.chain(messages)
}

fn encrypt(session: Session, row: &'static Cipher, length: usize) -> Result<Run, String> {
    let key = secret(&session, row.key, CKA_ENCRYPT)?;
    let (mut data, mut out, mut iv) = (vec![7; length], vec![0; length + 64], vec![0; row.iv]);
    Ok(Box::new(move || {
        if let Some(first) = iv.first_mut() {
            *first = u8::wrapping_add(*first, 1);
        }
        with(row.mechanism, row.parameter, &mut iv, length, |mechanism| {
            session.encrypt(mechanism, key, &mut data, &mut out).map(drop)
        })
    }))
}

/// One C_MessageEncryptInit, and C_EncryptMessage again and again.
fn message(session: Session, row: &'static Cipher, shape: Message, length: usize) -> Result<Run, String> {
    let key = secret(&session, row.key, CKA_ENCRYPT)?;
    let (mut data, mut out, mut iv) = (vec![7; length], vec![0; length], vec![0; row.iv + TAG]);
    session.message_encrypt_init(&mut client::bare(row.mechanism), key)?;
    Ok(Box::new(move || {
        iv[0] = u8::wrapping_add(iv[0], 1);
        with(row.mechanism, Parameter::Message(shape), &mut iv, length, |message| {
            session.encrypt_message(message, &mut data, &mut out).map(drop)
        })
    }))
}

/// Bytes of a tag.
const TAG: usize = 16;

/// Calls with the mechanism and its parameter, which lives as long as the call.
pub fn with<T>(
    mechanism: CK_MECHANISM_TYPE,
    parameter: Parameter,
    iv: &mut [u8],
    length: usize,
    call: impl FnOnce(&mut CK_MECHANISM) -> T,
) -> T {
    fn over<P, T>(mechanism: CK_MECHANISM_TYPE, mut value: P, call: impl FnOnce(&mut CK_MECHANISM) -> T) -> T {
        call(&mut CK_MECHANISM {
            mechanism,
            pParameter: (&raw mut value).cast(),
            ulParameterLen: size_of::<P>() as CK_ULONG,
        })
    }
    let (at, iv_len) = (iv.as_mut_ptr(), iv.len() as CK_ULONG);
    match parameter {
        Parameter::Iv if iv.is_empty() => call(&mut client::bare(mechanism)),
        Parameter::Iv => call(&mut CK_MECHANISM { mechanism, pParameter: at.cast(), ulParameterLen: iv_len }),
        Parameter::Counter => {
            let mut cb = [0; 16];
            cb.copy_from_slice(iv);
            over(mechanism, CK_AES_CTR_PARAMS { ulCounterBits: 128, cb }, call)
        }
        Parameter::Gcm => over(
            mechanism,
            CK_GCM_PARAMS {
                pIv: at,
                ulIvLen: iv_len,
                ulIvBits: iv_len * 8,
                pAAD: std::ptr::null_mut(),
                ulAADLen: 0,
                ulTagBits: 128,
            },
            call,
        ),
        Parameter::Ccm => over(
            mechanism,
            CK_CCM_PARAMS {
                ulDataLen: length as CK_ULONG,
                pNonce: at,
                ulNonceLen: iv_len,
                pAAD: std::ptr::null_mut(),
                ulAADLen: 0,
                ulMACLen: 16,
            },
            call,
        ),
        Parameter::ChaCha20 => {
            let (counter, nonce) = iv.split_at_mut(4);
            over(
                mechanism,
                CK_CHACHA20_PARAMS {
                    pBlockCounter: counter.as_mut_ptr(),
                    blockCounterBits: 32,
                    pNonce: nonce.as_mut_ptr(),
                    ulNonceBits: 96,
                },
                call,
            )
        }
        Parameter::ChaCha20Poly1305 => over(
            mechanism,
            CK_SALSA20_CHACHA20_POLY1305_PARAMS {
                pNonce: at,
                ulNonceLen: iv_len,
                pAAD: std::ptr::null_mut(),
                ulAADLen: 0,
            },
            call,
        ),
        Parameter::Message(shape) => {
            let (nonce, tag) = iv.split_at_mut(iv.len() - TAG);
            let (nonce, nonce_len, tag) = (nonce.as_mut_ptr(), nonce.len() as CK_ULONG, tag.as_mut_ptr());
            match shape {
                Message::Gcm => over(
                    mechanism,
                    CK_GCM_MESSAGE_PARAMS {
                        pIv: nonce,
                        ulIvLen: nonce_len,
                        ulIvFixedBits: 0,
                        ivGenerator: CKG_NO_GENERATE,
                        pTag: tag,
                        ulTagBits: TAG as CK_ULONG * 8,
                    },
                    call,
                ),
                Message::Ccm => over(
                    mechanism,
                    CK_CCM_MESSAGE_PARAMS {
                        ulDataLen: length as CK_ULONG,
                        pNonce: nonce,
                        ulNonceLen: nonce_len,
                        ulNonceFixedBits: 0,
                        nonceGenerator: CKG_NO_GENERATE,
                        pMAC: tag,
                        ulMACLen: TAG as CK_ULONG,
                    },
                    call,
                ),
                Message::ChaCha20Poly1305 => over(
                    mechanism,
                    CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS { pNonce: nonce, ulNonceLen: nonce_len, pTag: tag },
                    call,
                ),
            }
        }
        Parameter::Rc2(bits) => {
            let mut iv8 = [0; 8];
            iv8.copy_from_slice(iv);
            over(mechanism, CK_RC2_CBC_PARAMS { ulEffectiveBits: bits, iv: iv8 }, call)
        }
        Parameter::Ulong(value) => over(mechanism, value, call),
    }
}

//! MACs, and some of them on messages.

use super::{LONG, NO, SHORT, YES, key, named, secret};
use crate::cases::{Case, Limit};
use crate::client::{self, Session};
use crate::floor::Run;
use crate::floor::{self, Bytes, Direction, Keying, Kind, Value};
use cryptoki_sys::*;
use std::ffi::CStr;

/// The same work in OpenSSL.
#[derive(Clone, Copy)]
enum Beside {
    /// EVP_MAC of this name, and its option.
    Evp(&'static CStr, Option<(&'static CStr, &'static CStr)>),
    /// The encryption in this mode, whose last block the MAC is, and the length of the IV.
    Chain(&'static CStr, usize),
    /// GCM with all of the data as associated data.
    Gmac,
    /// The pseudorandom function of TLS 1.2 with SHA-256: 12 bytes.
    Prf,
}

/// What the parameter says.
#[derive(Clone, Copy)]
enum Parameter {
    /// None.
    Whole,
    /// A number: the length of the MAC or, of SHA-512/t and RC2, the bits.
    Length(CK_ULONG),
    /// CK_GCM_PARAMS with an IV of 12 bytes, new each time.
    Gcm,
    /// CK_RC2_MAC_GENERAL_PARAMS.
    Rc2(CK_ULONG, CK_ULONG),
    /// CK_TLS_MAC_PARAMS of the client, SHA-256, 12 bytes.
    Tls,
    /// CK_OTP_PARAMS that say nothing.
    Otp,
}

pub struct Mac {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    beside: Beside,
    key: (CK_KEY_TYPE, usize),
    parameter: Parameter,
}

macro_rules! macs {
    ($($name:ident $beside:expr, $type:ident $key:literal $parameter:expr;)*) => {
        &[$(Mac {
            name: stringify!($name),
            mechanism: $name,
            beside: $beside,
            key: ($type, $key),
            parameter: $parameter,
        }),*]
    };
}

const fn hmac(digest: &'static CStr) -> Beside {
    Beside::Evp(c"HMAC", Some((c"digest", digest)))
}

const fn cmac(cipher: &'static CStr) -> Beside {
    Beside::Evp(c"CMAC", Some((c"cipher", cipher)))
}

use Parameter::{Gcm, Length, Otp, Rc2, Tls, Whole};

pub const MACS: &[Mac] = macs! {
    CKM_MD5_HMAC hmac(c"MD5"), CKK_GENERIC_SECRET 32 Whole;
    CKM_MD5_HMAC_GENERAL hmac(c"MD5"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_RIPEMD160_HMAC hmac(c"RIPEMD160"), CKK_GENERIC_SECRET 32 Whole;
    CKM_RIPEMD160_HMAC_GENERAL hmac(c"RIPEMD160"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA_1_HMAC hmac(c"SHA1"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA_1_HMAC_GENERAL hmac(c"SHA1"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA224_HMAC hmac(c"SHA2-224"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA224_HMAC_GENERAL hmac(c"SHA2-224"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA256_HMAC hmac(c"SHA2-256"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA256_HMAC_GENERAL hmac(c"SHA2-256"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA384_HMAC hmac(c"SHA2-384"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA384_HMAC_GENERAL hmac(c"SHA2-384"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA512_HMAC hmac(c"SHA2-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA512_HMAC_GENERAL hmac(c"SHA2-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA512_224_HMAC hmac(c"SHA2-512/224"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA512_224_HMAC_GENERAL hmac(c"SHA2-512/224"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA512_256_HMAC hmac(c"SHA2-512/256"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA512_256_HMAC_GENERAL hmac(c"SHA2-512/256"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA3_224_HMAC hmac(c"SHA3-224"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA3_224_HMAC_GENERAL hmac(c"SHA3-224"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA3_256_HMAC hmac(c"SHA3-256"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA3_256_HMAC_GENERAL hmac(c"SHA3-256"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA3_384_HMAC hmac(c"SHA3-384"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA3_384_HMAC_GENERAL hmac(c"SHA3-384"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA3_512_HMAC hmac(c"SHA3-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_SHA3_512_HMAC_GENERAL hmac(c"SHA3-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_BLAKE2B_160_HMAC hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_BLAKE2B_160_HMAC_GENERAL hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_BLAKE2B_256_HMAC hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_BLAKE2B_256_HMAC_GENERAL hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_BLAKE2B_384_HMAC hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_BLAKE2B_384_HMAC_GENERAL hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_BLAKE2B_512_HMAC hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Whole;
    CKM_BLAKE2B_512_HMAC_GENERAL hmac(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32 Length(10);
    CKM_SHA512_T_HMAC hmac(c"SHA2-512/256"), CKK_GENERIC_SECRET 32 Length(256);
    CKM_SHA512_T_HMAC_GENERAL hmac(c"SHA2-512/256"), CKK_GENERIC_SECRET 32 Length(256);
    CKM_AES_CMAC cmac(c"AES-256-CBC"), CKK_AES 32 Whole;
    CKM_AES_CMAC_GENERAL cmac(c"AES-256-CBC"), CKK_AES 32 Length(8);
    CKM_DES3_CMAC cmac(c"DES-EDE3-CBC"), CKK_DES3 24 Whole;
    CKM_DES3_CMAC_GENERAL cmac(c"DES-EDE3-CBC"), CKK_DES3 24 Length(4);
    CKM_POLY1305 Beside::Evp(c"POLY1305", None), CKK_POLY1305 32 Whole;
    CKM_AES_GMAC Beside::Gmac, CKK_AES 32 Gcm;
    CKM_AES_XCBC_MAC Beside::Chain(c"AES-128-CBC", 16), CKK_AES 16 Whole;
    CKM_AES_XCBC_MAC_96 Beside::Chain(c"AES-128-CBC", 16), CKK_AES 16 Whole;
    CKM_AES_MAC Beside::Chain(c"AES-256-CBC", 16), CKK_AES 32 Whole;
    CKM_AES_MAC_GENERAL Beside::Chain(c"AES-256-CBC", 16), CKK_AES 32 Length(8);
    CKM_CAMELLIA_MAC Beside::Chain(c"CAMELLIA-256-CBC", 16), CKK_CAMELLIA 32 Whole;
    CKM_CAMELLIA_MAC_GENERAL Beside::Chain(c"CAMELLIA-256-CBC", 16), CKK_CAMELLIA 32 Length(8);
    CKM_ARIA_MAC Beside::Chain(c"ARIA-256-CBC", 16), CKK_ARIA 32 Whole;
    CKM_ARIA_MAC_GENERAL Beside::Chain(c"ARIA-256-CBC", 16), CKK_ARIA 32 Length(8);
    CKM_SEED_MAC Beside::Chain(c"SEED-CBC", 16), CKK_SEED 16 Whole;
    CKM_SEED_MAC_GENERAL Beside::Chain(c"SEED-CBC", 16), CKK_SEED 16 Length(8);
    CKM_DES_MAC Beside::Chain(c"DES-CBC", 8), CKK_DES 8 Whole;
    CKM_DES_MAC_GENERAL Beside::Chain(c"DES-CBC", 8), CKK_DES 8 Length(4);
    CKM_DES3_MAC Beside::Chain(c"DES-EDE3-CBC", 8), CKK_DES3 24 Whole;
    CKM_DES3_MAC_GENERAL Beside::Chain(c"DES-EDE3-CBC", 8), CKK_DES3 24 Length(4);
    CKM_CAST128_MAC Beside::Chain(c"CAST5-CBC", 8), CKK_CAST128 16 Whole;
    CKM_CAST128_MAC_GENERAL Beside::Chain(c"CAST5-CBC", 8), CKK_CAST128 16 Length(4);
    CKM_IDEA_MAC Beside::Chain(c"IDEA-CBC", 8), CKK_IDEA 16 Whole;
    CKM_IDEA_MAC_GENERAL Beside::Chain(c"IDEA-CBC", 8), CKK_IDEA 16 Length(4);
    CKM_RC2_MAC Beside::Chain(c"RC2-CBC", 8), CKK_RC2 16 Length(128);
    CKM_RC2_MAC_GENERAL Beside::Chain(c"RC2-CBC", 8), CKK_RC2 16 Rc2(128, 4);
    CKM_TLS_MAC Beside::Prf, CKK_GENERIC_SECRET 48 Tls;
    CKM_TLS12_MAC Beside::Prf, CKK_GENERIC_SECRET 48 Tls;
    CKM_HOTP hmac(c"SHA1"), CKK_HOTP 20 Otp;
};

/// The pseudorandom function of TLS 1.2 with the label of a client and data of 64 bytes.
const PRF: Bytes = Bytes::Kdf(
    c"TLS1-PRF",
    &[
        (c"digest", Value::Text(c"SHA2-256")),
        (c"secret", Value::Key),
        (c"seed", Value::Bytes(b"client finished")),
        (c"seed", Value::Bytes(&[7; SHORT])),
    ],
);

/// Those that are measured on messages too, where there is no Init before each: one of each kind.
const MESSAGES: &[CK_MECHANISM_TYPE] = &[CKM_SHA256_HMAC, CKM_AES_CMAC, CKM_AES_MAC];

/// Every row, short and, where there is such a thing, long.
pub fn cases() -> impl Iterator<Item = Case> {
    let lengths = |row: &'static Mac| match row.mechanism {
        // A counter of 8 bytes, and the hash of a handshake.
        CKM_HOTP => vec![8],
        CKM_TLS_MAC | CKM_TLS12_MAC => vec![SHORT],
        _ => vec![SHORT, LONG],
    };
    let floor = |row: &'static Mac, length| {
        move || match row.beside {
            Beside::Evp(name, option) => floor::mac(name, option, row.key.1, length),
            Beside::Chain(name, iv) => {
                floor::cipher((name, Kind::Plain), Keying::Once, Direction::Encrypt, row.key.1, iv, length)
            }
            Beside::Gmac => floor::cipher(
                (c"AES-256-GCM", Kind::Associated),
                Keying::Once,
                Direction::Encrypt,
                row.key.1,
                12,
                length,
            ),
            Beside::Prf => PRF.run(row.key.1, 12),
        }
    };
    let all = MACS.iter().flat_map(move |row| lengths(row).into_iter().map(move |length| (row, length)));
    let alone = all.map(move |(row, length)| {
        Case::new(named(row.name, length), floor(row, length), move |s| mac(s, row, length))
            .within(Limit::of_length(length))
    });
    let messages = MACS.iter().filter(|row| MESSAGES.contains(&row.mechanism)).map(move |row| {
        let name = format!("{}, a message", named(row.name, SHORT));
        Case::new(name, floor(row, SHORT), move |s| message(s, row)).within(Limit::Short)
    });
    alone.chain(messages)
}

fn mac(session: Session, row: &'static Mac, length: usize) -> Result<Run, String> {
    let key = match row.mechanism {
        CKM_HOTP => counting(&session, row.key.1)?,
        _ => secret(&session, row.key, CKA_SIGN)?,
    };
    let (mut data, mut out, mut iv) = (vec![7; length], [0; 1024], [0u8; 12]);
    if row.mechanism == CKM_HOTP {
        data.clear();
    }
    Ok(Box::new(move || {
        iv[0] = iv[0].wrapping_add(1);
        with(row, &mut iv, |mechanism| session.sign(mechanism, key, &mut data, &mut out).map(drop))
    }))
}

/// One C_MessageSignInit, and C_SignMessage again and again.
fn message(session: Session, row: &'static Mac) -> Result<Run, String> {
    let key = secret(&session, row.key, CKA_SIGN)?;
    with(row, &mut [0; 12], |mechanism| session.message_sign_init(mechanism, key))?;
    let (mut data, mut out) = (vec![7; SHORT], [0; 64]);
    Ok(Box::new(move || session.sign_message(&mut data, &mut out).map(drop)))
}

/// A key of one-time passwords.
fn counting(session: &Session, length: usize) -> client::Outcome<CK_OBJECT_HANDLE> {
    let (class, key_type) = (CKO_OTP_KEY.to_ne_bytes(), CKK_HOTP.to_ne_bytes());
    session.create(&[
        (CKA_CLASS, &class),
        (CKA_KEY_TYPE, &key_type),
        (CKA_TOKEN, &NO),
        (CKA_SIGN, &YES),
        (CKA_VALUE, &key(length)),
    ])
}

/// Calls with the mechanism and its parameter, which lives as long as the call.
fn with<T>(row: &Mac, iv: &mut [u8; 12], call: impl FnOnce(&mut CK_MECHANISM) -> T) -> T {
    let iv_len = iv.len() as CK_ULONG;
    let mut gcm = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: iv_len,
        ulIvBits: iv_len * 8,
        pAAD: std::ptr::null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    };
    let (mut number, mut rc2);
    let mut tls = CK_TLS_MAC_PARAMS { prfHashMechanism: CKM_SHA256, ulMacLength: 12, ulServerOrClient: 2 };
    let mut otp = CK_OTP_PARAMS { pParams: std::ptr::null_mut(), ulCount: 0 };
    let (at, length): (*mut std::ffi::c_void, usize) = match row.parameter {
        Whole => (std::ptr::null_mut(), 0),
        Length(of) => {
            number = of;
            ((&raw mut number).cast(), size_of_val(&number))
        }
        Gcm => ((&raw mut gcm).cast(), size_of_val(&gcm)),
        Rc2(bits, length) => {
            rc2 = CK_RC2_MAC_GENERAL_PARAMS { ulEffectiveBits: bits, ulMacLength: length };
            ((&raw mut rc2).cast(), size_of_val(&rc2))
        }
        Tls => ((&raw mut tls).cast(), size_of_val(&tls)),
        Otp => ((&raw mut otp).cast(), size_of_val(&otp)),
    };
    call(&mut CK_MECHANISM { mechanism: row.mechanism, pParameter: at, ulParameterLen: length as CK_ULONG })
}

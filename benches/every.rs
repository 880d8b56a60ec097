//! Every mechanism that encrypts, digests, signs or decrypts, beside its floor: one row each. A mechanism without a row
//! is named at the end, so that none is forgotten.

use crate::bare::Run;
use crate::cases::Case;
use crate::client::{self, Attribute, Session};
use crate::floor::{self, Kind, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

/// Short and long input, in bytes.
const SHORT: usize = 64;
const LONG: usize = 1 << 20;

const YES: [u8; 1] = [CK_TRUE];
const NO: [u8; 1] = [CK_FALSE];

/// A key of this many bytes: no two halves alike, and odd parity in every byte, as DES wants it.
pub fn key(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n as u8 * 2) | u8::from((n as u8 * 2).count_ones() % 2 == 0)).collect()
}

/// What a mechanism's parameter is made of.
#[derive(Clone, Copy)]
enum Parameter {
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
    /// CK_RC2_CBC_PARAMS with all the bits of the key, and the IV.
    Rc2(CK_ULONG),
    /// A number.
    Ulong(CK_ULONG),
}

/// A symmetric cipher.
struct Cipher {
    name: &'static str,
    mechanism: CK_MECHANISM_TYPE,
    floor: &'static CStr,
    kind: Kind,
    key: (CK_KEY_TYPE, usize),
    iv: usize,
    parameter: Parameter,
    lengths: &'static [usize],
}

macro_rules! ciphers {
    ($($name:ident $floor:literal $kind:ident $type:ident $key:literal $iv:literal $parameter:expr;)*) => {
        &[$(Cipher {
            name: stringify!($name),
            mechanism: $name,
            floor: $floor,
            kind: Kind::$kind,
            key: ($type, $key),
            iv: $iv,
            parameter: $parameter,
            lengths: if matches!(Kind::$kind, Kind::Wrap) { &[SHORT] } else { &[SHORT, LONG] },
        }),*]
    };
}

use Parameter::{ChaCha20, ChaCha20Poly1305, Counter, Iv, Rc2, Ulong};

const CIPHERS: &[Cipher] = ciphers! {
    CKM_AES_ECB c"AES-256-ECB" Plain CKK_AES 32 0 Iv;
    CKM_AES_CBC c"AES-256-CBC" Plain CKK_AES 32 16 Iv;
    CKM_AES_CBC_PAD c"AES-256-CBC" Padded CKK_AES 32 16 Iv;
    CKM_AES_CTR c"AES-256-CTR" Plain CKK_AES 32 16 Counter;
    CKM_AES_CTS c"AES-256-CBC-CTS" Plain CKK_AES 32 16 Iv;
    CKM_AES_OFB c"AES-256-OFB" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB1 c"AES-256-CFB1" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB8 c"AES-256-CFB8" Plain CKK_AES 32 16 Iv;
    CKM_AES_CFB128 c"AES-256-CFB" Plain CKK_AES 32 16 Iv;
    CKM_AES_XTS c"AES-256-XTS" Plain CKK_AES_XTS 64 16 Iv;
    CKM_AES_GCM c"AES-256-GCM" Aead CKK_AES 32 12 Parameter::Gcm;
    CKM_AES_CCM c"AES-256-CCM" Ccm CKK_AES 32 12 Parameter::Ccm;
    CKM_AES_KEY_WRAP c"AES-256-WRAP" Wrap CKK_AES 32 0 Iv;
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
    CKM_RC4 c"RC4" Plain CKK_RC4 16 0 Iv;
};

/// Number of a digest, its name in OpenSSL.
macro_rules! digests {
    ($($name:ident $floor:literal;)*) => { &[$((stringify!($name), $name, $floor)),*] };
}

const DIGESTS: &[(&str, CK_MECHANISM_TYPE, &CStr)] = digests! {
    CKM_MD5 c"MD5";
    CKM_RIPEMD160 c"RIPEMD160";
    CKM_SHA_1 c"SHA1";
    CKM_SHA224 c"SHA2-224";
    CKM_SHA256 c"SHA2-256";
    CKM_SHA384 c"SHA2-384";
    CKM_SHA512 c"SHA2-512";
    CKM_SHA512_224 c"SHA2-512/224";
    CKM_SHA512_256 c"SHA2-512/256";
    CKM_SHA3_224 c"SHA3-224";
    CKM_SHA3_256 c"SHA3-256";
    CKM_SHA3_384 c"SHA3-384";
    CKM_SHA3_512 c"SHA3-512";
    CKM_BLAKE2B_512 c"BLAKE2B-512";
};

/// A MAC: its floor's name and option, key type and length.
struct Mac {
    name: &'static str,
    mechanism: CK_MECHANISM_TYPE,
    floor: &'static CStr,
    option: Option<(&'static CStr, &'static CStr)>,
    key: (CK_KEY_TYPE, usize),
}

macro_rules! macs {
    ($($name:ident $floor:literal $option:expr, $type:ident $key:literal;)*) => {
        &[$(Mac { name: stringify!($name), mechanism: $name, floor: $floor, option: $option, key: ($type, $key) }),*]
    };
}

/// HMAC's option.
const fn hash(name: &'static CStr) -> Option<(&'static CStr, &'static CStr)> {
    Some((c"digest", name))
}

const MACS: &[Mac] = macs! {
    CKM_MD5_HMAC c"HMAC" hash(c"MD5"), CKK_GENERIC_SECRET 32;
    CKM_RIPEMD160_HMAC c"HMAC" hash(c"RIPEMD160"), CKK_GENERIC_SECRET 32;
    CKM_SHA_1_HMAC c"HMAC" hash(c"SHA1"), CKK_GENERIC_SECRET 32;
    CKM_SHA224_HMAC c"HMAC" hash(c"SHA2-224"), CKK_GENERIC_SECRET 32;
    CKM_SHA256_HMAC c"HMAC" hash(c"SHA2-256"), CKK_GENERIC_SECRET 32;
    CKM_SHA384_HMAC c"HMAC" hash(c"SHA2-384"), CKK_GENERIC_SECRET 32;
    CKM_SHA512_HMAC c"HMAC" hash(c"SHA2-512"), CKK_GENERIC_SECRET 32;
    CKM_SHA512_224_HMAC c"HMAC" hash(c"SHA2-512/224"), CKK_GENERIC_SECRET 32;
    CKM_SHA512_256_HMAC c"HMAC" hash(c"SHA2-512/256"), CKK_GENERIC_SECRET 32;
    CKM_SHA3_224_HMAC c"HMAC" hash(c"SHA3-224"), CKK_GENERIC_SECRET 32;
    CKM_SHA3_256_HMAC c"HMAC" hash(c"SHA3-256"), CKK_GENERIC_SECRET 32;
    CKM_SHA3_384_HMAC c"HMAC" hash(c"SHA3-384"), CKK_GENERIC_SECRET 32;
    CKM_SHA3_512_HMAC c"HMAC" hash(c"SHA3-512"), CKK_GENERIC_SECRET 32;
    CKM_BLAKE2B_512_HMAC c"HMAC" hash(c"BLAKE2B-512"), CKK_GENERIC_SECRET 32;
    CKM_AES_CMAC c"CMAC" Some((c"cipher", c"AES-256-CBC")), CKK_AES 32;
    CKM_DES3_CMAC c"CMAC" Some((c"cipher", c"DES-EDE3-CBC")), CKK_DES3 24;
    CKM_POLY1305 c"POLY1305" None, CKK_POLY1305 32;
};

/// The kinds of pairs.
#[derive(Clone, Copy)]
enum Pair {
    Rsa,
    /// Curve by OID, and its name in OpenSSL.
    Ec(&'static [u8], &'static str),
    Edwards(&'static [u8], &'static CStr),
    /// Parameter set, and the algorithm's name in OpenSSL.
    Parameters(CK_MECHANISM_TYPE, CK_ULONG, &'static CStr),
}

const P256: Pair = Pair::Ec(&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P-256");
const P384: Pair = Pair::Ec(&[6, 5, 0x2b, 0x81, 4, 0, 0x22], "P-384");
const P521: Pair = Pair::Ec(&[6, 5, 0x2b, 0x81, 4, 0, 0x23], "P-521");
const SECP256K1: Pair = Pair::Ec(&[6, 5, 0x2b, 0x81, 4, 0, 0x0a], "secp256k1");
const BRAINPOOL: Pair = Pair::Ec(&[6, 9, 0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1");
const ED25519: Pair = Pair::Edwards(&[6, 3, 0x2b, 0x65, 0x70], c"ED25519");
const ED448: Pair = Pair::Edwards(&[6, 3, 0x2b, 0x65, 0x71], c"ED448");

/// Options of a signature or decryption in OpenSSL.
type Options = &'static [(&'static str, &'static str)];
const PKCS1: Options = &[("rsa_padding_mode", "pkcs1")];
const RAW: Options = &[("rsa_padding_mode", "none")];
const PSS_SHA256: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "32"), ("digest", "SHA256")];
const PSS: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "digest")];
const OAEP: Options = &[("rsa_padding_mode", "oaep"), ("rsa_oaep_md", "SHA256"), ("rsa_mgf1_md", "SHA256")];
const NONE: Options = &[];

/// One operation with a private key.
struct Private {
    name: &'static str,
    mechanism: CK_MECHANISM_TYPE,
    pair: Pair,
    how: Use,
    options: Options,
    data: usize,
    /// Digest and mask function of PSS and OAEP.
    hash: Option<(CK_MECHANISM_TYPE, CK_ULONG, CK_ULONG)>,
}

macro_rules! privates {
    ($($label:literal $name:ident $pair:expr, $how:expr, $options:expr, $data:literal $hash:expr;)*) => {
        &[$(Private {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            pair: $pair,
            how: $how,
            options: $options,
            data: $data,
            hash: $hash,
        }),*]
    };
}

const fn hashed(name: &'static CStr) -> Use {
    Use::SignMessage(Some(name))
}
const WHOLE: Use = Use::SignMessage(None);

const PRIVATES: &[Private] = privates! {
    "" CKM_RSA_PKCS Pair::Rsa, Use::Sign, PKCS1, 32 None;
    " decrypt" CKM_RSA_PKCS Pair::Rsa, Use::Decrypt, PKCS1, 32 None;
    "" CKM_RSA_X_509 Pair::Rsa, Use::Sign, RAW, 256 None;
    " decrypt" CKM_RSA_PKCS_OAEP Pair::Rsa, Use::Decrypt, OAEP, 32 Some((CKM_SHA256, CKG_MGF1_SHA256, 0));
    "" CKM_RSA_PKCS_PSS Pair::Rsa, Use::Sign, PSS_SHA256, 32 Some((CKM_SHA256, CKG_MGF1_SHA256, 32));
    "" CKM_SHA1_RSA_PKCS Pair::Rsa, hashed(c"SHA1"), PKCS1, 64 None;
    "" CKM_SHA224_RSA_PKCS Pair::Rsa, hashed(c"SHA2-224"), PKCS1, 64 None;
    "" CKM_SHA256_RSA_PKCS Pair::Rsa, hashed(c"SHA2-256"), PKCS1, 64 None;
    "" CKM_SHA384_RSA_PKCS Pair::Rsa, hashed(c"SHA2-384"), PKCS1, 64 None;
    "" CKM_SHA512_RSA_PKCS Pair::Rsa, hashed(c"SHA2-512"), PKCS1, 64 None;
    "" CKM_SHA3_256_RSA_PKCS Pair::Rsa, hashed(c"SHA3-256"), PKCS1, 64 None;
    "" CKM_SHA256_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-256"), PSS, 64 Some((CKM_SHA256, CKG_MGF1_SHA256, 32));
    "" CKM_SHA512_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-512"), PSS, 64 Some((CKM_SHA512, CKG_MGF1_SHA512, 64));
    " P-256" CKM_ECDSA P256, Use::Sign, NONE, 32 None;
    " P-384" CKM_ECDSA P384, Use::Sign, NONE, 48 None;
    " P-521" CKM_ECDSA P521, Use::Sign, NONE, 64 None;
    " secp256k1" CKM_ECDSA SECP256K1, Use::Sign, NONE, 32 None;
    " brainpoolP256r1" CKM_ECDSA BRAINPOOL, Use::Sign, NONE, 32 None;
    " P-256" CKM_ECDSA_SHA1 P256, hashed(c"SHA1"), NONE, 64 None;
    " P-256" CKM_ECDSA_SHA224 P256, hashed(c"SHA2-224"), NONE, 64 None;
    " P-256" CKM_ECDSA_SHA256 P256, hashed(c"SHA2-256"), NONE, 64 None;
    " P-256" CKM_ECDSA_SHA384 P256, hashed(c"SHA2-384"), NONE, 64 None;
    " P-256" CKM_ECDSA_SHA512 P256, hashed(c"SHA2-512"), NONE, 64 None;
    " P-256" CKM_ECDSA_SHA3_256 P256, hashed(c"SHA3-256"), NONE, 64 None;
    " Ed25519" CKM_EDDSA ED25519, WHOLE, NONE, 64 None;
    " Ed448" CKM_EDDSA ED448, WHOLE, NONE, 64 None;
    " 44" CKM_ML_DSA Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44, c"ML-DSA-44"), WHOLE, NONE, 64 None;
    " 65" CKM_ML_DSA Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_65, c"ML-DSA-65"), WHOLE, NONE, 64 None;
    " 87" CKM_ML_DSA Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_87, c"ML-DSA-87"), WHOLE, NONE, 64 None;
    " SHA2-128f" CKM_SLH_DSA Pair::Parameters(CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F, c"SLH-DSA-SHA2-128f"),
        WHOLE, NONE, 64 None;
    " SHAKE-128f" CKM_SLH_DSA Pair::Parameters(CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHAKE_128F, c"SLH-DSA-SHAKE-128f"),
        WHOLE, NONE, 64 None;
};

/// Numbers of the mechanisms that have a row.
fn measured() -> Vec<CK_MECHANISM_TYPE> {
    let ciphers = CIPHERS.iter().map(|row| row.mechanism);
    let digests = DIGESTS.iter().map(|row| row.1);
    let macs = MACS.iter().map(|row| row.mechanism);
    ciphers.chain(digests).chain(macs).chain(PRIVATES.iter().map(|row| row.mechanism)).collect()
}

/// Mechanisms that a module lists as encrypting, digesting or signing and that have no row.
pub fn forgotten(session: &Session) -> client::Outcome<Vec<CK_MECHANISM_TYPE>> {
    let measured = measured();
    let listed = session.mechanisms(CKF_ENCRYPT | CKF_DIGEST | CKF_SIGN)?;
    Ok(listed.into_iter().filter(|m| !measured.contains(m)).collect())
}

/// Every row at every length.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for row in CIPHERS {
        for &length in row.lengths {
            let floor = move || floor::cipher(row.floor, row.kind, row.key.1, row.iv, length);
            cases.push(Case::new(named(row.name, length), floor, move |s| encrypt(s, row, length)));
        }
    }
    for (name, mechanism, of) in DIGESTS {
        for length in [SHORT, LONG] {
            let floor = move || floor::digest(of, length);
            cases.push(Case::new(named(name, length), floor, move |s| digest(s, *mechanism, length)));
        }
    }
    for row in MACS {
        for length in [SHORT, LONG] {
            let floor = move || floor::mac(row.floor, row.option, row.key.1, length);
            cases.push(Case::new(named(row.name, length), floor, move |s| mac(s, row, length)));
        }
    }
    for row in PRIVATES {
        let floor = move || {
            let (algorithm, making): (&CStr, Vec<(&str, &str)>) = match row.pair {
                Pair::Rsa => (c"RSA", vec![("rsa_keygen_bits", "2048")]),
                Pair::Ec(_, curve) => (c"EC", vec![("ec_paramgen_curve", curve)]),
                Pair::Edwards(_, name) | Pair::Parameters(_, _, name) => (name, vec![]),
            };
            floor::pkey(algorithm, &making, row.how, row.options, message(row))
        };
        cases.push(Case::new(row.name.trim_start_matches("CKM_"), floor, move |s| private(s, row)));
    }
    cases
}

fn named(name: &str, length: usize) -> String {
    let length = if length == LONG { "1 MiB".to_string() } else { format!("{length} B") };
    format!("{}, {length}", name.trim_start_matches("CKM_"))
}

/// Data that begins with a zero, so that as a number it is smaller than a modulus.
fn message(row: &Private) -> Vec<u8> {
    let mut data = vec![7; row.data];
    data[0] = 0;
    data
}

fn secret(
    session: &Session,
    (key_type, length): (CK_KEY_TYPE, usize),
    usage: CK_ATTRIBUTE_TYPE,
) -> client::Outcome<CK_OBJECT_HANDLE> {
    let (class, key_type) = (CKO_SECRET_KEY.to_ne_bytes(), key_type.to_ne_bytes());
    session.create(&[
        (CKA_CLASS, &class),
        (CKA_KEY_TYPE, &key_type),
        (CKA_TOKEN, &NO),
        (usage, &YES),
        (CKA_VALUE, &key(length)),
    ])
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

/// Calls with the mechanism and its parameter, which lives as long as the call.
fn with<T>(
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
        Parameter::Rc2(bits) => {
            let mut iv8 = [0; 8];
            iv8.copy_from_slice(iv);
            over(mechanism, CK_RC2_CBC_PARAMS { ulEffectiveBits: bits, iv: iv8 }, call)
        }
        Parameter::Ulong(value) => over(mechanism, value, call),
    }
}

fn digest(session: Session, mechanism: CK_MECHANISM_TYPE, length: usize) -> Result<Run, String> {
    let (mut data, mut out, mut mechanism) = (vec![7; length], [0; 64], client::bare(mechanism));
    Ok(Box::new(move || session.digest(&mut mechanism, &mut data, &mut out).map(drop)))
}

fn mac(session: Session, row: &'static Mac, length: usize) -> Result<Run, String> {
    let key = secret(&session, row.key, CKA_SIGN)?;
    let (mut data, mut out, mut mechanism) = (vec![7; length], [0; 64], client::bare(row.mechanism));
    Ok(Box::new(move || session.sign(&mut mechanism, key, &mut data, &mut out).map(drop)))
}

fn private(session: Session, row: &'static Private) -> Result<Run, String> {
    let (bits, parameters);
    let mut public: Vec<Attribute<'_>> = vec![(CKA_TOKEN, &NO)];
    let making = match row.pair {
        Pair::Rsa => {
            bits = 2048u64.to_ne_bytes();
            public.push((CKA_MODULUS_BITS, &bits));
            CKM_RSA_PKCS_KEY_PAIR_GEN
        }
        Pair::Ec(oid, _) => {
            public.push((CKA_EC_PARAMS, oid));
            CKM_EC_KEY_PAIR_GEN
        }
        Pair::Edwards(oid, _) => {
            public.push((CKA_EC_PARAMS, oid));
            CKM_EC_EDWARDS_KEY_PAIR_GEN
        }
        Pair::Parameters(making, set, _) => {
            parameters = set.to_ne_bytes();
            public.push((CKA_PARAMETER_SET, &parameters));
            making
        }
    };
    let (public, private) = session.generate_pair(making, &public, &[(CKA_TOKEN, &NO)])?;
    let (mut data, mut out) = (message(row), vec![0; 65536]);
    let parameter = row.hash;
    let run = move |session: &Session, data: &mut Vec<u8>, out: &mut Vec<u8>, encrypt: bool| {
        let mut pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: 0, mgf: 0, sLen: 0 };
        let mut oaep = CK_RSA_PKCS_OAEP_PARAMS {
            hashAlg: 0,
            mgf: 0,
            source: 0,
            pSourceData: std::ptr::null_mut(),
            ulSourceDataLen: 0,
        };
        let mut mechanism = client::bare(row.mechanism);
        match parameter {
            Some((hash, mgf, 0)) => {
                (oaep.hashAlg, oaep.mgf, oaep.source) = (hash, mgf, CKZ_DATA_SPECIFIED);
                mechanism.pParameter = (&raw mut oaep).cast();
                mechanism.ulParameterLen = size_of::<CK_RSA_PKCS_OAEP_PARAMS>() as CK_ULONG;
            }
            Some((hash, mgf, salt)) => {
                (pss.hashAlg, pss.mgf, pss.sLen) = (hash, mgf, salt);
                mechanism.pParameter = (&raw mut pss).cast();
                mechanism.ulParameterLen = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
            }
            None => {}
        }
        match row.how {
            _ if encrypt => session.encrypt(&mut mechanism, public, data, out),
            Use::Decrypt => session.decrypt(&mut mechanism, private, data, out),
            _ => session.sign(&mut mechanism, private, data, out),
        }
    };
    if row.how == Use::Decrypt {
        let n = run(&session, &mut data, &mut out, true)?;
        data = out[..n].to_vec();
    }
    Ok(Box::new(move || run(&session, &mut data, &mut out, false).map(drop)))
}

//! What is done with private keys: signatures and decryption.

use super::NO;
use crate::bare::Run;
use crate::cases::{Case, Limit};
use crate::client::{Attribute, Session};
use crate::floor::{self, Use};
use cryptoki_sys::*;
use std::ffi::CStr;

/// The kinds of pairs.
#[derive(Clone, Copy)]
enum Pair {
    Rsa,
    /// 1024 bits, which both make in a moment.
    Dsa,
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

const ML_DSA_44: Pair = Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_44, c"ML-DSA-44");
const SLH_DSA_128F: Pair = Pair::Parameters(CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHA2_128F, c"SLH-DSA-SHA2-128f");

/// Options of a signature or decryption in OpenSSL.
type Options = &'static [(&'static str, &'static str)];
const PKCS1: Options = &[("rsa_padding_mode", "pkcs1")];
const RAW: Options = &[("rsa_padding_mode", "none")];
const PSS_SHA256: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "32"), ("digest", "SHA256")];
const PSS: Options = &[("rsa_padding_mode", "pss"), ("rsa_pss_saltlen", "digest")];
const OAEP: Options = &[("rsa_padding_mode", "oaep"), ("rsa_oaep_md", "SHA256"), ("rsa_mgf1_md", "SHA256")];
const NONE: Options = &[];

/// What the parameter says.
#[derive(Clone, Copy)]
enum Parameter {
    /// None.
    None,
    /// CK_RSA_PKCS_PSS_PARAMS: hash, mask function, bytes of the salt.
    Pss(CK_MECHANISM_TYPE, CK_ULONG, CK_ULONG),
    /// CK_RSA_PKCS_OAEP_PARAMS: hash, mask function.
    Oaep(CK_MECHANISM_TYPE, CK_ULONG),
    /// CK_HASH_SIGN_ADDITIONAL_CONTEXT of the hash that the data are.
    Hashed(CK_MECHANISM_TYPE),
}

/// One operation with a private key.
pub struct Private {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    pair: Pair,
    how: Use,
    options: Options,
    data: usize,
    parameter: Parameter,
}

macro_rules! privates {
    ($($label:literal $name:ident $pair:expr, $how:expr, $options:expr, $data:literal $parameter:expr;)*) => {
        &[$(Private {
            name: concat!(stringify!($name), $label),
            mechanism: $name,
            pair: $pair,
            how: $how,
            options: $options,
            data: $data,
            parameter: $parameter,
        }),*]
    };
}

const fn hashed(name: &'static CStr) -> Use {
    Use::SignMessage(Some(name))
}
const WHOLE: Use = Use::SignMessage(None);

pub const PRIVATES: &[Private] = privates! {
    "" CKM_RSA_PKCS Pair::Rsa, Use::Sign, PKCS1, 32 Parameter::None;
    " decrypt" CKM_RSA_PKCS Pair::Rsa, Use::Decrypt, PKCS1, 32 Parameter::None;
    "" CKM_RSA_X_509 Pair::Rsa, Use::Sign, RAW, 256 Parameter::None;
    " decrypt" CKM_RSA_PKCS_OAEP Pair::Rsa, Use::Decrypt, OAEP, 32 Parameter::Oaep(CKM_SHA256, CKG_MGF1_SHA256);
    "" CKM_RSA_PKCS_PSS Pair::Rsa, Use::Sign, PSS_SHA256, 32 Parameter::Pss(CKM_SHA256, CKG_MGF1_SHA256, 32);
    "" CKM_SHA1_RSA_PKCS Pair::Rsa, hashed(c"SHA1"), PKCS1, 64 Parameter::None;
    "" CKM_SHA224_RSA_PKCS Pair::Rsa, hashed(c"SHA2-224"), PKCS1, 64 Parameter::None;
    "" CKM_SHA256_RSA_PKCS Pair::Rsa, hashed(c"SHA2-256"), PKCS1, 64 Parameter::None;
    "" CKM_SHA384_RSA_PKCS Pair::Rsa, hashed(c"SHA2-384"), PKCS1, 64 Parameter::None;
    "" CKM_SHA512_RSA_PKCS Pair::Rsa, hashed(c"SHA2-512"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_256_RSA_PKCS Pair::Rsa, hashed(c"SHA3-256"), PKCS1, 64 Parameter::None;
    "" CKM_SHA256_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-256"), PSS, 64 Parameter::Pss(CKM_SHA256, CKG_MGF1_SHA256, 32);
    "" CKM_SHA512_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-512"), PSS, 64 Parameter::Pss(CKM_SHA512, CKG_MGF1_SHA512, 64);
    " P-256" CKM_ECDSA P256, Use::Sign, NONE, 32 Parameter::None;
    " P-384" CKM_ECDSA P384, Use::Sign, NONE, 48 Parameter::None;
    " P-521" CKM_ECDSA P521, Use::Sign, NONE, 64 Parameter::None;
    " secp256k1" CKM_ECDSA SECP256K1, Use::Sign, NONE, 32 Parameter::None;
    " brainpoolP256r1" CKM_ECDSA BRAINPOOL, Use::Sign, NONE, 32 Parameter::None;
    " P-256" CKM_ECDSA_SHA1 P256, hashed(c"SHA1"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA224 P256, hashed(c"SHA2-224"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA256 P256, hashed(c"SHA2-256"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA384 P256, hashed(c"SHA2-384"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA512 P256, hashed(c"SHA2-512"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_256 P256, hashed(c"SHA3-256"), NONE, 64 Parameter::None;
    " Ed25519" CKM_EDDSA ED25519, WHOLE, NONE, 64 Parameter::None;
    " Ed448" CKM_EDDSA ED448, WHOLE, NONE, 64 Parameter::None;
    " 44" CKM_ML_DSA ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    " 65" CKM_ML_DSA Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_65, c"ML-DSA-65"), WHOLE, NONE, 64 Parameter::None;
    " 87" CKM_ML_DSA Pair::Parameters(CKM_ML_DSA_KEY_PAIR_GEN, CKP_ML_DSA_87, c"ML-DSA-87"), WHOLE, NONE, 64 Parameter::None;
    " SHA2-128f" CKM_SLH_DSA SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    " SHAKE-128f" CKM_SLH_DSA Pair::Parameters(CKM_SLH_DSA_KEY_PAIR_GEN, CKP_SLH_DSA_SHAKE_128F, c"SLH-DSA-SHAKE-128f"),
        WHOLE, NONE, 64 Parameter::None;
    "" CKM_SHA224_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-224"), PSS, 64 Parameter::Pss(CKM_SHA224, CKG_MGF1_SHA224, 28);
    "" CKM_SHA384_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA2-384"), PSS, 64 Parameter::Pss(CKM_SHA384, CKG_MGF1_SHA384, 48);
    "" CKM_SHA3_224_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA3-224"), PSS, 64 Parameter::Pss(CKM_SHA3_224, CKG_MGF1_SHA3_224, 28);
    "" CKM_SHA3_256_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA3-256"), PSS, 64 Parameter::Pss(CKM_SHA3_256, CKG_MGF1_SHA3_256, 32);
    "" CKM_SHA3_384_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA3-384"), PSS, 64 Parameter::Pss(CKM_SHA3_384, CKG_MGF1_SHA3_384, 48);
    "" CKM_SHA3_512_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA3-512"), PSS, 64 Parameter::Pss(CKM_SHA3_512, CKG_MGF1_SHA3_512, 64);
    "" CKM_SHA1_RSA_PKCS_PSS Pair::Rsa, hashed(c"SHA1"), PSS, 64 Parameter::Pss(CKM_SHA_1, CKG_MGF1_SHA1, 20);
    "" CKM_MD5_RSA_PKCS Pair::Rsa, hashed(c"MD5"), PKCS1, 64 Parameter::None;
    "" CKM_RIPEMD160_RSA_PKCS Pair::Rsa, hashed(c"RIPEMD160"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_224_RSA_PKCS Pair::Rsa, hashed(c"SHA3-224"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_384_RSA_PKCS Pair::Rsa, hashed(c"SHA3-384"), PKCS1, 64 Parameter::None;
    "" CKM_SHA3_512_RSA_PKCS Pair::Rsa, hashed(c"SHA3-512"), PKCS1, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_224 P256, hashed(c"SHA3-224"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_384 P256, hashed(c"SHA3-384"), NONE, 64 Parameter::None;
    " P-256" CKM_ECDSA_SHA3_512 P256, hashed(c"SHA3-512"), NONE, 64 Parameter::None;
    "" CKM_DSA Pair::Dsa, Use::Sign, NONE, 20 Parameter::None;
    "" CKM_DSA_SHA1 Pair::Dsa, hashed(c"SHA1"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA224 Pair::Dsa, hashed(c"SHA2-224"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA256 Pair::Dsa, hashed(c"SHA2-256"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA384 Pair::Dsa, hashed(c"SHA2-384"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA512 Pair::Dsa, hashed(c"SHA2-512"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_224 Pair::Dsa, hashed(c"SHA3-224"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_256 Pair::Dsa, hashed(c"SHA3-256"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_384 Pair::Dsa, hashed(c"SHA3-384"), NONE, 64 Parameter::None;
    "" CKM_DSA_SHA3_512 Pair::Dsa, hashed(c"SHA3-512"), NONE, 64 Parameter::None;
    // OpenSSL signs hashes in the name of their messages no other way: a signature of as short a message.
    "" CKM_HASH_ML_DSA ML_DSA_44, WHOLE, NONE, 32 Parameter::Hashed(CKM_SHA256);
    "" CKM_HASH_ML_DSA_SHA224 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA384 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA512 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_224 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_384 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHA3_512 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHAKE128 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_ML_DSA_SHAKE256 ML_DSA_44, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA SLH_DSA_128F, WHOLE, NONE, 32 Parameter::Hashed(CKM_SHA256);
    "" CKM_HASH_SLH_DSA_SHA224 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA384 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA512 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_224 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_384 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHA3_512 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHAKE128 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
    "" CKM_HASH_SLH_DSA_SHAKE256 SLH_DSA_128F, WHOLE, NONE, 64 Parameter::None;
};

/// Data that begins with a zero, so that as a number it is smaller than a modulus.
fn message(row: &Private) -> Vec<u8> {
    let mut data = vec![7; row.data];
    data[0] = 0;
    data
}

/// Every row.
pub fn cases() -> impl Iterator<Item = Case> {
    PRIVATES.iter().map(|row| {
        let floor = move || {
            let (algorithm, making): (&CStr, Vec<(&str, &str)>) = match row.pair {
                Pair::Rsa => (c"RSA", vec![("rsa_keygen_bits", "2048")]),
                Pair::Dsa => (c"DSA", vec![("dsa_paramgen_bits", "1024"), ("dsa_paramgen_q_bits", "160")]),
                Pair::Ec(_, curve) => (c"EC", vec![("ec_paramgen_curve", curve)]),
                Pair::Edwards(_, name) | Pair::Parameters(_, _, name) => (name, vec![]),
            };
            floor::pkey(algorithm, &making, row.how, row.options, message(row))
        };
        let case = Case::new(row.name.trim_start_matches("CKM_"), floor, move |s| private(s, row));
        case.within(Limit::Signature)
    })
}

fn private(session: Session, row: &'static Private) -> Result<Run, String> {
    let (bits, parameters);
    let mut domain = Vec::new();
    let mut public: Vec<Attribute<'_>> = vec![(CKA_TOKEN, &NO)];
    let making = match row.pair {
        Pair::Rsa => {
            bits = 2048u64.to_ne_bytes();
            public.push((CKA_MODULUS_BITS, &bits));
            CKM_RSA_PKCS_KEY_PAIR_GEN
        }
        Pair::Dsa => {
            let length = 1024u64.to_ne_bytes();
            let parameters = session.generate(CKM_DSA_PARAMETER_GEN, &[(CKA_TOKEN, &NO), (CKA_PRIME_BITS, &length)])?;
            for of in [CKA_PRIME, CKA_SUBPRIME, CKA_BASE] {
                domain.push((of, session.bytes(parameters, of)?));
            }
            public.extend(domain.iter().map(|(of, number)| (*of, number.as_slice())));
            CKM_DSA_KEY_PAIR_GEN
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
    let run = move |session: &Session, data: &mut Vec<u8>, out: &mut Vec<u8>, encrypt: bool| {
        let (mut pss, mut oaep, mut hashed);
        let (at, length): (*mut std::ffi::c_void, usize) = match row.parameter {
            Parameter::None => (std::ptr::null_mut(), 0),
            Parameter::Pss(hash, mgf, salt) => {
                pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: salt };
                ((&raw mut pss).cast(), size_of_val(&pss))
            }
            Parameter::Oaep(hash, mgf) => {
                oaep = CK_RSA_PKCS_OAEP_PARAMS {
                    hashAlg: hash,
                    mgf,
                    source: CKZ_DATA_SPECIFIED,
                    pSourceData: std::ptr::null_mut(),
                    ulSourceDataLen: 0,
                };
                ((&raw mut oaep).cast(), size_of_val(&oaep))
            }
            Parameter::Hashed(hash) => {
                hashed = CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: CKH_HEDGE_PREFERRED,
                    pContext: std::ptr::null_mut(),
                    ulContextLen: 0,
                    hash,
                };
                ((&raw mut hashed).cast(), size_of_val(&hashed))
            }
        };
        let mut mechanism =
            CK_MECHANISM { mechanism: row.mechanism, pParameter: at, ulParameterLen: length as CK_ULONG };
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

//! What derives keys of keys. The results of both sides are compared once, where they follow from what is given.

use super::pairs::{self, Pair};
use super::parameters::{self, CLIENT, CONTEXT, INFO, LABEL, Parameter, SALT, SERVER};
use super::work::{self, NONE, Work};
use super::{NO, YES, named_bare, readable, ulong};
use crate::cases::{Case, Limit};
use crate::client::{Attribute, Session};
use crate::floor::Run;
use crate::floor::{Bytes, Fill, Piece, Step, Use, Value};
use cryptoki_sys::*;

/// A derivation from a secret key.
pub struct Derivation {
    name: &'static str,
    pub mechanism: CK_MECHANISM_TYPE,
    base: (CK_KEY_TYPE, usize),
    parameter: Parameter,
    /// CKA_VALUE_LEN of the template; 0 where it goes without saying.
    said: CK_ULONG,
    /// The same in OpenSSL.
    beside: Bytes,
    /// How many bytes that makes.
    makes: usize,
    /// Of how many keys they are.
    keys: usize,
}

macro_rules! derivations {
    ($(
        $name:ident $type:ident $key:literal $parameter:ident$(($value:expr))? $said:literal
        $beside:expr, $makes:literal$( / $keys:literal)?;
    )*) => {
        &[$(Derivation {
            name: stringify!($name),
            mechanism: $name,
            base: ($type, $key),
            parameter: Parameter::$parameter$(($value))?,
            said: $said,
            beside: $beside,
            makes: $makes,
            keys: 1 $( + $keys - 1)?,
        }),*]
    };
}

use Bytes::{Digest, Encryption, Extended, Hmac, Known};

/// The pseudorandom function of TLS with a digest and the pieces of its seed.
macro_rules! tls {
    ($digest:literal $($seed:expr),*) => {
        Bytes::Kdf(
            c"TLS1-PRF",
            &[(c"digest", Value::Text($digest)), (c"secret", Value::Key), $((c"seed", Value::Bytes($seed))),*],
        )
    };
}

/// The derivation of SP 800-108 in a mode, and what else it wants.
macro_rules! sp800_108 {
    ($mode:literal $($more:expr),*) => {
        Bytes::Kdf(
            c"KBKDF",
            &[
                (c"mode", Value::Text($mode)),
                (c"mac", Value::Text(c"HMAC")),
                (c"digest", Value::Text(c"SHA2-256")),
                (c"key", Value::Key),
                (c"salt", Value::Bytes(LABEL)),
                (c"info", Value::Bytes(CONTEXT)),
                $($more),*
            ],
        )
    };
}

const HKDF: Bytes = Bytes::Kdf(
    c"HKDF",
    &[
        (c"mode", Value::Text(c"EXTRACT_AND_EXPAND")),
        (c"digest", Value::Text(c"SHA2-256")),
        (c"key", Value::Key),
        (c"salt", Value::Bytes(SALT)),
        (c"info", Value::Bytes(INFO)),
    ],
);
const COUNTING: Bytes = sp800_108!(c"COUNTER");
const FEEDBACK: Bytes = sp800_108!(c"FEEDBACK"(c"seed", Value::Bytes(SALT)));
/// Label, 0, context, and 512 bits.
const FIXED: [Piece; 4] = [Piece::Bytes(LABEL), Piece::Bytes(&[0]), Piece::Bytes(CONTEXT), Piece::Bytes(&[0, 0, 2, 0])];
const PIPELINE: &[Step] = &[
    (&FIXED, false),
    (&[Piece::Out(0), FIXED[0], FIXED[1], FIXED[2], FIXED[3]], true),
    (&[Piece::Out(0)], false),
    (&[Piece::Out(2), FIXED[0], FIXED[1], FIXED[2], FIXED[3]], true),
];
const IKE2_PLUS: &[Step] = &[
    (&[Piece::Bytes(CLIENT), Piece::Bytes(&[1])], true),
    (&[Piece::Out(0), Piece::Bytes(CLIENT), Piece::Bytes(&[2])], true),
];
const IKE: &[Step] = &[(&[Piece::Bytes(CLIENT), Piece::Bytes(SERVER)], true)];
const IKE1: &[Step] = &[(&[Piece::Further, Piece::Bytes(CLIENT), Piece::Bytes(SERVER), Piece::Bytes(&[0])], true)];
const IKE1_EXTENDED: &[Step] =
    &[(&[Piece::Further, Piece::Bytes(CLIENT)], true), (&[Piece::Out(0), Piece::Further, Piece::Bytes(CLIENT)], true)];
const MASTER: &[u8] = b"master secret";
const SESSION: &[u8] = b"extended master secret";
const EXPANSION: &[u8] = b"key expansion";

pub const DERIVATIONS: &[Derivation] = derivations! {
    CKM_MD5_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"MD5"), 16;
    CKM_SHA1_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA1"), 20;
    CKM_SHA224_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-224"), 28;
    CKM_SHA256_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-256"), 32;
    CKM_SHA384_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-384"), 48;
    CKM_SHA512_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-512"), 64;
    CKM_SHA512_224_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-512/224"), 28;
    CKM_SHA512_256_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA2-512/256"), 32;
    CKM_SHA512_T_KEY_DERIVATION CKK_GENERIC_SECRET 32 Number(256) 0 Digest(c"SHA2-512/256"), 32;
    CKM_SHA3_224_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA3-224"), 28;
    CKM_SHA3_256_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA3-256"), 32;
    CKM_SHA3_384_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA3-384"), 48;
    CKM_SHA3_512_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 0 Digest(c"SHA3-512"), 64;
    CKM_SHAKE_128_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 32 Extended(c"SHAKE-128"), 32;
    CKM_SHAKE_256_KEY_DERIVATION CKK_GENERIC_SECRET 32 None 32 Extended(c"SHAKE-256"), 32;
    CKM_BLAKE2B_160_KEY_DERIVE CKK_GENERIC_SECRET 32 None 0 Digest(c"BLAKE2B-512"), 20;
    CKM_BLAKE2B_256_KEY_DERIVE CKK_GENERIC_SECRET 32 None 0 Digest(c"BLAKE2B-512"), 32;
    CKM_BLAKE2B_384_KEY_DERIVE CKK_GENERIC_SECRET 32 None 0 Digest(c"BLAKE2B-512"), 48;
    CKM_BLAKE2B_512_KEY_DERIVE CKK_GENERIC_SECRET 32 None 0 Digest(c"BLAKE2B-512"), 64;
    CKM_CONCATENATE_BASE_AND_KEY CKK_GENERIC_SECRET 32 Further 0 Known, 80;
    CKM_CONCATENATE_BASE_AND_DATA CKK_GENERIC_SECRET 32 Data 0 Known, 64;
    CKM_CONCATENATE_DATA_AND_BASE CKK_GENERIC_SECRET 32 Data 0 Known, 64;
    CKM_XOR_BASE_AND_DATA CKK_GENERIC_SECRET 32 Data 0 Known, 32;
    CKM_EXTRACT_KEY_FROM_KEY CKK_GENERIC_SECRET 32 Number(8) 16 Known, 16;
    CKM_AES_ECB_ENCRYPT_DATA CKK_AES 32 Data 0 Encryption(c"AES-256-ECB", 0), 32;
    CKM_AES_CBC_ENCRYPT_DATA CKK_AES 32 CbcData 0 Encryption(c"AES-256-CBC", 16), 32;
    CKM_CAMELLIA_ECB_ENCRYPT_DATA CKK_CAMELLIA 32 Data 0 Encryption(c"CAMELLIA-256-ECB", 0), 32;
    CKM_CAMELLIA_CBC_ENCRYPT_DATA CKK_CAMELLIA 32 CbcData 0 Encryption(c"CAMELLIA-256-CBC", 16), 32;
    CKM_ARIA_ECB_ENCRYPT_DATA CKK_ARIA 32 Data 0 Encryption(c"ARIA-256-ECB", 0), 32;
    CKM_ARIA_CBC_ENCRYPT_DATA CKK_ARIA 32 CbcData 0 Encryption(c"ARIA-256-CBC", 16), 32;
    CKM_SEED_ECB_ENCRYPT_DATA CKK_SEED 16 Data 0 Encryption(c"SEED-ECB", 0), 32;
    CKM_SEED_CBC_ENCRYPT_DATA CKK_SEED 16 CbcData 0 Encryption(c"SEED-CBC", 16), 32;
    CKM_DES_ECB_ENCRYPT_DATA CKK_DES 8 Data 0 Encryption(c"DES-ECB", 0), 32;
    CKM_DES_CBC_ENCRYPT_DATA CKK_DES 8 DesCbcData 0 Encryption(c"DES-CBC", 8), 32;
    CKM_DES3_ECB_ENCRYPT_DATA CKK_DES3 24 Data 0 Encryption(c"DES-EDE3-ECB", 0), 32;
    CKM_DES3_CBC_ENCRYPT_DATA CKK_DES3 24 DesCbcData 0 Encryption(c"DES-EDE3-CBC", 8), 32;
    CKM_HKDF_DERIVE CKK_GENERIC_SECRET 32 Hkdf 32 HKDF, 32;
    CKM_HKDF_DATA CKK_GENERIC_SECRET 32 Hkdf 32 HKDF, 32;
    CKM_SP800_108_COUNTER_KDF CKK_GENERIC_SECRET 32 Counting 64 COUNTING, 64;
    CKM_SP800_108_FEEDBACK_KDF CKK_GENERIC_SECRET 32 Feedback 64 FEEDBACK, 64;
    CKM_SP800_108_DOUBLE_PIPELINE_KDF CKK_GENERIC_SECRET 32 Pipeline 64 Hmac(PIPELINE), 64;
    CKM_IKE2_PRF_PLUS_DERIVE CKK_GENERIC_SECRET 32 Ike2Plus 64 Hmac(IKE2_PLUS), 64;
    CKM_IKE_PRF_DERIVE CKK_GENERIC_SECRET 32 Ike 0 Hmac(IKE), 32;
    CKM_IKE1_PRF_DERIVE CKK_GENERIC_SECRET 32 Ike1 32 Hmac(IKE1), 32;
    CKM_IKE1_EXTENDED_DERIVE CKK_GENERIC_SECRET 32 Ike1Extended 64 Hmac(IKE1_EXTENDED), 64;
    CKM_TLS12_MASTER_KEY_DERIVE CKK_GENERIC_SECRET 48 Tls12Master 0 tls!(c"SHA2-256" MASTER, CLIENT, SERVER), 48;
    CKM_TLS12_MASTER_KEY_DERIVE_DH CKK_GENERIC_SECRET 48 Tls12Master 0 tls!(c"SHA2-256" MASTER, CLIENT, SERVER), 48;
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE CKK_GENERIC_SECRET 48 Tls12Extended 0 tls!(c"SHA2-256" SESSION, CLIENT), 48;
    CKM_TLS12_EXTENDED_MASTER_KEY_DERIVE_DH CKK_GENERIC_SECRET 48 Tls12Extended 0 tls!(c"SHA2-256" SESSION, CLIENT), 48;
    CKM_TLS12_KEY_AND_MAC_DERIVE CKK_GENERIC_SECRET 48 Tls12Keys 0 tls!(c"SHA2-256" EXPANSION, SERVER, CLIENT), 128 / 4;
    CKM_TLS12_KEY_SAFE_DERIVE CKK_GENERIC_SECRET 48 Tls12Keys 0 tls!(c"SHA2-256" EXPANSION, SERVER, CLIENT), 128 / 4;
    CKM_TLS12_KDF CKK_GENERIC_SECRET 48 TlsKdf 32 tls!(c"SHA2-256" LABEL, CLIENT, SERVER), 32;
    CKM_TLS_KDF CKK_GENERIC_SECRET 48 TlsKdf 32 tls!(c"SHA2-256" LABEL, CLIENT, SERVER), 32;
    CKM_TLS_MASTER_KEY_DERIVE CKK_GENERIC_SECRET 48 Ssl3Master 0 tls!(c"MD5-SHA1" MASTER, CLIENT, SERVER), 48;
    CKM_TLS_MASTER_KEY_DERIVE_DH CKK_GENERIC_SECRET 48 Ssl3Master 0 tls!(c"MD5-SHA1" MASTER, CLIENT, SERVER), 48;
    CKM_TLS_KEY_AND_MAC_DERIVE CKK_GENERIC_SECRET 48 Ssl3Keys 0 tls!(c"MD5-SHA1" EXPANSION, SERVER, CLIENT), 128 / 4;
    CKM_TLS_PRF CKK_GENERIC_SECRET 48 TlsPrf(32) 0 tls!(c"MD5-SHA1" LABEL, CLIENT), 32;
};

/// Agreements of two pairs.
pub const AGREEMENTS: &[(&str, CK_MECHANISM_TYPE, &Pair)] = &[
    ("ECDH1_DERIVE P-256", CKM_ECDH1_DERIVE, pairs::P256),
    ("ECDH1_DERIVE P-384", CKM_ECDH1_DERIVE, pairs::P384),
    ("ECDH1_DERIVE X25519", CKM_ECDH1_DERIVE, pairs::X25519),
    ("ECDH1_DERIVE X448", CKM_ECDH1_DERIVE, pairs::X448),
    ("ECDH1_COFACTOR_DERIVE P-256", CKM_ECDH1_COFACTOR_DERIVE, pairs::P256),
    ("DH_PKCS_DERIVE ffdhe2048", CKM_DH_PKCS_DERIVE, pairs::DH),
    ("X9_42_DH_DERIVE 1024", CKM_X9_42_DH_DERIVE, pairs::X9_42_DH),
];

/// Every row.
pub fn cases() -> impl Iterator<Item = Case> {
    let derived = DERIVATIONS.iter().map(|row| {
        let floor = move || match row.mechanism {
            // It only shows bytes.
            CKM_TLS_PRF => row.beside.run(row.base.1, row.makes),
            _ => row.beside.objects(row.base.1, vec![row.makes / row.keys; row.keys]),
        };
        let module = move |s| derivation(s, row);
        match row.beside {
            // A program would copy bytes.
            Known => Case::alone(named_bare(row.name), module),
            _ => Case::new(named_bare(row.name), floor, module).within(Limit::Short),
        }
    });
    let agreed = AGREEMENTS.iter().map(|(name, mechanism, pair)| {
        let floor = || work::key(&[Work::Use(pair, Use::Derive, NONE, 0)]);
        Case::new(*name, floor, |s| agreement(s, *mechanism, pair)).within(Limit::Short)
    });
    derived.chain(agreed).chain([Case::alone("PUB_KEY_FROM_PRIV_KEY P-256", public_half)])
}

/// What is to be read afterwards.
pub const SHOWN: &[Attribute<'static>] = &[(CKA_SENSITIVE, &NO), (CKA_EXTRACTABLE, &YES)];

/// The attributes of a secret key in the making, and its length unless it goes without saying.
pub fn secret_template(length: CK_ULONG) -> Vec<Attribute<'static>> {
    let length = (length > 0).then(|| (CKA_VALUE_LEN, ulong(length)));
    let said = [(CKA_CLASS, ulong(CKO_SECRET_KEY)), (CKA_KEY_TYPE, ulong(CKK_GENERIC_SECRET)), (CKA_TOKEN, &NO[..])];
    said.into_iter().chain(length).collect()
}

/// Whether OpenSSL makes the same, save in the bits of each byte that do not count.
pub fn same(made: &[u8], mut floor: Fill, besides: u8) -> Result<(), String> {
    let mut expected = vec![0; made.len()];
    floor(&mut expected)?;
    let differ = made.iter().zip(&expected).any(|(a, b)| (a ^ b) & !besides != 0);
    if differ { Err("not what OpenSSL makes".into()) } else { Ok(()) }
}

/// Whether the floor makes the same: BLAKE2b of another length than 64 bytes is the same work and has another result.
fn comparable(row: &Derivation) -> bool {
    let others = [CKM_BLAKE2B_160_KEY_DERIVE, CKM_BLAKE2B_256_KEY_DERIVE, CKM_BLAKE2B_384_KEY_DERIVE];
    !matches!(row.beside, Known) && !others.contains(&row.mechanism)
}

fn derivation(session: Session, row: &'static Derivation) -> Result<Run, String> {
    let base = readable(&session, row.base)?;
    let parameters::Given { mut mechanism, keys, bytes } = row.parameter.given(row.mechanism, &session)?;
    let data = row.mechanism == CKM_HKDF_DATA;
    let template = match data {
        true => vec![(CKA_CLASS, ulong(CKO_DATA)), (CKA_TOKEN, &NO[..]), (CKA_VALUE_LEN, ulong(row.said))],
        false => secret_template(row.said),
    };
    let made = move |key| match (keys, bytes) {
        (Some(keys), _) => {
            let CK_SSL3_KEY_MAT_OUT { hClientMacSecret, hServerMacSecret, hClientKey, hServerKey, .. } = keys.get();
            vec![hClientMacSecret, hServerMacSecret, hClientKey, hServerKey]
        }
        (_, Some(_)) => vec![],
        _ => vec![key],
    };
    if comparable(row) {
        let shown = if data { template.clone() } else { [template.as_slice(), SHOWN].concat() };
        let keys = made(session.derive(&mut mechanism, base, &shown)?);
        let mut all: Vec<u8> = bytes.iter().copied().flatten().map(|byte| byte.get()).collect();
        for key in keys {
            all.extend(session.bytes(key, CKA_VALUE)?);
            session.destroy(key)?;
        }
        if all.len() != row.makes {
            return Err(format!("{} bytes and not {}", all.len(), row.makes));
        }
        same(&all, row.beside.fill(row.base.1)?, 0)?;
    }
    Ok(Box::new(move || {
        let key = session.derive(&mut mechanism, base, &template)?;
        made(key).into_iter().try_for_each(|key| session.destroy(key))
    }))
}

fn agreement(session: Session, of: CK_MECHANISM_TYPE, pair: &'static Pair) -> Result<Run, String> {
    let make = pair.maker(&session)?;
    let ((other, _), (_, private)) = (make(&session)?, make(&session)?);
    let point = if matches!(of, CKM_DH_PKCS_DERIVE | CKM_X9_42_DH_DERIVE) { CKA_VALUE } else { CKA_EC_POINT };
    let mut mechanism = parameters::agreement(of, &session.bytes(other, point)?);
    let template = secret_template(32);
    Ok(Box::new(move || {
        let key = session.derive(&mut mechanism, private, &template)?;
        session.destroy(key)
    }))
}

fn public_half(session: Session) -> Result<Run, String> {
    let (_, private) = pairs::P256.make(&session)?;
    let mut mechanism = crate::client::bare(CKM_PUB_KEY_FROM_PRIV_KEY);
    Ok(Box::new(move || {
        let key = session.derive(&mut mechanism, private, &[(CKA_TOKEN, &NO)])?;
        session.destroy(key)
    }))
}

//! Everything that is not run, or not as the vectors have it, and why. Nothing else in this directory may.

use crate::harness::Verdict;
use kit::ck;

/// Files of the crate for which PKCS#11 3.2 has no mechanism.
pub const FOREIGN: &[(&[&str], &str)] = &[
    (
        &[
            "aead::Aegis128",
            "aead::Aegis128L",
            "aead::Aegis256",
            "aead::AesEax",
            "aead::AesGcmSiv",
            "aead::AesSivCmac",
            "aead::Ascon128",
            "aead::Ascon128a",
            "aead::Ascon80pq",
            "aead::AsconAead128",
            "aead::Morus1280",
            "aead::Morus640",
            "aead::Sm4Ccm",
            "aead::Sm4Gcm",
            "mac::HmacSm3",
            "mac::SipHash_1_3",
            "mac::SipHash_2_4",
            "mac::SipHash_4_8",
            "mac::SipHashx_2_4",
            "mac::SipHashx_4_8",
            "mac_with_nonce::Vmac64",
            "mac_with_nonce::Vmac128",
        ],
        "algorithms that PKCS#11 does not know",
    ),
    (
        &["aead::Aes128CbcHmacSha256", "aead::Aes192CbcHmacSha384", "aead::Aes256CbcHmacSha512"],
        "compositions of JWE that the application makes from CBC and HMAC",
    ),
    (
        &[
            "aead::AriaCcm",
            "aead::AriaGcm",
            "aead::CamelliaCcm",
            "aead::SeedCcm",
            "aead::SeedGcm",
            "mac::AriaCmac",
            "mac::CamelliaCmac",
            "keywrap::AriaKeyWrap",
            "keywrap::AriaKeyWrapWithPadding",
            "keywrap::CamelliaKeyWrap",
            "keywrap::SeedKeyWrap",
        ],
        "PKCS#11 has the cipher, but not in this mode",
    ),
    (&["aead::XChaCha20Poly1305"], "PKCS#11 has ChaCha20-Poly1305 with nonces of 96 bits only"),
    (&["mac::Kmac128", "mac::Kmac256"], "PKCS#11 has no KMAC before version 3.3"),
];

/// Why a vector cannot be asked through PKCS#11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beyond {
    /// Its encoding.
    Signature,
    /// Its encoding.
    Spki,
    /// Its hash.
    Shake,
    /// Its mask generation function.
    Mgf,
    /// Its input.
    Internal,
    /// Its key.
    Xts192,
}

impl Beyond {
    /// In words.
    pub fn why(self) -> &'static str {
        match self {
            Beyond::Signature => "the signature is not DER, and PKCS#11 has r and s side by side",
            Beyond::Spki => "the public key is not a SubjectPublicKeyInfo in DER, and PKCS#11 has the point alone",
            Beyond::Shake => "PKCS#11 has neither digests nor signatures with SHAKE",
            Beyond::Mgf => "PKCS#11 has no number for MGF1 with SHA-512/224 and SHA-512/256",
            Beyond::Internal => "PKCS#11 takes the message, not what an algorithm makes of it inside",
            Beyond::Xts192 => "XTS is AES-128 or AES-256, by IEEE 1619 and by PKCS#11",
        }
    }
}

/// Files of which no vector can be asked, all for the same reason.
pub const WHOLE: &[(&[&str], Beyond)] = &[
    (&["ecdsa::*Shake128", "ecdsa::*Shake128P1363", "ecdsa::*Shake256", "ecdsa::*Shake256P1363"], Beyond::Shake),
    (&["rsa_pss_verify::*Shake128", "rsa_pss_verify::*Shake256"], Beyond::Shake),
    (&["rsa_oaep::*Mgf1Sha512_224", "rsa_oaep::*Mgf1Sha512_256"], Beyond::Mgf),
    (&["rsa_pss_verify::*Sha512_224Mgf1SaltLen28", "rsa_pss_verify::*Sha512_256Mgf1SaltLen32"], Beyond::Mgf),
];

/// Vectors with another verdict than theirs.
pub struct Exception {
    /// Of these files (`*` stands for anything),
    pub files: &'static [&'static str],
    /// these,
    pub which: Which,
    /// and what the module does with them.
    pub does: Does,
    /// Why that is right.
    pub reason: &'static str,
}

/// Which vectors of a file.
pub enum Which {
    /// By number.
    Ids(&'static [usize]),
    /// By flag.
    Flag(&'static str),
}

/// What the module does with them.
pub enum Does {
    /// Takes them, and computes what they say.
    Take,
    /// Refuses them with this code.
    Refuse(ck::CK_RV),
}

impl Exception {
    /// Whether it is about this verdict on this vector.
    pub fn covers(&self, file: &str, id: usize, flags: &[String], verdict: &Verdict) -> bool {
        let which = match &self.which {
            Which::Ids(ids) => ids.contains(&id),
            Which::Flag(name) => flags.iter().any(|flag| flag == name),
        };
        let does = match (&self.does, verdict) {
            (Does::Take, Verdict::Right) => true,
            (Does::Refuse(code), Verdict::Refused(given)) => given == code,
            _ => false,
        };
        which && does && self.is_about(file)
    }

    /// Whether it is about vectors of this file.
    pub fn is_about(&self, file: &str) -> bool {
        self.files.iter().any(|pattern| fits(pattern, file))
    }
}

/// Whether a file's name is like this pattern, in which one `*` may stand for anything.
pub fn fits(pattern: &str, file: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => file.starts_with(start) && file.ends_with(end),
        None => pattern == file,
    }
}

/// All of them.
pub const EXCEPTIONS: &[Exception] = &[
    Exception {
        files: &["ecdh::*"],
        which: Which::Flag("NoCofactor"),
        does: Does::Take,
        reason: "explicit parameters without a cofactor, which SEC 1 (C.2) allows; the others have to be those of a \
                 curve that the module knows, and decide the cofactor",
    },
    Exception {
        files: &["ecdsa::*P1363"],
        which: Which::Flag("SignatureSize"),
        does: Does::Take,
        reason: "PKCS#11 has signatures of twice the order's length and takes shorter ones of even length, for clients \
                 that cut the zeros that both numbers begin with",
    },
    Exception {
        files: &["ecdsa::EcdsaSecp256k1Sha256Bitcoin"],
        which: Which::Flag("SignatureMalleabilityBitcoin"),
        does: Does::Take,
        reason: "Bitcoin takes the lower of s and n - s only; ECDSA takes both",
    },
    Exception {
        files: &["ecdsa::EcdsaSecp256k1Sha256Bitcoin"],
        which: Which::Ids(&[388]),
        does: Does::Take,
        reason: "the same, by another flag",
    },
    Exception {
        files: &["aead::AesGcm"],
        which: Which::Flag("LongIv"),
        does: Does::Refuse(ck::CKR_MECHANISM_PARAM_INVALID),
        reason: "OpenSSL takes IVs of at most 128 bytes",
    },
];

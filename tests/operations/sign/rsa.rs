//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 section 8), raw and with a hash.

use crate::sign::{refuses, round};
use kit::{Judge, Mechanism, Object, Session, Template, ck, isolated};

/// A hash: its number, its mask generation function, its name in openssl, its mechanisms, its length.
struct Hash {
    of: ck::CK_MECHANISM_TYPE,
    mgf: ck::CK_RSA_PKCS_MGF_TYPE,
    name: &'static str,
    pkcs1: ck::CK_MECHANISM_TYPE,
    pss: ck::CK_MECHANISM_TYPE,
    length: ck::CK_ULONG,
}

macro_rules! hash {
    ($of:ident, $mgf:ident, $name:literal, $pkcs1:ident, $pss:ident, $length:literal) => {
        Hash { of: ck::$of, mgf: ck::$mgf, name: $name, pkcs1: ck::$pkcs1, pss: ck::$pss, length: $length }
    };
}

const HASHES: [Hash; 9] = [
    hash!(CKM_SHA_1, CKG_MGF1_SHA1, "sha1", CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, 20),
    hash!(CKM_SHA224, CKG_MGF1_SHA224, "sha224", CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, 28),
    hash!(CKM_SHA256, CKG_MGF1_SHA256, "sha256", CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, 32),
    hash!(CKM_SHA384, CKG_MGF1_SHA384, "sha384", CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, 48),
    hash!(CKM_SHA512, CKG_MGF1_SHA512, "sha512", CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, 64),
    hash!(CKM_SHA3_224, CKG_MGF1_SHA3_224, "sha3-224", CKM_SHA3_224_RSA_PKCS, CKM_SHA3_224_RSA_PKCS_PSS, 28),
    hash!(CKM_SHA3_256, CKG_MGF1_SHA3_256, "sha3-256", CKM_SHA3_256_RSA_PKCS, CKM_SHA3_256_RSA_PKCS_PSS, 32),
    hash!(CKM_SHA3_384, CKG_MGF1_SHA3_384, "sha3-384", CKM_SHA3_384_RSA_PKCS, CKM_SHA3_384_RSA_PKCS_PSS, 48),
    hash!(CKM_SHA3_512, CKG_MGF1_SHA3_512, "sha3-512", CKM_SHA3_512_RSA_PKCS, CKM_SHA3_512_RSA_PKCS_PSS, 64),
];

/// The public half of an RSA key of 2048 bits that openssl has: its numbers have fixed places at the end.
pub fn imported(session: &Session<'_>, public_key_info: &[u8]) -> Object {
    let modulus = &public_key_info[public_key_info.len() - 261..][..256];
    let template = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA).bytes(ck::CKA_MODULUS, modulus);
    session.create(&template.bytes(ck::CKA_PUBLIC_EXPONENT, [1, 0, 1])).unwrap()
}

/// Our signature for openssl, and openssl's for us.
#[track_caller]
fn both_ways(session: &Session<'_>, mechanism: &Mechanism, options: &[&str], data: &[u8], judge: &Judges<'_>) {
    let ours = session.sign_with(mechanism, judge.pair.1, data).unwrap();
    session.verify_with(mechanism, judge.pair.0, data, &ours).unwrap();
    refuses(session, mechanism, judge.pair.0, data, &ours);
    assert!(judge.openssl.verifies(&judge.public_key_info, options, data, &ours), "{options:?}");
    let theirs = judge.openssl.signs(&judge.foreign, options, data);
    session.verify_with(mechanism, judge.imported, data, &theirs).unwrap();
}

/// Our key, which openssl verifies with, and openssl's key, which we verify with.
struct Judges<'j> {
    openssl: &'j Judge,
    pair: (Object, Object),
    public_key_info: Vec<u8>,
    foreign: kit::judge::Foreign,
    imported: Object,
}

impl<'j> Judges<'j> {
    fn new(session: &Session<'_>, openssl: &'j Judge) -> Self {
        let pair = session.rsa_pair(2048);
        let foreign = openssl.key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
        let imported = imported(session, &foreign.public_key_info);
        Judges { openssl, pair, public_key_info: session.public_key_info(pair.0), foreign, imported }
    }
}

#[test]
fn openssl_and_we_take_each_other_s_signatures_with_every_hash() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let judges = Judges::new(&session, &openssl);
        let data = b"what is signed";
        for hash in HASHES {
            let digest = ["-rawin", "-digest", hash.name];
            both_ways(&session, &Mechanism::plain(hash.pkcs1), &digest, data, &judges);
            let salt = format!("rsa_pss_saltlen:{}", hash.length);
            let pss = ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", &salt];
            let own = Mechanism::pss(hash.pss, hash.of, hash.mgf, hash.length);
            both_ways(&session, &own, &[&digest[..], &pss].concat(), data, &judges);
            // The digest made by the caller: TLS 1.3 signs like that.
            let digested = openssl.digests(&format!("-{}", hash.name), data);
            let raw = Mechanism::pss(ck::CKM_RSA_PKCS_PSS, hash.of, hash.mgf, hash.length);
            let name = format!("digest:{}", hash.name);
            both_ways(&session, &raw, &[&pss[..], &["-pkeyopt", &name]].concat(), &digested, &judges);
            let signature = session.sign_with(&raw, judges.pair.1, &digested).unwrap();
            session.verify_with(&own, judges.pair.0, data, &signature).unwrap();
        }
    });
}

#[test]
fn raw_pkcs1_signs_whatever_fits() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let judges = Judges::new(&session, &openssl);
        let raw = Mechanism::plain(ck::CKM_RSA_PKCS);
        // The command takes no more for a digest.
        for length in [1, 36, 51, 64] {
            both_ways(&session, &raw, &[], &vec![0xaa; length], &judges);
        }
        let (public, private) = judges.pair;
        for length in [65, 245] {
            let data = vec![0xaa; length];
            let signature = session.sign_with(&raw, private, &data).unwrap();
            session.verify_with(&raw, public, &data, &signature).unwrap();
        }
        for length in [0, 246, 1000] {
            let data = vec![1; length];
            assert_eq!(session.sign_with(&raw, private, &data).unwrap_err(), ck::CKR_DATA_LEN_RANGE);
            let refused = session.verify_with(&raw, public, &data, &[1; 256]).unwrap_err();
            assert_eq!(refused, ck::CKR_DATA_LEN_RANGE);
        }
        // A DigestInfo around the digest makes it the hashing mechanism (RFC 8017 section 9.2).
        let info = kit::hex("3031300d060960864801650304020105000420");
        let digest = openssl.digests("-sha256", b"data");
        let signature = session.sign_with(&raw, private, &[info, digest].concat()).unwrap();
        let whole = session.sign_with(&Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), private, b"data").unwrap();
        assert_eq!(signature, whole);
    });
}

#[test]
fn long_data_comes_in_parts() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let pair = session.rsa_pair(1024);
        for data in [&b""[..], b"short", &[0x5a; 10_000]] {
            for hash in &HASHES[..4] {
                let signature = round(&session, &Mechanism::plain(hash.pkcs1), pair, data);
                assert_eq!(signature, session.sign_with(&Mechanism::plain(hash.pkcs1), pair.1, data).unwrap());
                let pss = Mechanism::pss(hash.pss, hash.of, hash.mgf, hash.length);
                let signature = round(&session, &pss, pair, data);
                assert_ne!(signature, session.sign_with(&pss, pair.1, data).unwrap(), "the salt is random");
            }
        }
    });
}

#[test]
fn pss_takes_another_hash_in_the_mask_and_any_salt_that_fits() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let openssl = Judge::new();
        let judges = Judges::new(&session, &openssl);
        let mixed = Mechanism::pss(ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA1, 20);
        let options = ["-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt"];
        let options = [&options[..], &["rsa_pss_saltlen:20", "-pkeyopt", "rsa_mgf1_md:sha1"]].concat();
        both_ways(&session, &mixed, &options, b"data", &judges);
        let salted = |salt| Mechanism::pss(ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256, salt);
        let most = 256 - 2 - 32;
        for salt in [0, 1, 32, most] {
            let signature = session.sign_with(&salted(salt), judges.pair.1, b"data").unwrap();
            session.verify_with(&salted(salt), judges.pair.0, b"data", &signature).unwrap();
            let other = salted(if salt == 0 { 1 } else { salt - 1 });
            let refused = session.verify_with(&other, judges.pair.0, b"data", &signature).unwrap_err();
            assert_eq!(refused, ck::CKR_SIGNATURE_INVALID);
        }
        for salt in [most + 1, 1 << 20, 1 << 32, u64::MAX] {
            let refused = session.sign_init(&salted(salt), judges.pair.1).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "{salt}");
        }
    });
}

#[test]
fn parameters_of_pss_are_checked() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let (own, sha256, mgf1) = (ck::CKM_SHA256_RSA_PKCS_PSS, ck::CKM_SHA256, ck::CKG_MGF1_SHA256);
        let good = || Mechanism::pss(own, sha256, mgf1, 32);
        let bad = [
            Mechanism::plain(own),
            Mechanism::plain(ck::CKM_RSA_PKCS_PSS),
            Mechanism::pss(own, ck::CKM_SHA384, mgf1, 32),
            Mechanism::pss(own, own, mgf1, 32),
            Mechanism::pss(own, 0, mgf1, 32),
            Mechanism::pss(own, sha256, 0, 32),
            Mechanism::pss(own, sha256, 0x99, 32),
            Mechanism::pss(ck::CKM_RSA_PKCS_PSS, ck::CKM_MD5, mgf1, 16),
            good().resized(16),
            good().resized(23),
            good().resized(32),
            good().claiming(u64::MAX),
            Mechanism::bytes(ck::CKM_SHA256_RSA_PKCS, [0; 24]),
        ];
        for (number, mechanism) in bad.iter().enumerate() {
            let refused = session.sign_init(mechanism, private).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
            let refused = session.verify_init(mechanism, public).unwrap_err();
            assert_eq!(refused, ck::CKR_MECHANISM_PARAM_INVALID, "number {number}");
        }
        // Given ready, the digest has the length of its hash.
        let raw = Mechanism::pss(ck::CKM_RSA_PKCS_PSS, sha256, mgf1, 32);
        for length in [0, 20, 31, 33] {
            let refused = session.sign_with(&raw, private, &vec![1; length]).unwrap_err();
            assert_eq!(refused, ck::CKR_DATA_LEN_RANGE, "{length}");
            let refused = session.verify_with(&raw, public, &vec![1; length], &[1; 128]).unwrap_err();
            assert_eq!(refused, ck::CKR_DATA_LEN_RANGE, "{length}");
        }
    });
}

#[test]
fn a_modulus_too_small_for_the_hash_says_so() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let modulus = [&[0xc5; 63][..], &[1]].concat();
        let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA).bytes(ck::CKA_MODULUS, modulus);
        let key = session.create(&key.bytes(ck::CKA_PUBLIC_EXPONENT, [3])).unwrap();
        let small = session.verify_init(&Mechanism::plain(ck::CKM_SHA512_RSA_PKCS), key).unwrap_err();
        assert_eq!(small, ck::CKR_KEY_SIZE_RANGE);
        let pss = Mechanism::pss(ck::CKM_SHA512_RSA_PKCS_PSS, ck::CKM_SHA512, ck::CKG_MGF1_SHA512, 0);
        assert_eq!(session.verify_init(&pss, key).unwrap_err(), ck::CKR_KEY_SIZE_RANGE);
        session.verify_init(&Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), key).unwrap();
    });
}

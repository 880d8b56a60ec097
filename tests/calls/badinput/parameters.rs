//! Noise in the form of the structure that a mechanism takes: every mechanism that is listed, with every function that
//! takes one. Pointers are NULL or lead to memory that is as long as the longest length which is no impossible one.

use crate::badinput::in_good_health;
use kit::{
    Chance, Mechanism, Message, Object, Result, Session, Template, ck, curve, isolated, mechanism_name, pattern,
};

/// What stands in the place of a length: small, or beyond any memory.
const LENGTHS: [u64; 14] = [0, 1, 7, 12, 13, 16, 32, 64, 128, 255, 256, 4096, 1 << 63, u64::MAX];
/// What stands in the place of a number: hashes, numbers of bits and bytes, identifiers, nonsense.
const NUMBERS: [u64; 23] = [
    0,
    1,
    2,
    3,
    4,
    8,
    12,
    16,
    20,
    32,
    96,
    128,
    256,
    ck::CKM_SHA_1,
    ck::CKM_SHA256,
    ck::CKM_SHA256_HMAC,
    ck::CKM_AES_CMAC,
    1 << 32,
    1 << 63,
    u64::MAX,
    64,
    ck::CKM_SHA3_256,
    ck::CKM_RSA_PKCS,
];
/// Bytes behind a pointer.
const ROOM: usize = 4096;

/// The layouts of the structures of `pkcs11t.h` that have pointers, by what the names of their mechanisms begin and end
/// with. A letter is a field of eight bytes: `n` a number or a flag, `l` a length, `p` a pointer to bytes, `z` a
/// pointer to zeros (structures, and lists of them), `w` a pointer to zeros that may be written over, `c` how many
/// structures, `r` raw bytes. The first entry that fits counts.
const LAYOUTS: &[(&str, &str, &[&str])] = &[
    ("AES_GCM", "", &["plnpln", "plpln", "wlnnpln"]),
    ("AES_GMAC", "", &["plnpln", "plpln"]),
    ("AES_CCM", "", &["nplpln", "nwlnnpln"]),
    ("RSA_PKCS_OAEP", "", &["nnnpl"]),
    ("RSA_AES_KEY_WRAP", "", &["nz"]),
    ("EDDSA", "", &["nlp", ""]),
    ("ECDH_", "AES_KEY_WRAP", &["nnlp"]),
    ("ECDH1_", "DERIVE", &["nlplp"]),
    ("DH_PKCS_DERIVE", "", &["r", "rrrr", "rrrrrrrrrrrrrrrr"]),
    ("X9_42_DH_DERIVE", "", &["nlplp"]),
    ("DSA_", "PARAMETER_GEN", &["npln", ""]),
    ("ML_DSA", "", &["npl", ""]),
    ("SLH_DSA", "", &["npl", ""]),
    ("HASH_", "_DSA", &["npln"]),
    ("HASH_", "", &["npl", ""]),
    ("DES", "CBC_ENCRYPT_DATA", &["rpl"]),
    ("", "CBC_ENCRYPT_DATA", &["rrpl"]),
    ("", "ECB_ENCRYPT_DATA", &["pl"]),
    ("CONCATENATE_BASE_AND_KEY", "", &["n"]),
    ("CONCATENATE_", "", &["pl"]),
    ("XOR_BASE_AND_DATA", "", &["pl"]),
    ("HKDF_", "", &["nnnplnpl"]),
    ("CHACHA20_POLY1305", "", &["plpl"]),
    ("CHACHA20", "", &["pnpn"]),
    ("SP800_108_FEEDBACK_KDF", "", &["nczlpcz"]),
    ("SP800_108_", "", &["nczcz"]),
    ("PKCS5_PBKD2", "", &["nplnnplpl"]),
    ("PBE_", "", &["wplpln"]),
    ("PBA_", "", &["wplpln"]),
    ("TLS12_EXTENDED_MASTER", "", &["nplw"]),
    ("TLS12_MASTER", "", &["plplwn"]),
    ("TLS12_KEY_", "", &["nnnnplplwn"]),
    ("TLS_MASTER", "", &["plplw"]),
    ("TLS_KEY_AND_MAC", "", &["nnnnplplw"]),
    ("TLS_PRF", "", &["plplww"]),
    ("TLS", "_KDF", &["nplplplpl"]),
    ("IKE2_PRF_PLUS_DERIVE", "", &["nnnpl"]),
    ("IKE_PRF_DERIVE", "", &["nnplpln"]),
    ("IKE1_PRF_DERIVE", "", &["nnnnplpln"]),
    ("IKE1_EXTENDED_DERIVE", "", &["nnnpl"]),
    ("HOTP", "", &["zc", ""]),
];

/// The same of what comes with messages and with authenticated wrapping.
const MESSAGES: &[(&str, &str, &[&str])] =
    &[("AES_GCM", "", &["wlnnwn"]), ("AES_CCM", "", &["nwlnnwn"]), ("CHACHA20_POLY1305", "", &["wlw"])];

/// Parameters without pointers: nothing, numbers, IVs, counter blocks.
const FLAT: &[&str] = &["", "", "n", "n", "nn", "nnn", "r", "rr", "nr", "nrr", "nnnnnnnn"];

/// A parameter, and the memory that it leads to.
struct Noise {
    mechanism: Mechanism,
    _memory: [Vec<u64>; 3],
}

fn noise(chance: &mut Chance, of: ck::CK_MECHANISM_TYPE, function: &str) -> Noise {
    let name = mechanism_name(of).expect("a mechanism of the standard");
    let find = |rows: &'static [(&str, &str, &[&str])]| {
        rows.iter().find(|(start, end, _)| name.starts_with(start) && name.ends_with(end))
    };
    let messages = function.starts_with("C_Message") || function.ends_with("Authenticated");
    let known = if messages { find(MESSAGES) } else { None }.or_else(|| find(LAYOUTS));
    let layouts = known.map_or(FLAT, |(_, _, layouts)| layouts);
    let memory = [vec![0x0505_0505_0505_0505; ROOM / 8], vec![0; ROOM / 8], vec![0; ROOM / 8]];
    let [bytes, zeros, writable] = memory.each_ref().map(|memory| memory.as_ptr() as u64);
    let mut or_null = |at| if chance.up_to(5) == 0 { 0 } else { at };
    let pointers = [or_null(bytes), or_null(bytes), or_null(bytes), or_null(bytes)];
    let (zeros, writable) = (or_null(zeros), or_null(writable));
    let mut words: Vec<u64> = Vec::new();
    for (place, field) in chance.one_of(layouts).chars().enumerate() {
        words.push(match field {
            'n' => chance.one_of(&NUMBERS),
            'l' => chance.one_of(&LENGTHS),
            'c' => chance.one_of(&[0, 1, 2, 3, 1 << 60, 1 << 63, u64::MAX]),
            'r' => chance.number(),
            'p' => pointers[place % pointers.len()],
            'z' => zeros,
            'w' => writable,
            other => panic!("{name}: a field {other}"),
        });
    }
    let mut parameter: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    // A length that none of its structures has; shorter ones than eight bytes have no pointer.
    if chance.up_to(5) == 0 {
        parameter.resize(chance.one_of(&[0, 1, 3, 4, 7, parameter.len() + 1, parameter.len() + 7]), 0);
    }
    let mechanism = Mechanism::bytes(of, parameter);
    let mechanism = match chance.up_to(15) {
        0 => mechanism.claiming(u64::MAX),
        1 => mechanism.claiming(1 << 63),
        2 => mechanism.claiming(0),
        _ => mechanism,
    };
    Noise { mechanism, _memory: memory }
}

/// Keys of every kind, the public half of a pair before the private one; and one that is not there.
fn keys(session: &Session<'_>) -> Vec<Object> {
    let secrets = [
        (ck::CKK_AES, 16),
        (ck::CKK_GENERIC_SECRET, 48),
        (ck::CKK_DES3, 24),
        (ck::CKK_DES2, 16),
        (ck::CKK_DES, 8),
        (ck::CKK_CHACHA20, 32),
        (ck::CKK_POLY1305, 32),
        (ck::CKK_CAMELLIA, 16),
        (ck::CKK_ARIA, 16),
        (ck::CKK_SEED, 16),
        (ck::CKK_RC2, 16),
        (ck::CKK_RC4, 16),
        (ck::CKK_IDEA, 16),
        (ck::CKK_CAST128, 16),
        (ck::CKK_BLOWFISH, 16),
        (ck::CKK_HKDF, 32),
        (ck::CKK_AES_XTS, 32),
    ];
    let made = |key: Template| session.create(&key.flag(ck::CKA_DERIVE, true)).unwrap();
    let secret = |(key_type, length)| made(Template::secret_key(key_type, &pattern::key(key_type, length)));
    let mut keys: Vec<Object> = secrets.into_iter().map(secret).collect();
    keys.push(made(Template::new().class(ck::CKO_OTP_KEY).key_type(ck::CKK_HOTP).bytes(ck::CKA_VALUE, [5; 20])));
    for (of, public) in pairs() {
        let derives = Template::new().flag(ck::CKA_DERIVE, true);
        let (public, private) = session.generate_key_pair(&Mechanism::plain(of), &public, &derives).unwrap();
        keys.extend([public, private]);
    }
    for (parameters, pair, bits) in [
        (ck::CKM_DSA_PARAMETER_GEN, ck::CKM_DSA_KEY_PAIR_GEN, 1024),
        (ck::CKM_DH_PKCS_PARAMETER_GEN, ck::CKM_DH_PKCS_KEY_PAIR_GEN, 512),
        (ck::CKM_X9_42_DH_PARAMETER_GEN, ck::CKM_X9_42_DH_KEY_PAIR_GEN, 1024),
    ] {
        let (public, private) = session.domain_pair(parameters, pair, bits);
        keys.extend([public, private]);
    }
    keys.push(Object(0));
    keys
}

fn pairs() -> [(ck::CK_MECHANISM_TYPE, Template); 7] {
    let curve = |params: &[u8]| Template::new().bytes(ck::CKA_EC_PARAMS, params);
    let set = |number| Template::new().ulong(ck::CKA_PARAMETER_SET, number);
    [
        (ck::CKM_RSA_PKCS_KEY_PAIR_GEN, Template::new().ulong(ck::CKA_MODULUS_BITS, 1024)),
        (ck::CKM_EC_KEY_PAIR_GEN, curve(curve::P256)),
        (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(curve::ED25519)),
        (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(curve::X25519)),
        (ck::CKM_ML_DSA_KEY_PAIR_GEN, set(ck::CKP_ML_DSA_44)),
        (ck::CKM_ML_KEM_KEY_PAIR_GEN, set(ck::CKP_ML_KEM_512)),
        (ck::CKM_SLH_DSA_KEY_PAIR_GEN, set(ck::CKP_SLH_DSA_SHA2_128F)),
    ]
}

/// A function that takes a mechanism and a key; what it begins it ends.
type Function = fn(&Session<'_>, &Mechanism, Object, Object) -> Result<()>;

/// Input for what was begun.
const DATA: [u8; 48] = [7; 48];

fn made(session: &Session<'_>, key: Result<Object>) -> Result<()> {
    key.and_then(|key| session.destroy(key))
}

fn secret() -> Template {
    let secret = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET);
    secret.ulong(ck::CKA_VALUE_LEN, 16)
}

const FUNCTIONS: &[(&str, Function)] = &[
    ("C_EncryptInit", |s, m, key, _| s.encrypt_with(m, key, &DATA).map(drop)),
    ("C_DecryptInit", |s, m, key, _| s.decrypt_with(m, key, &DATA).map(drop)),
    ("C_DigestInit", |s, m, _, _| s.digest_with(m, &DATA).map(drop)),
    ("C_SignInit", |s, m, key, _| s.sign_with(m, key, &DATA).map(drop)),
    ("C_VerifyInit", |s, m, key, _| s.verify_with(m, key, &DATA, &DATA)),
    ("C_VerifySignatureInit", |s, m, key, _| s.verify_signature_init(m, key, &DATA)),
    ("C_SignRecoverInit", |s, m, key, _| s.sign_recover_init(m, key).and_then(|()| s.sign_recover(&DATA).map(drop))),
    ("C_VerifyRecoverInit", |s, m, key, _| {
        s.verify_recover_init(m, key).and_then(|()| s.verify_recover(&DATA).map(drop))
    }),
    ("C_MessageEncryptInit", |s, m, key, _| {
        s.message_encrypt_init(m, key)?;
        s.encrypt_message(&mut Message::gcm(&[1; 12], 128), b"", &DATA).map(drop)
    }),
    ("C_MessageDecryptInit", |s, m, key, _| {
        s.message_decrypt_init(m, key)?;
        s.decrypt_message(&mut Message::chacha20_poly1305(&[1; 12]), b"", &DATA).map(drop)
    }),
    ("C_MessageSignInit", |s, m, key, _| s.message_sign_init(m, key).and_then(|()| s.sign_message(&DATA).map(drop))),
    ("C_MessageVerifyInit", |s, m, key, _| s.message_verify_init(m, key).and_then(|()| s.verify_message(&DATA, &DATA))),
    ("C_GenerateKey", |s, m, _, _| made(s, s.generate_key(m, &Template::new().ulong(ck::CKA_VALUE_LEN, 16)))),
    ("C_GenerateKeyPair", |s, m, _, _| {
        let public = Template::new().bytes(ck::CKA_EC_PARAMS, curve::P256);
        let (public, private) = s.generate_key_pair(m, &public, &Template::new())?;
        s.destroy(public).and_then(|()| s.destroy(private))
    }),
    ("C_WrapKey", |s, m, key, other| s.wrap(m, key, other).map(drop)),
    ("C_UnwrapKey", |s, m, key, _| made(s, s.unwrap(m, key, &DATA, &secret().without(ck::CKA_VALUE_LEN)))),
    ("C_WrapKeyAuthenticated", |s, m, key, other| s.wrap_authenticated(m, key, other, &DATA).map(drop)),
    ("C_UnwrapKeyAuthenticated", |s, m, key, _| {
        made(s, s.unwrap_authenticated(m, key, &DATA, &secret().without(ck::CKA_VALUE_LEN), &DATA))
    }),
    ("C_DeriveKey", |s, m, key, _| made(s, s.derive(m, key, &secret()))),
    ("C_EncapsulateKey", |s, m, key, _| s.encapsulate(m, key, &secret()).and_then(|(_, key)| s.destroy(key))),
    ("C_DecapsulateKey", |s, m, key, _| made(s, s.decapsulate(m, key, &secret(), &DATA))),
];

/// Answers that say nothing about the parameter: the next key may fit better.
const OTHER_KEY: &[ck::CK_RV] = &[
    ck::CKR_KEY_TYPE_INCONSISTENT,
    ck::CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    ck::CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    ck::CKR_KEY_HANDLE_INVALID,
    ck::CKR_WRAPPING_KEY_HANDLE_INVALID,
    ck::CKR_UNWRAPPING_KEY_HANDLE_INVALID,
];

#[test]
fn noise_in_the_structure_of_every_mechanism_is_refused_or_works() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mechanisms = module.mechanisms(session.info().unwrap().slotID).unwrap();
        let seed = 0x9a7a;
        let (keys, mut chance) = (keys(&session), Chance::seeded(seed));
        let wrapped = Template::secret_key(ck::CKK_GENERIC_SECRET, &[9; 32]).extractable(true);
        let wrapped = session.create(&wrapped).unwrap();
        let (mut calls, mut refused, mut worked) = (0, 0, 0);
        for round in 0..10 {
            for of in &mechanisms {
                for (function, call) in FUNCTIONS {
                    let noise = noise(&mut chance, *of, function);
                    let first = chance.up_to(keys.len() - 1);
                    // The log tells where it was, should this be the last line.
                    eprintln!("round {round}, {of:#x}, {function}");
                    for key in keys[first..].iter().chain(&keys[..first]) {
                        let outcome = call(&session, &noise.mechanism, *key, wrapped);
                        session.cancel(u64::MAX).unwrap();
                        let rv = outcome.err().map_or(ck::CKR_OK, |code| code.0);
                        assert!(in_good_health(rv), "round {round}, {of:#x}, {function}: {:?}", kit::Rv(rv));
                        calls += 1;
                        refused += usize::from(rv == ck::CKR_MECHANISM_PARAM_INVALID);
                        worked += usize::from(rv == ck::CKR_OK);
                        if !OTHER_KEY.contains(&rv) {
                            break;
                        }
                    }
                }
            }
        }
        env.report(&format!("seed {seed:#x}: {calls} calls, {refused} parameters refused, {worked} that worked\n"));
        assert!(calls > 10_000 && refused > 1000 && worked > 100, "{calls} calls, {refused} refused, {worked} worked");
    });
}

//! The derivations of NIST SP 800-108. The expected values come from `openssl kdf KBKDF` and Python's `cryptography`
//! where these know the layout of fields, and from a few lines on Python's `hmac` where they do not.

use super::{base, open, secret, value};
use kit::Field::{self, Bytes, Counter, CountingIteration, Iteration, Length};
use kit::{Mechanism, Object, Template, ck, code, hex, isolated};

const COUNTER: ck::CK_MECHANISM_TYPE = ck::CKM_SP800_108_COUNTER_KDF;
const FEEDBACK: ck::CK_MECHANISM_TYPE = ck::CKM_SP800_108_FEEDBACK_KDF;
const PIPELINE: ck::CK_MECHANISM_TYPE = ck::CKM_SP800_108_DOUBLE_PIPELINE_KDF;
const KEYS: ck::CK_ULONG = ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
const SEGMENTS: ck::CK_ULONG = ck::CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS;
const HMAC: ck::CK_MECHANISM_TYPE = ck::CKM_SHA256_HMAC;

fn bytes(of: &[u8]) -> Field {
    Bytes(of.to_vec())
}

/// [i], label, 0, context, [L], as OpenSSL lays them out.
fn usual(counter: ck::CK_ULONG, length: ck::CK_ULONG) -> Vec<Field> {
    vec![
        CountingIteration(false, counter),
        bytes(b"label"),
        bytes(&[0]),
        bytes(b"context"),
        Length(KEYS, false, length),
    ]
}

fn range(from: u8, to: u8) -> Vec<u8> {
    (from..to).collect()
}

#[test]
fn the_three_modes_agree_with_openssl_and_python() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let hmac = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 32));
        let (aes16, aes24) = (base(&session, ck::CKK_AES, &range(0, 16)), base(&session, ck::CKK_AES, &range(0, 24)));
        let aes32 = base(&session, ck::CKK_AES, &range(0, 32));
        let own = base(&session, ck::CKK_SHA256_HMAC, &range(0, 32));
        let seed = range(64, 96);
        let with_counter = vec![
            Iteration,
            Counter(false, 32),
            bytes(b"label"),
            bytes(&[0]),
            bytes(b"context"),
            Length(KEYS, false, 32),
        ];
        let scp03 = vec![
            bytes(b"label"),
            bytes(&[0]),
            Length(KEYS, false, 16),
            CountingIteration(false, 16),
            bytes(b"context"),
        ];
        let pipeline = vec![Iteration, bytes(b"label"), bytes(&[0]), bytes(b"context"), Length(KEYS, false, 16)];
        let case = |of, prf, fields: &[Field], iv: &[u8], key, expected: &str| {
            let expected = hex(expected);
            let mechanism = Mechanism::sp800_108(of, prf, fields, iv, &[]);
            let derived = session.derive(&mechanism, key, &secret(expected.len() as ck::CK_ULONG)).unwrap();
            assert_eq!(value(&session, derived), expected, "{of:#x} {prf:#x}");
        };
        let counter =
            "ccf815abbfaf54b0eac7a24be7e75bb3f09dd7e4d7f93251c3242b931858c363f1bb0d51014168013faa4aa2b8cc85ac";
        case(COUNTER, HMAC, &usual(32, 32), b"", hmac, counter);
        case(COUNTER, HMAC, &usual(32, 32), b"", own, counter);
        let sha1 = "823100e69849e3fd00bbf45f4c8f4d9d505b9b2e5712f920674c8b35e136e94a6858a7e3d197545aa5baa92b1da272cd";
        case(COUNTER, ck::CKM_SHA_1_HMAC, &usual(32, 32), b"", hmac, sha1);
        let sha3 = "9719feefc83329e18e2e62a3bffc4503f15a9573bb9a0bdc843c1d7a12580bcc0608ebc07275fcba01b1d776e19defb4";
        case(COUNTER, ck::CKM_SHA3_512_HMAC, &usual(32, 32), b"", hmac, sha3);
        let cmac = "4cc7cedc2da2d654b7bb7f3dbfffe605dbd2b93e816c0e13";
        case(COUNTER, ck::CKM_AES_CMAC, &usual(8, 16), b"", aes32, cmac);
        let scp = "70ed753d5a26c3d2116d3abaa2af311b81e8bb1beaae3ca18b4502964b51b9ad";
        case(COUNTER, ck::CKM_AES_CMAC, &scp03, b"", aes16, scp);
        let feedback =
            "f8d276734395cbc0882a62c1c266fd40ba3e1899ea7cce8e541ac4a9053ed314c6d9943f055338ba96d7448ac0c7dd00";
        case(FEEDBACK, HMAC, &with_counter, &seed, hmac, feedback);
        let bare = "bf6a0a9b722fe532d8016509d4eee242396fa75d4651dc3d689c7522c608d449e10476a4ed96cea45511061bc1d6dec2";
        case(FEEDBACK, HMAC, &[bytes(b"label"), Iteration, Length(KEYS, true, 24)], b"", hmac, bare);
        let double = "a526f157b71cb20ccd6c1168ab7b9b94fed36732948a8f194b8a950578f8f53095d994c175ef16f22142e2ee4615cdf7";
        case(PIPELINE, HMAC, &pipeline, b"", hmac, double);
        let counted = "351ddcfec2687cc714820916046621784b1a74bbbc2d4880e2608df2da96b56e4cf8ce7085830aa3445f02d1f08ff7f3\
                       20fe63e303e74a5cd22d777f9c7379a8195e72614491";
        case(PIPELINE, HMAC, &[Iteration, Counter(true, 8), bytes(b"label")], b"", hmac, counted);
        let on_aes = "29d5107696baf6176e2cd31e1963f7a1b72e9431c2916f1546e309f7ee42ff32";
        case(PIPELINE, ck::CKM_AES_CMAC, &[Iteration, bytes(b"label")], b"", aes24, on_aes);
        let des3 = base(&session, ck::CKK_DES3, &hex("020b10191f262c343b434951575e646d737a80898f979da4"));
        let des2 = base(&session, ck::CKK_DES2, &hex("020b10191f262c343b434951575e646d"));
        let short = [CountingIteration(false, 8), bytes(b"label")];
        let on_des = "8ca24d1b9252a6b4876635cc8b4bdabe3d2fd880656f3c8f";
        case(COUNTER, ck::CKM_DES3_CMAC, &short, b"", des3, on_des);
        let on_two = "16038bc0c0a0c82b4f9712b02d401c5a918bb7a0f6fa49ed";
        case(COUNTER, ck::CKM_DES3_CMAC, &short, b"", des2, on_two);
        // The value of a key, twice, among the data.
        let seven = base(&session, ck::CKK_GENERIC_SECRET, &[7; 16]);
        let fields = [CountingIteration(false, 8), Field::Key(seven.0), bytes(b"label"), Field::Key(seven.0)];
        case(COUNTER, HMAC, &fields, b"", hmac, "1f597528ee4fae42afeadc6eb2d86366276007f36fb74d51197bde33c6146d9e");
    });
}

fn several(method: ck::CK_ULONG, further: &[Template]) -> Mechanism {
    let fields = [CountingIteration(false, 16), bytes(b"label"), Length(method, false, 16)];
    Mechanism::sp800_108(COUNTER, HMAC, &fields, b"", further)
}

#[test]
fn several_keys_come_from_segments_of_their_own() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 32));
        let of_keys =
            hex("c1bd1df1d3e47935da534c50979df4f953a14db5de22d1716f94cac06d0852f5eab2bdf8617a6ce67b48cd6889ec190c\
             aae9c7eb8dd4029ae660c1a03ab8eee502ad8a7709ef8fb8b89d7341dee739b18233f050965f27dbaac93215b2577991");
        let of_segments =
            hex("e85f1013c15e69cc21566a561d04701511213f2709a11dfe1f9c936c205b597e18f9d23924e2ec9ec33e595673f4fb24\
             dd8eef960c7d2c03c91ffd47d25a393ba5bca4982fc507a815f84720a61ef713f318fef548ed02019254d6d7a83d0a45");
        for (method, expected) in [(KEYS, of_keys), (SEGMENTS, of_segments)] {
            let aes = open().key_type(ck::CKK_AES).ulong(ck::CKA_VALUE_LEN, 16).without(ck::CKA_KEY_TYPE);
            let mechanism = several(method, &[aes.key_type(ck::CKK_AES).label("second")]);
            let first = session.derive(&mechanism, key, &secret(48)).unwrap();
            let second = mechanism.handles()[0];
            assert_eq!(value(&session, first), expected[..48]);
            assert_eq!(value(&session, second), expected[64..80]);
            assert_eq!(session.ulong(second, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_AES);
            assert_eq!(session.bytes(second, ck::CKA_LABEL).unwrap(), b"second");
        }
    });
}

#[test]
fn a_key_of_des_needs_no_length_and_has_its_parity() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 32));
        let des3 = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_DES3);
        let mechanism = several(KEYS, &[des3.clone().sensitive(false).extractable(true)]);
        session.derive(&mechanism, key, &des3).unwrap();
        let value = value(&session, mechanism.handles()[0]);
        assert_eq!(value.len(), 24);
        assert!(value.iter().all(|byte| byte.count_ones() % 2 == 1));
    });
}

#[test]
fn of_several_keys_all_come_to_be_or_none() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 32));
        let count = || session.find(&Template::new()).unwrap().len();
        let before = count();
        let impossible = secret(16).bytes(ck::CKA_VALUE, [1; 16]);
        let mechanism = several(KEYS, &[secret(16), impossible, secret(16)]);
        assert_eq!(code(session.derive(&mechanism, key, &secret(16))), ck::CKR_ATTRIBUTE_READ_ONLY);
        // The template at fault is told by its handle, the other places are as they were.
        let untouched = Object(0xeeee_eeee_eeee_eeee);
        assert_eq!(mechanism.handles(), [untouched, Object(ck::CK_INVALID_HANDLE), untouched]);
        let too_long = several(KEYS, &[secret(1 << 21)]);
        assert_eq!(code(session.derive(&too_long, key, &secret(16))), ck::CKR_KEY_SIZE_RANGE);
        assert_eq!(code(session.derive(&several(KEYS, &[open()]), key, &secret(16))), ck::CKR_TEMPLATE_INCOMPLETE);
        assert_eq!(count(), before);
        let four = several(KEYS, &[secret(1), secret(2).token(true), secret(3)]);
        session.derive(&four, key, &secret(4).token(true)).unwrap();
        assert_eq!(count(), before + 4);
        let lengths = four.handles().into_iter().map(|key| value(&session, key).len());
        assert_eq!(lengths.collect::<Vec<_>>(), [1, 2, 3]);
    });
}

#[test]
fn a_derived_key_is_as_guarded_as_its_base_unless_its_template_says_else() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let generator = Mechanism::plain(ck::CKM_GENERIC_SECRET_KEY_GEN);
        let template = Template::new().ulong(ck::CKA_VALUE_LEN, 32).flag(ck::CKA_DERIVE, true).sensitive(true);
        let key = session.generate_key(&generator, &template).unwrap();
        let length = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
        let derived = session.derive(&several(KEYS, std::slice::from_ref(&length)), key, &length).unwrap();
        for of in [ck::CKA_SENSITIVE, ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE] {
            assert!(session.flag(derived, of).unwrap());
        }
        assert!(!session.flag(derived, ck::CKA_EXTRACTABLE).unwrap());
        let read = session.derive(&several(KEYS, &[]), key, &secret(16)).unwrap();
        assert_eq!(value(&session, read).len(), 16);
        let plain = base(&session, ck::CKK_GENERIC_SECRET, &[1; 16]);
        let derived = session.derive(&several(KEYS, &[]), plain, &length).unwrap();
        assert_eq!(value(&session, derived).len(), 16);
    });
}

#[test]
fn a_block_cipher_whose_key_is_known_does_not_show_a_guarded_key() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let known = base(&session, ck::CKK_AES, &[7; 16]);
        let guarded = |length| {
            let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &vec![0x5e; length]);
            session.create(&template.flag(ck::CKA_DERIVE, true).sensitive(true)).unwrap().0
        };
        let fields = [Field::Key(guarded(16)), CountingIteration(false, 8)];
        let mechanism = Mechanism::sp800_108(COUNTER, ck::CKM_AES_CMAC, &fields, b"", &[]);
        // It would be decrypted with the known key.
        assert_eq!(code(session.derive(&mechanism, known, &secret(16))), ck::CKR_TEMPLATE_INCONSISTENT);
        let closed = |length| Template::new().ulong(ck::CKA_VALUE_LEN, length);
        let derived = session.derive(&mechanism, known, &closed(16)).unwrap();
        assert_eq!(code(session.bytes(derived, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
        // Byte by byte it would be found by trial.
        for length in [1, 15, 17] {
            assert_eq!(code(session.derive(&mechanism, known, &closed(length))), ck::CKR_KEY_SIZE_RANGE);
        }
        // The same for what shares a block with bytes that somebody knows or chose.
        let (counter, text) = (CountingIteration(false, 8), |length| bytes(&vec![1; length]));
        for (of, fields, iv, expected) in [
            (COUNTER, vec![text(16), Field::Key(guarded(32)), counter.clone()], 0, ck::CKR_OK),
            (COUNTER, vec![counter.clone(), text(15), Field::Key(guarded(16))], 0, ck::CKR_OK),
            (COUNTER, vec![counter.clone(), Field::Key(guarded(16))], 0, ck::CKR_MECHANISM_PARAM_INVALID),
            (COUNTER, vec![text(15), Field::Key(guarded(16)), counter.clone()], 0, ck::CKR_MECHANISM_PARAM_INVALID),
            (COUNTER, vec![Field::Key(guarded(15)), text(1), counter.clone()], 0, ck::CKR_KEY_SIZE_RANGE),
            (FEEDBACK, vec![Iteration, Field::Key(guarded(16))], 16, ck::CKR_OK),
            (FEEDBACK, vec![Iteration, Field::Key(guarded(16))], 0, ck::CKR_OK),
            (FEEDBACK, vec![Iteration, Field::Key(guarded(16))], 15, ck::CKR_MECHANISM_PARAM_INVALID),
            (FEEDBACK, vec![Iteration, text(1), Field::Key(guarded(16))], 15, ck::CKR_MECHANISM_PARAM_INVALID),
            (PIPELINE, vec![Iteration, Field::Key(guarded(16)), Counter(false, 8)], 0, ck::CKR_OK),
            (PIPELINE, vec![Iteration, text(16), Field::Key(guarded(16))], 0, ck::CKR_OK),
            (
                PIPELINE,
                vec![Counter(false, 8), text(15), Iteration, Field::Key(guarded(16))],
                0,
                ck::CKR_MECHANISM_PARAM_INVALID,
            ),
        ] {
            let mechanism = Mechanism::sp800_108(of, ck::CKM_AES_CMAC, &fields, &vec![2; iv], &[]);
            assert_eq!(code(session.derive(&mechanism, known, &closed(16))), expected, "{fields:?} {iv}");
        }
        // A hash is not run backwards.
        let hashed = base(&session, ck::CKK_GENERIC_SECRET, &[7; 16]);
        let mechanism = Mechanism::sp800_108(COUNTER, HMAC, &fields, b"", &[]);
        assert_eq!(value(&session, session.derive(&mechanism, hashed, &secret(16)).unwrap()).len(), 16);
    });
}

#[test]
fn fields_that_do_not_belong_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 32));
        let counting = CountingIteration(false, 8);
        let derive = |of, prf, fields: &[Field]| {
            code(session.derive(&Mechanism::sp800_108(of, prf, fields, b"", &[]), key, &secret(16)))
        };
        for (of, fields) in [
            (COUNTER, vec![]),
            (COUNTER, vec![bytes(b"label")]),
            (COUNTER, vec![Iteration]),
            (COUNTER, vec![counting.clone(), counting.clone()]),
            (COUNTER, vec![counting.clone(), Counter(false, 8)]),
            (COUNTER, vec![counting.clone(), bytes(b"")]),
            (COUNTER, vec![counting.clone(), Length(3, false, 16)]),
            (COUNTER, vec![counting.clone(), Length(KEYS, false, 16), Length(KEYS, false, 16)]),
            (COUNTER, vec![counting.clone(), Length(KEYS, false, 72)]),
            (COUNTER, vec![counting.clone(), Field::Raw(ck::CK_SP800_108_DKM_LENGTH, vec![0; 8])]),
            (COUNTER, vec![counting.clone(), Field::Raw(ck::CK_SP800_108_KEY_HANDLE, vec![0; 4])]),
            (COUNTER, vec![counting.clone(), Field::Raw(99, vec![1])]),
            (COUNTER, vec![Field::Raw(ck::CK_SP800_108_ITERATION_VARIABLE, vec![8; 16])]),
            (COUNTER, vec![CountingIteration(false, 0)]),
            (COUNTER, vec![CountingIteration(false, 12)]),
            (COUNTER, vec![CountingIteration(false, 40)]),
            (FEEDBACK, vec![bytes(b"label")]),
            (FEEDBACK, vec![counting.clone()]),
            (FEEDBACK, vec![Iteration, Iteration]),
            (FEEDBACK, vec![Iteration, Counter(false, 8), Counter(false, 8)]),
            (PIPELINE, vec![counting.clone(), bytes(b"label")]),
        ] {
            assert_eq!(derive(of, HMAC, &fields), ck::CKR_MECHANISM_PARAM_INVALID, "{of:#x} {fields:?}");
        }
        for prf in [ck::CKM_SHA256, ck::CKM_AES_XCBC_MAC, ck::CKM_AES_ECB, u64::MAX] {
            assert_eq!(derive(COUNTER, prf, std::slice::from_ref(&counting)), ck::CKR_MECHANISM_PARAM_INVALID);
        }
        for prf in [ck::CKM_AES_CMAC, ck::CKM_DES3_CMAC] {
            assert_eq!(derive(COUNTER, prf, std::slice::from_ref(&counting)), ck::CKR_KEY_TYPE_INCONSISTENT);
        }
        let nobody = [counting.clone(), Field::Key(9999)];
        assert_eq!(derive(COUNTER, HMAC, &nobody), ck::CKR_KEY_HANDLE_INVALID);
        // 255 segments can be counted in 8 bits.
        let counted = Mechanism::sp800_108(COUNTER, HMAC, &[counting], b"", &[]);
        session.derive(&counted, key, &secret(255 * 32)).unwrap();
        assert_eq!(code(session.derive(&counted, key, &secret(255 * 32 + 1))), ck::CKR_KEY_SIZE_RANGE);
        let short = Mechanism::sp800_108(COUNTER, HMAC, &usual(32, 8), b"", &[]);
        session.derive(&short, key, &secret(31)).unwrap();
        assert_eq!(code(session.derive(&short, key, &secret(32))), ck::CKR_MECHANISM_PARAM_INVALID);
        let torn = Mechanism::sp800_108(COUNTER, HMAC, &usual(32, 32), b"", &[]);
        assert_eq!(code(session.derive(&torn.resized(39), key, &secret(16))), ck::CKR_MECHANISM_PARAM_INVALID);
    });
}

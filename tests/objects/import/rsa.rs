//! RSA keys: with and without the parts of the Chinese remainder theorem, and with parts that do not belong together.

use crate::import::{is_from_outside, never_was_hidden};
use kit::{Judge, Mechanism, Object, Session, Template, ck, code, isolated};

/// The numbers of a pair that the token itself made, by attribute.
struct Numbers(Vec<(ck::CK_ATTRIBUTE_TYPE, Vec<u8>)>);

const ALL: [ck::CK_ATTRIBUTE_TYPE; 8] = [
    ck::CKA_MODULUS,
    ck::CKA_PUBLIC_EXPONENT,
    ck::CKA_PRIVATE_EXPONENT,
    ck::CKA_PRIME_1,
    ck::CKA_PRIME_2,
    ck::CKA_EXPONENT_1,
    ck::CKA_EXPONENT_2,
    ck::CKA_COEFFICIENT,
];

impl Numbers {
    fn of(session: &Session<'_>, private: Object) -> Numbers {
        Numbers(ALL.iter().map(|of| (*of, session.bytes(private, *of).unwrap())).collect())
    }

    fn get(&self, of: ck::CK_ATTRIBUTE_TYPE) -> &[u8] {
        &self.0.iter().find(|(known, _)| *known == of).unwrap().1
    }

    /// A private key of some of them, which may be read.
    fn private(&self, some: &[ck::CK_ATTRIBUTE_TYPE]) -> Template {
        let key = Template::new().class(ck::CKO_PRIVATE_KEY).key_type(ck::CKK_RSA).sensitive(false).extractable(true);
        some.iter().fold(key, |key, of| key.bytes(*of, self.get(*of)))
    }

    fn public(&self) -> Template {
        let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA);
        key.bytes(ck::CKA_MODULUS, self.get(ck::CKA_MODULUS))
            .bytes(ck::CKA_PUBLIC_EXPONENT, self.get(ck::CKA_PUBLIC_EXPONENT))
    }

    /// Everything, with one number changed.
    fn with(&self, changed: ck::CK_ATTRIBUTE_TYPE, to: &[u8]) -> Template {
        let others: Vec<_> = ALL.into_iter().filter(|of| *of != changed).collect();
        self.private(&others).bytes(changed, to)
    }
}

#[test]
fn a_private_key_without_its_primes_is_completed_and_works() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(2048);
        let (numbers, judge) = (Numbers::of(&session, private), Judge::new());
        let info = session.public_key_info(public);
        let cuts: [&[ck::CK_ATTRIBUTE_TYPE]; 6] = [
            &ALL,
            &[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_PRIVATE_EXPONENT],
            &[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_PRIME_2],
            &[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT, ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1],
            &[ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_PRIME_2],
            // The usual public exponent needs not be told.
            &[ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT],
        ];
        for some in cuts {
            let key = session.create(&numbers.private(some)).unwrap();
            never_was_hidden(&session, key);
            assert_eq!(session.public_key_info(key), info);
            for of in [ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT] {
                assert_eq!(session.bytes(key, of).unwrap(), numbers.get(of));
            }
            let mut primes = [ck::CKA_PRIME_1, ck::CKA_PRIME_2].map(|of| session.bytes(key, of).unwrap());
            primes.sort();
            let mut known = [ck::CKA_PRIME_1, ck::CKA_PRIME_2].map(|of| numbers.get(of).to_vec());
            known.sort();
            assert_eq!(primes, known);
            let sha256 = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
            let signature = session.sign_with(&sha256, key, b"data").unwrap();
            assert_eq!(signature, session.sign_with(&sha256, private, b"data").unwrap());
            assert!(judge.verifies(&info, &["-rawin", "-digest", "sha256"], b"data", &signature));
            let sealed = session.encrypt_with(&Mechanism::plain(ck::CKM_RSA_PKCS), public, b"to it").unwrap();
            assert_eq!(session.decrypt_with(&Mechanism::plain(ck::CKM_RSA_PKCS), key, &sealed).unwrap(), b"to it");
        }
        let key = session.create(&numbers.public()).unwrap();
        is_from_outside(&session, key);
        assert_eq!(session.ulong(key, ck::CKA_MODULUS_BITS).unwrap(), 2048);
        assert_eq!(session.public_key_info(key), info);
    });
}

#[test]
fn an_unusual_public_exponent_must_be_told_or_be_told_by_the_primes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let public = Template::new().ulong(ck::CKA_MODULUS_BITS, 1024).bytes(ck::CKA_PUBLIC_EXPONENT, [3]);
        let private = Template::new().sensitive(false).extractable(true);
        let generate = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let (public, private) = session.generate_key_pair(&generate, &public, &private).unwrap();
        let numbers = Numbers::of(&session, private);
        let silent = numbers.private(&[ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT]);
        assert_eq!(session.create(&silent).unwrap_err(), ck::CKR_TEMPLATE_INCOMPLETE);
        for more in [&[ck::CKA_PUBLIC_EXPONENT][..], &[ck::CKA_PRIME_1, ck::CKA_PRIME_2]] {
            let some = [&[ck::CKA_MODULUS, ck::CKA_PRIVATE_EXPONENT], more].concat();
            let key = session.create(&numbers.private(&some)).unwrap();
            assert_eq!(session.bytes(key, ck::CKA_PUBLIC_EXPONENT).unwrap(), [3]);
            let signature = session.sign_with(&Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), key, b"data").unwrap();
            session.verify_with(&Mechanism::plain(ck::CKM_SHA256_RSA_PKCS), public, b"data", &signature).unwrap();
        }
    });
}

#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (_, private) = session.rsa_pair(1024);
        let (_, stranger) = session.rsa_pair(1024);
        let (numbers, others) = (Numbers::of(&session, private), Numbers::of(&session, stranger));
        let before = session.find(&Template::new()).unwrap();
        for of in ALL {
            if of != ck::CKA_PUBLIC_EXPONENT {
                let refused = session.create(&numbers.with(of, others.get(of))).unwrap_err();
                assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} of another key");
            }
            let mut flipped = numbers.get(of).to_vec();
            let middle = flipped.len() / 2;
            flipped[middle] ^= 2;
            let refused = session.create(&numbers.with(of, &flipped)).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} with one bit changed");
            let refused = session.create(&numbers.with(of, &[0])).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} of zero");
            let refused = session.create(&numbers.with(of, &[1])).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} of one");
            let refused = session.create(&numbers.with(of, &[0xff; 300])).unwrap_err();
            assert_eq!(refused, ck::CKR_ATTRIBUTE_VALUE_INVALID, "{of:#x} too large");
        }
        let swapped = numbers.with(ck::CKA_PRIME_1, numbers.get(ck::CKA_PRIME_2));
        assert_eq!(session.create(&swapped).unwrap_err(), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(session.find(&Template::new()).unwrap(), before);
    });
}

#[test]
fn what_is_missing_or_contradicts_has_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (public, private) = session.rsa_pair(1024);
        let numbers = Numbers::of(&session, private);
        let info = session.public_key_info(public);
        for (code, template) in [
            (ck::CKR_TEMPLATE_INCOMPLETE, numbers.private(&[ck::CKA_MODULUS, ck::CKA_PUBLIC_EXPONENT])),
            (ck::CKR_TEMPLATE_INCOMPLETE, numbers.private(&[ck::CKA_PRIVATE_EXPONENT, ck::CKA_PUBLIC_EXPONENT])),
            (ck::CKR_TEMPLATE_INCONSISTENT, numbers.private(&ALL).ulong(ck::CKA_MODULUS_BITS, 1024)),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, numbers.private(&ALL).bytes(ck::CKA_PUBLIC_KEY_INFO, [0x30, 0])),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, numbers.public().bytes(ck::CKA_PUBLIC_KEY_INFO, &info[1..])),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, numbers.public().ulong(ck::CKA_MODULUS_BITS, 1023)),
            (ck::CKR_TEMPLATE_INCONSISTENT, numbers.public().bytes(ck::CKA_PRIVATE_EXPONENT, [1])),
            (ck::CKR_TEMPLATE_INCONSISTENT, numbers.public().sensitive(true)),
        ] {
            assert_eq!(session.create(&template).unwrap_err(), code, "{template:?}");
        }
        let told = numbers.public().ulong(ck::CKA_MODULUS_BITS, 1024).bytes(ck::CKA_PUBLIC_KEY_INFO, &info);
        session.create(&told).unwrap();
        let key = |modulus: &[u8], exponent: &[u8]| {
            let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA);
            session.create(&key.bytes(ck::CKA_MODULUS, modulus).bytes(ck::CKA_PUBLIC_EXPONENT, exponent))
        };
        let modulus = numbers.get(ck::CKA_MODULUS);
        let even = [&modulus[..127], &[2]].concat();
        for (modulus, exponent) in [
            (&even[..], &[1, 0, 1][..]),
            (&[0; 128], &[3]),
            (&[3; 32], &[3]),
            (&[3; 4096], &[3]),
            (modulus, &[2]),
            (modulus, &[1]),
            (modulus, &[0]),
            (modulus, &[0xff; 200]),
        ] {
            assert_eq!(key(modulus, exponent).unwrap_err(), ck::CKR_ATTRIBUTE_VALUE_INVALID);
        }
        // Java writes numbers with a zero for the sign.
        let signed = key(&[&[0], modulus].concat(), &[0, 1, 0, 1]).unwrap();
        assert_eq!(session.bytes(signed, ck::CKA_MODULUS).unwrap(), modulus);
        assert_eq!(session.public_key_info(signed), info);
    });
}

/// A key of 512 bits that the `openssl` command made.
const SMALL: [(ck::CK_ATTRIBUTE_TYPE, &str); 8] = [
    (
        ck::CKA_MODULUS,
        "e2b0f0974db405f9434b47f6e46b288bd741804c09f7eb9a8e88f448a76d955a33673727d0894130dfba87fadb4718d264eb9f85b95a95c3f5e3d95b5eac98ab",
    ),
    (ck::CKA_PUBLIC_EXPONENT, "010001"),
    (
        ck::CKA_PRIVATE_EXPONENT,
        "87d9f7e504c90d076b5fb319ef9b9469f1af2c5ee55e711067b9058480e9f8253c5559cb910be517d5bbfb567267584e313392aeb520c787991f902084c65b11",
    ),
    (ck::CKA_PRIME_1, "fa2c3607dce1d0cadd1935e4b4f45726a0e7b430ecffddce057e2938b7c44163"),
    (ck::CKA_PRIME_2, "e7f8b5215e039acb52a7923237efc7cb651983be3ca8a52c46cb4c363355d219"),
    (ck::CKA_EXPONENT_1, "54899010842182aeaa9c144c1ea1dab960f22b3fc536893b4f3bdcae1fdb1fc5"),
    (ck::CKA_EXPONENT_2, "8b56834685b85894e5132ee7e75daa7f6c3d053b922822ff138f2e3a285fd691"),
    (ck::CKA_COEFFICIENT, "40d994ccb766d0fd6faec94ff9e8162492a1aa9844d247daa072181f7514eb61"),
];

/// By the same command: of "data" with SHA-256, and of "secret", both with PKCS #1 v1.5.
const SIGNATURE: &str = "25170084f61ae224f725bbe2e8653a81a5a8460c064f2064f3ab0ef1fbf2ca77cdf22adef7b575d182ce18caa0ecca5a01982cea73ddaea28066eb151e082d33";
const CIPHERTEXT: &str = "bb479fb485a28e54bae1c62bfa1e9fb0d318b67f8522e39810344a1862c1238e247f0a8a48b8eee1828c2fea4d0f5eee24d24feea41d99b8570c3877a1ad2510";

#[test]
fn a_key_of_512_bits_opens_and_verifies_what_is_old_and_makes_nothing_new() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let numbers = SMALL.map(|(of, digits)| (of, kit::hex(digits)));
        let half = |class, numbers: &[(ck::CK_ATTRIBUTE_TYPE, Vec<u8>)]| {
            let key = Template::new().class(class).key_type(ck::CKK_RSA);
            numbers.iter().fold(key, |key, (of, number)| key.bytes(*of, number))
        };
        let public = session.create(&half(ck::CKO_PUBLIC_KEY, &numbers[..2])).unwrap();
        let private = session.create(&half(ck::CKO_PRIVATE_KEY, &numbers)).unwrap();
        let signed = Mechanism::plain(ck::CKM_SHA256_RSA_PKCS);
        session.verify_with(&signed, public, b"data", &kit::hex(SIGNATURE)).unwrap();
        let pkcs = Mechanism::plain(ck::CKM_RSA_PKCS);
        assert_eq!(session.decrypt_with(&pkcs, private, &kit::hex(CIPHERTEXT)).unwrap(), b"secret");
        let info = session.public_key_info(public);
        let new = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
        let aes = session.create(&Template::secret_key(ck::CKK_AES, &[1; 16]).extractable(true)).unwrap();
        for raw in [&pkcs, &Mechanism::plain(ck::CKM_RSA_X_509)] {
            assert_eq!(code(session.sign_init(raw, private)), ck::CKR_KEY_SIZE_RANGE);
            assert_eq!(code(session.sign_recover_init(raw, private)), ck::CKR_KEY_SIZE_RANGE);
            assert_eq!(code(session.encrypt_init(raw, public)), ck::CKR_KEY_SIZE_RANGE);
            assert_eq!(code(session.encapsulate(raw, public, &new)), ck::CKR_KEY_SIZE_RANGE);
            assert_eq!(code(session.wrap(raw, public, aes)), ck::CKR_WRAPPING_KEY_SIZE_RANGE);
        }
        assert_eq!(code(session.sign_init(&signed, private)), ck::CKR_KEY_SIZE_RANGE);
        assert_eq!(session.public_key_info(private), info);
    });
}

#[test]
fn a_public_key_may_have_16384_bits_and_no_more() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let key = |length: usize| {
            let modulus = [vec![0xc5; length - 1], vec![1]].concat();
            let key = Template::new().class(ck::CKO_PUBLIC_KEY).key_type(ck::CKK_RSA);
            session.create(&key.bytes(ck::CKA_MODULUS, modulus).bytes(ck::CKA_PUBLIC_EXPONENT, [1, 0, 1]))
        };
        let public = key(2048).unwrap();
        assert_eq!(session.ulong(public, ck::CKA_MODULUS_BITS).unwrap(), 16384);
        let data = [vec![0; 1024], vec![0x5a; 1024]].concat();
        let sealed = session.encrypt_with(&Mechanism::plain(ck::CKM_RSA_X_509), public, &data).unwrap();
        let info = session.public_key_info(public);
        let options = ["-pkeyopt", "rsa_padding_mode:none"];
        assert_eq!(sealed, kit::Judge::new().encrypts_to(&info, &options, &data));
        assert_eq!(code(key(2049)), ck::CKR_ATTRIBUTE_VALUE_INVALID);
    });
}

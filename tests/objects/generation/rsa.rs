//! RSA pairs.

use crate::generation::{is_made_here, remembers};
use kit::{Mechanism, Template, ck, isolated};

#[test]
fn rsa_pairs_have_the_modulus_and_exponent_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mechanism = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        for (bits, exponent) in [(1024, &[1, 0, 1][..]), (1031, &[3]), (2048, &[0, 1, 0, 1]), (2048, &[])] {
            let mut public = Template::new().ulong(ck::CKA_MODULUS_BITS, bits);
            if !exponent.is_empty() {
                public = public.bytes(ck::CKA_PUBLIC_EXPONENT, exponent);
            }
            let (public, private) = session.generate_key_pair(&mechanism, &public, &Template::new()).unwrap();
            for key in [public, private] {
                is_made_here(&session, key, ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
                let modulus = session.bytes(key, ck::CKA_MODULUS).unwrap();
                assert_eq!(modulus.len() as u64 * 8 - u64::from(modulus[0].leading_zeros()), bits);
                let expected = if exponent == [3] { &[3][..] } else { &[1, 0, 1] };
                assert_eq!(session.bytes(key, ck::CKA_PUBLIC_EXPONENT).unwrap(), expected);
            }
            assert_eq!(session.ulong(public, ck::CKA_MODULUS_BITS).unwrap(), bits);
            assert_eq!(session.public_key_info(public), session.public_key_info(private));
            remembers(&session, private, true, false);
            for secret in [ck::CKA_PRIVATE_EXPONENT, ck::CKA_PRIME_1, ck::CKA_PRIME_2, ck::CKA_COEFFICIENT] {
                assert_eq!(session.bytes(private, secret).unwrap_err(), ck::CKR_ATTRIBUTE_SENSITIVE);
            }
        }
    });
}

#[test]
fn the_sizes_that_the_mechanism_tells_are_the_sizes_that_it_makes() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let slot = session.info().unwrap().slotID;
        let rsa = module.mechanism_info(slot, ck::CKM_RSA_PKCS_KEY_PAIR_GEN).unwrap();
        let make = |bits| {
            let public = Template::new().ulong(ck::CKA_MODULUS_BITS, bits);
            session.generate_key_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &Template::new())
        };
        make(rsa.ulMinKeySize).unwrap();
        for bits in [0, 1, rsa.ulMinKeySize - 1, rsa.ulMaxKeySize + 1, 1 << 32, u64::MAX] {
            assert_eq!(make(bits).unwrap_err(), ck::CKR_KEY_SIZE_RANGE, "{bits}");
        }
    });
}

#[test]
fn an_rsa_pair_that_cannot_be_is_refused_with_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mechanism = Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
        let bits = || Template::new().ulong(ck::CKA_MODULUS_BITS, 1024);
        let none = Template::new;
        let exponent = |exponent: &[u8]| bits().bytes(ck::CKA_PUBLIC_EXPONENT, exponent);
        for (code, public, private) in [
            (ck::CKR_TEMPLATE_INCOMPLETE, none(), none()),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, exponent(&[4]), none()),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, exponent(&[1]), none()),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, exponent(&[0]), none()),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, exponent(&[1, 0, 0]), none()),
            (ck::CKR_ATTRIBUTE_VALUE_INVALID, exponent(&[0xff; 200]), none()),
            (ck::CKR_ATTRIBUTE_READ_ONLY, bits().bytes(ck::CKA_MODULUS, [1; 128]), none()),
            (ck::CKR_ATTRIBUTE_READ_ONLY, bits(), none().bytes(ck::CKA_PRIME_1, [1; 64])),
            (ck::CKR_TEMPLATE_INCONSISTENT, bits().class(ck::CKO_PRIVATE_KEY), none()),
            (ck::CKR_TEMPLATE_INCONSISTENT, bits(), none().class(ck::CKO_PUBLIC_KEY)),
            (ck::CKR_TEMPLATE_INCONSISTENT, bits(), none().key_type(ck::CKK_EC)),
            (ck::CKR_TEMPLATE_INCONSISTENT, bits().sensitive(true), none()),
            (ck::CKR_TEMPLATE_INCONSISTENT, bits(), none().flag(ck::CKA_ALWAYS_AUTHENTICATE, true).private(false)),
            (ck::CKR_ATTRIBUTE_TYPE_INVALID, bits(), none().bytes(0x7fff_1234, [1])),
        ] {
            let before = session.find(&Template::new()).unwrap();
            let refused = session.generate_key_pair(&mechanism, &public, &private).unwrap_err();
            assert_eq!(refused, code, "{public:?} {private:?}");
            assert_eq!(session.find(&Template::new()).unwrap(), before, "one half was made");
        }
    });
}

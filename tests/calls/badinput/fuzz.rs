//! Templates of noise, many thousands of them, the same in every run.

use crate::badinput::in_good_health;
use kit::{Chance, Mechanism, Result, Template, ck, curve, isolated};

fn check<T>(outcome: Result<T>, told: impl Fn() -> String) -> bool {
    let rv = outcome.as_ref().err().map_or(ck::CKR_OK, |code| code.0);
    assert!(in_good_health(rv), "{}: {:?}", told(), kit::Rv(rv));
    outcome.is_ok()
}

#[test]
fn noise_for_a_template_is_refused_or_makes_an_object() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let mut chance = Chance::seeded(0x7e3b);
        let mechanisms = [ck::CKM_AES_KEY_GEN, ck::CKM_GENERIC_SECRET_KEY_GEN, ck::CKM_SHA256_KEY_GEN];
        let pairs = [ck::CKM_EC_KEY_PAIR_GEN, ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, ck::CKM_EDDSA];
        let types = [
            ck::CKA_CLASS,
            ck::CKA_KEY_TYPE,
            ck::CKA_VALUE,
            ck::CKA_VALUE_LEN,
            ck::CKA_EC_PARAMS,
            ck::CKA_EC_POINT,
            ck::CKA_MODULUS,
            ck::CKA_PUBLIC_EXPONENT,
            ck::CKA_PRIVATE_EXPONENT,
            ck::CKA_ALLOWED_MECHANISMS,
            ck::CKA_START_DATE,
            ck::CKA_LABEL,
            ck::CKA_SENSITIVE,
            ck::CKA_CHECK_VALUE,
            ck::CKA_PUBLIC_KEY_INFO,
        ];
        let numbers = [ck::CKO_SECRET_KEY, ck::CKO_PUBLIC_KEY, ck::CKO_PRIVATE_KEY, ck::CKO_DATA, ck::CKK_AES, 16, 32];
        for round in 0..10_000 {
            let told = || format!("round {round}");
            let mut noise = |most| {
                let mut template = Template::new();
                for _ in 0..chance.up_to(most) {
                    let of = chance.one_of(&types);
                    let length = chance.up_to(70);
                    template = match chance.up_to(4) {
                        0 => template.bytes(of, chance.bytes(length)),
                        1 => template.bytes(of, [1]),
                        2 => template.bytes(of, chance.one_of(&[curve::P256, curve::ED25519, curve::X448])),
                        _ => template.ulong(of, chance.one_of(&numbers)),
                    };
                }
                template
            };
            let (one, other) = (noise(6), noise(3));
            let made = match chance.up_to(3) {
                0 => session.generate_key(&Mechanism::plain(chance.one_of(&mechanisms)), &one),
                1 => {
                    session.generate_key_pair(&Mechanism::plain(chance.one_of(&pairs)), &one, &other).map(|pair| pair.1)
                }
                _ => session.create(&one),
            };
            if let Ok(object) = made {
                session.destroy(object).unwrap();
            }
            check(made, told);
        }
    });
}

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
        let pairs = [
            (ck::CKM_EC_KEY_PAIR_GEN, curve::P256),
            (ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve::ED25519),
            (ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve::X448),
        ];
        let mut objects = [0; 3];
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
            let (way, (pair, params)) = (chance.up_to(2), chance.one_of(&pairs));
            let right = match way {
                0 => Template::new().ulong(ck::CKA_VALUE_LEN, 16),
                1 => Template::new().bytes(ck::CKA_EC_PARAMS, params),
                _ => Template::secret_key(ck::CKK_AES, &[5; 16]),
            };
            // Noise on what would be right, or nothing but noise.
            let right = if chance.up_to(1) == 0 { right } else { Template::new() };
            let mut noise = |mut template: Template, most| {
                for _ in 0..chance.up_to(most) {
                    let of = chance.one_of(&types);
                    let length = chance.up_to(70);
                    // Given twice it would be refused for that.
                    let rest = if chance.up_to(7) == 0 { template } else { template.without(of) };
                    template = match chance.up_to(4) {
                        0 => rest.bytes(of, chance.bytes(length)),
                        1 => rest.bytes(of, [1]),
                        2 => rest.bytes(of, chance.one_of(&[curve::P256, curve::ED25519, curve::X448])),
                        _ => rest.ulong(of, chance.one_of(&numbers)),
                    };
                }
                template
            };
            let (one, other) = (noise(right, 6), noise(Template::new(), 3));
            let made = match way {
                0 => session.generate_key(&Mechanism::plain(chance.one_of(&mechanisms)), &one),
                1 => session.generate_key_pair(&Mechanism::plain(pair), &one, &other).map(|pair| pair.1),
                _ => session.create(&one),
            };
            if let Ok(object) = made {
                session.destroy(object).unwrap();
                objects[way] += 1;
            }
            check(made, told);
        }
        env.report(&format!("keys, pairs and other objects that noise made: {objects:?}\n"));
        assert!(objects.iter().all(|made| *made > 20), "the noise is too wild to test much: {objects:?}");
    });
}

//! Keys of IKE. The expected values come from a few lines on Python's `hmac` and `cryptography` (CMAC, and AES for
//! XCBC), which were checked against RFC 4434 and RFC 4615.

use super::{aes_of, base, open, secret, value};
use kit::{Mechanism, Object, Session, Template, ck, code, hex, isolated};

/// What one function gives for the inputs of [`Inputs`].
struct Expected {
    prf: ck::CK_MECHANISM_TYPE,
    /// prf(Ni | Nr, g^ir).
    initial: &'static str,
    /// prf(key, Ni | Nr).
    psk: &'static str,
    /// prf(key, g^ir | Ni | Nr).
    rekey: &'static str,
    /// prf(key, g^ir | CKYi | CKYr | 0).
    one: &'static str,
    /// prf(key, previous | g^ir | CKYi | CKYr | 1).
    next: &'static str,
    /// prf+(key, "seed data").
    plus: &'static str,
    /// prf+(key, g^ir | "seed data").
    plus_key: &'static str,
    /// RFC 2409 appendix B with g^ir | "extra", and with nothing.
    extended: &'static str,
    bare: &'static str,
}

const EXPECTED: [Expected; 4] = [
    Expected {
        prf: ck::CKM_SHA_1_HMAC,
        initial: "8e8ede32851e19f88cebe28b89122091fb3cc1ae",
        psk: "a38fec99a58693973f29505a2499be2fd4703c70",
        rekey: "3c713eb456c2dc96e020454f710418e802c399f8",
        one: "994e894f30a12a6e9abc9430dd99b6b096b20679",
        next: "bc2cc3c3c771f7bf60c9d5bcd317e4adfd7f85f0",
        plus: "6dd2a147372c96806d5245af114404fe2fff31816453af1ac9af329d0428a2f282cb7520646472c025eabb40f2da4b37fd03a45eaad81ac6011eced488a43b90c7d025e9b58a79625e1ce74c7a5378be",
        plus_key: "edffaf773834e8eb15017e605cdd62983bd824c1ddb9f53bb6363836bc043a4bcc1eb5c6eee4e056dd3f6f796f96e560",
        extended: "4d56dc70bb3a5ab284763a17872ef149a5caa5513bdbed266c864fe532940c94ee8bc76f6705e985197210be311d57aeadc4544f9123edd90e95f642cc2290c43ee948f620c45911cc9f54d97ef9727c",
        bare: "59686d8c15f4ad448dd664d114ab67d8566e2135b2f2543978167dd05dd16e7e8eec959ef69b0a1b884cae5f8b21d1d29121b2961cff945dbcef3a69241742fbe7aaa81fcf30d3c99518e780ed72260c",
    },
    Expected {
        prf: ck::CKM_SHA256_HMAC,
        initial: "814936a36c06247483067095262bc3db396a57764c77c24d858d5313fc7ebbbf",
        psk: "cf0a51c109d938b06dbff41ad10118d3ca465004e0c895a0edc5fa118c0e5b81",
        rekey: "6ac30be07d9706798b1e99bd852bf75b7b74a77d91355251d8092524cbe274e5",
        one: "d537a4c85d0f368253b0869d057b7d9a00f53b7aac49c04497e5a40ff5d16184",
        next: "d3388a790afebeb48fba11eabf44d690b6392efd0086af5296fdbbaded1643de",
        plus: "f3ffaa9678c12689699af8a66031b295972b4dc7c40ec2d7682727c948e5f91a6ba57ecf9d812f2c57829047cefd2ad7fac0f0576476137aefdda8ba7e5197a40d376d9795f69e7b517953812f5e3ec0",
        plus_key: "a8223feb7875e80f17ad8646bb334b575fbdd2b313ab4b82e1ce573096fdb4756496fab7a9b9fe2f06e78ea14a512b2b",
        extended: "c4cc5267470ed3ff120b7de5c66153c5b9ed307658141582bc506dfac752e5ddcea187122d099d1f1af16f8d012013a7b4e9c0aabd97dcbcf92ca39e587f99efadefa2ff1afa9de78a1c189f4a0b68f5",
        bare: "e711546e3faad4c7c4aa756bc26cad6abea8241984a0f6b0839c70ca61c4ef88d7d5b72e4532e11d1238fbcb0854c7dbc4802dd4f3bf5180f3a6df775161d8db982cc2e6723690f9d22a6d6ceb103fa0",
    },
    Expected {
        prf: ck::CKM_AES_XCBC_MAC,
        initial: "d05a30f5c613829d8b7b4fb576a44ad7",
        psk: "1ecbb9925752bc76f2954ce5c4fc5731",
        rekey: "a4e5eafbc741112382f0a424bc2b5370",
        one: "6003b2f337aa0e44f2f0a80513095237",
        next: "9f7d8c62c22e8e5905f06a2023771d40",
        plus: "a43a4867f0e5f1784ae42878321552ecb47843bdbdb6a8789cc1cb07c8e3ba38199ef96d258e654c02b1a11e96ca0f25fc84defba157c053e9d916ff80969f3003a2afdf052e1bc5926128599ee19280",
        plus_key: "fd034249e7a327aa1c0116460eb42fbb4dc749f14d035b98dc7182393f4cbe617b642d91501bb65812a498c5c937f574",
        extended: "811da27bcea5661e6694482af060fbf05a636373a780386382b0e5ee456e8418f8806b950051542eaeaed1ecbe0d8740f8df90acb22a80231138c3aaa81b19ae705177c77ef82679005b340d33980daa",
        bare: "090eba53ad7af090ccc253d558b40c321d9c5aa4223ac1f0e14188f4341585594e35445b02e284fb18d979c032de02d70597b5af2ea56cec51918dba75e08d4d2b48c327947b61f12c4f5f36903908fb",
    },
    Expected {
        prf: ck::CKM_AES_CMAC,
        initial: "85d112bacf37e9bfa440b369cf5dcc31",
        psk: "a043da4c805de417d0d72b110e0955b7",
        rekey: "f2760d619037260e0591e93c1369b296",
        one: "0c2af060a5e3813f8980afcf00d1d3b4",
        next: "0ecf875f14b2834fd3eae7e5187a13ec",
        plus: "9675b821b04be506bb447b72ccab4bd6d63e803006eea2de554700d8cd1803e996e9800ce4741e13cab454690982167b041a33dfe2f5a488442f1e80e7e5d47d6f5d7f87e104e5693a9e136509298149",
        plus_key: "c7a800560130f95a00c768704f0d25473e2e4ae72172ed71beae5e24675a2f2d808ddc1132cebe9138d828752089c5fc",
        extended: "fbba544d34f6e795d578cf21f5730562af62c010bb562939121ba97e2071478f96dc732e39b4b9c303c34d405dd301260929460e22608572431a2ceb0889f2e28803fc0102b4c033629336da9f6c5c6e",
        bare: "d78a1663af870e5aeb4d44875eeffdf379251878584765b98e10c6b92228b4fbe410427cbf7feedb6ea9b2f769c8f7a760dcae1c64960c480c952b74f99d75b817a6a3cabea291868cd93105d8955fbb",
    },
];

fn range(from: u8, to: u8) -> Vec<u8> {
    (from..to).collect()
}

const COOKIES: (&[u8], &[u8]) = (b"initiato", b"responde");

/// The keys that go in.
struct Inputs {
    key: Object,
    gir: Object,
    previous: Object,
}

fn inputs(session: &Session<'_>, prf: ck::CK_MECHANISM_TYPE) -> Inputs {
    let (key_type, length) = match prf {
        ck::CKM_SHA_1_HMAC => (ck::CKK_SHA_1_HMAC, 32),
        ck::CKM_SHA256_HMAC => (ck::CKK_GENERIC_SECRET, 32),
        _ => (ck::CKK_AES, 16),
    };
    Inputs {
        key: base(session, key_type, &range(0, length)),
        gir: base(session, ck::CKK_GENERIC_SECRET, &range(0x40, 0x60)),
        previous: base(session, ck::CKK_GENERIC_SECRET, &range(0x70, 0x84)),
    }
}

#[test]
fn all_steps_agree_with_python_for_each_function() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (ni, nr) = (range(0x10, 0x20), range(0x20, 0x38));
        let nonces = (&ni[..], &nr[..]);
        for expected in EXPECTED {
            let (prf, with) = (expected.prf, inputs(&session, expected.prf));
            let case = |mechanism: Mechanism, base, template: &Template, expected: &str| {
                let derived = session.derive(&mechanism, base, template).unwrap();
                assert_eq!(value(&session, derived), hex(expected), "{prf:#x}");
                derived
            };
            let Inputs { key, gir, previous } = with;
            // As long as the output of the function, whatever the template says of the type.
            case(Mechanism::ike_prf(prf, true, 0, nonces), gir, &open(), expected.initial);
            case(Mechanism::ike_prf(prf, false, 0, nonces), key, &open(), expected.psk);
            case(Mechanism::ike_prf(prf, false, gir.0, nonces), key, &open(), expected.rekey);
            case(Mechanism::ike1_prf(prf, 0, gir.0, COOKIES, 0), key, &open(), expected.one);
            case(Mechanism::ike1_prf(prf, previous.0, gir.0, COOKIES, 1), key, &open(), expected.next);
            case(Mechanism::ike2_prf_plus(prf, 0, b"seed data"), key, &secret(80), expected.plus);
            case(Mechanism::ike2_prf_plus(prf, gir.0, b"seed data"), key, &secret(48), expected.plus_key);
            case(Mechanism::ike1_extended(prf, gir.0, b"extra"), key, &secret(80), expected.extended);
            case(Mechanism::ike1_extended(prf, 0, b""), key, &secret(80), expected.bare);
            // Less than an output and no g^xy: the key itself, cut short.
            case(Mechanism::ike1_extended(prf, 0, b"extra"), key, &secret(5), "0001020304");
            let short = session.derive(&Mechanism::ike1_prf(prf, 0, gir.0, COOKIES, 0), key, &secret(7)).unwrap();
            assert_eq!(value(&session, short), hex(expected.one)[..7]);
            // Without a type it is one of the function's keys, and takes the next step.
            let own = Template::new().sensitive(false).extractable(true).flag(ck::CKA_DERIVE, true);
            let seed = case(Mechanism::ike_prf(prf, true, 0, nonces), gir, &own, expected.initial);
            assert_ne!(session.ulong(seed, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_GENERIC_SECRET);
            session.derive(&Mechanism::ike2_prf_plus(prf, 0, b"seed data"), seed, &secret(80)).unwrap();
        }
    });
}

#[test]
fn keys_of_any_length_key_the_functions_on_aes_as_rfc_4434_and_rfc_4615_say() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let message = base(&session, ck::CKK_GENERIC_SECRET, &range(0, 20));
        for (prf, key, expected) in [
            (ck::CKM_AES_XCBC_MAC, range(0, 16), "47f51b4564966215b8985c63055ed308"),
            (ck::CKM_AES_XCBC_MAC, range(0, 10), "0fa087af7d866e7653434e602fdde835"),
            (ck::CKM_AES_XCBC_MAC, [range(0, 16), vec![0xed, 0xcb]].concat(), "8cd3c93ae598a9803006ffb67c40e9e4"),
            (ck::CKM_AES_CMAC, [range(0, 16), vec![0xed, 0xcb]].concat(), "84a348a4a45d235babfffc0d2b4da09a"),
        ] {
            let mechanism = Mechanism::ike_prf(prf, true, 0, (&key[..4], &key[4..]));
            let derived = session.derive(&mechanism, message, &open()).unwrap();
            assert_eq!(value(&session, derived), hex(expected));
        }
    });
}

#[test]
fn what_ike_does_not_have_is_refused_each_with_its_code() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let Inputs { key, gir, .. } = inputs(&session, ck::CKM_SHA256_HMAC);
        let aes = base(&session, ck::CKK_AES, &[7; 16]);
        let (hmac, nonces) = (ck::CKM_SHA256_HMAC, (&b"ni"[..], &b"nr"[..]));
        let first = |data_as_key, new_key| Mechanism::ike_prf(hmac, data_as_key, new_key, nonces);
        let untyped = Template::new().ulong(ck::CKA_VALUE_LEN, 16);
        let one = || Mechanism::ike1_prf(hmac, 0, gir.0, COOKIES, 0);
        let plus = || Mechanism::ike2_prf_plus(hmac, 0, b"seed");
        for (mechanism, base, template, expected) in [
            (first(true, gir.0), key, open(), ck::CKR_ARGUMENTS_BAD),
            (first(true, 0), aes, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (first(false, 0), aes, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (first(false, aes.0), key, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (first(false, 9999), key, open(), ck::CKR_KEY_HANDLE_INVALID),
            (first(false, 0), key, secret(31), ck::CKR_KEY_SIZE_RANGE),
            (first(false, 0), key, secret(33), ck::CKR_KEY_SIZE_RANGE),
            (Mechanism::ike_prf(ck::CKM_SHA256, false, 0, nonces), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            (Mechanism::ike_prf(ck::CKM_DES3_CMAC, true, 0, nonces), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            // bDataAsKey, pNi, ulNiLen.
            (first(false, 0).changed(8, 2), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            (first(false, 0).changed(16, 0), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            (first(false, 0).changed(24, 1 << 63), key, open(), ck::CKR_MECHANISM_PARAM_INVALID),
            (one(), key, untyped.clone(), ck::CKR_TEMPLATE_INCOMPLETE),
            (one(), key, secret(33), ck::CKR_KEY_SIZE_RANGE),
            (Mechanism::ike1_prf(hmac, 0, 9999, COOKIES, 0), key, open(), ck::CKR_KEY_HANDLE_INVALID),
            (Mechanism::ike1_prf(hmac, 0, aes.0, COOKIES, 0), key, open(), ck::CKR_KEY_TYPE_INCONSISTENT),
            (plus(), key, open(), ck::CKR_TEMPLATE_INCOMPLETE),
            (plus(), key, secret(255 * 32 + 1), ck::CKR_KEY_SIZE_RANGE),
            (plus().resized(39), key, secret(16), ck::CKR_MECHANISM_PARAM_INVALID),
            (Mechanism::ike1_extended(hmac, 0, b""), key, open(), ck::CKR_TEMPLATE_INCOMPLETE),
            (Mechanism::ike1_extended(hmac, 0, b""), key, secret(255 * 32 + 1), ck::CKR_KEY_SIZE_RANGE),
            (Mechanism::ike1_extended(hmac, aes.0, b""), key, secret(16), ck::CKR_KEY_TYPE_INCONSISTENT),
        ] {
            assert_eq!(code(session.derive(&mechanism, base, &template)), expected);
        }
        session.derive(&plus(), key, &secret(255 * 32)).unwrap();
        let generic = session.derive(&plus(), key, &untyped).unwrap();
        assert_eq!(session.ulong(generic, ck::CKA_KEY_TYPE).unwrap(), ck::CKK_GENERIC_SECRET);
        session.derive(&one(), key, &aes_of(32)).unwrap();
    });
}

#[test]
fn a_guarded_key_of_ike_is_neither_decrypted_nor_cut_short() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let template = Template::secret_key(ck::CKK_GENERIC_SECRET, &[0x5e; 16]).flag(ck::CKA_DERIVE, true);
        let guarded = session.create(&template.sensitive(true).extractable(true)).unwrap();
        let known = base(&session, ck::CKK_AES, &[7; 16]);
        let (cmac, nonces) = (ck::CKM_AES_CMAC, (&[1u8; 8][..], &[2u8; 8][..]));
        let closed = |length| {
            Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).ulong(ck::CKA_VALUE_LEN, length)
        };
        // Among the data of a cipher with a known key, or a base that is only cut.
        for (mechanism, base) in [
            (Mechanism::ike_prf(cmac, true, 0, nonces), guarded),
            (Mechanism::ike_prf(cmac, false, guarded.0, nonces), known),
            (Mechanism::ike1_prf(cmac, 0, guarded.0, COOKIES, 0), known),
            (Mechanism::ike1_prf(cmac, guarded.0, guarded.0, COOKIES, 0), known),
            (Mechanism::ike2_prf_plus(cmac, guarded.0, b""), known),
            (Mechanism::ike1_extended(cmac, guarded.0, b""), known),
            (Mechanism::ike1_extended(ck::CKM_SHA256_HMAC, 0, b""), guarded),
        ] {
            assert_eq!(code(session.derive(&mechanism, base, &secret(16))), ck::CKR_TEMPLATE_INCONSISTENT);
            let derived = session.derive(&mechanism, base, &closed(16)).unwrap();
            assert_eq!(code(session.bytes(derived, ck::CKA_VALUE)), ck::CKR_ATTRIBUTE_SENSITIVE);
            for length in [1, 8, 15] {
                assert_eq!(code(session.derive(&mechanism, base, &closed(length))), ck::CKR_KEY_SIZE_RANGE);
            }
        }
        // Out of a hash come keys that may be read, as out of other derivations.
        let hashed = Mechanism::ike_prf(ck::CKM_SHA256_HMAC, true, 0, nonces);
        session.derive(&hashed, guarded, &secret(32)).unwrap();
        // And what says nothing of that does not have it of the base.
        let open = base(&session, ck::CKK_GENERIC_SECRET, &[0x5e; 16]);
        let [one, other] = [guarded, open].map(|base| session.derive(&hashed, base, &closed(32)).unwrap());
        assert_eq!(session.flag(one, ck::CKA_SENSITIVE), session.flag(other, ck::CKA_SENSITIVE));
    });
}

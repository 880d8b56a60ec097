//! The crate `cryptoki`, through which Rust programs use tokens: the older calls and those of PKCS#11 3.

use crate::docs::blocks;
use crate::site::{DOCUMENT, TOKEN, module, openssl, token};
use ::cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use ::cryptoki::error::{Error, RvError};
use ::cryptoki::mechanism::aead::{GcmMessageParams, GcmParams, GeneratorFunction};
use ::cryptoki::mechanism::dsa::{HedgeType, SignAdditionalContext};
use ::cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use ::cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use ::cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource, PkcsPssParams};
use ::cryptoki::mechanism::{Mechanism, MechanismType, MessageParam};
use ::cryptoki::object::{
    Attribute, AttributeType, KeyType, MlDsaParameterSetType, MlKemParameterSetType, ObjectClass, ObjectHandle,
};
use ::cryptoki::session::{Session, UserType};
use ::cryptoki::types::AuthPin;
use kit::{Env, USER_PIN, isolated};

type Done = Result<(), Error>;

/// As the document shows it.
fn open(path: String, pin: &str) -> Result<(Pkcs11, Session), Error> {
    let module = Pkcs11::new(&path)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let slot = module.get_slots_with_initialized_token()?[0];
    let session = module.open_rw_session(slot)?;
    session.login(UserType::User, Some(&AuthPin::new(pin.into())))?;
    Ok((module, session))
}

/// Runs a program's body with a session on a new token, the user logged in.
fn with(env: &Env, body: impl FnOnce(&Pkcs11, &Session) -> Done) {
    token(env);
    let (module, session) = open(module(), USER_PIN).expect("a session");
    body(&module, &session).expect("everything to work");
    session.close().expect("C_CloseSession");
    module.finalize().expect("C_Finalize");
}

fn rsa(session: &Session) -> Result<(ObjectHandle, ObjectHandle), Error> {
    let public = [Attribute::PublicExponent(vec![1, 0, 1]), Attribute::ModulusBits(2048.into())];
    session.generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &[])
}

/// The SubjectPublicKeyInfo of a key, in a file for openssl.
fn export(env: &Env, session: &Session, key: ObjectHandle) -> Done {
    match session.get_attributes(key, &[AttributeType::PublicKeyInfo])?.as_slice() {
        [Attribute::PublicKeyInfo(info)] => env.write("public.der", info),
        other => panic!("{other:?}"),
    };
    Ok(())
}

fn verified(env: &Env, words: &str, signature: &[u8]) {
    env.write("signature", signature);
    let verify = openssl(env, "pkeyutl -verify -pubin -keyform DER -inkey public.der -sigfile signature");
    verify.words(words).succeeds().must_say("Signature Verified Successfully");
}

#[test]
fn the_document_shows_how_this_file_begins() {
    let [shown] = blocks("Rust", "rust").try_into().expect("one block");
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    assert!(squeeze(include_str!("cryptoki.rs")).contains(&squeeze(&shown)), "{shown}");
}

#[test]
fn the_module_and_the_token_say_what_they_are() {
    isolated(|env| {
        with(env, |module, session| {
            let about = module.get_library_info()?;
            assert_eq!(about.manufacturer_id(), "SealHSM");
            let slot = session.get_session_info()?.slot_id();
            let token = module.get_token_info(slot)?;
            assert_eq!((token.label(), token.user_pin_initialized(), token.login_required()), (TOKEN, true, true));
            let mechanisms = module.get_mechanism_list(slot)?;
            for of in [MechanismType::RSA_PKCS, MechanismType::ECDSA, MechanismType::AES_GCM, MechanismType::EDDSA] {
                assert!(mechanisms.contains(&of), "{of}");
                module.get_mechanism_info(slot, of)?;
            }
            assert!(module.is_fn_supported(Function::SignInit) && module.is_fn_supported(Function::WrapKey));
            Ok(())
        });
    });
}

#[test]
fn rsa_signs_and_decrypts() {
    isolated(|env| {
        with(env, |_, session| {
            let (public, private) = rsa(session)?;
            export(env, session, public)?;
            openssl(env, "dgst -sha256 -binary -out digest document").succeeds();
            let signature = session.sign(&Mechanism::Sha256RsaPkcs, private, DOCUMENT.as_bytes())?;
            session.verify(&Mechanism::Sha256RsaPkcs, public, DOCUMENT.as_bytes(), &signature)?;
            verified(env, "-in digest -pkeyopt digest:sha256", &signature);
            let pss = Mechanism::Sha256RsaPkcsPss(PkcsPssParams {
                hash_alg: MechanismType::SHA256,
                mgf: PkcsMgfType::MGF1_SHA256,
                s_len: 32.into(),
            });
            let signature = session.sign(&pss, private, DOCUMENT.as_bytes())?;
            verified(env, "-in digest -pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss", &signature);
            let refused = session.verify(&pss, public, b"another document", &signature).unwrap_err();
            assert!(matches!(refused, Error::Pkcs11(RvError::SignatureInvalid, Function::Verify)), "{refused}");
            let source = PkcsOaepSource::empty();
            let oaep =
                Mechanism::RsaPkcsOaep(PkcsOaepParams::new(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256, source));
            for mechanism in [Mechanism::RsaPkcs, oaep] {
                let encrypted = session.encrypt(&mechanism, public, DOCUMENT.as_bytes())?;
                assert_eq!(session.decrypt(&mechanism, private, &encrypted)?, DOCUMENT.as_bytes());
            }
            Ok(())
        });
    });
}

/// Object identifiers in DER.
const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];

#[test]
fn keys_on_curves_sign_and_agree() {
    isolated(|env| {
        with(env, |_, session| {
            let p256 =
                || session.generate_key_pair(&Mechanism::EccKeyPairGen, &[Attribute::EcParams(P256.into())], &[]);
            let ((ours, our_private), (theirs, their_private)) = (p256()?, p256()?);
            let signature = session.sign(&Mechanism::EcdsaSha256, our_private, DOCUMENT.as_bytes())?;
            session.verify(&Mechanism::EcdsaSha256, ours, DOCUMENT.as_bytes(), &signature)?;
            let agree = |private, public| -> Result<Vec<Attribute>, Error> {
                let point = match session.get_attributes(public, &[AttributeType::EcPoint])?.remove(0) {
                    Attribute::EcPoint(point) => point,
                    other => panic!("{other:?}"),
                };
                let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), &point));
                let template = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::GENERIC_SECRET),
                    Attribute::ValueLen(32.into()),
                    Attribute::Sensitive(false),
                    Attribute::Extractable(true),
                ];
                let key = session.derive_key(&mechanism, private, &template)?;
                session.get_attributes(key, &[AttributeType::Value])
            };
            assert_eq!(agree(our_private, theirs)?, agree(their_private, ours)?);
            let edwards = [Attribute::EcParams(ED25519.into())];
            let (public, private) = session.generate_key_pair(&Mechanism::EccEdwardsKeyPairGen, &edwards, &[])?;
            let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
            let signature = session.sign(&mechanism, private, DOCUMENT.as_bytes())?;
            session.verify(&mechanism, public, DOCUMENT.as_bytes(), &signature)?;
            export(env, session, public)?;
            verified(env, "-rawin -in document", &signature);
            Ok(())
        });
    });
}

#[test]
fn secret_keys_encrypt_wrap_and_make_macs() {
    isolated(|env| {
        with(env, |_, session| {
            let aes = [Attribute::ValueLen(32.into()), Attribute::Sensitive(false), Attribute::Extractable(true)];
            let key = session.generate_key(&Mechanism::AesKeyGen, &aes)?;
            let mut iv = [7; 12];
            let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, b"aad", 128.into())?);
            let encrypted = session.encrypt(&gcm, key, DOCUMENT.as_bytes())?;
            let mut iv = [7; 12];
            let gcm = Mechanism::AesGcm(GcmParams::new(&mut iv, b"aad", 128.into())?);
            assert_eq!(session.decrypt(&gcm, key, &encrypted)?, DOCUMENT.as_bytes());
            let cbc = Mechanism::AesCbcPad([9; 16]);
            session.encrypt_init(&cbc, key)?;
            let mut parts = Vec::new();
            for part in DOCUMENT.as_bytes().chunks(7) {
                parts.extend(session.encrypt_update(part)?);
            }
            parts.extend(session.encrypt_final()?);
            assert_eq!(session.decrypt(&cbc, key, &parts)?, DOCUMENT.as_bytes());
            let inner = session.generate_key(&Mechanism::AesKeyGen, &aes)?;
            let wrapped = session.wrap_key(&Mechanism::AesKeyWrap, key, inner)?;
            let template = [Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES)];
            let again = session.unwrap_key(&Mechanism::AesKeyWrap, key, &wrapped, &template)?;
            let ecb = |key| session.encrypt(&Mechanism::AesEcb, key, &[5; 16]);
            assert_eq!(ecb(inner)?, ecb(again)?);
            let generic = [Attribute::ValueLen(32.into())];
            let key = session.generate_key(&Mechanism::GenericSecretKeyGen, &generic)?;
            let mac = session.sign(&Mechanism::Sha256Hmac, key, DOCUMENT.as_bytes())?;
            session.verify(&Mechanism::Sha256Hmac, key, DOCUMENT.as_bytes(), &mac)?;
            assert_eq!(session.digest(&Mechanism::Sha256, b"")?[..4], [0xe3, 0xb0, 0xc4, 0x42]);
            Ok(())
        });
    });
}

#[test]
fn objects_are_found_counted_and_destroyed_with_an_iterator_left_half_way() {
    isolated(|env| {
        with(env, |_, session| {
            for number in 0..20u8 {
                let template = [
                    Attribute::Class(ObjectClass::DATA),
                    Attribute::Token(true),
                    Attribute::Label(format!("note {number}").into()),
                    Attribute::Value(vec![number; 5]),
                ];
                session.create_object(&template)?;
            }
            let all = [Attribute::Class(ObjectClass::DATA)];
            let mut half = session.iter_objects(&all)?;
            half.next().expect("an object")?;
            drop(half);
            assert_eq!(session.find_objects(&all)?.len(), 20);
            let one = session.find_objects(&[Attribute::Label(b"note 7".into())])?;
            assert_eq!(session.get_attributes(one[0], &[AttributeType::Value])?, [Attribute::Value(vec![7; 5])]);
            assert!(matches!(
                session.get_attributes(one[0], &[AttributeType::UniqueId])?.as_slice(),
                [Attribute::UniqueId(name)] if name.len() == 36
            ));
            session.destroy_object(one[0])?;
            assert_eq!(session.find_objects(&all)?.len(), 19);
            Ok(())
        });
    });
}

fn value(session: &Session, key: ObjectHandle) -> Result<Vec<u8>, Error> {
    match session.get_attributes(key, &[AttributeType::Value])?.remove(0) {
        Attribute::Value(value) => Ok(value),
        other => panic!("{other:?}"),
    }
}

#[test]
fn version_3_encapsulates_a_key_that_both_sides_have() {
    isolated(|env| {
        with(env, |module, session| {
            assert!(module.is_fn_supported(Function::EncapsulateKey));
            let secret = [
                Attribute::Class(ObjectClass::SECRET_KEY),
                Attribute::KeyType(KeyType::AES),
                Attribute::Sensitive(false),
                Attribute::Extractable(true),
            ];
            let sets = [MlKemParameterSetType::ML_KEM_512, MlKemParameterSetType::ML_KEM_768];
            for set in sets.into_iter().chain([MlKemParameterSetType::ML_KEM_1024]) {
                let public = [Attribute::ParameterSet(set.into())];
                let (public, private) = session.generate_key_pair(&Mechanism::MlKemKeyPairGen, &public, &[])?;
                let (ciphertext, ours) = session.encapsulate_key(&Mechanism::MlKem, public, &secret)?;
                let theirs = session.decapsulate_key(&Mechanism::MlKem, private, &secret, &ciphertext)?;
                assert_eq!(value(session, ours)?, value(session, theirs)?);
            }
            Ok(())
        });
    });
}

#[test]
fn version_3_encrypts_message_after_message() {
    isolated(|env| {
        with(env, |_, session| {
            let key = session.generate_key(&Mechanism::AesKeyGen, &[Attribute::ValueLen(32.into())])?;
            let (mut iv, mut tag) = ([0; 12], [0; 16]);
            let mut sealed = Vec::new();
            let parameter = GcmMessageParams::new(&mut iv, 32.into(), GeneratorFunction::GenerateCounter, &mut tag)?;
            session.message_encrypt_init(&Mechanism::AesGcmMessage(parameter), key)?;
            for number in 0..3u8 {
                let mut parameter = parameter;
                let text =
                    session.encrypt_message(&MessageParam::AesGcmMessage(parameter), &[number], &[number; 40])?;
                sealed.push((parameter.iv().to_vec(), parameter.tag().to_vec(), text));
            }
            session.message_encrypt_final()?;
            assert!(sealed[0].0 != sealed[1].0 && sealed[1].0 != sealed[2].0, "the token makes another IV each time");
            let (mut iv, mut tag) = ([0; 12], [0; 16]);
            let parameter = GcmMessageParams::new(&mut iv, 0.into(), GeneratorFunction::NoGenerate, &mut tag)?;
            session.message_decrypt_init(&Mechanism::AesGcmMessage(parameter), key)?;
            for (number, (mut iv, mut tag, text)) in (0u8..).zip(sealed) {
                let parameter = GcmMessageParams::new(&mut iv, 0.into(), GeneratorFunction::NoGenerate, &mut tag)?;
                let parameter = || MessageParam::AesGcmMessage(parameter);
                assert_eq!(session.decrypt_message(&parameter(), &[number], &text)?, [number; 40]);
                let refused = session.decrypt_message(&parameter(), &[number, 1], &text).unwrap_err();
                assert!(matches!(refused, Error::Pkcs11(..)), "{refused}");
                // The same in parts.
                session.decrypt_message_begin(parameter(), &[number])?;
                let (first, rest) = text.split_at(17);
                let mut opened = session.decrypt_message_next(parameter(), first, false)?;
                opened.extend(session.decrypt_message_next(parameter(), rest, true)?);
                assert_eq!(opened, [number; 40]);
            }
            session.message_decrypt_final()
        });
    });
}

#[test]
fn version_3_verifies_a_signature_that_comes_first() {
    isolated(|env| {
        with(env, |_, session| {
            let public = [Attribute::ParameterSet(MlDsaParameterSetType::ML_DSA_65.into())];
            let ml_dsa = session.generate_key_pair(&Mechanism::MlDsaKeyPairGen, &public, &[])?;
            let hedged = Mechanism::MlDsa(SignAdditionalContext::new(HedgeType::Preferred, Some(b"context")));
            for (mechanism, (public, private)) in [(Mechanism::Sha256RsaPkcs, rsa(session)?), (hedged, ml_dsa)] {
                let signature = session.sign(&mechanism, private, DOCUMENT.as_bytes())?;
                session.verify_signature_init(&mechanism, public, &signature)?;
                session.verify_signature(DOCUMENT.as_bytes())?;
                session.verify_signature_init(&mechanism, public, &signature)?;
                let refused = session.verify_signature(b"another document").unwrap_err();
                assert!(matches!(refused, Error::Pkcs11(RvError::SignatureInvalid, _)), "{refused}");
                session.verify_signature_init(&mechanism, public, &signature)?;
                for part in DOCUMENT.as_bytes().chunks(5) {
                    session.verify_signature_update(part)?;
                }
                session.verify_signature_final()?;
            }
            Ok(())
        });
    });
}

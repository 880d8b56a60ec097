//! What somebody writes into a token who may use its TPM and its directory, and has no PIN: public objects, and what they
//! say of themselves.

mod common;

use common::{Done, Site, beside};
use cryptoki_sys as ck;
use sealhsm_core::application::{ObjectHandle, SessionHandle};
use sealhsm_core::attribute::{Attributes, Raw, Template, Type, codec};
use sealhsm_core::config::Config;
use sealhsm_core::mechanism::{Mechanism, Parameter};
use sealhsm_core::{Application, Error};
use sealhsm_door::Door;
use sealhsm_seal as seal;
use sealhsm_secret::Secret;
use sealhsm_store::{Change, Entry, Rings};
use std::cell::{OnceCell, RefCell};
use uuid::Uuid;

const TRUE: &[u8] = &[1];
const FALSE: &[u8] = &[0];
const USER: u64 = ck::CKU_USER;

fn template<'a>(rows: &[(Type, &'a [u8])]) -> Template<'a> {
    Template(rows.iter().map(|(of, bytes)| (*of, Raw::Bytes(bytes))).collect())
}

fn plain(mechanism: u64) -> Mechanism<'static> {
    Mechanism { mechanism, parameter: Parameter::None }
}

/// A pair made for wrapping, of which the token keeps the public half among its public objects.
fn wrapping_pair(app: &Application, session: SessionHandle) -> ObjectHandle {
    let bits = 2048u64.to_ne_bytes();
    let public = [(ck::CKA_TOKEN, TRUE), (ck::CKA_WRAP, TRUE), (ck::CKA_MODULUS_BITS, &bits)];
    let never = [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_DECAPSULATE, ck::CKA_EXTRACTABLE];
    let private = never.iter().map(|of| (*of, FALSE)).chain([(ck::CKA_UNWRAP, TRUE), (ck::CKA_PRIVATE, FALSE)]);
    let private: Vec<_> = private.collect();
    let generator = plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN);
    app.generate_key_pair(session, &generator, &template(&public), &template(&private)).unwrap().0
}

/// Wraps a sensitive key.
fn wrap(app: &Application, session: SessionHandle, under: ObjectHandle) -> Result<usize, Error> {
    let len = 32u64.to_ne_bytes();
    let sensitive = [(ck::CKA_VALUE_LEN, &len[..]), (ck::CKA_SENSITIVE, TRUE), (ck::CKA_EXTRACTABLE, TRUE)];
    let key = app.generate_key(session, &plain(ck::CKM_AES_KEY_GEN), &template(&sensitive)).unwrap();
    let (hash, mgf) = (ck::CKM_SHA256, ck::CKG_MGF1_SHA256);
    let parameter = Parameter::RsaAesKeyWrap { aes_bits: 256, hash, mgf, source: 0, label: &[] };
    let mechanism = Mechanism { mechanism: ck::CKM_RSA_AES_KEY_WRAP, parameter };
    app.wrap_key(session, &mechanism, under, key.handles[0], Some(&mut [0; 1024]))
}

/// The token, for a process with the configuration of its place.
const TOKEN: &str = "FORGED_TOKEN";

#[test]
fn what_a_public_object_says_of_itself_counts_only_with_the_tag_of_who_had_a_pin() {
    if let Ok(token) = std::env::var(TOKEN) {
        return forge(Uuid::parse_str(&token).unwrap());
    }
    let site = Site::with_tpm();
    let token = site.token("t");
    let mut again = site.program(std::env::current_exe().unwrap());
    again.env(TOKEN, token["uuid"].as_str().unwrap()).arg("--nocapture");
    Done::of(again.output().unwrap()).ok();
}

fn forge(uuid: Uuid) {
    let config = Config::load(beside("sealhsm-tpm").parent()).unwrap();
    let (settings, door) = (config.seal_settings(), Door::new(config.door_settings()));
    let app = Application::start(config).unwrap();
    let slot = app.slots(true, true).unwrap()[0];
    let session = app.open_session(slot, ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION).unwrap();
    let pin = Secret::copy_of(b"1234");
    app.login(session, USER, &pin).unwrap();
    let public = wrapping_pair(&app, session);
    wrap(&app, session, public).unwrap();
    // The attacker has the key of the public objects from the TPM.
    let target = OnceCell::new();
    let rewrite = |change: &dyn Fn(&mut Attributes)| {
        let public = seal::open_machine(&settings, &door, uuid).unwrap();
        let store = seal::objects(&settings, uuid, Rings { public, private: None }).unwrap();
        let entries = store.refresh().unwrap().put;
        let wanted = *target.get_or_init(|| entries[0].uuid);
        let Entry { ring, version, record, .. } = entries.into_iter().find(|entry| entry.uuid == wanted).unwrap();
        let mut object = codec::decode(store.load(ring, wanted, version).unwrap().as_ref()).unwrap();
        change(&mut object);
        let body = codec::encode(&object).unwrap();
        let put = Change::Put { uuid: wanted, ring, expected: version, record: &record, body: &body };
        store.commit(&[put]).unwrap();
        // A search looks at the index, whenever the last look was.
        app.find_init(session, &template(&[])).unwrap();
        app.find_final(session).unwrap();
    };
    let label = |object: &mut Attributes| object.set_bytes(ck::CKA_LABEL, "another");
    let (modulus, other) = (RefCell::new(Vec::new()), [0xc5; 256]);
    rewrite(&label);
    wrap(&app, session, public).unwrap();
    rewrite(&|object| {
        *modulus.borrow_mut() = object.bytes(ck::CKA_MODULUS).unwrap().to_vec();
        object.set_bytes(ck::CKA_MODULUS, other);
    });
    assert_eq!(wrap(&app, session, public), Err(Error::KeyNotWrappable));
    // Neither a change nor a copy makes it one that is vouched for.
    let copy = app.copy_object(session, public, &template(&[])).unwrap();
    let kept = app.copy_object(session, public, &template(&[(ck::CKA_TOKEN, FALSE)])).unwrap();
    app.set_attributes(session, public, &template(&[(ck::CKA_LABEL, b"a third")])).unwrap();
    for key in [copy, kept, public] {
        assert_eq!(wrap(&app, session, key), Err(Error::KeyNotWrappable));
    }
    app.destroy_object(session, copy).unwrap();
    rewrite(&|object| object.set_bytes(ck::CKA_MODULUS, modulus.borrow().clone()));
    wrap(&app, session, public).unwrap();
    // Copies of what is vouched for are so too, and what the SO trusts.
    let copy = app.copy_object(session, public, &template(&[])).unwrap();
    wrap(&app, session, copy).unwrap();
    app.destroy_object(session, copy).unwrap();
    rewrite(&|object| object.set_bool(ck::CKA_TRUSTED, true));
    assert_eq!(wrap(&app, session, public), Err(Error::KeyNotWrappable));
    app.destroy_object(session, public).unwrap();
    // Nobody vouches for what is made without a PIN.
    app.logout(session).unwrap();
    let unvouched = wrapping_pair(&app, session);
    app.login(session, USER, &pin).unwrap();
    assert_eq!(wrap(&app, session, unvouched), Err(Error::KeyNotWrappable));
    app.stop();
}

//! What callers get wrong with pointers, counts, lengths and handles: a return value at once, never a crash, and
//! nothing changed. The order is that of the standard: arguments, session, then the rest.

use kit::ck;
use kit::{Env, Module, Object, SO_PIN, Session, Template, USER_PIN, isolated};
use std::ffi::c_void;
use std::ptr::null_mut;

const UNAVAILABLE: ck::CK_ULONG = ck::CK_UNAVAILABLE_INFORMATION;

/// A session on a new token, nobody logged in.
fn public_session<'m>(env: &Env, module: &'m Module) -> Session<'m> {
    module.open_rw(env.token(module, "test")).unwrap()
}

fn data(label: &str) -> Template {
    Template::new().class(ck::CKO_DATA).private(false).label(label).bytes(ck::CKA_VALUE, b"value")
}

#[test]
#[allow(unsafe_code)]
fn a_null_pin_is_bad_arguments_whatever_its_length() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        let (raw, pin) = (module.raw(), USER_PIN.as_ptr().cast_mut());
        let (length, free) = (USER_PIN.len() as ck::CK_ULONG, *module.slots().unwrap().last().unwrap());
        // SAFETY: NULL is what is tested; PIN and label have their lengths.
        let rvs = unsafe {
            [
                raw.C_Login(session.handle, ck::CKU_USER, null_mut(), 0),
                raw.C_Login(session.handle, ck::CKU_USER, null_mut(), length),
                raw.C_Login(session.handle, ck::CKU_USER, pin, UNAVAILABLE),
                raw.C_LoginUser(session.handle, ck::CKU_USER, null_mut(), 0, null_mut(), 0),
                raw.C_LoginUser(session.handle, ck::CKU_USER, pin, length, null_mut(), 1),
                raw.C_SetPIN(session.handle, null_mut(), 0, pin, length),
                raw.C_SetPIN(session.handle, pin, length, null_mut(), 0),
                raw.C_InitPIN(session.handle, null_mut(), 0),
                raw.C_InitToken(free, null_mut(), 0, [b' '; 32].as_mut_ptr()),
                raw.C_InitToken(free, pin, length, null_mut()),
            ]
        };
        assert_eq!(rvs, [ck::CKR_ARGUMENTS_BAD; 10]);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
    });
}

#[test]
fn a_user_with_a_name_is_nobody_here_and_without_one_is_the_user() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        assert_eq!(session.login_user(ck::CKU_USER, USER_PIN, "alice").unwrap_err(), ck::CKR_ARGUMENTS_BAD);
        session.login_user(ck::CKU_USER, USER_PIN, "").unwrap();
        assert_eq!(session.info().unwrap().state, ck::CKS_RW_USER_FUNCTIONS);
        session.logout().unwrap();
        session.login_user(ck::CKU_SO, SO_PIN, "").unwrap();
    });
}

#[test]
#[allow(unsafe_code)]
fn a_template_that_cannot_be_is_refused_before_it_is_read() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        let object = session.create(&data("kept")).unwrap();
        let raw = module.raw();
        let mut class = ck::CKO_DATA;
        let entry = |at: *mut c_void, length| ck::CK_ATTRIBUTE { type_: ck::CKA_CLASS, pValue: at, ulValueLen: length };
        let class_at: *mut c_void = (&raw mut class).cast();
        let cases = [
            (Some(entry(class_at, 8)), 1 << 32),
            (Some(entry(class_at, 8)), u64::MAX),
            (Some(entry(null_mut(), 8)), 1),
            (Some(entry(class_at, UNAVAILABLE)), 1),
            (Some(entry(class_at, 1 << 63)), 1),
            (None, 1),
        ];
        for (mut entry, count) in cases {
            let at = entry.as_mut().map_or(null_mut(), |entry| entry as *mut _);
            let mut handle = 0;
            // SAFETY: one attribute or NULL: that count and lengths lie is what is tested.
            let rvs = unsafe {
                [
                    raw.C_CreateObject(session.handle, at, count, &raw mut handle),
                    raw.C_CopyObject(session.handle, object.0, at, count, &raw mut handle),
                    raw.C_SetAttributeValue(session.handle, object.0, at, count),
                    raw.C_FindObjectsInit(session.handle, at, count),
                ]
            };
            assert_eq!(rvs, [ck::CKR_ARGUMENTS_BAD; 4], "count {count}");
        }
        // SAFETY: NULL or no entry at all.
        let none = unsafe { raw.C_GetAttributeValue(session.handle, object.0, null_mut(), 1) };
        assert_eq!(none, ck::CKR_ARGUMENTS_BAD);
        assert_eq!(session.find(&Template::new()).unwrap(), [object]);
    });
}

#[test]
fn every_attribute_is_answered_that_can_be() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        let object = session.create(&data("a label")).unwrap();
        let types = [ck::CKA_VALUE, ck::CKA_MODULUS, ck::CKA_LABEL, 0x7fff_0000, ck::CKA_CLASS];
        let (result, values) = session.attributes(object, &types, 32);
        assert_eq!(result.unwrap_err(), ck::CKR_ATTRIBUTE_TYPE_INVALID);
        assert_eq!(values[0].as_deref(), Some(&b"value"[..]));
        assert_eq!((&values[1], &values[3]), (&None, &None));
        assert_eq!(values[2].as_deref(), Some(&b"a label"[..]));
        assert_eq!(values[4].as_deref(), Some(&ck::CKO_DATA.to_ne_bytes()[..]));

        let (result, values) = session.attributes(object, &[ck::CKA_LABEL, ck::CKA_TOKEN], 3);
        assert_eq!(result.unwrap_err(), ck::CKR_BUFFER_TOO_SMALL);
        assert_eq!(values, [None, Some(vec![0])]);
    });
}

#[test]
fn handles_that_never_were_or_are_no_more_say_so() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        let object = session.create(&data("gone")).unwrap();
        session.destroy(object).unwrap();
        for dead in [object, Object(0), Object(u64::MAX)] {
            assert_eq!(session.bytes(dead, ck::CKA_LABEL).unwrap_err(), ck::CKR_OBJECT_HANDLE_INVALID);
            assert_eq!(session.destroy(dead).unwrap_err(), ck::CKR_OBJECT_HANDLE_INVALID);
        }
        assert_ne!(session.create(&data("new")).unwrap(), object, "a handle is never used again");
        session.close().unwrap();
        for dead in [session, Session { handle: 0, ..session }, Session { handle: u64::MAX, ..session }] {
            assert_eq!(dead.info().unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
            assert_eq!(dead.find(&Template::new()).unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
            assert_eq!(dead.random(8).unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
            assert_eq!(dead.close().unwrap_err(), ck::CKR_SESSION_HANDLE_INVALID);
        }
        assert_eq!(module.open_ro(0xdead_beef).err().unwrap(), ck::CKR_SLOT_ID_INVALID);
    });
}

#[test]
#[allow(unsafe_code)]
fn a_search_gives_no_more_than_it_is_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        for n in 0..5 {
            session.create(&data(&n.to_string())).unwrap();
        }
        assert_eq!(session.find_some(1).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
        session.find_init(&Template::new()).unwrap();
        assert_eq!(session.find_init(&Template::new()).unwrap_err(), ck::CKR_OPERATION_ACTIVE);
        assert_eq!(session.find_some(0).unwrap(), []);
        let first = session.find_some(2).unwrap();
        let rest = session.find_some(100).unwrap();
        assert_eq!((first.len(), rest.len()), (2, 3));
        assert_eq!(session.find_some(100).unwrap(), []);
        session.find_final().unwrap();

        session.find_init(&Template::new()).unwrap();
        let mut count = 0;
        // SAFETY: NULL is what is tested.
        let rv = unsafe { module.raw().C_FindObjects(session.handle, null_mut(), 1, &raw mut count) };
        assert_eq!(rv, ck::CKR_ARGUMENTS_BAD);
        assert_eq!(session.find_final().unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED, "an error ends a search");
    });
}

#[test]
#[allow(unsafe_code)]
fn random_bytes_have_the_length_asked_for() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        assert_ne!(session.random(32).unwrap(), session.random(32).unwrap());
        assert_eq!(session.random(0).unwrap(), []);
        session.seed_random(b"seed").unwrap();
        // SAFETY: NULL is what is tested.
        let rvs = unsafe {
            [
                module.raw().C_GenerateRandom(session.handle, null_mut(), 8),
                module.raw().C_SeedRandom(session.handle, null_mut(), 8),
            ]
        };
        assert_eq!(rvs, [ck::CKR_ARGUMENTS_BAD; 2]);
    });
}

#[test]
#[allow(unsafe_code)]
fn what_no_session_here_can_be_asked_for_says_so_after_the_session_check() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        let (raw, handle) = (module.raw(), session.handle);
        let mut flags = 1;
        // SAFETY: these calls look at nothing but the session, the last two at a place for a result.
        unsafe {
            assert_eq!(raw.C_AsyncComplete(handle, null_mut(), null_mut()), ck::CKR_FUNCTION_NOT_SUPPORTED);
            assert_eq!(raw.C_AsyncGetID(handle, null_mut(), null_mut()), ck::CKR_FUNCTION_NOT_SUPPORTED);
            assert_eq!(raw.C_AsyncJoin(0, null_mut(), 0, null_mut(), 0), ck::CKR_SESSION_HANDLE_INVALID);
            assert_eq!(raw.C_AsyncJoin(handle, null_mut(), 0, null_mut(), 0), ck::CKR_FUNCTION_NOT_SUPPORTED);
            assert_eq!(raw.C_GetFunctionStatus(handle), ck::CKR_FUNCTION_NOT_PARALLEL);
            assert_eq!(raw.C_CancelFunction(handle), ck::CKR_FUNCTION_NOT_PARALLEL);
            let of = ck::CKS_LAST_VALIDATION_OK;
            assert_eq!(raw.C_GetSessionValidationFlags(handle, of, &raw mut flags), ck::CKR_OK);
            assert_eq!(flags, 0);
            assert_eq!(raw.C_GetSessionValidationFlags(handle, of + 1, &raw mut flags), ck::CKR_ARGUMENTS_BAD);
        }
    });
}

#[test]
fn cancelling_what_is_not_active_is_fine() {
    isolated(|env| {
        let module = env.module();
        let session = public_session(env, &module);
        session.cancel(0).unwrap();
        session.cancel(u64::MAX).unwrap();
        session.encrypt_cancel().unwrap();
        session.decrypt_cancel().unwrap();
        session.sign_cancel().unwrap();
        session.verify_cancel().unwrap();
        session.find_init(&Template::new()).unwrap();
        session.cancel(ck::CKF_FIND_OBJECTS).unwrap();
        assert_eq!(session.find_some(1).unwrap_err(), ck::CKR_OPERATION_NOT_INITIALIZED);
    });
}

#[test]
fn a_token_s_texts_are_padded_and_its_numbers_true() {
    isolated(|env| {
        let module = env.module();
        let slot = env.token(&module, "a label with ünicode");
        let session = module.open_rw(slot).unwrap();
        let _read_only = module.open_ro(slot).unwrap();
        let info = module.token_info(slot).unwrap();
        assert_eq!(kit::text(&info.label), "a label with ünicode");
        let fields = [&info.label[..], &info.manufacturerID, &info.model, &info.serialNumber, &info.utcTime];
        for field in fields {
            assert!(!field.contains(&0), "{field:?}");
        }
        assert_eq!(info.utcTime, [b' '; 16]);
        assert_eq!((info.ulSessionCount, info.ulRwSessionCount), (2, 1));
        assert_ne!(info.flags & ck::CKF_TOKEN_INITIALIZED, 0);
        assert_eq!(session.info().unwrap().slotID, slot);
    });
}

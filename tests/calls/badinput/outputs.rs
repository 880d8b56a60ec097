//! Inputs and outputs of running operations: NULL, no place for the length, lengths that no memory has. Each is a bad
//! argument and ends the operation, as every error does.
#![allow(unsafe_code)]

use kit::{Mechanism, Rv, Session, ck, isolated};
use std::ptr::null_mut;

const DATA: [u8; 32] = *b"thirty-two bytes, good for a MAC";

type Once =
    unsafe fn(&ck::Pkcs11, ck::CK_SESSION_HANDLE, *mut u8, ck::CK_ULONG, *mut u8, *mut ck::CK_ULONG) -> ck::CK_RV;
type Last = unsafe fn(&ck::Pkcs11, ck::CK_SESSION_HANDLE, *mut u8, *mut ck::CK_ULONG) -> ck::CK_RV;

/// An operation with an output.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Encrypt,
    Decrypt,
    Digest,
    Sign,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Encrypt, Kind::Decrypt, Kind::Digest, Kind::Sign];

    fn begin(self, session: &Session<'_>) {
        let begun = match self {
            Kind::Encrypt => session.encrypt_init(&Mechanism::gcm(&[1; 12], b"", 128), session.aes(&DATA)),
            Kind::Decrypt => session.decrypt_init(&Mechanism::ctr(128, [0; 16]), session.aes(&DATA)),
            Kind::Digest => session.digest_init(&Mechanism::plain(ck::CKM_SHA256)),
            Kind::Sign => session.sign_init(&Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&DATA)),
        };
        begun.unwrap();
    }

    fn once(self) -> Once {
        match self {
            Kind::Encrypt => ck::Pkcs11::C_Encrypt,
            Kind::Decrypt => ck::Pkcs11::C_Decrypt,
            Kind::Digest => ck::Pkcs11::C_Digest,
            Kind::Sign => ck::Pkcs11::C_Sign,
        }
    }

    /// The call that takes a part, where it has an output.
    fn part(self) -> Option<Once> {
        match self {
            Kind::Encrypt => Some(ck::Pkcs11::C_EncryptUpdate),
            Kind::Decrypt => Some(ck::Pkcs11::C_DecryptUpdate),
            Kind::Digest | Kind::Sign => None,
        }
    }

    fn last(self) -> Last {
        match self {
            Kind::Encrypt => ck::Pkcs11::C_EncryptFinal,
            Kind::Decrypt => ck::Pkcs11::C_DecryptFinal,
            Kind::Digest => ck::Pkcs11::C_DigestFinal,
            Kind::Sign => ck::Pkcs11::C_SignFinal,
        }
    }
}

/// Lengths that no memory has.
const IMPOSSIBLE: [ck::CK_ULONG; 2] = [1 << 63, ck::CK_UNAVAILABLE_INFORMATION];

#[track_caller]
fn is_over(session: &Session<'_>, kind: Kind) {
    let mut length = 0;
    // SAFETY: NULL asks for the length.
    let rv = unsafe { kind.last()(session.module.raw(), session.handle, null_mut(), &raw mut length) };
    assert_eq!(rv, ck::CKR_OPERATION_NOT_INITIALIZED, "{kind:?} goes on: {:?}", Rv(rv));
}

#[test]
fn a_single_part_call_with_bad_arguments_ends_the_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (raw, handle) = (module.raw(), session.handle);
        for kind in Kind::ALL {
            let (data, mut room) = (DATA.as_ptr().cast_mut(), [0u8; 64]);
            for call in [Some(kind.once()), kind.part()].into_iter().flatten() {
                let refused = |data: *mut u8, length, out: *mut u8, room: *mut ck::CK_ULONG| {
                    kind.begin(&session);
                    // SAFETY: what no memory has must not be touched; the rest has its length.
                    let rv = unsafe { call(raw, handle, data, length, out, room) };
                    assert_eq!(rv, ck::CKR_ARGUMENTS_BAD, "{kind:?}: {:?}", Rv(rv));
                    is_over(&session, kind);
                };
                let mut length = 64;
                refused(data, 32, room.as_mut_ptr(), null_mut());
                refused(data, 32, null_mut(), null_mut());
                refused(null_mut(), 32, room.as_mut_ptr(), &raw mut length);
                refused(null_mut(), 1 << 32, null_mut(), &raw mut length);
                for mut impossible in IMPOSSIBLE {
                    refused(data, impossible, room.as_mut_ptr(), &raw mut length);
                    refused(null_mut(), impossible, room.as_mut_ptr(), &raw mut length);
                    refused(data, 32, room.as_mut_ptr(), &raw mut impossible);
                }
            }
            assert_eq!(room, [0; 64], "{kind:?} wrote something");
        }
    });
}

#[test]
fn the_last_call_with_bad_arguments_ends_the_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (raw, handle) = (module.raw(), session.handle);
        for kind in Kind::ALL {
            let mut room = [0u8; 64];
            let mut impossible = IMPOSSIBLE;
            let [half, most] = &mut impossible;
            for (out, length) in [
                (null_mut(), null_mut()),
                (room.as_mut_ptr(), null_mut()),
                (room.as_mut_ptr(), half as *mut _),
                (room.as_mut_ptr(), most as *mut _),
            ] {
                kind.begin(&session);
                // SAFETY: what no memory has must not be touched.
                let rv = unsafe { kind.last()(raw, handle, out, length) };
                assert_eq!(rv, ck::CKR_ARGUMENTS_BAD, "{kind:?}: {:?}", Rv(rv));
                is_over(&session, kind);
            }
        }
    });
}

#[test]
fn a_length_query_does_not_look_at_the_length_that_is_there() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for kind in Kind::ALL {
            kind.begin(&session);
            for mut length in [0, 1, 1 << 63, ck::CK_UNAVAILABLE_INFORMATION] {
                let data = DATA.as_ptr().cast_mut();
                // SAFETY: NULL asks for the length; the data has its own.
                let rv = unsafe { kind.once()(module.raw(), session.handle, data, 32, null_mut(), &raw mut length) };
                assert_eq!(rv, ck::CKR_OK, "{kind:?}");
                assert!((32..=64).contains(&length), "{kind:?}: {length}");
            }
            session.cancel(u64::MAX).unwrap();
        }
    });
}

#[test]
fn parts_and_signatures_that_are_null_end_the_operation() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let (raw, handle) = (module.raw(), session.handle);
        let (hmac, secret) = (Mechanism::plain(ck::CKM_SHA256_HMAC), session.secret(&DATA));
        let over = ck::CKR_OPERATION_NOT_INITIALIZED;
        for length in [1, 32, 1 << 32, 1 << 63, ck::CK_UNAVAILABLE_INFORMATION] {
            let data = DATA.as_ptr().cast_mut();
            session.sign_init(&hmac, secret).unwrap();
            // SAFETY: NULL is what is tested.
            assert_eq!(unsafe { raw.C_SignUpdate(handle, null_mut(), length) }, ck::CKR_ARGUMENTS_BAD);
            assert_eq!(session.sign_update(&DATA).unwrap_err(), over);
            session.digest_init(&Mechanism::plain(ck::CKM_SHA256)).unwrap();
            // SAFETY: NULL is what is tested.
            assert_eq!(unsafe { raw.C_DigestUpdate(handle, null_mut(), length) }, ck::CKR_ARGUMENTS_BAD);
            assert_eq!(session.digest_update(&DATA).unwrap_err(), over);
            for number in 0..4 {
                session.verify_init(&hmac, secret).unwrap();
                // SAFETY: NULL is what is tested; what is not NULL has its length.
                let rv = unsafe {
                    match number {
                        0 => raw.C_VerifyUpdate(handle, null_mut(), length),
                        1 => raw.C_VerifyFinal(handle, null_mut(), length),
                        2 => raw.C_Verify(handle, null_mut(), length, data, 32),
                        _ => raw.C_Verify(handle, data, 32, null_mut(), length),
                    }
                };
                assert_eq!(rv, ck::CKR_ARGUMENTS_BAD, "number {number}");
                assert_eq!(session.verify_final(&DATA).unwrap_err(), over, "number {number}");
            }
        }
    });
}

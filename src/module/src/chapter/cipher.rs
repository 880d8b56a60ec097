//! Chapters "encryption" and "decryption" (PKCS#11 3.2 sections 5.8 and 5.10).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

macro_rules! cipher {
    ($flag:ident, $init:ident => $init_of:ident, $once:ident => $once_of:ident, $update:ident => $update_of:ident,
     $last:ident => $last_of:ident) => {
        entries! {
            fn $init(app, session: ck::CK_SESSION_HANDLE, mechanism: *mut ck::CK_MECHANISM, key: ck::CK_OBJECT_HANDLE) {
                app.$init_of(session, decode::mechanism_or_cancel(mechanism)?.as_ref(), key)
            }

            fn $once(
                app,
                session: ck::CK_SESSION_HANDLE,
                data: *mut ck::CK_BYTE,
                length: ck::CK_ULONG,
                out: *mut ck::CK_BYTE,
                out_length: *mut ck::CK_ULONG
            ) {
                let given = Output::of(out, out_length).and_then(|out| Ok((data.input(length)?, out)));
                let (data, out) = decode::or_end(app, session, ck::$flag, given)?;
                out.fill_from(data, |data, out| app.$once_of(session, data, out))
            }

            fn $update(
                app,
                session: ck::CK_SESSION_HANDLE,
                part: *mut ck::CK_BYTE,
                length: ck::CK_ULONG,
                out: *mut ck::CK_BYTE,
                out_length: *mut ck::CK_ULONG
            ) {
                let given = Output::of(out, out_length).and_then(|out| Ok((part.input(length)?, out)));
                let (part, out) = decode::or_end(app, session, ck::$flag, given)?;
                out.fill_from(part, |part, out| app.$update_of(session, part, out))
            }

            fn $last(app, session: ck::CK_SESSION_HANDLE, out: *mut ck::CK_BYTE, out_length: *mut ck::CK_ULONG) {
                let out = decode::or_end(app, session, ck::$flag, Output::of(out, out_length))?;
                out.fill(|out| app.$last_of(session, out))
            }
        }
    };
}

cipher! {
    CKF_ENCRYPT, C_EncryptInit => encrypt_init, C_Encrypt => encrypt, C_EncryptUpdate => encrypt_update,
    C_EncryptFinal => encrypt_final
}

cipher! {
    CKF_DECRYPT, C_DecryptInit => decrypt_init, C_Decrypt => decrypt, C_DecryptUpdate => decrypt_update,
    C_DecryptFinal => decrypt_final
}

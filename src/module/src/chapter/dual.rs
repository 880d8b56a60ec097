//! Chapter "dual-function cryptographic functions" (PKCS#11 3.2 section 5.17).

use crate::decode;
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;

macro_rules! dual {
    ($($name:ident => $of:ident, $flags:expr;)*) => {
        entries! { $(
            fn $name(
                app,
                session: ck::CK_SESSION_HANDLE,
                part: *mut ck::CK_BYTE,
                length: ck::CK_ULONG,
                out: *mut ck::CK_BYTE,
                out_length: *mut ck::CK_ULONG
            ) {
                let given = Output::of(out, out_length).and_then(|out| Ok((part.input(length)?, out)));
                let (part, out) = decode::or_end(app, session, $flags, given)?;
                out.fill_from(part, |part, out| app.$of(session, part, out))
            }
        )* }
    };
}

dual! {
    C_DigestEncryptUpdate => digest_encrypt_update, ck::CKF_DIGEST | ck::CKF_ENCRYPT;
    C_DecryptDigestUpdate => decrypt_digest_update, ck::CKF_DECRYPT | ck::CKF_DIGEST;
    C_SignEncryptUpdate => sign_encrypt_update, ck::CKF_SIGN | ck::CKF_ENCRYPT;
    C_DecryptVerifyUpdate => decrypt_verify_update, ck::CKF_DECRYPT | ck::CKF_VERIFY;
}

//! Keys by C_UnwrapKey and C_UnwrapKeyAuthenticated: secret keys of every type, and private keys of every type as
//! PKCS #8.

use crate::rows::birth::{Birth, Made};
use crate::rows::samples::{Samples, named};
use crate::rows::table::{KINDS, Kind, Way};
use kit::{Mechanism, Message, Object, ck, code, isolated};

/// By AES key wrapping, and by GCM.
fn births<'a>(samples: &'a Samples<'a>, kind: &'static Kind, under: Object) -> [Birth<'a>; 2] {
    let session = samples.session;
    let original = session.create(&samples.least(kind).sensitive(false).extractable(true)).unwrap();
    let public = (kind.class == ck::CKO_PRIVATE_KEY).then(|| samples.pair(kind.subtype.unwrap()).0);
    let made = move |object| Made { object, public, like: Some(original) };
    let birth = |by| {
        let mut birth = Birth::new(session, kind, Way::Unwrapped, by, named(kind)).says(ck::CKA_EXTRACTABLE, [1]);
        // Whatever is wrong with it, there is one answer.
        birth.wrong = ck::CKR_WRAPPED_KEY_INVALID;
        birth
    };
    let by = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
    let wrapped = session.wrap(&by, under, original).unwrap();
    let plain = birth("C_UnwrapKey").makes(move |template| session.unwrap(&by, under, &wrapped, template).map(made));
    let (gcm, mut message) = (ck::CKM_AES_GCM, Message::gcm(&[1; 12], 128));
    let wrapped = session.wrap_key_authenticated((gcm, &mut message), under, original, b"aad").unwrap();
    let authenticated = birth("C_UnwrapKeyAuthenticated").makes(move |template| {
        let mut message = message.clone();
        session.unwrap_key_authenticated((gcm, &mut message), under, &wrapped, template, b"aad").map(made)
    });
    [plain, authenticated]
}

#[test]
fn an_unwrapped_key_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let samples = Samples::new(&session);
        let under = session.aes(&[7; 16]);
        let (kinds, others): (Vec<_>, Vec<_>) =
            KINDS.iter().partition(|kind| [ck::CKO_SECRET_KEY, ck::CKO_PRIVATE_KEY].contains(&kind.class));
        for kind in kinds {
            births(&samples, kind, under).iter().for_each(Birth::holds);
        }
        let by = Mechanism::plain(ck::CKM_AES_KEY_WRAP_KWP);
        for kind in others {
            let refused = code(session.unwrap(&by, under, &[0; 24], &named(kind)));
            assert_eq!(refused, ck::CKR_TEMPLATE_INCONSISTENT, "{:#x} {:x?}", kind.class, kind.subtype);
        }
    });
}

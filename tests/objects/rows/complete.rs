//! The table has every kind of object and every attribute that the module has.

use crate::rows::all;
use crate::rows::table::KINDS;
use kit::{Template, ck, code, isolated};

/// More than there are classes, types and attributes in PKCS#11 3.2.
const CLASSES: u64 = 0x40;
const TYPES: u64 = 0x100;
const ATTRIBUTES: u64 = 0x1000;

#[test]
fn every_kind_of_object_that_can_be_created_stands_in_the_table() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        for class in 0..CLASSES {
            let kinds = || KINDS.iter().filter(|kind| kind.class == class);
            let template = Template::new().class(class);
            let unknown = |template: &Template| code(session.create(template)) == ck::CKR_ATTRIBUTE_VALUE_INVALID;
            assert_eq!(unknown(&template), kinds().next().is_none(), "{class:#x}");
            if kinds().any(|kind| kind.subtype.is_none()) {
                continue;
            }
            let of = if class == ck::CKO_CERTIFICATE { ck::CKA_CERTIFICATE_TYPE } else { ck::CKA_KEY_TYPE };
            for subtype in 0..TYPES {
                let known = kinds().any(|kind| kind.subtype == Some(subtype));
                assert_eq!(unknown(&template.clone().ulong(of, subtype)), !known, "{class:#x} {subtype:#x}");
            }
        }
    });
}

#[test]
fn every_attribute_that_an_object_can_have_stands_in_the_table() {
    // What only the module's own objects have.
    const BUILT_IN: [ck::CK_ATTRIBUTE_TYPE; 2] = [ck::CKA_MECHANISM_TYPE, ck::CKA_PROFILE_ID];
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let all = all();
        for of in (0..ATTRIBUTES).flat_map(|of| [of, of | ck::CKF_ARRAY_ATTRIBUTE]) {
            let answer = code(session.create(&Template::new().class(ck::CKO_DATA).bytes(of, b"")));
            let known = all.contains(&of) || BUILT_IN.contains(&of);
            assert_eq!(answer != ck::CKR_ATTRIBUTE_TYPE_INVALID, known, "{of:#x}: {answer}");
        }
    });
}

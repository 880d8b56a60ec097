//! Objects by C_CreateObject.

use crate::rows::birth::{Birth, Made};
use crate::rows::samples::Samples;
use crate::rows::table::{KINDS, Kind, Way};
use kit::{ck, isolated};

fn birth<'a>(samples: &'a Samples<'a>, kind: &'static Kind) -> Birth<'a> {
    let session = samples.session;
    let birth = Birth::new(session, kind, Way::Created, "C_CreateObject", samples.least(kind));
    birth.makes(move |template| {
        let object = session.create(template)?;
        Ok(match (kind.class, kind.subtype) {
            (ck::CKO_PUBLIC_KEY, Some(of)) => Made { object, public: Some(object), like: Some(samples.pair(of).0) },
            (ck::CKO_PRIVATE_KEY, Some(of)) => {
                let (public, private) = samples.pair(of);
                Made { object, public: Some(public), like: Some(private) }
            }
            _ => Made::alone(object),
        })
    })
}

#[test]
fn a_created_object_says_and_its_template_gives_what_the_table_says() {
    isolated(|env| {
        let module = env.module();
        let session = env.user(&module);
        let samples = Samples::new(&session);
        KINDS.iter().for_each(|kind| birth(&samples, kind).holds());
        env.report(&format!("{} kinds of objects, {} rows\n", KINDS.len(), KINDS.iter().flat_map(Kind::rows).count()));
    });
}

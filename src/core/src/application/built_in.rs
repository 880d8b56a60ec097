//! Objects that are built in, as the calls of object management meet them.

use super::{Application, ObjectHandle};
use crate::attribute::Attributes;
use crate::mechanism;
use crate::object::built_in::{self, BuiltIn};
use crate::object::{Object, view};
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;

impl Application {
    /// What is built in for this session.
    pub(super) fn built_ins(&self, session: &Session) -> Result<BuiltIn<'static>> {
        let rows = mechanism::rows().iter().copied().filter(|row| self.shared.config.allows(row)).collect();
        Ok(BuiltIn { rows, public_certificates: self.has_public_certificates(session)? })
    }

    /// The attributes of an object that is built in; `None` for any other handle.
    pub(super) fn built_in(&self, session: &Session, handle: ObjectHandle) -> Result<Option<Attributes>> {
        if !built_in::is_handle(handle) {
            return Ok(None);
        }
        self.built_ins(session)?.get(handle).map(Some).ok_or(Error::ObjectHandleInvalid)
    }

    /// Refuses to do anything to an object that is built in.
    pub(super) fn fixed(&self, session: &Session, handle: ObjectHandle) -> Result<()> {
        if self.built_in(session, handle)?.is_some() { Err(Error::ActionProhibited) } else { Ok(()) }
    }

    /// Whether there are certificates on the token, all of them public, and each with the CKA_ID of a public object that
    /// is half of its key: what a client needs to choose one before it asks for a PIN.
    fn has_public_certificates(&self, session: &Session) -> Result<bool> {
        let of_class = |class| {
            let mut search = Attributes::new();
            search.set_ulong(ck::CKA_CLASS, class);
            search.set_bool(ck::CKA_TOKEN, true);
            search
        };
        let store = session.token.present_store();
        let all = session.token.with_view(|view| view.candidates(&Attributes::new()));
        let mut certificates = Vec::new();
        let mut ids = Vec::new();
        for object in all {
            let id = |object: &Object| object.name(ck::CKA_ID).map(<[u8]>::to_vec);
            if view::matches(&object, &of_class(ck::CKO_CERTIFICATE), store.as_ref())? {
                certificates.push((object.private, id(&object)));
            } else if !object.private
                && (view::matches(&object, &of_class(ck::CKO_PUBLIC_KEY), store.as_ref())?
                    || view::matches(&object, &of_class(ck::CKO_PRIVATE_KEY), store.as_ref())?)
            {
                ids.extend(id(&object));
            }
        }
        let found = |(private, id): &(bool, Option<Vec<u8>>)| {
            !private && id.as_ref().is_some_and(|id| !id.is_empty() && ids.contains(id))
        };
        Ok(!certificates.is_empty() && certificates.iter().all(found))
    }
}

//! Chapter "object management" (PKCS#11 3.2 section 5.7).

use super::crypt::Found;
use super::{Application, ObjectHandle, SessionHandle};
use crate::attribute::build::{self, Alter, Birth};
use crate::attribute::rules::{self, Schema};
use crate::attribute::{Answer, Attributes, Template, Type, Value, codec, confine, strict, template};
use crate::mechanism::key;
use crate::object::built_in;
use crate::object::view::{self, new_handle};
use crate::object::{Home, Object, certificate, record};
use crate::session::Session;
use crate::session::operation::Search;
use crate::token::lock;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_seal::Who;
use sealhsm_secret::Secret;
use sealhsm_store::{Change, Ring};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use uuid::Uuid;

impl Application {
    /// C_CreateObject.
    pub fn create_object(&self, session: SessionHandle, template: &Template<'_>) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        let object = self.created(&session, build::parse_new(template)?)?;
        self.keep_one(&session, object)
    }

    /// The same for several objects at once, from templates that are parsed: all come to be, or none.
    pub fn create_objects(&self, session: SessionHandle, templates: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        let session = self.session(session)?;
        let objects: Result<Vec<_>> = templates.into_iter().map(|template| self.created(&session, template)).collect();
        self.keep(&session, objects?)
    }

    /// A template made complete.
    fn created(&self, session: &Session, mut object: Attributes) -> Result<Attributes> {
        let schema = build::schema_of(&object)?;
        self.fill(session, &mut object, schema, Birth::Create)?;
        self.may_write(session, &object)?;
        match rules::subtype_attribute(schema.class) {
            Some(ck::CKA_KEY_TYPE) => key::complete(&mut object)?,
            Some(ck::CKA_CERTIFICATE_TYPE) => certificate::complete(&mut object)?,
            _ => {}
        }
        if object.is(ck::CKA_TRUSTED) {
            confine::trusted(&mut object);
        }
        Ok(object)
    }

    /// C_CopyObject.
    pub fn copy_object(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        template: &Template<'_>,
    ) -> Result<ObjectHandle> {
        let session = self.session(session)?;
        self.fixed(&session, object)?;
        let (original, store) = self.object(&session, object)?;
        let present = original.attributes(store.as_ref())?;
        if !present.is(ck::CKA_COPYABLE) {
            return Err(Error::ActionProhibited);
        }
        let so = session.token.who() == Some(Who::So);
        let changes = template::parse(template)?;
        let mut copy = build::alter(present, changes, build::schema_of(present)?, Alter::Copy, so)?;
        confine::set_tag(&mut copy, None);
        if !session.token.vouches_for(&original, present)? {
            confine::unmark(&mut copy);
        }
        if self.shared.config.strict {
            strict::alter(present, &copy, Alter::Copy)?;
        }
        copy.remove(ck::CKA_UNIQUE_ID);
        if copy.is(ck::CKA_TRUSTED) && !so {
            copy.set_bool(ck::CKA_TRUSTED, false);
        }
        self.may_write(&session, &copy)?;
        self.keep_one(&session, copy)
    }

    /// C_DestroyObject.
    pub fn destroy_object(&self, session: SessionHandle, object: ObjectHandle) -> Result<()> {
        let session = self.session(session)?;
        self.fixed(&session, object)?;
        let (object, store) = self.object(&session, object)?;
        let attributes = object.attributes(store.as_ref())?;
        self.may_write(&session, attributes)?;
        if !attributes.is(ck::CKA_DESTROYABLE) {
            return Err(Error::ActionProhibited);
        }
        if let Home::Session { .. } = object.home {
            session.token.change_view(|view| view.remove(object.handle));
            // Otherwise no session has anything to let go of, however many there are.
            if object.key_is_shared() {
                self.settle(&session.token);
            }
            return Ok(());
        }
        let done = session.token.commit(|| {
            // After a conflict it may have changed or be gone.
            let now = session.token.object(object.handle).ok_or(Error::ObjectHandleInvalid)?;
            let Home::Token { ring, version } = now.home else { return Err(Error::ObjectHandleInvalid) };
            Ok(vec![Change::Destroy { uuid: now.uuid, ring, expected: version }])
        });
        self.settle(&session.token);
        done
    }

    /// C_GetObjectSize: what the object takes up, in bytes.
    pub fn object_size(&self, session: SessionHandle, object: ObjectHandle) -> Result<u64> {
        let session = self.session(session)?;
        if let Some(attributes) = self.built_in(&session, object)? {
            return Ok(codec::encode_plain(&attributes)?.len() as u64);
        }
        let (object, store) = self.object(&session, object)?;
        let attributes = object.attributes(store.as_ref())?;
        Ok(codec::encode(attributes)?.len() as u64)
    }

    /// C_GetAttributeValue: one answer per type asked, in order.
    pub fn attributes(&self, session: SessionHandle, object: ObjectHandle, types: &[Type]) -> Result<Vec<Answer>> {
        let session = self.session(session)?;
        if let Some(attributes) = self.built_in(&session, object)? {
            let answer = |of: &Type| attributes.value(*of).map_or(Answer::Absent, |v| Answer::Value(v.duplicate()));
            return Ok(types.iter().map(answer).collect());
        }
        let (object, store) = self.object(&session, object)?;
        let attributes = object.attributes(store.as_ref())?;
        let schema = build::schema_of(attributes)?;
        let answer = |of: &Type| match attributes.value(*of) {
            None => Answer::Absent,
            // Kept for ourselves.
            Some(_) if schema.rule(*of).is_none() => Answer::Absent,
            Some(_) if !build::readable(attributes, schema, *of) => Answer::Sensitive,
            Some(value) => Answer::Value(value.duplicate()),
        };
        Ok(types.iter().map(answer).collect())
    }

    /// C_SetAttributeValue: all of the template or nothing.
    pub fn set_attributes(&self, session: SessionHandle, object: ObjectHandle, template: &Template<'_>) -> Result<()> {
        let session = self.session(session)?;
        let token = &session.token;
        self.fixed(&session, object)?;
        self.object(&session, object)?;
        let so = token.who() == Some(Who::So);
        let change = |now: &Object, present: &Attributes| -> Result<Attributes> {
            self.may_write(&session, present)?;
            if !present.is(ck::CKA_MODIFIABLE) {
                return Err(Error::ActionProhibited);
            }
            let schema = build::schema_of(present)?;
            let mut changed = build::alter(present, template::parse(template)?, schema, Alter::Set, so)?;
            if self.shared.config.strict {
                strict::alter(present, &changed, Alter::Set)?;
            }
            if changed.is(ck::CKA_TRUSTED) != present.is(ck::CKA_TRUSTED) {
                if !token.vouches_for(now, present)? {
                    confine::unborn(&mut changed);
                }
                if let Home::Token { ring, .. } = now.home {
                    token.vouch(now.uuid, ring, &mut changed)?;
                }
            }
            Ok(changed)
        };
        let mut written: Option<(Vec<u8>, Secret)> = None;
        // Each try starts from what the object is by then.
        for _ in 0..TRIES {
            let now = token.object(object).ok_or(Error::ObjectHandleInvalid)?;
            let (ring, version) = match now.home {
                Home::Token { ring, version } => (ring, version),
                Home::Session { session: owner } => {
                    let _turn = lock(&token.changing);
                    let now = token.object(object).ok_or(Error::ObjectHandleInvalid)?;
                    let changed = Object::in_session(object, now.uuid, owner, change(&now, now.attributes(None)?)?);
                    let there = token.change_view(|view| {
                        if let (Some(counter), Some(present)) = (changed.counter(), now.counter()) {
                            // A password may have gone out; none does while the view is held.
                            counter.follow(present);
                        }
                        view.replace(&now, Arc::new(changed))
                    });
                    return if there { Ok(()) } else { Err(Error::ObjectHandleInvalid) };
                }
            };
            let changed = change(&now, now.attributes(token.present_store().as_ref())?)?;
            let (record, body) = written.insert((record::encode(&changed)?, codec::encode(&changed)?));
            let put = Change::Put { uuid: now.uuid, ring, expected: version, record, body };
            if token.try_commit(&[put])? {
                return Ok(());
            }
        }
        Err(Error::ExceededMaxIterations)
    }

    /// C_FindObjectsInit.
    pub fn find_init(&self, session: SessionHandle, template: &Template<'_>) -> Result<()> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        if operations.search.is_some() {
            return Err(Error::OperationActive);
        }
        let found = match template::parse(template) {
            // An attribute that no object has matches nothing (section 5.7.7).
            Err(Error::AttributeTypeInvalid) => Vec::new(),
            Err(error) => return Err(error),
            Ok(search) => self.search(&session, &search)?,
        };
        operations.search = Some(Search { found });
        Ok(())
    }

    /// The handles that match, last first.
    fn search(&self, session: &Session, search: &Attributes) -> Result<Vec<u64>> {
        for _ in 0..TRIES {
            match self.search_once(session, search) {
                // Another process changed an object between the look at the index and the one at its envelope.
                Err(Error::ObjectHandleInvalid) => {}
                outcome => return outcome,
            }
        }
        Err(Error::ExceededMaxIterations)
    }

    fn search_once(&self, session: &Session, search: &Attributes) -> Result<Vec<u64>> {
        let token = &session.token;
        let only_session_objects = matches!(search.value(ck::CKA_TOKEN), Some(Value::Bool(false)));
        if !only_session_objects {
            token.refresh()?;
            self.settle(token);
        }
        let store = token.present_store();
        let mut found = Vec::new();
        for object in token.with_view(|view| view.candidates(search)) {
            if view::matches(&object, search, store.as_ref())? {
                found.push(object.handle);
            }
        }
        if built_in::asked_for(search) {
            found.extend(self.built_ins(session)?.search(search));
        }
        found.reverse();
        Ok(found)
    }

    /// C_FindObjects: at most `max` handles; empty at the end.
    pub fn find(&self, session: SessionHandle, max: usize) -> Result<Vec<ObjectHandle>> {
        let session = self.session(session)?;
        let mut operations = session.operations();
        let search = operations.search.as_mut().ok_or(Error::OperationNotInitialized)?;
        let rest = search.found.len().saturating_sub(max);
        let mut batch = search.found.split_off(rest);
        batch.reverse();
        Ok(batch)
    }

    /// C_FindObjectsFinal.
    pub fn find_final(&self, session: SessionHandle) -> Result<()> {
        let session = self.session(session)?;
        session.operations().search.take().map(drop).ok_or(Error::OperationNotInitialized)
    }

    /// The object of a handle that this session may see, and the store it was read from.
    pub(super) fn object(&self, session: &Session, handle: ObjectHandle) -> Result<Found> {
        self.found(session, handle, Error::ObjectHandleInvalid)
    }

    /// The same; `unknown` without such an object.
    pub(super) fn found(&self, session: &Session, handle: ObjectHandle, unknown: Error) -> Result<Found> {
        self.up_to_date(session, handle, session.token.object(handle), unknown)
    }

    /// The same of a handle that this was found under just now.
    pub(super) fn up_to_date(
        &self,
        session: &Session,
        handle: ObjectHandle,
        seen: Option<Arc<Object>>,
        unknown: Error,
    ) -> Result<Found> {
        let token = &session.token;
        let object = seen.ok_or(unknown)?;
        if let Home::Session { .. } = object.home {
            return Ok((object, None));
        }
        for _ in 0..TRIES {
            token.glance()?;
            self.settle(token);
            let object = token.object(handle).ok_or(unknown)?;
            let store = token.present_store();
            match object.attributes(store.as_ref()).map(drop) {
                // Another process changed it since the last look at the index.
                Err(Error::ObjectHandleInvalid) => token.refresh()?,
                read => return read.map(|()| (object, store)),
            }
        }
        Err(Error::ExceededMaxIterations)
    }

    /// Whether this session may make, change or destroy such an object (section 5.6.4, table of access).
    pub(super) fn may_write(&self, session: &Session, object: &Attributes) -> Result<()> {
        if object.is(ck::CKA_TOKEN) && !session.read_write {
            return Err(Error::SessionReadOnly);
        }
        if object.is(ck::CKA_PRIVATE) && session.token.who() != Some(Who::User) {
            return Err(Error::UserNotLoggedIn);
        }
        Ok(())
    }

    /// Checks the template of a new object against its rows and fills in what it leaves out.
    pub(super) fn fill(
        &self,
        session: &Session,
        template: &mut Attributes,
        schema: &'static Schema,
        birth: Birth,
    ) -> Result<()> {
        if self.shared.config.strict {
            strict::settle(template, None, schema);
        }
        let so = template.is(ck::CKA_TRUSTED) && session.token.who() == Some(Who::So);
        build::fill(template, schema, birth, so)
    }

    /// The UUID of a session object (RFC 9562 version 8): random of this application, and the handle. One that is all
    /// random takes as long as many a key does.
    fn passing_uuid(&self, handle: ObjectHandle) -> Uuid {
        let bytes = (u128::from(self.passing) << 64) | u128::from(handle);
        uuid::Builder::from_custom_bytes(bytes.to_be_bytes()).into_uuid()
    }

    /// A new session object.
    fn passing(&self, session: &Session, attributes: Attributes) -> Arc<Object> {
        session.made_objects.store(true, Ordering::SeqCst);
        let handle = new_handle();
        Arc::new(Object::in_session(handle, self.passing_uuid(handle), session.handle, attributes))
    }

    /// Keeps a new object and gives its handle.
    pub(super) fn keep_one(&self, session: &Session, object: Attributes) -> Result<ObjectHandle> {
        if object.is(ck::CKA_TOKEN) {
            return Ok(self.keep(session, vec![object])?[0]);
        }
        if self.shared.config.strict {
            strict::check(&object)?;
        }
        let object = self.passing(session, object);
        session.token.add(std::slice::from_ref(&object), || !session.closed())?;
        Ok(object.handle)
    }

    /// Keeps new objects, all or none, and gives their handles in the same order.
    pub(super) fn keep(&self, session: &Session, objects: Vec<Attributes>) -> Result<Vec<ObjectHandle>> {
        if self.shared.config.strict {
            objects.iter().try_for_each(strict::check)?;
        }
        let token = &session.token;
        let (mut handles, mut stored, mut fleeting) = (vec![0; objects.len()], Vec::new(), Vec::new());
        let mut written = Vec::new();
        for (place, mut object) in objects.into_iter().enumerate() {
            if object.is(ck::CKA_TOKEN) {
                let uuid = new_uuid()?;
                object.set_bytes(ck::CKA_UNIQUE_ID, uuid.to_string());
                let ring = if object.is(ck::CKA_PRIVATE) { Ring::Private } else { Ring::Public };
                token.vouch(uuid, ring, &mut object)?;
                written.push((uuid, ring, record::encode(&object)?, codec::encode(&object)?));
                stored.push((place, uuid, object));
            } else {
                let object = self.passing(session, object);
                handles[place] = object.handle;
                fleeting.push(object);
            }
        }
        if !fleeting.is_empty() {
            token.add(&fleeting, || !session.closed())?;
        }
        let taken_back = |error| {
            token.change_view(|view| fleeting.iter().for_each(|object| drop(view.remove(object.handle))));
            error
        };
        if !written.is_empty() {
            let done = token.commit(|| {
                Ok(written
                    .iter()
                    .map(|(uuid, ring, record, body)| Change::Put {
                        uuid: *uuid,
                        ring: *ring,
                        expected: 0,
                        record,
                        body,
                    })
                    .collect())
            });
            done.map_err(taken_back)?;
        }
        for (place, uuid, object) in stored {
            let kept = token.with_view(|view| view.by_uuid(uuid).cloned()).ok_or(Error::DeviceError)?;
            kept.remember(object);
            handles[place] = kept.handle;
        }
        Ok(handles)
    }
}

/// How often a change is tried when other processes change the same object.
const TRIES: u32 = 16;

/// A random UUID (RFC 9562 version 4).
fn new_uuid() -> Result<Uuid> {
    let mut bytes = [0u8; 16];
    sealhsm_crypto::random::public(&mut bytes).map_err(|_| Error::DeviceError)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

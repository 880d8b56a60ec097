//! The objects of one token that this application can see now: by handle, by UUID, by label and ID.
//! It follows the store's news; it never reads a file itself.

use super::record::Known;
use super::{Home, Object};
use crate::attribute::{Attributes, Value, build};
use crate::numbered::ByNumber;
use cryptoki_sys as ck;
use sealhsm_crypto::der;
use sealhsm_store::{News, ObjectStore};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Handles are drawn from one counter for the whole process and never used again. 0 is CK_INVALID_HANDLE.
pub fn new_handle() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// See the module's description.
#[derive(Default)]
pub struct View {
    objects: ByNumber<Arc<Object>>,
    by_uuid: HashMap<Uuid, u64>,
    /// Hash of a label or ID to the handles that have it.
    by_name: HashMap<u64, Vec<u64>>,
    /// What each session made; some of it may be gone.
    by_session: ByNumber<Vec<u64>>,
    hasher: RandomState,
    /// Counts objects that went, or gave their handle to a changed one: whoever kept one looks again.
    pub removals: Arc<AtomicU64>,
}

/// The attributes that a search can start from.
const NAMES: [u64; 2] = [ck::CKA_ID, ck::CKA_LABEL];

impl View {
    /// The object of a handle.
    pub fn get(&self, handle: u64) -> Option<&Arc<Object>> {
        self.objects.get(&handle)
    }

    /// The token object of a UUID.
    pub fn by_uuid(&self, uuid: Uuid) -> Option<&Arc<Object>> {
        self.by_uuid.get(&uuid).and_then(|h| self.objects.get(h))
    }

    /// Follows the store. Handles of objects that are still there stay.
    pub fn apply(&mut self, news: News) {
        if news.restart {
            let listed: std::collections::HashSet<Uuid> = news.put.iter().map(|e| e.uuid).collect();
            let gone: Vec<u64> = self.by_uuid.iter().filter(|(u, _)| !listed.contains(u)).map(|(_, h)| *h).collect();
            for handle in gone {
                self.remove(handle);
            }
            self.objects.reserve(news.put.len());
            self.by_name.reserve(news.put.len());
        }
        for uuid in news.gone {
            if let Some(handle) = self.by_uuid.get(&uuid) {
                self.remove(*handle);
            }
        }
        for entry in news.put {
            let handle = match self.by_uuid.get(&entry.uuid) {
                Some(handle) => {
                    let handle = *handle;
                    let same = Home::Token { ring: entry.ring, version: entry.version };
                    if self.objects.get(&handle).is_some_and(|o| o.home == same) {
                        continue;
                    }
                    self.remove(handle);
                    handle
                }
                None => new_handle(),
            };
            self.insert(Arc::new(Object::listed(handle, entry)));
        }
    }

    /// Adds an object, or puts a changed one in the place of its handle.
    pub fn insert(&mut self, object: Arc<Object>) {
        match (self.objects.insert(object.handle, object.clone()), object.home) {
            (Some(before), _) => self.forget(&before),
            (None, Home::Session { session }) => self.note(session, object.handle),
            (None, Home::Token { .. }) => {}
        }
        if matches!(object.home, Home::Token { .. }) {
            self.by_uuid.insert(object.uuid, object.handle);
        }
        for hash in self.names(&object).into_iter().flatten() {
            self.by_name.entry(hash).or_default().push(object.handle);
        }
    }

    fn note(&mut self, session: u64, handle: u64) {
        let made = self.by_session.entry(session).or_default();
        if made.len() == made.capacity() {
            made.retain(|handle| self.objects.contains_key(handle));
            // Room for as many again, or it would be gone through anew after every few.
            made.reserve(made.len().max(4));
        }
        made.push(handle);
    }

    /// Puts a changed object in the place of `present`; false if that is not there any more.
    pub fn replace(&mut self, present: &Arc<Object>, changed: Arc<Object>) -> bool {
        let there = self.get(present.handle).is_some_and(|now| Arc::ptr_eq(now, present));
        if there {
            self.insert(changed);
        }
        there
    }

    /// Takes an object away; its handle is dead for ever.
    pub fn remove(&mut self, handle: u64) -> Option<Arc<Object>> {
        let object = self.objects.remove(&handle)?;
        self.forget(&object);
        Some(object)
    }

    /// What led to an object that went leads nowhere.
    fn forget(&mut self, object: &Object) {
        self.removals.fetch_add(1, Ordering::Release);
        if matches!(object.home, Home::Token { .. }) {
            self.by_uuid.remove(&object.uuid);
        }
        for hash in self.names(object).into_iter().flatten() {
            if let Some(handles) = self.by_name.get_mut(&hash) {
                handles.retain(|h| *h != object.handle);
                if handles.is_empty() {
                    self.by_name.remove(&hash);
                }
            }
        }
    }

    /// Takes away what a session made, however much else there is.
    pub fn end_session(&mut self, session: u64) {
        for handle in self.by_session.remove(&session).unwrap_or_default() {
            self.remove(handle);
        }
    }

    /// Takes away every object that `which` names.
    pub fn remove_all(&mut self, which: impl Fn(&Object) -> bool) {
        let handles: Vec<u64> = self.objects.values().filter(|o| which(o)).map(|o| o.handle).collect();
        for handle in handles {
            self.remove(handle);
        }
    }

    /// The objects that can match a search: those with its ID or label, else all. In the order of their handles.
    pub fn candidates(&self, search: &Attributes) -> Vec<Arc<Object>> {
        let named = |of: &u64| search.bytes(*of).filter(|name| !name.is_empty()).map(|name| (*of, name));
        let mut found: Vec<Arc<Object>> = match NAMES.iter().find_map(named) {
            Some((of, value)) => {
                let handles = self.by_name.get(&self.hash(of, value)).map_or(&[][..], Vec::as_slice);
                handles.iter().filter_map(|h| self.objects.get(h)).cloned().collect()
            }
            None => self.objects.values().cloned().collect(),
        };
        found.sort_unstable_by_key(|o| o.handle);
        found
    }

    /// Empty names, which most session objects have, lead nowhere.
    fn names(&self, object: &Object) -> [Option<u64>; 2] {
        if !object.named {
            return [None; 2];
        }
        NAMES.map(|of| object.name(of).filter(|name| !name.is_empty()).map(|name| self.hash(of, name)))
    }

    fn hash(&self, of: u64, value: &[u8]) -> u64 {
        self.hasher.hash_one((of, value))
    }
}

/// Whether an object matches every attribute of a search (section 5.7.7): byte for byte, deep for templates,
/// not on an attribute that may not be read, and not at all on an attribute that it lacks.
pub fn matches(object: &Object, search: &Attributes, store: Option<&Arc<dyn ObjectStore>>) -> crate::Result<bool> {
    for (of, wanted) in search.iter() {
        let same = match (of, &object.home) {
            (ck::CKA_TOKEN, home) => wanted.same(&Value::Bool(matches!(home, Home::Token { .. }))),
            (ck::CKA_UNIQUE_ID, _) => wanted.bytes() == Some(object.uuid.to_string().as_bytes()),
            _ => match object.known(of) {
                Known::Value(value) => value.same(wanted),
                Known::Absent => false,
                Known::Unknown => {
                    let attributes = object.attributes(store)?;
                    match attributes.value(of) {
                        None => false,
                        Some(value @ Value::Secret(_)) => build::is_open(attributes) && value.same(wanted),
                        Some(value) => value.same(wanted) || of == ck::CKA_EC_POINT && is_point(value, wanted),
                    }
                }
            },
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A point is kept in an OCTET STRING; version 3.2 of the standard and some clients leave that out (section 6.3).
fn is_point(kept: &Value, wanted: &Value) -> bool {
    kept.bytes().and_then(|kept| der::whole(der::OCTET_STRING, kept)).is_some_and(|raw| wanted.bytes() == Some(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(view: &mut View, session: u64) -> u64 {
        let handle = new_handle();
        view.insert(Arc::new(Object::in_session(handle, Uuid::nil(), session, Attributes::new())));
        handle
    }

    #[test]
    fn a_session_ends_with_what_it_made_and_remembers_little_of_what_is_gone() {
        let mut view = View::default();
        let other = made(&mut view, 2);
        let kept: Vec<u64> = (0..100).map(|_| made(&mut view, 1)).collect();
        for _ in 0..10_000 {
            let gone = made(&mut view, 1);
            view.remove(gone);
        }
        assert!(view.by_session[&1].len() < 400);
        // A changed one is the same.
        view.insert(Arc::new(Object::in_session(kept[0], Uuid::nil(), 1, Attributes::new())));
        view.end_session(1);
        assert!(kept.iter().all(|handle| view.get(*handle).is_none()));
        assert!(view.get(other).is_some() && !view.by_session.contains_key(&1));
        view.end_session(3);
        assert_eq!(view.objects.len(), 1);
    }
}

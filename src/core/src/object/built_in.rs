//! Objects that are there without being stored (PKCS#11 3.2 sections 4.3 and 4.12): one per mechanism that the
//! configuration allows, and the profiles that this module keeps to. They are found only by searches that ask for such
//! objects, so that an empty search lists what the user has put on the token and nothing else. Nobody makes, changes,
//! copies or destroys them.

use crate::attribute::{Attributes, Type};
use crate::mechanism::Row;
use cryptoki_sys as ck;

/// Handles of mechanism objects: this, and the number of the mechanism. Handles that are counted stay below.
const MECHANISMS: u64 = 1 << 61;
/// Handles of profile objects: this, and the CKP_.
const PROFILES: u64 = 1 << 62;

/// A profile that the module claims, and the mechanisms without which it does not.
struct Profile {
    id: u64,
    needs: &'static [u64],
}

const ALL: &[Profile] = &[
    Profile { id: ck::CKP_BASELINE_PROVIDER, needs: &[] },
    Profile { id: ck::CKP_EXTENDED_PROVIDER, needs: &[] },
    Profile { id: ck::CKP_AUTHENTICATION_TOKEN, needs: &[] },
    Profile { id: ck::CKP_HKDF_TLS_TOKEN, needs: &[ck::CKM_HKDF_DERIVE, ck::CKM_HKDF_DATA, ck::CKM_HKDF_KEY_GEN] },
];

/// What there is: the mechanisms in use, and whether every certificate is public and has its key's ID.
pub struct BuiltIn<'a> {
    /// Rows that the configuration allows.
    pub rows: Vec<&'a Row>,
    /// CKP_PUBLIC_CERTIFICATES_TOKEN, as far as the session sees.
    pub public_certificates: bool,
}

/// Whether a search asks for such objects at all.
pub fn asked_for(search: &Attributes) -> bool {
    match search.ulong(ck::CKA_CLASS) {
        Some(class) => matches!(class, ck::CKO_MECHANISM | ck::CKO_PROFILE),
        None => search.has(ck::CKA_MECHANISM_TYPE) || search.has(ck::CKA_PROFILE_ID),
    }
}

/// Whether a handle is that of such an object, there or not.
pub fn is_handle(handle: u64) -> bool {
    handle >= MECHANISMS
}

fn object(class: u64, of: Type, value: u64) -> Attributes {
    let mut object = Attributes::new();
    object.set_ulong(ck::CKA_CLASS, class);
    object.set_ulong(of, value);
    object
}

impl BuiltIn<'_> {
    fn all(&self) -> impl Iterator<Item = (u64, Attributes)> + '_ {
        let mechanisms = self
            .rows
            .iter()
            .map(|row| (MECHANISMS | row.mechanism, object(ck::CKO_MECHANISM, ck::CKA_MECHANISM_TYPE, row.mechanism)));
        let there = |needed: &u64| self.rows.iter().any(|row| row.mechanism == *needed);
        let kept = ALL.iter().filter(move |profile| profile.needs.iter().all(there)).map(|profile| profile.id);
        let certificates = self.public_certificates.then_some(ck::CKP_PUBLIC_CERTIFICATES_TOKEN);
        let profiles =
            kept.chain(certificates).map(|id| (PROFILES | id, object(ck::CKO_PROFILE, ck::CKA_PROFILE_ID, id)));
        mechanisms.chain(profiles)
    }

    /// The handles of those that match.
    pub fn search(&self, search: &Attributes) -> Vec<u64> {
        let matches = |object: &Attributes| {
            search.iter().all(|(of, wanted)| object.value(of).is_some_and(|value| value.same(wanted)))
        };
        self.all().filter(|(_, object)| matches(object)).map(|(handle, _)| handle).collect()
    }

    /// The attributes of a handle.
    pub fn get(&self, handle: u64) -> Option<Attributes> {
        self.all().find(|(there, _)| *there == handle).map(|(_, object)| object)
    }
}

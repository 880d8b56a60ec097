//! C_DeriveKey where it makes the public half of a private key (PKCS#11 3.2 section 6.44): what the new key takes over.

use super::{Application, ObjectHandle};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Template, Type, template};
use crate::mechanism::{Mechanism, PublicHalf, Row, key};
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;

/// Attributes of the public key, and those of the private one that they follow unless a template says otherwise.
const FOLLOW: [(Type, Type); 11] = [
    (ck::CKA_ENCRYPT, ck::CKA_DECRYPT),
    (ck::CKA_VERIFY, ck::CKA_SIGN),
    (ck::CKA_VERIFY_RECOVER, ck::CKA_SIGN_RECOVER),
    (ck::CKA_WRAP, ck::CKA_UNWRAP),
    (ck::CKA_ENCAPSULATE, ck::CKA_DECAPSULATE),
    (ck::CKA_DERIVE, ck::CKA_DERIVE),
    (ck::CKA_ID, ck::CKA_ID),
    (ck::CKA_START_DATE, ck::CKA_START_DATE),
    (ck::CKA_END_DATE, ck::CKA_END_DATE),
    (ck::CKA_SUBJECT, ck::CKA_SUBJECT),
    (ck::CKA_ALLOWED_MECHANISMS, ck::CKA_ALLOWED_MECHANISMS),
];

impl Application {
    /// Neither CKA_DERIVE nor CKA_DERIVE_TEMPLATE is asked: what comes out is no secret.
    pub(super) fn derive_public(
        &self,
        session: &Session,
        (row, public_half): (&Row, PublicHalf),
        mechanism: &Mechanism<'_>,
        base_key: ObjectHandle,
        given: &Template<'_>,
    ) -> Result<ObjectHandle> {
        let (object, store) = self.key(session, base_key)?;
        let (usable, permit) = object.key(store.as_ref())?;
        if permit.class != ck::CKO_PRIVATE_KEY || !row.key_types.contains(&usable.key_type) {
            return Err(Error::KeyTypeInconsistent);
        }
        if !permit.mechanism(row.mechanism) {
            return Err(Error::MechanismInvalid);
        }
        mechanism.parameter.well_formed()?.none()?;
        let private = object.attributes(store.as_ref())?;
        let mut public = template::parse(given)?;
        for (of, follows) in FOLLOW {
            if let Some(value) = private.value(follows).filter(|_| !public.has(of)) {
                public.set(of, value.duplicate());
            }
        }
        let schema = build::schema_for(&mut public, ck::CKO_PUBLIC_KEY, &[usable.key_type])?;
        self.fill(session, &mut public, schema, Birth::Derive)?;
        self.may_write(session, &public)?;
        if permit.reauthenticate {
            // There is no operation to log in for.
            return Err(Error::UserNotLoggedIn);
        }
        public.absorb(public_half(private)?);
        let generator = private.ulong(ck::CKA_KEY_GEN_MECHANISM).unwrap_or(ck::CK_UNAVAILABLE_INFORMATION);
        public.set_ulong(ck::CKA_KEY_GEN_MECHANISM, generator);
        key::complete(&mut public)?;
        Ok(self.keep(session, vec![public])?[0])
    }
}

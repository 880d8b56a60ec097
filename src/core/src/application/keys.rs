//! Chapters "key management" and "random number generation" (PKCS#11 3.2 sections 5.18 and 5.19).

use super::{Application, Made, ObjectHandle, SessionHandle};
use crate::attribute::build::{self, Birth};
use crate::attribute::{Attributes, Template, confine, strict, template};
use crate::mechanism::{Mechanism, Row, key};
use crate::session::Session;
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;

impl Application {
    /// C_GenerateKey.
    pub fn generate_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        template: &Template<'_>,
    ) -> Result<Made> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let generate = row.generate.ok_or(Error::MechanismInvalid)?;
        let wanted = self.half(&session, row, template::parse(template)?, None, row.makes)?;
        self.long_enough(&wanted)?;
        let mut made = generate(self.admitted(&mechanism.parameter)?, &wanted)?;
        // New domain parameters may show the seed that they were made from.
        let seed = made.remove(ck::CKA_SEED).and_then(|seed| Some(Secret::copy_of(seed.bytes()?)));
        let mut key = born(wanted, made, row)?;
        if !row.known && row.makes == ck::CKO_SECRET_KEY {
            confine::generated(&mut key);
        }
        let mut shown = (row.shown)(&mechanism.parameter)?;
        shown.extend(seed);
        Ok(Made { handles: vec![self.keep_one(&session, key)?], shown })
    }

    /// C_GenerateKeyPair; the public handle first. Both halves come to be or none.
    pub fn generate_key_pair(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        public: &Template<'_>,
        private: &Template<'_>,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let session = self.session(session)?;
        let row = self.row(mechanism.mechanism)?;
        let generate = row.generate_pair.ok_or(Error::MechanismInvalid)?;
        let (public, private) = (template::parse(public)?, template::parse(private)?);
        let public = self.half(&session, row, public, Some(&private), ck::CKO_PUBLIC_KEY)?;
        let private = self.half(&session, row, private, Some(&public), ck::CKO_PRIVATE_KEY)?;
        if self.shared.config.strict {
            strict::purposes(&[&public, &private])?;
        }
        self.long_enough(&public)?;
        let (public_part, private_part) = generate(self.admitted(&mechanism.parameter)?, &public, &private)?;
        let (mut public, mut private) = (born(public, public_part, row)?, born(private, private_part, row)?);
        confine::generated_pair(&mut public, &mut private);
        let handles = self.keep(&session, vec![public, private])?;
        Ok((handles[0], handles[1]))
    }

    /// Whether the configuration lets something of this size be made.
    fn long_enough(&self, wanted: &Attributes) -> Result<()> {
        if key::is_legacy(wanted) && self.shared.config.denies_legacy() { Err(Error::KeySizeRange) } else { Ok(()) }
    }

    /// Checks the template of a key to be generated, before any work is done. `other`: that of the pair's other half.
    fn half(
        &self,
        session: &Session,
        row: &Row,
        mut wanted: Attributes,
        other: Option<&Attributes>,
        class: u64,
    ) -> Result<Attributes> {
        let schema = build::schema_for(&mut wanted, class, row.key_types)?;
        if self.shared.config.strict {
            strict::settle(&mut wanted, other, schema);
        }
        self.fill(session, &mut wanted, schema, Birth::Generate)?;
        self.may_write(session, &wanted)?;
        Ok(wanted)
    }

    /// C_SeedRandom: mixed in, never instead of the system's entropy.
    pub fn seed_random(&self, session: SessionHandle, seed: &[u8]) -> Result<()> {
        self.session(session)?;
        sealhsm_crypto::random::mix(seed);
        Ok(())
    }

    /// C_GenerateRandom.
    pub fn generate_random(&self, session: SessionHandle, out: &mut [u8]) -> Result<()> {
        self.session(session)?;
        sealhsm_crypto::random::public(out).map_err(|_| Error::DeviceError)
    }
}

/// A generated key: the template, what the mechanism added, what the token computes.
fn born(mut key: Attributes, mut made: Attributes, row: &Row) -> Result<Attributes> {
    // The one attribute of them that a template may repeat.
    if let Some(info) = made.remove(ck::CKA_PUBLIC_KEY_INFO) {
        key::computed(&mut key, ck::CKA_PUBLIC_KEY_INFO, info)?;
    }
    key.absorb(made);
    build::mark_generated(&mut key, row.mechanism);
    key::complete(&mut key)?;
    Ok(key)
}

//! Making a token, and the choice of the TPM storage key it is sealed under.

use crate::files;
use crate::format::{self, Token};
use crate::keys::{TokenKey, fresh};
use crate::keyslot::{Kind, Place};
use crate::{Error, NewToken, Settings};
use sealhsm_door::{self as door, Door, Parent, Status};
use uuid::Uuid;

/// Labels are as long as CK_TOKEN_INFO's, in bytes.
const MAX_LABEL: usize = 32;
/// UUIDs drawn before giving up: more than enough unless nearly every slot is taken.
const DRAWS: u32 = 1000;

/// Makes a token in a `.tmp-` directory and renames it; makes the token directory (0700) when missing.
/// As root on a TPM without a storage key at 0x81000001, persists one first and says so in the log.
pub fn create(settings: &Settings, door: &Door, new: &NewToken<'_>) -> Result<Uuid, Error> {
    check_label(new.label)?;
    settings.argon2.check().map_err(Error::Invalid)?;
    let (parent, simulated) = parent_for_new_token(door)?;
    let uuid = draw(settings, new.taken_slots)?;
    let key = TokenKey::generate(uuid, 1)?;
    let place = Place { uuid, epoch: 1, parent: &parent };
    let token = Token {
        so: place.seal_pin(door, Kind::So, settings.argon2, new.so_pin, key.secret())?,
        machine: place.seal_machine(door, &key.public_ring())?,
        recovery: new.recovery.map(|public| place.seal_recovery(public, key.secret())).transpose()?,
        user: None,
        uuid,
        label: new.label.into(),
        epoch: 1,
        simulated,
        parent: parent.clone(),
    };
    files::make(settings, &key, &token)?;
    Ok(uuid)
}

/// The storage key for a new token, and whether the TPM is a software one.
fn parent_for_new_token(door: &Door) -> Result<(Parent, bool), Error> {
    let status = door.status()?;
    let absent = status.parent.is_none() && status.parent_refused.is_none();
    let provisioned = if absent && door::effective_uid() == 0 { provision(door)? } else { None };
    Ok((provisioned.map_or_else(|| present_parent(door, &status), Ok)?, status.simulated))
}

/// Persists a storage key; `None`, and said so, when the TPM or the agent does not want that.
fn provision(door: &Door) -> Result<Option<Parent>, Error> {
    let why = match door.provision() {
        Ok(parent) => {
            log::warn!("the TPM had no storage key at 0x81000001: persisted the TCG ECC P-256 one there");
            return Ok(Some(parent));
        }
        Err(door::Error::Refused(why) | door::Error::Tpm(_, why)) => why,
        Err(door::Error::WrongAuth) => "its owner hierarchy has an authorization".into(),
        Err(error) => return Err(error.into()),
    };
    log::warn!("no storage key was persisted in the TPM: {why}; it is derived anew for each request, which is slower");
    Ok(None)
}

/// The storage key that keyslots are sealed under on this TPM as it is: the persistent one, else a transient primary.
pub(crate) fn present_parent(door: &Door, status: &Status) -> Result<Parent, Error> {
    if let Some(parent) = &status.parent {
        return Ok(parent.clone());
    }
    if let Some(why) = &status.parent_refused {
        log::warn!("the TPM's key at 0x81000001 is not used: {why}; another is derived anew for each request");
    }
    Ok(door.parent()?)
}

/// A UUID whose slot nobody has.
fn draw(settings: &Settings, taken: &[u64]) -> Result<Uuid, Error> {
    let present = files::tokens(settings)?;
    for _ in 0..DRAWS {
        let uuid = uuid::Builder::from_random_bytes(fresh()?).into_uuid();
        let slot = format::slot(uuid);
        if !taken.contains(&slot) && !present.iter().any(|other| format::slot(*other) == slot) {
            return Ok(uuid);
        }
    }
    Err(Error::Invalid("every slot seems to be taken".into()))
}

pub(crate) fn check_label(label: &str) -> Result<(), Error> {
    if label.len() > MAX_LABEL {
        return Err(Error::Invalid(format!("the label has {} bytes, {MAX_LABEL} are allowed", label.len())));
    }
    Ok(())
}

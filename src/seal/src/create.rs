//! Making a token, and the choice of the TPM storage key it is sealed under.

use crate::files;
use crate::format::{self, Token};
use crate::keys::{TokenKey, fresh};
use crate::keyslot::{Kind, Place};
use crate::{Error, NewToken, Settings};
use sealhsm_door::{self as door, Door, Parent};
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
    let (parent, simulated) = parent_for_sealing(door)?;
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

/// The storage key that new keyslots are sealed under, and whether the TPM is a software one.
pub(crate) fn parent_for_sealing(door: &Door) -> Result<(Parent, bool), Error> {
    let status = door.status()?;
    if let Some(parent) = status.parent {
        return Ok((parent, status.simulated));
    }
    if let Some(why) = status.parent_refused {
        log::warn!("the TPM's key at 0x81000001 is not used: {why}; a storage key is derived anew for each request");
    } else if door::effective_uid() == 0 {
        match door.provision() {
            Ok(parent) => {
                log::warn!("the TPM had no storage key at 0x81000001: persisted the TCG ECC P-256 one there");
                return Ok((parent, status.simulated));
            }
            Err(door::Error::Refused(why) | door::Error::Tpm(_, why)) => {
                log::warn!("no storage key could be persisted in the TPM ({why}); it is derived anew for each request");
            }
            Err(door::Error::WrongAuth) => {
                log::warn!(
                    "no storage key could be persisted: the TPM's owner hierarchy has an authorization; \
                     it is derived anew for each request"
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((door.parent()?, status.simulated))
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

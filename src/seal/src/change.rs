//! Changing a token: PINs, recovery, a new epoch, its end. Argon2 and the TPM are asked before the writers' lock is
//! taken; under it, `token.object` is read again, and replaced only if it is still what the work was done for.

use crate::create::{check_label, present_parent};
use crate::files::{Home, Text, Writer};
use crate::format::{Parsed, Token};
use crate::keys::TokenKey;
use crate::keyslot::{Kind, Place};
use crate::open::{by_pin, by_recovery_key, check};
use crate::{Error, Settings, Who};
use sealhsm_door::Door;
use sealhsm_secret::Secret;
use uuid::Uuid;

/// C_InitToken on a token: checks the SO PIN, starts a new epoch with no objects and no user PIN, keeps UUID, SO PIN
/// and, if no other is given, the recovery key. The rename of `token.object` is the commit; a crash before it leaves
/// the old token whole.
pub fn reinitialize(
    s: &Settings,
    door: &Door,
    token: Uuid,
    so_pin: &Secret,
    label: &str,
    recovery: Option<[u8; 32]>,
) -> Result<(), Error> {
    check_label(label)?;
    let home = Home::open(s, token)?;
    let text = home.read()?;
    let file = text.parse()?;
    by_pin(door, &text, &file, Who::So, so_pin)?;
    let old = &file.token;
    let next = old.epoch.checked_add(1).filter(|epoch| i64::try_from(*epoch).is_ok());
    let epoch = next.ok_or_else(|| Error::Invalid("the token has used up its epochs; make a new one".into()))?;
    let key = TokenKey::generate(token, epoch)?;
    let place = Place { uuid: token, epoch, parent: &old.parent };
    let recovery = recovery.or(old.recovery.as_ref().map(|slot| slot.public));
    let recovery = recovery.map(|public| place.seal_recovery(public, key.secret()));
    let new = Token {
        label: label.into(),
        epoch,
        so: place.seal_pin(door, Kind::So, s.argon2, so_pin, key.secret())?,
        user: None,
        machine: place.seal_machine(door, &key.public_ring())?,
        recovery: recovery.transpose()?,
        ..old.clone()
    };
    let writer = still(&home, &text)?;
    writer.make_index(&key)?;
    writer.replace(&key.print(&new)?)?;
    writer.remove_leftovers(epoch);
    Ok(())
}

/// Seals the user's or the SO's keyslot anew under `pin`; no object is touched.
/// Fails with [`sealhsm_store::Error::EpochChanged`] if `key` is of an epoch that is over.
pub fn set_pin(s: &Settings, door: &Door, token: Uuid, key: &TokenKey, who: Who, pin: &Secret) -> Result<(), Error> {
    let home = Home::open(s, token)?;
    let text = home.read()?;
    let file = text.parse()?;
    current(&text, &file, key)?;
    let slot = file.token.place().seal_pin(door, who.into(), s.argon2, pin, key.secret())?;
    rewrite(&home, key, |token| {
        if token.parent != file.token.parent {
            return Err(text.changed());
        }
        match who {
            Who::So => token.so = slot,
            Who::User => token.user = Some(slot),
        }
        Ok(())
    })
}

/// Adds a recovery keyslot for the public half of an offline key; asks no TPM. Another recovery key cannot be replaced
/// in this way, because its owner could have opened the token already: that takes a new epoch.
pub fn add_recovery(s: &Settings, token: Uuid, key: &TokenKey, public: [u8; 32]) -> Result<(), Error> {
    rewrite(&Home::open(s, token)?, key, |token| match &token.recovery {
        Some(slot) if slot.public == public => Ok(()),
        Some(_) => Err(Error::Invalid(
            "the token has another recovery key already, whose owner may know its key; `sealhsm token init` takes \
             a new one, and erases the token"
                .into(),
        )),
        None => {
            token.recovery = Some(token.place().seal_recovery(public, key.secret())?);
            Ok(())
        }
    })
}

/// Opens the token with the offline X25519 private key (32 bytes) and seals it to this TPM with new PINs; objects
/// untouched. Without a new user PIN there is none afterwards: the old one was sealed with the old keyslots.
pub fn recover(
    s: &Settings,
    door: &Door,
    token: Uuid,
    private: &Secret,
    so_pin: &Secret,
    user_pin: Option<&Secret>,
) -> Result<(), Error> {
    let home = Home::open(s, token)?;
    let text = home.read()?;
    let file = text.parse()?;
    let key = by_recovery_key(&text, &file, private)?;
    let status = door.status()?;
    let parent = present_parent(door, &status)?;
    let place = Place { parent: &parent, ..file.token.place() };
    let seal = |kind, pin| place.seal_pin(door, kind, s.argon2, pin, key.secret());
    let recovery = file.token.recovery.as_ref().map(|slot| place.seal_recovery(slot.public, key.secret()));
    let new = Token {
        simulated: status.simulated,
        so: seal(Kind::So, so_pin)?,
        user: user_pin.map(|pin| seal(Kind::User, pin)).transpose()?,
        machine: place.seal_machine(door, &key.public_ring())?,
        recovery: recovery.transpose()?,
        parent: parent.clone(),
        ..file.token.clone()
    };
    still(&home, &text)?.replace(&key.print(&new)?)
}

/// Removes the directory. Asks for no PIN: whoever may delete files may do this.
pub fn delete(s: &Settings, token: Uuid) -> Result<(), Error> {
    crate::files::remove(s, token)
}

/// The writers' lock, if `token.object` is still what was read without it.
fn still<'a>(home: &'a Home, text: &Text) -> Result<Writer<'a>, Error> {
    let writer = home.lock()?;
    if writer.read()? != *text {
        return Err(text.changed());
    }
    Ok(writer)
}

/// Changes what `token.object` says within an epoch.
fn rewrite(home: &Home, key: &TokenKey, edit: impl FnOnce(&mut Token) -> Result<(), Error>) -> Result<(), Error> {
    let writer = home.lock()?;
    let text = writer.read()?;
    let file = text.parse()?;
    current(&text, &file, key)?;
    let mut token = file.token;
    edit(&mut token)?;
    writer.replace(&key.print(&token)?)
}

/// Refuses a file of another epoch than `key`'s, and one that its holder did not write.
fn current(text: &Text, file: &Parsed<'_>, key: &TokenKey) -> Result<(), Error> {
    if file.token.epoch != key.epoch() {
        return Err(sealhsm_store::Error::EpochChanged.into());
    }
    check(text, file, key)
}

//! Opening a token: by PIN, by this machine alone, by the recovery key. Writes nothing.

use crate::files::{Home, Text};
use crate::format::{Parsed, Token};
use crate::keys::TokenKey;
use crate::keyslot::{Kind, Place};
use crate::{Error, Settings, Who};
use sealhsm_door::Door;
use sealhsm_secret::Secret;
use sealhsm_store::{ObjectStore, RingKey, Rings};
use std::sync::Arc;
use uuid::Uuid;

/// Opens the token key with a PIN: reads `token.object` afresh, at most 8 TPM commands, checks the MAC of the file.
pub fn open(s: &Settings, door: &Door, token: Uuid, who: Who, pin: &Secret) -> Result<TokenKey, Error> {
    let text = Home::open(s, token)?.read()?;
    by_pin(door, &text, &text.parse()?, who, pin)
}

/// Opens the public ring through the machine keyslot, without a PIN.
pub fn open_machine(s: &Settings, door: &Door, token: Uuid) -> Result<RingKey, Error> {
    let text = Home::open(s, token)?.read()?;
    let token = text.parse()?.token;
    token.place().open_machine(door, &token.machine)?.ok_or_else(|| misfit(&text, Kind::Machine))
}

/// The object store of a token with these rings; fails when a ring key does not fit the present epoch.
pub fn objects(s: &Settings, token: Uuid, rings: Rings) -> Result<Arc<dyn ObjectStore>, Error> {
    let home = Home::open(s, token)?;
    let epoch = home.read()?.parse()?.token.epoch;
    home.objects(epoch, rings)
}

/// The token key by one of the PINs, and the file vouched for by it.
pub(crate) fn by_pin(door: &Door, text: &Text, file: &Parsed<'_>, who: Who, pin: &Secret) -> Result<TokenKey, Error> {
    let slot = match who {
        Who::So => &file.token.so,
        Who::User => file.token.user.as_ref().ok_or(Error::NoKeyslot)?,
    };
    let key = file.token.place().open_pin(door, who.into(), slot, pin)?;
    vouched(text, file, key.ok_or_else(|| misfit(text, who.into()))?)
}

/// The token key by the recovery key, and the file vouched for by it.
pub(crate) fn by_recovery_key(text: &Text, file: &Parsed<'_>, private: &Secret) -> Result<TokenKey, Error> {
    let slot = file.token.recovery.as_ref().ok_or(Error::NoKeyslot)?;
    let fits = sealhsm_crypto::x25519::public_of(private).is_ok_and(|public| public == slot.public);
    if !fits {
        return Err(Error::Invalid(format!(
            "this recovery key does not belong to {}; `public` in its [keyslot.recovery] is the public half of the right one",
            text.path()
        )));
    }
    let key = file.token.place().open_recovery(slot, private)?;
    vouched(text, file, key.ok_or_else(|| misfit(text, Kind::Recovery))?)
}

fn vouched(text: &Text, file: &Parsed<'_>, key: Secret) -> Result<TokenKey, Error> {
    let key = TokenKey::new(file.token.uuid, file.token.epoch, key)?;
    check(text, file, &key)?;
    Ok(key)
}

/// Refuses a file that the holder of `key` did not write.
pub(crate) fn check(text: &Text, file: &Parsed<'_>, key: &TokenKey) -> Result<(), Error> {
    match key.vouches_for(file)? {
        true => Ok(()),
        false => Err(text.tampered("its MAC does not fit what is written in it").into()),
    }
}

fn misfit(text: &Text, kind: Kind) -> Error {
    text.tampered(&format!("its {} keyslot is of another token or epoch, or was altered", kind.name())).into()
}

impl Token {
    pub(crate) fn place(&self) -> Place<'_> {
        Place { uuid: self.uuid, epoch: self.epoch, parent: &self.parent }
    }
}

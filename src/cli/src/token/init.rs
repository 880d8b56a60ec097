//! `sealhsm token init`: a new token, or one erased and made anew.

use super::NO_USER_PIN;
use super::view::View;
use crate::args::Init;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::pin;
use crate::tpm;
use sealhsm_seal::{self as seal, NewToken, Who};
use sealhsm_secret::Secret;
use uuid::Uuid;

/// What a token without a recovery key means for its owner.
const NO_RECOVERY: &str = "\
No recovery key: if this TPM is cleared, breaks or changes with its board, nothing opens this token again, and a copy
of its directory is a backup for this TPM only. `sealhsm recovery keygen` makes such a key, and
`sealhsm token add-recovery-key` lets it open this token.
";

/// Does what was asked.
pub fn run(context: &Context, args: &Init) -> Result<(), Failure> {
    let application = context.application()?;
    let places = context.places_in(&application)?;
    let slots = application.slots(true, false)?;
    let free = slots.last().is_some_and(|last| args.again.slot == Some(*last));
    // The free slot may be named, as SoftHSM's users do; it means a new token.
    let old = if args.again.given() && !free { Some(args.again.choose(&places)?) } else { None };
    let recovery = args.recovery_key.as_deref().map(seal::read_recovery_public).transpose()?;
    let mut pins = context.pins();
    let so = match old {
        Some(_) => pins.present(&pin::SO, &args.so_pin.source())?,
        None => pins.fresh(&pin::SO, &args.so_pin.source())?,
    };
    let user = match args.no_user_pin {
        true => None,
        false => pins.fresh_if_any(&pin::USER, &args.pin.source())?,
    };
    let provisioned = provision(context)?;
    let uuid = match old {
        Some(place) => {
            seal::reinitialize(&context.seal, &context.door, place.token.uuid, &so, &args.label, recovery)?;
            place.token.uuid
        }
        None => {
            let new = NewToken { label: &args.label, so_pin: &so, recovery, taken_slots: &slots };
            seal::create(&context.seal, &context.door, &new)?
        }
    };
    if let Some(pin) = &user {
        set_user_pin(context, uuid, &so, pin).map_err(|error| {
            Failure::from(error)
                .during(&format!("token {uuid} is made, but has no user PIN (`sealhsm token init-pin` tries again)"))
        })?;
    }
    report(context, args, uuid, old.is_some(), provisioned)
}

/// As root, keeps the parent in the TPM if it has none yet. Says what it did.
fn provision(context: &Context) -> Result<Option<String>, Failure> {
    if sealhsm_door::effective_uid() != 0 {
        return Ok(None);
    }
    let status = context.door.status()?;
    if status.parent.is_some() || status.parent_refused.is_some() {
        return Ok(None);
    }
    match context.door.provision() {
        Ok(parent) => Ok(Some(format!("The TPM keeps its parent key from now on: {}\n", tpm::describe(&parent)))),
        Err(error) => {
            log::warn!("the parent key stays transient, which is slower: {}", Failure::from(error));
            Ok(None)
        }
    }
}

fn set_user_pin(context: &Context, token: Uuid, so: &Secret, pin: &Secret) -> Result<(), seal::Error> {
    let key = seal::open(&context.seal, &context.door, token, Who::So, so)?;
    seal::set_pin(&context.seal, &context.door, token, &key, Who::User, pin)
}

fn report(context: &Context, args: &Init, uuid: Uuid, again: bool, provisioned: Option<String>) -> Result<(), Failure> {
    let places = context.places()?;
    let place = places
        .iter()
        .find(|place| place.token.uuid == uuid)
        .ok_or_else(|| format!("token {uuid} was made and is gone; was it deleted by another process?"))?;
    let view = View::new(context, place);
    if args.format.json {
        provisioned.as_deref().map(output::aside).transpose()?;
        return output::json(&view);
    }
    let done = if again { "is erased and made anew" } else { "is made" };
    let mut text = provisioned.unwrap_or_default();
    text += &format!("Token {} {done}.\n{}", plain(&view.label), view.block());
    if !view.user_pin {
        text += NO_USER_PIN;
    }
    if !view.recovery_key {
        text += NO_RECOVERY;
    }
    output::print(&text)
}

//! `sealhsm tpm`: the two things that this program ever changes in a TPM when asked to.

use crate::args::{ResetLockout, Tpm};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::pin;
use sealhsm_door::{Error, Parent};
use sealhsm_secret::Secret;

/// Does what was asked.
pub fn run(command: Tpm) -> Result<(), Failure> {
    let context = Context::load()?;
    match command {
        Tpm::Provision => provision(&context),
        Tpm::ResetLockout(args) => reset_lockout(&context, &args),
    }
}

fn provision(context: &Context) -> Result<(), Failure> {
    let parent = context.door.provision()?;
    output::print(&format!("Parent of new tokens: {}\n", describe(&parent)))
}

fn reset_lockout(context: &Context, args: &ResetLockout) -> Result<(), Failure> {
    let auth = context.pins().given(&pin::LOCKOUT, &args.source())?.unwrap_or_else(|| Secret::zeroed(0));
    context.door.reset_lockout(&auth).map_err(|error| refused(error).during("resetting the lockout"))?;
    output::print("The TPM counts wrong PINs from zero again.\n")
}

/// PINs have nothing to do with what locks the lockout authorization.
fn refused(error: Error) -> Failure {
    match error {
        Error::WrongAuth => "wrong authorization; the TPM takes none now for the time that it was told \
             (TPM2_PT_LOCKOUT_RECOVERY; zero: until it is restarted)"
            .into(),
        Error::Lockout => {
            "the TPM takes no lockout authorization for now, since one was wrong; wait for the time that \
             it was told (TPM2_PT_LOCKOUT_RECOVERY; zero: until it is restarted), and give the right one"
                .into()
        }
        other => other.into(),
    }
}

/// A parent key in words.
pub fn describe(parent: &Parent) -> String {
    let place = match parent.handle {
        0 => "made again from the owner seed at each use".into(),
        handle => format!("kept at {handle:#010x}"),
    };
    format!("storage key {}, {place}, Name {}", parent.template, output::hex(&parent.name))
}

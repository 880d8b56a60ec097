//! What is below the token directory, for anyone who may read it: no PIN, no TPM, nothing verified.

use crate::files::{self, Home};
use crate::format::{self, Token};
use crate::{Error, Listed, Settings, Unreadable};
use sealhsm_store::Error as StoreError;
use std::io::ErrorKind;

/// Every token below the token directory, by UUID; needs no TPM and no PIN. A missing directory is no tokens.
/// Names that begin with a dot are ignored, and so is what is neither a directory nor a link.
pub fn list(settings: &Settings) -> Result<(Vec<Listed>, Vec<Unreadable>), Error> {
    let (mut tokens, mut others) = (Vec::new(), Vec::new());
    for name in files::entries(settings)? {
        let path = settings.tokendir.join(&name);
        let Some(uuid) = files::uuid_of(&name) else {
            others.push(Unreadable { path, reason: "its name is not the UUID of a token; move it elsewhere".into() });
            continue;
        };
        match Home::open(settings, uuid).and_then(|home| Ok(home.read()?.parse()?.token)) {
            Ok(token) => tokens.push(listed(token)),
            // Deleted since its name was read.
            Err(Error::Store(StoreError::Gone(_))) => {}
            Err(error) => others.push(Unreadable { path, reason: reason(error) }),
        }
    }
    tokens.sort_by_key(|token| token.uuid);
    others.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((tokens, others))
}

fn listed(token: Token) -> Listed {
    Listed {
        serial: format::serial(token.uuid),
        uuid: token.uuid,
        label: token.label,
        user_pin_set: token.user.is_some(),
        simulated: token.simulated,
        parent: token.parent,
        epoch: token.epoch,
        recovery: token.recovery.is_some(),
    }
}

/// File, cause, next step.
fn reason(error: Error) -> String {
    match error {
        Error::Store(StoreError::Io(file, cause)) if cause.kind() == ErrorKind::PermissionDenied => {
            format!("{file}: {cause}; run as its owner, or give your group access to it")
        }
        Error::Store(StoreError::Io(file, cause)) if cause.kind() == ErrorKind::NotFound => {
            format!("{file}: {cause}; restore it from a backup, or `sealhsm token delete --force` removes the rest")
        }
        Error::Store(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

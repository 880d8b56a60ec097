//! The commands of the protocol, on the TPM: parent, seal, unseal, status. Every transaction opens a context of its
//! own and leaves nothing loaded.

use crate::esys::{Context, Loaded, Rc};
use crate::object::{self, Policy};
use crate::tpm2;
use sealhsm_secret::Secret;
use sealhsm_wire::{Failure, FailureKind, Parent, SealedBlob, Status};
use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Tries of one transaction when the TPM is busy or out of room.
const TRIES: u32 = 12;

/// A TPM behind a TCTI.
#[derive(Clone)]
pub struct Tpm {
    tcti: String,
}

type Result<T> = std::result::Result<T, Failure>;

/// Why a transaction stops: the TPM said so, to be looked at by [`Tpm::transaction`], or we did.
enum Stop {
    Code(Rc),
    Failed(Failure),
}

impl From<Rc> for Stop {
    fn from(rc: Rc) -> Stop {
        Stop::Code(rc)
    }
}

type Step<T> = std::result::Result<T, Stop>;

impl Tpm {
    /// The TPM of a TCTI string; without one the machine's own.
    pub fn new(tcti: Option<String>) -> Tpm {
        Tpm { tcti: tcti.unwrap_or_else(|| "device:/dev/tpmrm0".into()) }
    }

    /// See [`Tpm::new`].
    pub fn tcti(&self) -> &str {
        &self.tcti
    }

    /// Whether requests that only make sense for a development TPM are allowed.
    pub fn is_swtpm(&self) -> bool {
        self.tcti.starts_with("swtpm")
    }

    /// The parent for a new token: the key at 0x81000001 if it fits, else the ECC template as a transient primary.
    pub fn parent(&self) -> Result<Parent> {
        self.transaction(|context| match existing(context)? {
            Existing::Fit(parent) => Ok(parent),
            Existing::Absent | Existing::Unfit(_) => {
                let key = context.create_primary(&object::storage_template())?;
                Ok(Parent { handle: 0, template: "ecc-p256".into(), name: context.name(&key)? })
            }
        })
    }

    /// Persists the ECC template at 0x81000001 if nothing is there.
    pub fn provision(&self) -> Result<Parent> {
        self.transaction(|context| {
            if let Existing::Absent = existing(context)? {
                let key = context.create_primary(&object::storage_template())?;
                match context.persist(&key, tpm2::SRK_HANDLE) {
                    // Another process was there first.
                    Err(Rc(rc)) if tpm2::bare(rc) == tpm2::RC_NV_DEFINED => {}
                    outcome => outcome?,
                }
            }
            match existing(context)? {
                Existing::Fit(parent) => Ok(parent),
                Existing::Absent => Err(Rc(tpm2::RC_HANDLE).into()),
                Existing::Unfit(why) => Err(unfit(tpm2::SRK_HANDLE, &why)),
            }
        })
    }

    /// Seals; an empty `auth` is the machine lock.
    pub fn seal(&self, parent: &Parent, auth: &Secret, payload: &Secret) -> Result<SealedBlob> {
        self.under(parent, |context, key| Ok(context.seal(key, policy(auth), auth, payload)?))
    }

    /// Unseals; an empty `auth` is the machine lock.
    pub fn unseal(&self, parent: &Parent, auth: &Secret, blob: &SealedBlob) -> Result<Secret> {
        self.under(parent, |context, key| {
            let object = context.load(key, blob)?;
            context.unseal(key, &object, policy(auth), auth).map_err(wrong_auth)
        })
    }

    /// TPM2_Shutdown(CLEAR).
    pub fn shutdown(&self) -> Result<()> {
        self.transaction(|context| Ok(context.shutdown()?))
    }

    /// See [`Context::set_tries`].
    pub fn set_tries(&self, tries: u32, interval: u32, recovery: u32) -> Result<()> {
        self.transaction(|context| Ok(context.set_tries(tries, interval, recovery)?))
    }

    /// See [`Context::reset_lockout`].
    pub fn reset_lockout(&self, auth: &Secret) -> Result<()> {
        self.transaction(|context| {
            let key = match existing(context)? {
                Existing::Fit(_) => context.persistent(tpm2::SRK_HANDLE)?,
                Existing::Absent | Existing::Unfit(_) => context.create_primary(&object::storage_template())?,
            };
            context.reset_lockout(&key, auth).map_err(wrong_auth)
        })
    }

    /// The TPM as it is now.
    pub fn status(&self) -> Result<Status> {
        let (mut status, existing) = self.transaction(|context| {
            let fixed = context.properties(tpm2::PT_MANUFACTURER, 5)?;
            let variable = context.properties(tpm2::PT_PERMANENT, 0x14)?;
            let value = |of| variable.iter().find(|(p, _)| *p == of).map_or(0, |(_, v)| *v);
            let permanent = value(tpm2::PT_PERMANENT);
            let status = Status {
                tcti: self.tcti.clone(),
                manufacturer: text(&fixed),
                simulated: false,
                lockout_counter: value(tpm2::PT_LOCKOUT_COUNTER),
                max_tries: value(tpm2::PT_MAX_AUTH_FAIL),
                lockout_interval: value(tpm2::PT_LOCKOUT_INTERVAL),
                in_lockout: permanent & tpm2::PERMANENT_IN_LOCKOUT != 0,
                owner_auth_set: permanent & tpm2::PERMANENT_OWNER_AUTH_SET != 0,
                lockout_auth_set: permanent & tpm2::PERMANENT_LOCKOUT_AUTH_SET != 0,
                loaded_objects: count(context.handles(tpm2::TRANSIENT_FIRST)?),
                loaded_sessions: count(context.handles(tpm2::LOADED_SESSION_FIRST)?),
                ..Status::default()
            };
            Ok((status, existing(context)?))
        })?;
        // libtpms and the reference simulator say so in the vendor string.
        let software = |word: &str| matches!(word, "SW" | "xCG");
        status.simulated = self.is_swtpm() || status.manufacturer.split(' ').any(software);
        match existing {
            Existing::Fit(parent) => status.parent = Some(parent),
            Existing::Unfit(why) => status.parent_refused = Some(why),
            Existing::Absent => {}
        }
        Ok(status)
    }

    /// Runs `work` under the pinned parent; another Name is refused before anything else is sent, and so is a key that
    /// [`Tpm::parent`] would not give. Who asks says which key it is: one that is subject to the lockout would count each
    /// request as a wrong PIN of nobody's, and one that was made elsewhere would give the session's salt away.
    fn under<T>(&self, pinned: &Parent, work: impl Fn(&Context, &Loaded<'_>) -> Step<T>) -> Result<T> {
        self.transaction(|context| {
            let key = match pinned.handle {
                0 => context.create_primary(&object::storage_template())?,
                tpm2::SRK_HANDLE => match context.persistent(pinned.handle) {
                    Err(Rc(rc)) if tpm2::bare(rc) == tpm2::RC_HANDLE => return Err(wrong_parent(pinned, Vec::new())),
                    key => key?,
                },
                other => return Err(unfit(other, "a parent is kept at 0x81000001 only")),
            };
            let name = context.name(&key)?;
            if name != pinned.name {
                return Err(wrong_parent(pinned, name));
            }
            if pinned.handle != 0 {
                object::unfit_parent(&context.public(&key)?).map_err(|why| unfit(pinned.handle, &why))?;
            }
            work(context, &key)
        })
    }

    /// One transaction: a context of its own, under a lock where the TPM has no resource manager, tried again while
    /// the TPM is busy or out of room.
    fn transaction<T>(&self, work: impl Fn(&Context) -> Step<T>) -> Result<T> {
        let _alone = self.alone();
        let mut tries = 0;
        loop {
            let context = Context::open(&self.tcti).map_err(|rc| self.unreachable(rc))?;
            let rc = match work(&context) {
                Ok(value) => return Ok(value),
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(Stop::Code(rc)) => rc,
            };
            if context.broken.get() {
                return Err(self.unreachable(rc));
            }
            tries += 1;
            match tpm2::bare(rc.0) {
                tpm2::RC_OBJECT_MEMORY | tpm2::RC_SESSION_MEMORY if tries < TRIES => self.clean(&context),
                tpm2::RC_RETRY | tpm2::RC_YIELDED | tpm2::RC_TESTING if tries < TRIES => {}
                _ => return Err(failure(rc)),
            }
            drop(context);
            thread::sleep(jitter(tries));
        }
    }

    /// The lock of a TPM without a resource manager: one transaction at a time, over all processes.
    fn alone(&self) -> Option<File> {
        let path = self.tcti.strip_prefix("swtpm:path=")?;
        let directory = File::open(Path::new(path).parent()?).ok()?;
        // Held until the descriptor closes. If it cannot be had, the retries below have to do.
        crate::os::lock(&directory).ok().map(|()| directory)
    }

    /// Under the lock, whatever is loaded was left by an agent that died.
    fn clean(&self, context: &Context) {
        if !self.tcti.starts_with("swtpm:path=") {
            return;
        }
        for first in [tpm2::TRANSIENT_FIRST, tpm2::LOADED_SESSION_FIRST] {
            for handle in context.handles(first).unwrap_or_default() {
                log::warn!("flushing handle {handle:#x}, left in the TPM by a process that died");
                let _ = context.flush_leftover(handle);
            }
        }
    }

    fn unreachable(&self, rc: Rc) -> Failure {
        // libtss2 has one code for everything that goes wrong there.
        let path = ["device:", "swtpm:path="].iter().find_map(|head| self.tcti.strip_prefix(head));
        let text = match path.and_then(crate::os::forbidden) {
            Some(error) => format!("{}: {error}", self.tcti),
            None => format!("{} does not answer (error {:#x})", self.tcti, rc.0),
        };
        failed(FailureKind::NoTpm, rc.0, text)
    }
}

enum Existing {
    Absent,
    Fit(Parent),
    Unfit(String),
}

fn existing(context: &Context) -> Step<Existing> {
    let key = match context.persistent(tpm2::SRK_HANDLE) {
        Ok(key) => key,
        Err(Rc(rc)) if tpm2::bare(rc) == tpm2::RC_HANDLE => return Ok(Existing::Absent),
        Err(rc) => return Err(rc.into()),
    };
    Ok(match object::unfit_parent(&context.public(&key)?) {
        Err(why) => Existing::Unfit(why),
        Ok(template) => {
            Existing::Fit(Parent { handle: tpm2::SRK_HANDLE, template: template.into(), name: context.name(&key)? })
        }
    })
}

fn policy(auth: &Secret) -> Policy {
    if auth.is_empty() { Policy::UnsealOnly } else { Policy::AuthValue }
}

fn failed(kind: FailureKind, code: u32, text: String) -> Failure {
    Failure { kind, code, text, found: Vec::new() }
}

fn unfit(handle: u32, why: &str) -> Stop {
    let text = format!("handle {handle:#x} holds a key that is not used: {why}");
    Stop::Failed(failed(FailureKind::Refused, 0, text))
}

fn wrong_parent(pinned: &Parent, found: Vec<u8>) -> Stop {
    let text = match found.as_slice() {
        [] => format!("the TPM has no key at {:#x}", pinned.handle),
        name => format!("the TPM's storage key has the Name {}", hex(name)),
    };
    Stop::Failed(Failure { found, ..failed(FailureKind::WrongParent, 0, text) })
}

/// Where an authorization value was given, a refusal of it says that it is wrong.
fn wrong_auth(rc: Rc) -> Stop {
    match tpm2::bare(rc.0) {
        tpm2::RC_AUTH_FAIL | tpm2::RC_BAD_AUTH => {
            Stop::Failed(failed(FailureKind::WrongAuth, rc.0, "wrong authorization value".into()))
        }
        _ => Stop::Code(rc),
    }
}

fn failure(Rc(rc): Rc) -> Failure {
    let (kind, text) = match tpm2::bare(rc) {
        tpm2::RC_AUTH_FAIL | tpm2::RC_BAD_AUTH => {
            (FailureKind::Refused, "the TPM's owner or its storage key has an authorization value of its own")
        }
        tpm2::RC_LOCKOUT => (FailureKind::Lockout, "the TPM is in dictionary-attack lockout"),
        tpm2::RC_INTEGRITY => (FailureKind::NotOurs, "not sealed by this TPM, or damaged"),
        tpm2::RC_INITIALIZE => (FailureKind::NoTpm, "the TPM was reset and not started up"),
        _ => (FailureKind::Tpm, "TPM response code"),
    };
    failed(kind, rc, format!("{text} ({rc:#x})"))
}

/// Longer with each try, and not the same for two processes.
fn jitter(tries: u32) -> Duration {
    Duration::from_millis(u64::from(tries * tries + (std::process::id() ^ (tries * 7)) % 13))
}

fn count(handles: Vec<u32>) -> u32 {
    u32::try_from(handles.len()).unwrap_or(u32::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Manufacturer and vendor string: four letters to a word.
fn text(properties: &[(u32, u32)]) -> String {
    let bytes: Vec<u8> = properties.iter().flat_map(|(_, word)| word.to_be_bytes()).collect();
    let words: String = bytes.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { ' ' }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

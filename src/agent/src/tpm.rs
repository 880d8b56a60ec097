//! The commands of the protocol, on the TPM: parent, seal, unseal, status. Every transaction opens a context of its
//! own and leaves nothing loaded.

use crate::esys::{self, Context, Loaded, Policy, Rc};
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
pub struct Tpm {
    tcti: String,
}

type Result<T> = std::result::Result<T, Failure>;

impl Tpm {
    /// The TPM of a TCTI string; without one the machine's own.
    pub fn new(tcti: Option<String>) -> Tpm {
        Tpm { tcti: tcti.unwrap_or_else(|| "device:/dev/tpmrm0".into()) }
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
                let key = context.create_primary(&esys::storage_template())?;
                Ok(Parent { handle: 0, template: "ecc-p256".into(), name: context.name(&key)? })
            }
        })
    }

    /// Persists the ECC template at 0x81000001 if nothing is there.
    pub fn provision(&self) -> Result<Parent> {
        let unfit = |why: String| Failure {
            kind: FailureKind::Refused,
            code: 0,
            text: format!("handle {:#x} holds a key that is not used: {why}", tpm2::SRK_HANDLE),
        };
        let outcome = self.transaction(|context| match existing(context)? {
            Existing::Fit(parent) => Ok(Ok(parent)),
            Existing::Unfit(why) => Ok(Err(why)),
            Existing::Absent => {
                let key = context.create_primary(&esys::storage_template())?;
                context.persist(&key, tpm2::SRK_HANDLE)?;
                let name = context.name(&key)?;
                Ok(Ok(Parent { handle: tpm2::SRK_HANDLE, template: "ecc-p256".into(), name }))
            }
        })?;
        outcome.map_err(unfit)
    }

    /// Seals; an empty `auth` is the machine lock.
    pub fn seal(&self, parent: &Parent, auth: &Secret, payload: &Secret) -> Result<SealedBlob> {
        self.under(parent, |context, key| context.seal(key, policy(auth), auth, payload))
    }

    /// Unseals; an empty `auth` is the machine lock.
    pub fn unseal(&self, parent: &Parent, auth: &Secret, blob: &SealedBlob) -> Result<Secret> {
        self.under(parent, |context, key| context.unseal(key, policy(auth), auth, blob))
    }

    /// TPM2_Shutdown(CLEAR).
    pub fn shutdown(&self) -> Result<()> {
        self.transaction(Context::shutdown)
    }

    /// See [`Context::set_tries`].
    pub fn set_tries(&self, tries: u32, interval: u32, recovery: u32) -> Result<()> {
        self.transaction(|context| context.set_tries(tries, interval, recovery))
    }

    /// See [`Context::reset_lockout`].
    pub fn reset_lockout(&self, auth: &Secret) -> Result<()> {
        self.transaction(|context| context.reset_lockout(auth))
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
        status.simulated = self.is_swtpm() || status.manufacturer.contains("SW") || status.manufacturer.contains("xCG");
        match existing {
            Existing::Fit(parent) => status.parent = Some(parent),
            Existing::Unfit(why) => status.parent_refused = Some(why),
            Existing::Absent => {}
        }
        Ok(status)
    }

    /// Runs `work` under the pinned parent; another Name is refused before anything else is sent.
    fn under<T>(
        &self,
        pinned: &Parent,
        work: impl Fn(&Context, &Loaded<'_>) -> std::result::Result<T, Rc>,
    ) -> Result<T> {
        let wrong = |found: Option<Vec<u8>>| Failure {
            kind: FailureKind::WrongParent,
            code: 0,
            text: match found {
                Some(name) => format!("the TPM's storage key has the Name {}", hex(&name)),
                None => format!("the TPM has no key at {:#x}", pinned.handle),
            },
        };
        self.transaction(|context| {
            let key = if pinned.handle == 0 {
                context.create_primary(&esys::storage_template())?
            } else {
                match context.persistent(pinned.handle) {
                    Ok(key) => key,
                    Err(Rc(rc)) if tpm2::bare(rc) == tpm2::RC_HANDLE => return Ok(Err(wrong(None))),
                    Err(rc) => return Err(rc),
                }
            };
            let name = context.name(&key)?;
            if name != pinned.name {
                return Ok(Err(wrong(Some(name))));
            }
            work(context, &key).map(Ok)
        })?
    }

    /// One transaction: a context of its own, under a lock where the TPM has no resource manager, tried again while
    /// the TPM is busy or out of room.
    fn transaction<T>(&self, work: impl Fn(&Context) -> std::result::Result<T, Rc>) -> Result<T> {
        let _alone = self.alone();
        let mut tries = 0;
        loop {
            let context = Context::open(&self.tcti).map_err(|rc| self.unreachable(rc))?;
            let outcome = work(&context);
            let Err(rc) = outcome else { return outcome.map_err(failure) };
            if context.broken.get() {
                return Err(self.unreachable(rc));
            }
            tries += 1;
            match tpm2::bare(rc.0) {
                tpm2::RC_OBJECT_MEMORY | tpm2::RC_SESSION_MEMORY if tries < TRIES => self.clean(&context),
                tpm2::RC_RETRY | tpm2::RC_YIELDED | tpm2::RC_TESTING if tries < TRIES => {}
                _ => return Err(failure(rc)),
            }
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
        let text = format!("{} does not answer (error {:#x})", self.tcti, rc.0);
        Failure { kind: FailureKind::NoTpm, code: rc.0, text }
    }
}

enum Existing {
    Absent,
    Fit(Parent),
    Unfit(String),
}

fn existing(context: &Context) -> std::result::Result<Existing, Rc> {
    let key = match context.persistent(tpm2::SRK_HANDLE) {
        Ok(key) => key,
        Err(Rc(rc)) if tpm2::bare(rc) == tpm2::RC_HANDLE => return Ok(Existing::Absent),
        Err(rc) => return Err(rc),
    };
    Ok(match esys::unfit_parent(&context.public(&key)?) {
        Err(why) => Existing::Unfit(why),
        Ok(template) => {
            Existing::Fit(Parent { handle: tpm2::SRK_HANDLE, template: template.into(), name: context.name(&key)? })
        }
    })
}

fn policy(auth: &Secret) -> Policy {
    if auth.is_empty() { Policy::UnsealOnly } else { Policy::AuthValue }
}

fn failure(Rc(rc): Rc) -> Failure {
    let (kind, text) = match tpm2::bare(rc) {
        tpm2::RC_AUTH_FAIL | tpm2::RC_BAD_AUTH => (FailureKind::WrongAuth, "wrong authorization value"),
        tpm2::RC_LOCKOUT => (FailureKind::Lockout, "the TPM is in dictionary-attack lockout"),
        tpm2::RC_INTEGRITY => (FailureKind::NotOurs, "not sealed by this TPM, or damaged"),
        tpm2::RC_INITIALIZE => (FailureKind::NoTpm, "the TPM was reset and not started up"),
        _ => (FailureKind::Tpm, "TPM response code"),
    };
    Failure { kind, code: rc, text: format!("{text} ({rc:#x})") }
}

/// Longer with each try, and not the same for two processes.
fn jitter(tries: u32) -> Duration {
    Duration::from_millis(u64::from(tries * tries + (std::process::id() ^ tries * 7) % 13))
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

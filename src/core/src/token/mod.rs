//! One initialised token within this application: its login, its store, the objects it shows.
//! Locks are held for moments only; the TPM and the disk are asked without them.

mod failure;

pub use failure::{seal_error, store_error};

use crate::attribute::{Attributes, confine};
use crate::object::view::View;
use crate::object::{Home, Object};
use crate::shared::Shared;
use crate::{Error, Result};
use sealhsm_crypto::kdf;
use sealhsm_seal::{self as seal, Listed, TokenKey, Who};
use sealhsm_secret::Secret;
use sealhsm_store::{Change, ObjectStore, Ring, Rings};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use uuid::Uuid;

/// How long an Init call may trust the last look at the index, in milliseconds.
const STALE_MS: u64 = 50;
/// How often a writer tries again when another writer was faster.
const WRITE_TRIES: u32 = 16;

/// See the module's description.
pub struct Token {
    /// The directory's name; the serial number is its end.
    pub uuid: Uuid,
    shared: Arc<Shared>,
    listed: RwLock<Listed>,
    access: RwLock<Access>,
    view: RwLock<View>,
    /// The view's own count of objects that went or changed, to be read without its lock.
    pub removals: Arc<AtomicU64>,
    /// The count when sessions last let go of such objects.
    settled: AtomicU64,
    /// Serialises what asks the TPM or applies news; never held while `access` or `view` is waited for by a signature.
    turn: Mutex<()>,
    /// Serialises changes of session objects, each of which starts from what the object is by then.
    pub changing: Mutex<()>,
    looked: AtomicU64,
    user_failed: AtomicBool,
    so_failed: AtomicBool,
    /// Taken before `access`, and that before `view`, by who takes several.
    sessions: Mutex<Counts>,
    /// Who a test says is logged in, where there is no TPM.
    #[cfg(test)]
    pub pretended: Mutex<Option<Who>>,
}

#[derive(Default)]
struct Access {
    store: Option<Arc<dyn ObjectStore>>,
    /// The public ring key in use, to be compared at login.
    public: Option<Secret>,
    login: Option<Arc<Login>>,
}

/// A successful C_Login. Dropping it wipes the token key.
pub struct Login {
    /// Which role.
    pub who: Who,
    /// Opens everything of this epoch.
    pub key: TokenKey,
    check: Mutex<PinCheck>,
}

/// A keyed hash of the PIN, so that a context-specific login need not ask the TPM when it is right.
struct PinCheck {
    key: Secret,
    hash: Secret,
}

impl PinCheck {
    fn new(pin: &Secret) -> Result<Self> {
        let mut key = Secret::zeroed(32);
        sealhsm_crypto::random::private(key.as_mut()).map_err(|_| Error::DeviceError)?;
        let hash = Self::hash(&key, pin)?;
        Ok(Self { key, hash })
    }

    fn hash(key: &Secret, pin: &Secret) -> Result<Secret> {
        Ok(Secret::copy_of(&kdf::hmac_sha256(key.as_ref(), &[pin.as_ref()]).map_err(|_| Error::General)?))
    }

    fn fits(&self, pin: &Secret) -> bool {
        Self::hash(&self.key, pin).is_ok_and(|hash| self.hash.ct_eq(hash.as_ref()))
    }
}

/// Open sessions of this application with one token.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Read-only.
    pub read_only: u64,
    /// Read/write.
    pub read_write: u64,
}

impl Counts {
    /// Those of one kind.
    pub fn of(&mut self, read_write: bool) -> &mut u64 {
        if read_write { &mut self.read_write } else { &mut self.read_only }
    }
}

impl Token {
    /// A token nobody has used yet in this application.
    pub fn new(shared: Arc<Shared>, listed: Listed) -> Self {
        let view = View::default();
        Token {
            uuid: listed.uuid,
            shared,
            listed: RwLock::new(listed),
            access: RwLock::default(),
            removals: view.removals.clone(),
            view: RwLock::new(view),
            settled: AtomicU64::new(0),
            turn: Mutex::default(),
            changing: Mutex::default(),
            looked: AtomicU64::new(0),
            user_failed: AtomicBool::new(false),
            so_failed: AtomicBool::new(false),
            sessions: Mutex::default(),
            #[cfg(test)]
            pretended: Mutex::default(),
        }
    }

    /// What its directory said at the last look.
    pub fn listed(&self) -> Listed {
        read(&self.listed).clone()
    }

    /// Takes what a new look at the directory said.
    pub fn relist(&self, listed: Listed) {
        *write(&self.listed) = listed;
    }

    /// The session counts, locked.
    pub fn sessions(&self) -> MutexGuard<'_, Counts> {
        lock(&self.sessions)
    }

    /// The same, unless somebody has them.
    pub fn sessions_if_idle(&self) -> Option<MutexGuard<'_, Counts>> {
        self.sessions.try_lock().ok()
    }

    /// Who is logged in.
    pub fn who(&self) -> Option<Who> {
        self.who_in(&read(&self.access))
    }

    fn who_in(&self, access: &Access) -> Option<Who> {
        #[cfg(test)]
        if let Some(who) = *lock(&self.pretended) {
            return Some(who);
        }
        access.login.as_ref().map(|l| l.who)
    }

    /// The login, for those who need the token key.
    pub fn login(&self) -> Option<Arc<Login>> {
        read(&self.access).login.clone()
    }

    /// Whether the last try of this role's PIN in this application was wrong.
    pub fn failed(&self, who: Who) -> bool {
        self.failure(who).load(Ordering::Relaxed)
    }

    fn failure(&self, who: Who) -> &AtomicBool {
        match who {
            Who::User => &self.user_failed,
            Who::So => &self.so_failed,
        }
    }

    /// Checks a PIN with the TPM and remembers whether it was wrong.
    pub fn open_with(&self, who: Who, pin: &Secret) -> Result<TokenKey> {
        let opened = seal::open(&self.shared.seal, &self.shared.door, self.uuid, who, pin);
        if let Err(seal::Error::WrongPin | seal::Error::Locked) = &opened {
            self.failure(who).store(true, Ordering::Relaxed);
        } else if opened.is_ok() {
            self.failure(who).store(false, Ordering::Relaxed);
        }
        opened.map_err(|e| seal_error(self.uuid, e))
    }

    /// C_Login. `open`: whether the call's session still is, once the TPM has answered. If it was the last to close, then
    /// that was a logout, which a late login does not undo.
    pub fn log_in(&self, who: Who, pin: &Secret, open: impl Fn() -> bool) -> Result<()> {
        let _turn = lock(&self.turn);
        match self.who() {
            Some(present) if present == who => return Err(Error::UserAlreadyLoggedIn),
            Some(_) => return Err(Error::UserAnotherAlreadyLoggedIn),
            None => {}
        }
        let key = self.open_with(who, pin)?;
        let check = PinCheck::new(pin)?;
        let rings = key.rings();
        let public = rings.public.0.duplicate();
        let private = rings.private.filter(|_| who == Who::User);
        // No session comes or goes between these looks and the login.
        let counts = self.sessions();
        let mut access = write(&self.access);
        if !open() {
            return Err(Error::SessionClosed);
        }
        if who == Who::So && counts.read_only > 0 {
            return Err(Error::SessionReadOnlyExists);
        }
        if let (Some(store), Some(machine)) = (&access.store, &access.public) {
            if !machine.ct_eq(public.as_ref()) {
                if !store.refresh().is_err_and(|e| ended(&e)) {
                    log::error!(
                        "token {}: its machine keyslot opens another key than the PIN does; the directory was altered, \
                         restore token.object from a backup",
                        self.uuid
                    );
                    return Err(Error::DeviceError);
                }
                // What this application held is of an epoch that another process ended.
                *access = Access::default();
                write(&self.view).remove_all(|_| true);
            }
        }
        match (&access.store, private) {
            (Some(store), Some(private)) => store.open_private(private),
            (Some(_), None) => {}
            (None, private) => {
                let rings = Rings { public: rings.public, private };
                let store = seal::objects(&self.shared.seal, self.uuid, rings).map_err(|e| seal_error(self.uuid, e))?;
                access.store = Some(store);
                access.public = Some(public);
            }
        }
        access.login = Some(Arc::new(Login { who, key, check: Mutex::new(check) }));
        self.looked.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// A context-specific login of the user who is logged in: a right PIN costs no TPM command, a wrong one is counted.
    pub fn reauthenticate(&self, pin: &Secret) -> Result<()> {
        let login = self.login().ok_or(Error::UserNotLoggedIn)?;
        if lock(&login.check).fits(pin) {
            return Ok(());
        }
        self.open_with(login.who, pin).map(drop)
    }

    /// The PIN was changed: what context-specific logins compare with changes too.
    pub fn remember_pin(&self, pin: &Secret) -> Result<()> {
        if let Some(login) = self.login() {
            *lock(&login.check) = PinCheck::new(pin)?;
        }
        Ok(())
    }

    /// C_Logout and the last C_CloseSession: wipes the keys, forgets private objects. False if nobody was logged in.
    pub fn log_out(&self) -> bool {
        let login = {
            let mut access = write(&self.access);
            if let Some(store) = &access.store {
                store.close_private();
            }
            access.login.take()
        };
        write(&self.view).remove_all(|o| o.private);
        self.looked.store(0, Ordering::Relaxed);
        login.is_some()
    }

    /// Everything of this token that this application holds is void: re-initialised, rekeyed, deleted.
    pub fn forget(&self) {
        *write(&self.access) = Access::default();
        write(&self.view).remove_all(|_| true);
        self.looked.store(0, Ordering::Relaxed);
    }

    /// See [`Token::forget`]; leaves what somebody is using just now.
    pub fn wipe_if_idle(&self) {
        if let Ok(mut access) = self.access.try_write() {
            *access = Access::default();
        }
        if let Ok(mut view) = self.view.try_write() {
            view.remove_all(|_| true);
        }
    }

    /// The store, opened through the machine keyslot when nobody logged in yet.
    pub fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        if let Some(store) = self.present_store() {
            return Ok(store);
        }
        let _turn = lock(&self.turn);
        if let Some(store) = self.present_store() {
            return Ok(store);
        }
        let public = seal::open_machine(&self.shared.seal, &self.shared.door, self.uuid)
            .map_err(|e| seal_error(self.uuid, e))?;
        let kept = public.0.duplicate();
        let store = seal::objects(&self.shared.seal, self.uuid, Rings { public, private: None })
            .map_err(|e| seal_error(self.uuid, e))?;
        let mut access = write(&self.access);
        access.store = Some(store.clone());
        access.public = Some(kept);
        Ok(store)
    }

    /// The store if it is open already.
    pub fn present_store(&self) -> Option<Arc<dyn ObjectStore>> {
        read(&self.access).store.clone()
    }

    /// Looks at the index and follows it; one `stat` when nothing changed. A token that another process made anew is
    /// opened anew where nobody is logged in; a login of the old one ends with an error.
    pub fn refresh(&self) -> Result<()> {
        let public = self.who().is_none();
        match self.follow(self.store()?.as_ref()) {
            Err(error) if public && ended(&error) => {
                self.forget();
                self.follow(self.store()?.as_ref()).map_err(|e| self.failed_store(e))
            }
            outcome => outcome.map_err(|e| self.failed_store(e)),
        }
    }

    fn follow(&self, store: &dyn ObjectStore) -> std::result::Result<(), sealhsm_store::Error> {
        let _turn = lock(&self.turn);
        let mut news = store.refresh()?;
        if news.restart || !news.put.is_empty() || !news.gone.is_empty() {
            let access = read(&self.access);
            if self.who_in(&access) != Some(Who::User) {
                // Read before a logout in another thread.
                news.put.retain(|entry| entry.ring == Ring::Public);
            }
            write(&self.view).apply(news);
        }
        self.looked.store(Self::now(), Ordering::Relaxed);
        Ok(())
    }

    /// Looks only when the last look is old; for Init calls, which must be cheap.
    pub fn glance(&self) -> Result<()> {
        let looked = self.looked.load(Ordering::Relaxed);
        if looked != 0 && Self::now().saturating_sub(looked) < STALE_MS {
            return Ok(());
        }
        self.refresh()
    }

    /// Milliseconds of a clock that never goes back and costs next to nothing to read.
    fn now() -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        (now.tv_sec as u64) * 1_000 + (now.tv_nsec as u64) / 1_000_000 + 1
    }

    /// Whether no object went since the last call, which then answers for what went before it.
    pub fn settled(&self) -> bool {
        let removals = self.removals.load(Ordering::Acquire);
        self.settled.swap(removals, Ordering::AcqRel) == removals
    }

    fn failed_store(&self, error: sealhsm_store::Error) -> Error {
        if ended(&error) {
            log::warn!("token {}: re-initialised or removed by another process; logged out here", self.uuid);
            self.forget();
        }
        store_error(error)
    }

    /// One durable transaction, then a look at the result. `changes` is asked again when another writer was faster.
    pub fn commit<'a>(&self, mut changes: impl FnMut() -> Result<Vec<Change<'a>>>) -> Result<()> {
        for _ in 0..WRITE_TRIES {
            if self.try_commit(&changes()?)? {
                return Ok(());
            }
        }
        log::warn!("token {}: other processes keep changing the same object; try again", self.uuid);
        Err(Error::ExceededMaxIterations)
    }

    /// One try at a transaction; false when another writer was faster and the view has been brought up to date.
    pub fn try_commit(&self, changes: &[Change<'_>]) -> Result<bool> {
        let done = match self.store()?.commit(changes) {
            Ok(()) => true,
            Err(sealhsm_store::Error::Conflict(_)) => false,
            Err(error) => return Err(self.failed_store(error)),
        };
        self.refresh()?;
        Ok(done)
    }

    /// The object of a handle, if it can be seen now.
    pub fn object(&self, handle: u64) -> Option<Arc<Object>> {
        read(&self.view).get(handle).cloned()
    }

    /// The same for several at once.
    pub fn objects<const N: usize>(&self, handles: [u64; N]) -> [Option<Arc<Object>>; N] {
        let view = read(&self.view);
        handles.map(|handle| view.get(handle).cloned())
    }

    /// Makes the tag of a token object that has marks (see `confine`) where others could write them. Nobody vouches for it
    /// without a login.
    pub fn vouch(&self, uuid: Uuid, ring: Ring, object: &mut Attributes) -> Result<()> {
        let marked = ring == Ring::Public && confine::is_marked(object);
        let tag = match self.login().filter(|_| marked) {
            Some(login) => Some(self.tag(&login, uuid, object)?),
            None => None,
        };
        confine::set_tag(object, tag);
        Ok(())
    }

    /// Whether the marks of an object are its own: of the private ring only who had the token key can have written them.
    pub fn vouches_for(&self, object: &Object, attributes: &Attributes) -> Result<bool> {
        let public = matches!(object.home, Home::Token { ring: Ring::Public, .. });
        if !public || !confine::is_marked(attributes) {
            return Ok(true);
        }
        let (Some(login), Some(tag)) = (self.login(), confine::tag(attributes)) else { return Ok(false) };
        let expected = Secret::copy_of(&self.tag(&login, object.uuid, attributes)?);
        Ok(expected.ct_eq(tag))
    }

    fn tag(&self, login: &Login, uuid: Uuid, object: &Attributes) -> Result<[u8; 32]> {
        let statement = confine::statement(uuid, object)?;
        login.key.tag(statement.as_ref()).map_err(|error| seal_error(self.uuid, error))
    }

    /// Reads the view.
    pub fn with_view<T>(&self, look: impl FnOnce(&View) -> T) -> T {
        look(&read(&self.view))
    }

    /// Adds objects of a session, all or none: not to a session that is closed by now (`open`), and no private ones where
    /// the user has logged out.
    pub fn add(&self, objects: &[Arc<Object>], open: impl Fn() -> bool) -> Result<()> {
        let access = read(&self.access);
        let mut view = write(&self.view);
        if !open() {
            return Err(Error::SessionClosed);
        }
        if objects.iter().any(|o| o.private) && self.who_in(&access) != Some(Who::User) {
            return Err(Error::UserNotLoggedIn);
        }
        objects.iter().for_each(|object| view.insert(object.clone()));
        Ok(())
    }

    /// Changes the view: session objects.
    pub fn change_view<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        change(&mut write(&self.view))
    }
}

/// Whether an error says that the epoch a store belongs to has ended.
fn ended(error: &sealhsm_store::Error) -> bool {
    matches!(error, sealhsm_store::Error::EpochChanged | sealhsm_store::Error::Gone(_))
}

/// Locks even if a thread panicked under the lock: every state these locks guard is whole between statements.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// See [`lock`].
pub fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// See [`lock`].
pub fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

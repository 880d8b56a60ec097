//! What surrounds one test: its directory, configuration, TPM and log.

use crate::ck;
use crate::forked::fork;
use crate::module::Module;
use crate::paths::program;
use crate::session::Session;
use crate::swtpm::Swtpm;
use crate::user;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The SO PIN of [`Env::token`].
pub const SO_PIN: &str = "so-pin-1234";
/// The user PIN of [`Env::token`].
pub const USER_PIN: &str = "user-pin-1234";

/// See the module's description.
pub struct Env {
    directory: PathBuf,
    swtpm: OnceCell<Swtpm>,
    agent: OnceCell<PathBuf>,
}

impl Env {
    /// In the process that starts the test: writes its configuration.
    pub(crate) fn new(directory: &Path) -> Env {
        let env = Env { directory: directory.to_path_buf(), swtpm: OnceCell::new(), agent: OnceCell::new() };
        env.configure("");
        env
    }

    /// In the test's own process.
    pub(crate) fn inside(directory: PathBuf) -> Env {
        Env { directory, swtpm: OnceCell::new(), agent: OnceCell::new() }
    }

    /// What the test's process is started with.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOME", self.directory.display().to_string()),
            ("SEALHSM_CONF", self.file("sealhsm.toml").display().to_string()),
            ("SEALHSM_LOG", "debug".into()),
        ]
    }

    /// A path in the test's directory.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What a test that went well has to tell; printed when it is over.
    pub fn report(&self, text: &str) {
        std::fs::write(self.file("report"), text).expect("a report");
    }

    /// The token directory.
    pub fn tokens(&self) -> PathBuf {
        self.file("tokens")
    }

    /// Writes the configuration anew, with these lines at its end. Read at C_Initialize.
    pub fn configure(&self, more: &str) {
        self.configure_for(&Swtpm::tcti(&self.file("tpm")), more);
    }

    /// The same with another TPM.
    pub fn configure_for(&self, tcti: &str, more: &str) {
        let (tokens, agent) = (self.tokens(), self.agent.get_or_init(|| program("sealhsm-tpm")));
        self.configure_exactly(&format!("tokendir = {tokens:?}\ntpm = {tcti:?}\nagent = {agent:?}\n{more}\n"));
    }

    /// Writes a configuration that says only this.
    pub fn configure_exactly(&self, text: &str) {
        std::fs::write(self.file("sealhsm.toml"), text).expect("the configuration to be written");
    }

    /// The software TPM that the configuration names, started at the first call.
    pub fn tpm(&self) -> &Swtpm {
        self.swtpm.get_or_init(|| Swtpm::start(&self.file("tpm")))
    }

    /// Gives up root for good, if the test runs as root: permissions do not bind root. Before anything else; the module
    /// is loaded and not initialised. What is in the test's directory belongs to the new user.
    pub fn become_ordinary(&self) -> Module {
        let module = Module::ours();
        if !user::is_root() {
            return module;
        }
        // The ordinary user may not be able to get at the build's directory.
        let agent = self.file("sealhsm-tpm");
        std::fs::copy(program("sealhsm-tpm"), &agent).expect("a copy of the agent");
        self.agent.set(agent).expect("to come before anything else");
        self.configure("");
        user::become_nobody(&self.directory);
        module
    }

    /// The module under test, loaded and initialised.
    pub fn module(&self) -> Module {
        let module = Module::ours();
        module.initialize().expect("C_Initialize");
        module
    }

    /// Makes a token with both PINs set; returns its slot.
    pub fn token(&self, module: &Module, label: &str) -> ck::CK_SLOT_ID {
        self.tpm();
        let slot = *module.slots().expect("slots").last().expect("a free slot");
        module.init_token(slot, SO_PIN, label).expect("C_InitToken");
        let session = module.open_rw(slot).expect("a session");
        session.login(ck::CKU_SO, SO_PIN).expect("login of the SO");
        session.init_pin(USER_PIN).expect("C_InitPIN");
        session.close().expect("C_CloseSession");
        slot
    }

    /// A read-write session on a new token, with the user logged in.
    pub fn user<'m>(&self, module: &'m Module) -> Session<'m> {
        let session = module.open_rw(self.token(module, "test")).expect("a session");
        session.login(ck::CKU_USER, USER_PIN).expect("login of the user");
        session
    }

    /// Runs `body` in another process that has the module initialised.
    #[track_caller]
    pub fn elsewhere(&self, body: impl FnOnce(&Module)) {
        // Or else it would end with that process.
        self.tpm();
        let went_well = fork(|| {
            let module = self.module();
            body(&module);
            module.finalize().expect("C_Finalize");
        });
        assert!(went_well, "the other process failed, see above");
    }

    /// The directory of the only token.
    pub fn home(&self) -> PathBuf {
        let all = std::fs::read_dir(self.tokens()).expect("the token directory");
        let mut homes = all.map(|entry| entry.expect("an entry of it").path()).filter(|path| path.is_dir());
        let home = homes.next().expect("a token");
        assert_eq!(homes.next(), None, "more than one token");
        home
    }

    /// What the module has logged so far.
    pub fn log(&self) -> Log {
        let text = std::fs::read_to_string(self.file("stderr")).unwrap_or_default();
        Log(text.lines().filter(|line| line.starts_with("sealhsm: ")).map(String::from).collect())
    }

    /// What it has logged since `before`.
    pub fn since(&self, before: &Log) -> Log {
        Log(self.log().0.split_off(before.0.len()))
    }
}

/// Lines of the module's log (standard error, by SEALHSM_LOG).
#[derive(Debug)]
pub struct Log(pub Vec<String>);

impl Log {
    /// Whether a line holds all of these.
    pub fn says(&self, words: &[&str]) -> bool {
        self.0.iter().any(|line| words.iter().all(|word| line.contains(word)))
    }

    /// Panics with the whole log unless a line holds all of these.
    #[track_caller]
    pub fn must_say(&self, words: &[&str]) {
        assert!(self.says(words), "no line says {words:?}:\n{}", self.0.join("\n"));
    }
}

/// Waits for something that is about to happen.
#[track_caller]
pub fn eventually(what: &str, happens: impl Fn() -> bool) {
    let late = Instant::now() + Duration::from_secs(10);
    while !happens() {
        assert!(Instant::now() < late, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

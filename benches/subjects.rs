//! Who takes part: bare OpenSSL, this build of SealHSM on a swtpm of its own, and the peers that are installed.

use crate::cases;
use crate::client::Module;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The user's PIN on every subject.
pub const PIN: &[u8] = b"123456";
const SO_PIN: &[u8] = b"87654321";

/// One column of the table.
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// Its module, or `bare`.
    pub module: String,
    /// What its processes are told.
    pub environment: Vec<(String, String)>,
    /// What it could not make, and why.
    pub missing: Vec<String>,
    _home: Option<TempDir>,
    _tpm: Option<Swtpm>,
}

/// A swtpm, ended with the value.
struct Swtpm(Child);

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Bare OpenSSL.
pub fn bare() -> Subject {
    Subject {
        name: "bare OpenSSL",
        module: "bare".into(),
        environment: vec![],
        missing: vec![],
        _home: None,
        _tpm: None,
    }
}

/// Everybody, each with `objects` objects besides the keys; tpm2-pkcs11, which makes no such objects, without.
pub fn all(objects: usize) -> Vec<Subject> {
    let mut subjects = vec![bare(), ours(objects)];
    subjects.extend(softhsm(objects));
    subjects.extend(tpm2_pkcs11());
    subjects
}

/// This build.
pub fn ours(objects: usize) -> Subject {
    let release = std::env::current_exe().expect("own path");
    let release =
        release.ancestors().find(|p| p.join("sealhsm-tpm").exists()).expect("run `cargo build --release` first");
    let home = home();
    let (tpm, tcti) = swtpm(home.path());
    let config = home.path().join("sealhsm.toml");
    let tokens = home.path().join("tokens");
    std::fs::write(&config, format!("tokendir = \"{}\"\n", tokens.display())).expect("write");
    let environment = vec![pair("SEALHSM_CONF", &config), ("SEALHSM_TPM".into(), tcti)];
    prepare("SealHSM", &release.join("libsealhsm.so"), environment, objects, home, Some(tpm)).expect("SealHSM")
}

fn softhsm(objects: usize) -> Option<Subject> {
    let module = installed(&["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"])?;
    let home = home();
    let config = home.path().join("softhsm2.conf");
    let tokens = home.path().join("tokens");
    std::fs::create_dir(&tokens).expect("mkdir");
    std::fs::write(&config, format!("directories.tokendir = {}\n", tokens.display())).expect("write");
    prepare("SoftHSM2", &module, vec![pair("SOFTHSM2_CONF", &config)], objects, home, None)
}

fn tpm2_pkcs11() -> Option<Subject> {
    let module = installed(&[
        "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
        "/usr/lib/x86_64-linux-gnu/pkcs11/libtpm2_pkcs11.so",
        "/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1",
    ])?;
    let home = home();
    let (tpm, tcti) = swtpm(home.path());
    let environment = vec![
        pair("TPM2_PKCS11_STORE", home.path()),
        ("TPM2_PKCS11_TCTI".into(), tcti),
        ("TPM2_PKCS11_LOG_LEVEL".into(), "0".into()),
        ("TSS2_LOG".into(), "all+NONE".into()),
    ];
    prepare("tpm2-pkcs11", &module, environment, 0, home, Some(tpm))
}

/// Makes token and keys in a process of its own, which this one must not load modules into.
fn prepare(
    name: &'static str,
    module: &Path,
    environment: Vec<(String, String)>,
    objects: usize,
    home: TempDir,
    tpm: Option<Swtpm>,
) -> Option<Subject> {
    let output = Command::new(std::env::current_exe().expect("own path"))
        .args(["--prepare", &module.display().to_string(), "--objects", &objects.to_string()])
        .envs(environment.iter().cloned())
        .output()
        .expect("spawn");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut missing: Vec<String> = text.lines().map(str::to_string).collect();
    if missing.pop().as_deref() != Some("ready") {
        eprintln!("{name} cannot be set up: {text}{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    Some(Subject { name, module: module.display().to_string(), environment, missing, _home: Some(home), _tpm: tpm })
}

/// The process that [`prepare`] starts.
pub fn prepare_here(module: &str, objects: usize) -> Vec<String> {
    let made = Module::load(module.as_ref()).and_then(|m| {
        m.make_token(SO_PIN, PIN)?;
        Ok(cases::make_keys(&m.session(PIN)?, objects))
    });
    match made {
        Ok(missing) => missing.into_iter().chain(["ready".to_string()]).collect(),
        Err(error) => vec![error],
    }
}

/// On a RAM disk where there is one: what is measured is not the disk.
fn home() -> TempDir {
    let ram = Path::new("/dev/shm");
    if ram.is_dir() { tempfile::tempdir_in(ram) } else { tempfile::tempdir() }.expect("a temporary directory")
}

fn swtpm(home: &Path) -> (Swtpm, String) {
    let state = home.join("tpm");
    std::fs::create_dir(&state).expect("mkdir");
    let socket = home.join("sock");
    let process = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear", "--tpmstate"])
        .arg(format!("dir={}", state.display()))
        .args(["--server", &format!("type=unixio,path={},mode=0600", socket.display())])
        .args(["--ctrl", &format!("type=unixio,path={}.ctrl,mode=0600", socket.display())])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("swtpm is installed");
    for _ in 0..500 {
        if socket.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    (Swtpm(process), format!("swtpm:path={}", socket.display()))
}

fn installed(paths: &[&str]) -> Option<PathBuf> {
    paths.iter().map(PathBuf::from).find(|p| p.exists())
}

fn pair(name: &str, path: &Path) -> (String, String) {
    (name.into(), path.display().to_string())
}

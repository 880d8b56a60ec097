//! Where a software TPM lives: a private directory with its state, its sockets and the number of its process.

use crate::failure::Failure;
use rustix::fs::FlockOperation;
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where root's is; users have theirs in their own state directory.
const ROOT_HOME: &str = "/var/lib/sealhsm/swtpm";
/// sockaddr_un(7): `sun_path` without its last zero.
const MAX_SOCKET_PATH: usize = 107;

/// See the module's description. The path is absolute.
pub struct Home(PathBuf);

impl Home {
    /// The directory that was asked for, or the default one. It need not exist yet.
    pub fn new(asked: Option<&Path>) -> Result<Home, Failure> {
        let path = match asked {
            Some(path) => std::path::absolute(path).map_err(|e| Failure::io(path, &e))?,
            None => default()?,
        };
        let home = Home(path);
        let longest = home.control();
        let text = longest.to_str().ok_or_else(|| format!("{}: not UTF-8", longest.display()))?;
        if text.len() > MAX_SOCKET_PATH {
            return Err(format!(
                "{text}: {} bytes are too long for a socket ({MAX_SOCKET_PATH} are allowed); give a shorter --dir",
                text.len()
            )
            .into());
        }
        // Both swtpm's options and a TCTI string separate with commas.
        if text.contains(',') {
            return Err(format!("{text}: a comma has a meaning in TCTI strings; give another --dir").into());
        }
        Ok(home)
    }

    /// Makes the directory, and its parents, for this user alone; refuses one that others can enter.
    pub fn prepare(&self) -> Result<(), Failure> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(|e| Failure::io(&self.0, &e))?;
        let about = std::fs::metadata(&self.0).map_err(|e| Failure::io(&self.0, &e))?;
        if about.uid() != sealhsm_door::effective_uid() {
            return Err(format!("{}: belongs to another user; give another --dir", self.0.display()).into());
        }
        if about.mode() & 0o077 != 0 {
            let mode = about.mode() & 0o7777;
            return Err(format!("{0}: others can enter it (mode {mode:04o}); chmod 700 {0}", self.0.display()).into());
        }
        Ok(())
    }

    /// Held while one command starts or stops it. (The directory itself is the agents' lock.)
    pub fn lock(&self) -> Result<File, Failure> {
        let path = self.0.join("start.lock");
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| Failure::io(&path, &e))?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|e| Failure::io(&path, &e.into()))?;
        Ok(file)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The socket of TPM commands.
    pub fn socket(&self) -> PathBuf {
        self.0.join("sock")
    }
    /// The control channel, where libtss2 looks for it.
    pub fn control(&self) -> PathBuf {
        self.0.join("sock.ctrl")
    }
    /// What swtpm writes about itself.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }
    /// Where swtpm writes its process number.
    pub fn pid_file(&self) -> PathBuf {
        self.0.join("pid")
    }
    /// What `tpm` and SEALHSM_TPM say to use it.
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.socket().display())
    }

    /// The process, if the file names one that really is this swtpm.
    pub fn process(&self) -> Option<i32> {
        let pid: i32 = std::fs::read_to_string(self.pid_file()).ok()?.trim().parse().ok()?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let control = format!("path={}", self.control().display());
        let ours = String::from_utf8_lossy(&command).split('\0').any(|word| word.contains(&control));
        (pid > 1 && ours).then_some(pid)
    }
}

fn default() -> Result<PathBuf, Failure> {
    if sealhsm_door::effective_uid() == 0 {
        return Ok(ROOT_HOME.into());
    }
    let directory = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    directory("XDG_STATE_HOME")
        .or_else(|| directory("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("sealhsm/swtpm"))
        .ok_or_else(|| "neither XDG_STATE_HOME nor HOME is set; give --dir".into())
}

/// Whether nothing is there.
pub fn missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_too_deep_for_a_socket_is_refused() {
        assert!(Home::new(Some(Path::new(&format!("/{}", "a".repeat(97))))).is_err());
        assert!(Home::new(Some(Path::new(&format!("/{}", "a".repeat(96))))).is_ok());
        assert!(Home::new(Some(Path::new("/a,b"))).is_err());
    }

    #[test]
    fn a_number_that_belongs_to_another_program_is_not_the_swtpm() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(Some(directory.path())).unwrap();
        assert_eq!(home.process(), None);
        std::fs::write(home.pid_file(), std::process::id().to_string()).unwrap();
        assert_eq!(home.process(), None);
    }

    #[test]
    fn a_directory_that_others_can_enter_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(Some(&directory.path().join("new"))).unwrap();
        home.prepare().unwrap();
        std::fs::set_permissions(home.path(), std::os::unix::fs::PermissionsExt::from_mode(0o750)).unwrap();
        assert!(home.prepare().unwrap_err().to_string().contains("0750"));
    }
}

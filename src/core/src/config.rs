//! The configuration: where it is looked for, what it says, and what follows from it for the rings below.
//! `conf/sealhsm.toml` documents every key; a test reads it.

use crate::mechanism::{Group, Row, named};
pub use sealhsm_door::privileged;
use sealhsm_seal::Argon2;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where systemd listens for the agent.
const SOCKET: &str = "/run/sealhsm/tpm.sock";
/// The agent's place in an installed system.
const LIBEXEC_AGENT: &str = "/usr/libexec/sealhsm/sealhsm-tpm";
const SYSTEM_CONFIG: &str = "/etc/sealhsm/sealhsm.toml";
const ROOT_TOKENDIR: &str = "/var/lib/sealhsm/tokens";
/// A configuration file is never longer than this.
const MAX_FILE: u64 = 1 << 20;

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from; none: defaults.
    pub file: Option<PathBuf>,
    /// The token directory.
    pub tokendir: PathBuf,
    /// TCTI string.
    pub tpm: Option<String>,
    /// Programs to try as the agent, in this order.
    pub agents: Vec<PathBuf>,
    /// Permission bits taken away from new files.
    pub umask: u32,
    /// What is logged.
    pub log_level: log::LevelFilter,
    /// Where to.
    pub log_target: LogTarget,
    /// CKF_REMOVABLE_DEVICE on every slot.
    pub removable_slots: bool,
    /// Changes nothing: a forked child always starts anew. SoftHSM's configuration has it.
    pub reset_on_fork: bool,
    /// Shortest new PIN in bytes.
    pub pin_min: usize,
    /// Longest PIN in bytes.
    pub pin_max: usize,
    /// Cost of new keyslots.
    pub argon2: Argon2,
    /// One purpose per key, and what follows: see `attribute::strict` and SECURITY.md.
    pub strict: bool,
    mechanisms: Mechanisms,
}

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTarget {
    /// `/dev/log`.
    Syslog,
    /// Standard error.
    Stderr,
}

/// Allowed mechanisms.
#[derive(Clone, Debug)]
enum Mechanisms {
    Only(Vec<u64>),
    AllBut { numbers: Vec<u64>, legacy: bool },
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct FileForm {
    tokendir: Option<PathBuf>,
    backend: Option<Backend>,
    tpm: Option<String>,
    agent: Option<PathBuf>,
    umask: Option<String>,
    log: LogForm,
    pin: PinForm,
    removable_slots: bool,
    mechanisms: Option<String>,
    reset_on_fork: bool,
    strict: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backend {
    File,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LogForm {
    level: Option<String>,
    target: Option<LogTarget>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PinForm {
    min_length: Option<usize>,
    max_length: Option<usize>,
    argon2_memory_kib: Option<u32>,
    argon2_passes: Option<u32>,
}

impl Config {
    /// Finds and reads the configuration: `SEALHSM_CONF`, the user's, the system's. `beside`: the directory of the
    /// module or the command, where the agent may be too. In a privileged process (AT_SECURE) no environment variable
    /// is read. The error names file, line and what to do.
    pub fn load(beside: Option<&Path>) -> Result<Config, String> {
        let privileged = privileged();
        let variable = |name: &str| match privileged {
            true => None,
            false => std::env::var_os(name).filter(|v| !v.is_empty()),
        };
        let home = |xdg: &str, below: &str| {
            variable(xdg)
                .map(PathBuf::from)
                .filter(|p| p.is_absolute())
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(below)))
        };
        let file = match variable("SEALHSM_CONF") {
            Some(named) => Some(PathBuf::from(named)),
            None => home("XDG_CONFIG_HOME", ".config")
                .map(|dir| dir.join("sealhsm/sealhsm.toml"))
                .into_iter()
                .chain([PathBuf::from(SYSTEM_CONFIG)])
                .find(|path| path.exists()),
        };
        let text = match &file {
            Some(path) => read(path, privileged).map_err(|e| format!("configuration {}: {e}", path.display()))?,
            None => String::new(),
        };
        let data_home = || home("XDG_DATA_HOME", ".local/share").map(|dir| dir.join("sealhsm/tokens"));
        let tokendir = || match effective_root() {
            true => PathBuf::from(ROOT_TOKENDIR),
            false => data_home().unwrap_or_else(|| PathBuf::from(ROOT_TOKENDIR)),
        };
        let mut config = Config::parse(&text, tokendir, beside).map_err(|e| match &file {
            Some(path) => format!("configuration {}: {e}", path.display()),
            None => e,
        })?;
        config.file = file;
        if let Some(tpm) = variable("SEALHSM_TPM") {
            config.tpm = Some(tpm.into_string().map_err(|_| "SEALHSM_TPM is not UTF-8".to_string())?);
        }
        Ok(config)
    }

    /// Reads the text of a configuration file.
    pub(crate) fn parse(
        text: &str,
        tokendir: impl FnOnce() -> PathBuf,
        beside: Option<&Path>,
    ) -> Result<Config, String> {
        let form: FileForm = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_string())?;
        let (Some(Backend::File) | None) = form.backend;
        let mut agents: Vec<PathBuf> = form.agent.iter().cloned().collect();
        if agents.is_empty() {
            agents.extend(beside.map(|dir| dir.join("sealhsm-tpm")));
            agents.push(LIBEXEC_AGENT.into());
        }
        let tokendir = form.tokendir.unwrap_or_else(tokendir);
        for path in agents.iter().chain([&tokendir]) {
            if !path.is_absolute() {
                return Err(format!("{}: must be an absolute path", path.display()));
            }
        }
        let (pin_min, pin_max) = (form.pin.min_length.unwrap_or(4), form.pin.max_length.unwrap_or(255));
        if !(1..=pin_max).contains(&pin_min) || pin_max > 1024 {
            return Err("pin.min_length and pin.max_length: 1 <= min <= max <= 1024".into());
        }
        let argon2 = Argon2 {
            memory_kib: form.pin.argon2_memory_kib.unwrap_or(Argon2::DEFAULT.memory_kib),
            passes: form.pin.argon2_passes.unwrap_or(Argon2::DEFAULT.passes),
        };
        argon2.check().map_err(|e| format!("pin: {e}"))?;
        Ok(Config {
            file: None,
            tokendir,
            tpm: form.tpm.filter(|t| !t.is_empty()),
            agents,
            umask: umask(form.umask.as_deref().unwrap_or("0077"))?,
            log_level: match form.log.level.as_deref() {
                None => log::LevelFilter::Warn,
                Some(level) => {
                    level.parse().map_err(|_| "log.level: off, error, warn, info, debug or trace".to_string())?
                }
            },
            log_target: form.log.target.unwrap_or(LogTarget::Syslog),
            removable_slots: form.removable_slots,
            reset_on_fork: form.reset_on_fork,
            strict: form.strict,
            pin_min,
            pin_max,
            argon2,
            mechanisms: mechanisms(form.mechanisms.as_deref().unwrap_or("ALL"))?,
        })
    }

    /// What stores and keyslots need.
    pub fn seal_settings(&self) -> sealhsm_seal::Settings {
        sealhsm_seal::Settings { tokendir: self.tokendir.clone(), umask: self.umask, argon2: self.argon2 }
    }

    /// What the door needs.
    pub fn door_settings(&self) -> sealhsm_door::Settings {
        sealhsm_door::Settings {
            tpm: self.tpm.clone(),
            agents: self.agents.clone(),
            socket: Some(SOCKET.into()),
            deadline: Some(Duration::from_secs(5)),
        }
    }

    /// Whether a mechanism may be used.
    pub fn allows(&self, row: &Row) -> bool {
        match &self.mechanisms {
            Mechanisms::Only(numbers) => numbers.contains(&row.mechanism),
            Mechanisms::AllBut { .. } => !self.denies(row),
        }
    }

    /// Whether a mechanism is denied by name or as legacy: then no parameter of another one may name it either. Who
    /// lists what is allowed allows it with every parameter.
    pub fn denies(&self, row: &Row) -> bool {
        match &self.mechanisms {
            Mechanisms::Only(_) => false,
            Mechanisms::AllBut { numbers, legacy } => {
                numbers.contains(&row.mechanism) || *legacy && row.group == Group::Legacy
            }
        }
    }

    /// Whether what is kept for old data only is denied, short keys too.
    pub fn denies_legacy(&self) -> bool {
        matches!(self.mechanisms, Mechanisms::AllBut { legacy: true, .. })
    }
}

fn read(path: &Path, privileged: bool) -> io::Result<String> {
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)?;
    let about = file.metadata()?;
    let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    if !about.is_file() {
        return refuse("not a regular file");
    }
    if privileged && (about.uid() != 0 && about.uid() != effective_uid() || about.mode() & 0o022 != 0) {
        return refuse(
            "in a privileged process it must belong to root or the effective user and be writable by nobody else",
        );
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn effective_uid() -> u32 {
    sealhsm_door::effective_uid()
}

fn effective_root() -> bool {
    effective_uid() == 0
}

fn umask(text: &str) -> Result<u32, String> {
    let bits = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok().filter(|b| *b <= 0o777);
    // The owner must be able to use the files; nobody else may ever write them.
    match bits {
        Some(bits) if bits & 0o700 == 0 && bits & 0o022 == 0o022 => Ok(bits),
        _ => {
            Err(format!("umask {text:?}: an octal number such as \"0077\" or \"0027\", which never lets others write"))
        }
    }
}

/// `ALL`, a list of names to allow, or a list of names with `-` before each to deny; `-legacy` denies that group.
fn mechanisms(text: &str) -> Result<Mechanisms, String> {
    let number = |name: &str| {
        named(name.strip_prefix("CKM_").unwrap_or(name))
            .map(|row| row.mechanism)
            .ok_or_else(|| format!("mechanisms: {name:?} is not a mechanism of this module"))
    };
    let words: Vec<&str> = text.split([',', ' ', '\n']).map(str::trim).filter(|w| !w.is_empty()).collect();
    if words.is_empty() {
        return Err("mechanisms: empty; write \"ALL\" for all".into());
    }
    let denied = words.iter().filter(|w| w.starts_with('-')).count();
    if words == ["ALL"] || denied == words.len() {
        let (mut numbers, mut legacy) = (Vec::new(), false);
        for word in words.iter().filter_map(|w| w.strip_prefix('-')) {
            if word.eq_ignore_ascii_case("legacy") {
                legacy = true;
            } else {
                numbers.push(number(word)?);
            }
        }
        return Ok(Mechanisms::AllBut { numbers, legacy });
    }
    if denied > 0 || words.contains(&"ALL") {
        return Err("mechanisms: either allow names, or deny names (with - before each), not both".into());
    }
    Ok(Mechanisms::Only(words.into_iter().map(number).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, || "/tokens".into(), Some(Path::new("/lib")))
    }

    #[test]
    fn nothing_said_means_the_defaults() {
        let config = parse("").unwrap();
        assert_eq!(config.tokendir, Path::new("/tokens"));
        assert_eq!(config.agents, [Path::new("/lib/sealhsm-tpm"), Path::new(LIBEXEC_AGENT)]);
        assert_eq!((config.umask, config.pin_min, config.pin_max), (0o077, 4, 255));
        assert_eq!(config.log_level, log::LevelFilter::Warn);
    }

    #[test]
    fn the_shipped_example_says_the_defaults_and_every_key() {
        let text = include_str!("../../../conf/sealhsm.toml");
        let shipped = parse(text).unwrap();
        let defaults = parse("").unwrap();
        assert_eq!(
            (shipped.umask, shipped.pin_min, shipped.argon2, shipped.strict),
            (defaults.umask, defaults.pin_min, defaults.argon2, false)
        );
        // Every commented-out key is one that the parser knows, with a value that it takes.
        let opened: String = text
            .lines()
            .map(|l| l.strip_prefix('#').filter(|r| !r.starts_with(' ')).unwrap_or(l))
            .fold(String::new(), |all, line| all + line + "\n");
        parse(&opened).unwrap();
        // And every key that the parser knows, which it tells whoever writes another one, is there.
        for section in ["", "[log]\n", "[pin]\n"] {
            let said = parse(&format!("{section}nobody = 1")).unwrap_err();
            let (_, known) = said.split_once("expected ").unwrap();
            let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
            assert!(known.len() >= 2, "{said}");
            let lines = || opened.lines().skip_while(|line| !section.is_empty() && *line != section.trim_end());
            for key in known {
                let (setting, table) = (format!("{key} = "), format!("[{key}]"));
                assert!(lines().any(|line| line.starts_with(&setting) || line == table), "{section}{key}");
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_list_of_mechanisms_is_said() {
        for (list, said) in [
            ("CKM_NO_SUCH", "\"CKM_NO_SUCH\" is not a mechanism of this module"),
            ("SHA256, AES_GMC", "\"AES_GMC\""),
            ("-SHA256 -LEGACYX", "\"LEGACYX\""),
            ("legacy", "\"legacy\""),
            ("-", "\"\""),
            ("sha256", "\"sha256\""),
            ("SHA256, -SHA_1", "not both"),
            ("ALL, -SHA_1", "not both"),
            ("ALL SHA256", "not both"),
            (" , ", "\"ALL\""),
        ] {
            let error = parse(&format!("mechanisms = {list:?}")).unwrap_err();
            assert!(error.starts_with("mechanisms: ") && error.contains(said), "{list}: {error}");
        }
        for list in ["ALL", "-Legacy", "-legacy, -CKM_SHA256", "SHA256\n AES_GCM"] {
            parse(&format!("mechanisms = {list:?}")).unwrap();
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(parse("tokendir = \"/a\"\ntokendri = \"/b\"").unwrap_err().contains("line 2"));
        for bad in [
            "tokendir = \"relative\"",
            "umask = \"0000\"",
            "umask = \"rwx\"",
            "mechanisms = \"CKM_NO_SUCH\"",
            "mechanisms = \"\"",
            "backend = \"oracle\"",
            "[log]\nlevel = \"loud\"",
            "[pin]\nmin_length = 0",
            "[pin]\nargon2_passes = 0",
            "[pin]\nargon2_memory_kib = 4294967295",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

//! The command line as types: help, man pages and completions come from here.

use crate::pin::Source;
use crate::select::Selector;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Manages PKCS#11 tokens that are sealed to this machine's TPM.
#[derive(Debug, Parser)]
#[command(name = "sealhsm", version, propagate_version = true, after_help = AFTER, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
PINs are asked for on the terminal, or come from --pin-file and its kin, from a descriptor, or from
the files sealhsm-pin and sealhsm-so-pin in $CREDENTIALS_DIRECTORY; never from the command line.

Configuration: $SEALHSM_CONF, ~/.config/sealhsm/sealhsm.toml or /etc/sealhsm/sealhsm.toml.
SEALHSM_TPM names another TPM; SEALHSM_LOG=debug tells more.

Exit status: 0 done, 1 failed (or something is wrong, for the status commands), 2 wrong usage.";

/// See [`Cli::command`].
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make, list and delete tokens; set PINs; recover a token on another TPM
    #[command(subcommand)]
    Token(Token),
    /// Import, export, list and delete objects of a token
    #[command(subcommand)]
    Object(Object),
    /// Show every slot and what is in it
    Slots(Format),
    /// Show TPM, tokens, what is wrong and what to do about it
    Status(Format),
    /// Make the key pair that opens a token when its TPM is gone
    #[command(subcommand)]
    Recovery(Recovery),
    /// Prepare and unlock the TPM
    #[command(subcommand)]
    Tpm(Tpm),
    /// Run a software TPM for development (it protects nothing)
    #[command(subcommand)]
    Swtpm(Swtpm),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// An existing directory
        directory: PathBuf,
    },
}

/// `sealhsm token`.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token, or erase and make anew the one selected
    Init(Init),
    /// List tokens; needs no PIN and no TPM
    List(Format),
    /// Delete a token and everything in it
    Delete(Delete),
    /// Change the user PIN, or with --so the SO PIN
    SetPin(SetPin),
    /// Set the user PIN with the SO PIN: a first one, or a new one for a user who forgot his
    InitPin(InitPin),
    /// Let a recovery key open a token that has none; needs the SO PIN
    AddRecoveryKey(AddRecoveryKey),
    /// Open a token with its recovery key and seal it to this TPM with new PINs
    Recover(Recover),
}

/// `sealhsm token init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Label of the token, at most 32 bytes
    #[arg(long, value_parser = label)]
    pub label: String,
    /// Public recovery key (`sealhsm recovery keygen`): opens the token when this TPM is gone
    #[arg(long, value_name = "PUB")]
    pub recovery_key: Option<PathBuf>,
    /// Set no user PIN now
    #[arg(long, conflicts_with_all = ["pin_file", "pin_fd"])]
    pub no_user_pin: bool,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
    /// To erase and make anew a token that exists; its SO PIN is needed.
    #[command(flatten)]
    pub again: Selector,
    /// The SO's PIN.
    #[command(flatten)]
    pub so_pin: SoPin,
    /// The user's PIN.
    #[command(flatten)]
    pub pin: UserPin,
}

/// `sealhsm token delete`.
#[derive(Debug, Args)]
pub struct Delete {
    /// Do not ask; with --uuid also delete a token that cannot be read any more
    #[arg(long)]
    pub force: bool,
    /// Which.
    #[command(flatten)]
    pub token: Selector,
}

/// `sealhsm token set-pin`.
#[derive(Debug, Args)]
pub struct SetPin {
    /// Change the SO PIN; --pin-file and --pin-fd then give the present SO PIN
    #[arg(long)]
    pub so: bool,
    /// Which.
    #[command(flatten)]
    pub token: Selector,
    /// The present PIN.
    #[command(flatten)]
    pub pin: UserPin,
    /// The new PIN.
    #[command(flatten)]
    pub new_pin: NewPin,
}

/// `sealhsm token init-pin`.
#[derive(Debug, Args)]
pub struct InitPin {
    /// Which.
    #[command(flatten)]
    pub token: Selector,
    /// The SO's PIN.
    #[command(flatten)]
    pub so_pin: SoPin,
    /// The user's new PIN.
    #[command(flatten)]
    pub pin: UserPin,
}

/// `sealhsm token add-recovery-key`.
#[derive(Debug, Args)]
pub struct AddRecoveryKey {
    /// Public recovery key (`sealhsm recovery keygen`)
    #[arg(value_name = "PUB")]
    pub key: PathBuf,
    /// Which.
    #[command(flatten)]
    pub token: Selector,
    /// The SO's PIN.
    #[command(flatten)]
    pub so_pin: SoPin,
}

/// `sealhsm token recover`.
#[derive(Debug, Args)]
pub struct Recover {
    /// Private recovery key (PEM)
    #[arg(long, value_name = "FILE")]
    pub recovery_key: PathBuf,
    /// Set no user PIN now
    #[arg(long, conflicts_with_all = ["pin_file", "pin_fd"])]
    pub no_user_pin: bool,
    /// Which.
    #[command(flatten)]
    pub token: Selector,
    /// The new SO PIN.
    #[command(flatten)]
    pub so_pin: SoPin,
    /// The new user PIN.
    #[command(flatten)]
    pub pin: UserPin,
}

/// `sealhsm object`.
#[derive(Debug, Subcommand)]
pub enum Object {
    /// List objects; without the user PIN only public ones
    List(ObjectList),
    /// Destroy objects
    Delete(ObjectDelete),
    /// Import keys and certificates from a file: PEM, DER, or the bytes of a secret key
    Import(ObjectImport),
    /// Write certificates or public keys to a file; private and secret keys never leave the token this way
    Export(ObjectExport),
}

/// `sealhsm object import`.
#[derive(Debug, Args)]
#[command(after_help = IMPORT)]
pub struct ObjectImport {
    /// Private keys (PKCS #8, also encrypted, or RSA, EC and DSA in their own PEM), public keys, X.509
    /// certificates; - is standard input
    pub file: PathBuf,
    /// Label of the new objects (CKA_LABEL) [default: a certificate's common name, else the file's name]
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// ID of the new objects (CKA_ID) in hexadecimal digits [default: SHA-1 of the public key]
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub id: Option<Hex>,
    /// What the key may be used for, and its public half for the counterpart [default: what fits its type]
    #[arg(long, value_name = "USE", value_enum, value_delimiter = ',')]
    pub uses: Vec<Use>,
    /// The key may leave the token again, wrapped by another
    #[arg(long)]
    pub extractable: bool,
    /// Each use of the private key asks for the PIN again
    #[arg(long, conflicts_with = "secret")]
    pub always_authenticate: bool,
    /// Import the private half only
    #[arg(long, conflicts_with = "secret")]
    pub no_public_key: bool,
    /// The file holds the bytes of a secret key of this type, nothing else
    #[arg(long, value_name = "TYPE", value_enum)]
    pub secret: Option<SecretType>,
    /// Import although an object of the same type has the same ID
    #[arg(long)]
    pub force: bool,
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
    /// Into which token.
    #[command(flatten)]
    pub token: Selector,
    /// The user's PIN.
    #[command(flatten)]
    pub pin: UserPin,
    /// What opens an encrypted file.
    #[command(flatten)]
    pub passphrase: Passphrase,
}

const IMPORT: &str = "\
Public keys and certificates are imported without a PIN if none is given. The passphrase may also be
the credential sealhsm-passphrase; it comes before the PIN where one descriptor gives both.
A PKCS #12 file: openssl pkcs12 -noenc -in FILE | sealhsm object import -";

/// `sealhsm object export`.
#[derive(Debug, Args)]
pub struct ObjectExport {
    /// Where to; - is standard output [default: -]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write DER instead of PEM
    #[arg(long, conflicts_with = "all")]
    pub der: bool,
    /// Write all that match, one after the other, not just one
    #[arg(long)]
    pub all: bool,
    /// From which token.
    #[command(flatten)]
    pub token: Selector,
    /// Which objects.
    #[command(flatten)]
    pub filter: Filter,
    /// The user's PIN, if private objects are meant too.
    #[command(flatten)]
    pub login: Login,
}

/// What a key may be used for, as `object list` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Use {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    Wrap,
    Unwrap,
    Derive,
    Encapsulate,
    Decapsulate,
}

/// Types of secret keys in files without any form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretType {
    Aes,
    Generic,
}

/// `sealhsm object list`.
#[derive(Debug, Args)]
pub struct ObjectList {
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
    /// Which token.
    #[command(flatten)]
    pub token: Selector,
    /// Which objects.
    #[command(flatten)]
    pub filter: Filter,
    /// The user's PIN, if private objects are meant too.
    #[command(flatten)]
    pub login: Login,
}

/// `sealhsm object delete`.
#[derive(Debug, Args)]
pub struct ObjectDelete {
    /// Destroy all that match, not just one
    #[arg(long)]
    pub all: bool,
    /// Which token.
    #[command(flatten)]
    pub token: Selector,
    /// Which objects.
    #[command(flatten)]
    pub filter: Filter,
    /// The user's PIN, if private objects are meant too.
    #[command(flatten)]
    pub login: Login,
}

/// Which objects of a token.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which objects")]
pub struct Filter {
    /// Only objects of this type
    #[arg(long = "type", value_name = "TYPE", value_enum)]
    pub class: Option<Class>,
    /// Only objects with this label (CKA_LABEL)
    #[arg(long, value_name = "TEXT")]
    pub label: Option<String>,
    /// Only objects with this ID (CKA_ID), in hexadecimal digits
    #[arg(long, value_name = "HEX", value_parser = hex)]
    pub id: Option<Hex>,
    /// Only the object of this name (CKA_UNIQUE_ID)
    #[arg(long, value_name = "UUID")]
    pub unique_id: Option<String>,
}

/// Bytes typed as hexadecimal digits.
#[derive(Clone, Debug)]
pub struct Hex(pub Vec<u8>);

/// Object types, as pkcs11-tool calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Class {
    Data,
    Cert,
    Pubkey,
    Privkey,
    Secrkey,
}

/// `sealhsm recovery`.
#[derive(Debug, Subcommand)]
pub enum Recovery {
    /// Make a key pair: FILE (private, keep it away from this machine) and FILE.pub
    Keygen {
        /// Where the private key goes; it must not exist yet
        file: PathBuf,
    },
}

/// `sealhsm tpm`.
#[derive(Debug, Subcommand)]
pub enum Tpm {
    /// Keep the parent key at 0x81000001 if nothing is there, which makes logins faster
    Provision,
    /// End a dictionary-attack lockout with the TPM's lockout authorization
    ResetLockout(ResetLockout),
}

/// `sealhsm tpm reset-lockout`.
#[derive(Debug, Args)]
pub struct ResetLockout {
    /// Read the lockout authorization from the first line of a file; without any, it is empty
    #[arg(long, value_name = "FILE", conflicts_with = "auth_fd")]
    auth_file: Option<PathBuf>,
    /// Read it from a descriptor
    #[arg(long, value_name = "N")]
    auth_fd: Option<u32>,
}

/// `sealhsm swtpm`.
#[derive(Debug, Subcommand)]
pub enum Swtpm {
    /// Start it unless it runs, and print the line that tells programs to use it
    Start(Directory),
    /// Shut it down, keeping its state
    Stop(Directory),
    /// Say whether it runs
    Status(SwtpmStatus),
}

/// Where a software TPM lives.
#[derive(Debug, Args)]
pub struct Directory {
    /// Its private directory: state, sockets [default: $XDG_STATE_HOME/sealhsm/swtpm, for root /var/lib/sealhsm/swtpm]
    #[arg(long = "dir", value_name = "DIR")]
    pub directory: Option<PathBuf>,
}

/// `sealhsm swtpm status`.
#[derive(Debug, Args)]
pub struct SwtpmStatus {
    /// How to answer.
    #[command(flatten)]
    pub format: Format,
    /// Which.
    #[command(flatten)]
    pub directory: Directory,
}

/// How a list is written.
#[derive(Debug, Args)]
pub struct Format {
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// The user's PIN where it may be left out.
#[derive(Debug, Args)]
pub struct Login {
    /// Ask for the user PIN on the terminal
    #[arg(short, long, help_heading = "PINs", conflicts_with_all = ["pin_file", "pin_fd"])]
    pub login: bool,
    /// Where it comes from.
    #[command(flatten)]
    pub pin: UserPin,
}

/// Makes the two options that say where a PIN comes from.
macro_rules! pin_options {
    ($name:ident, $file:ident, $fd:ident, $what:literal) => {
        #[doc = concat!("Where the ", $what, " comes from.")]
        #[derive(Debug, Args)]
        #[command(next_help_heading = "PINs")]
        pub struct $name {
            #[arg(long, value_name = "FILE", conflicts_with = stringify!($fd))]
            #[arg(help = concat!("Read the ", $what, " from the first line of a file"))]
            $file: Option<PathBuf>,
            #[arg(long, value_name = "N", help = concat!("Read the ", $what, " from a line of a descriptor"))]
            $fd: Option<u32>,
        }

        impl $name {
            /// What was said.
            pub fn source(&self) -> Source {
                Source { file: self.$file.clone(), fd: self.$fd }
            }
        }
    };
}

pin_options!(UserPin, pin_file, pin_fd, "user PIN");
pin_options!(SoPin, so_pin_file, so_pin_fd, "SO PIN");
pin_options!(NewPin, new_pin_file, new_pin_fd, "new PIN");
pin_options!(Passphrase, passphrase_file, passphrase_fd, "passphrase of the file");

impl ResetLockout {
    /// What was said.
    pub fn source(&self) -> Source {
        Source { file: self.auth_file.clone(), fd: self.auth_fd }
    }
}

/// A token's label: what CK_TOKEN_INFO has room for, which fills it up with spaces, so none at its end are its own.
fn label(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches(' ');
    match text.len() {
        0 => Err("it is empty".into()),
        1..=32 => Ok(text.into()),
        long => Err(format!("it has {long} bytes; 32 are allowed")),
    }
}

fn hex(text: &str) -> Result<Hex, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.len() % 2 != 0 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err("an even number of hexadecimal digits".into());
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16).and_then(|n| u8::try_from(n).ok()).unwrap_or(0);
    Ok(Hex(digits.chunks(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_option_takes_a_pin_itself() {
        fn check(command: &clap::Command) {
            for option in command.get_arguments().filter_map(|a| a.get_long()) {
                let pin = option.ends_with("pin") && !["no-user-pin"].contains(&option);
                assert!(!pin, "{} --{option}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }

    #[test]
    fn an_id_is_read_as_bytes() {
        assert_eq!(hex("0aF1").unwrap().0, [0x0a, 0xf1]);
        assert!(hex("abc").is_err() && hex("zz").is_err());
    }

    #[test]
    fn a_label_is_counted_in_bytes() {
        assert!(label(&"é".repeat(16)).is_ok());
        assert!(label(&"é".repeat(17)).is_err());
    }

    #[test]
    fn spaces_at_the_end_of_a_label_are_the_filling_of_its_field() {
        assert_eq!(label(" a b  ").unwrap(), " a b");
        assert_eq!(label(&format!("{:40}", "a")).unwrap(), "a");
        assert!(label("  ").is_err());
    }
}

//! `token.object`: text ⇄ struct, pure. It opens no file and checks no MAC; it refuses what it does not know.
//!
//! Version 1 is UTF-8 TOML, at most 64 KiB. Byte strings are lowercase hexadecimal. Unknown fields are refused.
//!
//! | field | meaning |
//! |---|---|
//! | `version` | 1 |
//! | `uuid` | the directory's name |
//! | `label` | UTF-8, at most 32 bytes, not padded |
//! | `serial` | the last 16 hexadecimal digits of `uuid` |
//! | `epoch` | 1, 2, …; names the index and is part of every key derivation |
//! | `simulated` | made on a software TPM |
//! | `[parent]` | `handle` (0: a transient primary), `template`, `name`: the TPM storage key it is pinned to |
//! | `[keyslot.so]` | `argon2_memory_kib`, `argon2_passes`, `salt` (32), `sealed_public`, `sealed_private`, `wrapped` (48) |
//! | `[keyslot.user]` | the same; absent until a user PIN is set |
//! | `[keyslot.machine]` | `salt` (32), `sealed_public`, `sealed_private`, `wrapped` (48) |
//! | `[keyslot.recovery]` | `public` (32), `ephemeral` (32), `wrapped` (48); absent without a recovery key |
//! | `[mac]` | `hmac_sha256` (32), the last line: under the MAC key of the epoch, over every byte before that line |
//!
//! `sealed_*` are the marshalled TPM2B_PUBLIC and TPM2B_PRIVATE of a sealed object; what `wrapped` is and what it is
//! bound to is said in `keyslot`.

use crate::Argon2;
use sealhsm_door::{Parent, SealedBlob};
use serde::Deserialize;
use std::fmt::Write;
use uuid::Uuid;

/// No `token.object` is longer, in bytes.
pub const MAX_FILE: usize = 64 * 1024;
/// A 32-byte key under AES-256-GCM.
pub const WRAPPED: usize = 48;
/// The version written, and the only one read.
pub const VERSION: i64 = 1;
const MAX_LABEL: usize = 32;
const MAX_BLOB: usize = 2048;
const MAC_KEY: &str = "hmac_sha256 = \"";

/// What `token.object` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The directory's name.
    pub uuid: Uuid,
    /// At most 32 bytes.
    pub label: String,
    /// From 1.
    pub epoch: u64,
    /// Made on a software TPM.
    pub simulated: bool,
    /// The storage key every sealed object is under.
    pub parent: Parent,
    /// The Security Officer's keyslot.
    pub so: PinSlot,
    /// The user's, once there is a PIN.
    pub user: Option<PinSlot>,
    /// Opens the public ring only.
    pub machine: MachineSlot,
    /// Opened by an offline key.
    pub recovery: Option<RecoverySlot>,
}

/// Opened by a PIN and this TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinSlot {
    /// Cost of a guess.
    pub argon2: Argon2,
    /// Fresh with every sealing.
    pub salt: [u8; 32],
    /// A secret that the TPM gives for the right authorization value.
    pub sealed: SealedBlob,
    /// The token key.
    pub wrapped: [u8; WRAPPED],
}

/// Opened by this TPM alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSlot {
    /// Fresh with every sealing.
    pub salt: [u8; 32],
    /// A secret that this TPM gives to whoever may use it.
    pub sealed: SealedBlob,
    /// The public ring key.
    pub wrapped: [u8; WRAPPED],
}

/// Opened by an X25519 private key, without a TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverySlot {
    /// The recovery key's public half, so that a new epoch can be wrapped to it.
    pub public: [u8; 32],
    /// The public half of a key that existed for this wrapping only.
    pub ephemeral: [u8; 32],
    /// The token key.
    pub wrapped: [u8; WRAPPED],
}

/// A file as it was read: what it says, and the MAC that is still to be checked.
#[derive(Debug)]
pub struct Parsed<'a> {
    /// Nothing in it is to be believed before the MAC is checked.
    pub token: Token,
    /// Every byte before the last line.
    pub authenticated: &'a str,
    /// What the last line says.
    pub mac: [u8; 32],
}

/// Why a text is no `token.object`.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Written by a later program.
    UnknownVersion(i64),
    /// Not this format; the text says where.
    Malformed(String),
}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        Refusal::Malformed(text)
    }
}

/// The serial number of a token: 16 hexadecimal digits.
pub fn serial(uuid: Uuid) -> String {
    hex(&uuid.as_bytes()[8..])
}

/// The slot a token is wanted in: the last 8 digits of its serial number, 31 bits.
pub fn slot(uuid: Uuid) -> u64 {
    let [.., a, b, c, d] = *uuid.as_bytes();
    u64::from(u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff)
}

/// Everything before the last line, which [`finish`] adds.
pub fn print(token: &Token) -> String {
    let mut out = String::with_capacity(4096);
    print_to(&mut out, token).unwrap_or_default(); // a String takes everything
    out
}

/// Adds the last line.
pub fn finish(mut authenticated: String, mac: &[u8; 32]) -> String {
    authenticated.push_str(MAC_KEY);
    authenticated.push_str(&hex(mac));
    authenticated.push_str("\"\n");
    authenticated
}

fn print_to(out: &mut String, t: &Token) -> std::fmt::Result {
    writeln!(out, "# A SealHSM token. The last line authenticates every byte before it: change nothing by hand.")?;
    writeln!(out, "version = {VERSION}\nuuid = \"{}\"\nlabel = {}", t.uuid, quoted(&t.label))?;
    writeln!(out, "serial = \"{}\"\nepoch = {}\nsimulated = {}", serial(t.uuid), t.epoch, t.simulated)?;
    writeln!(out, "\n[parent]\nhandle = {:#010x}\ntemplate = {}", t.parent.handle, quoted(&t.parent.template))?;
    writeln!(out, "name = \"{}\"", hex(&t.parent.name))?;
    for (name, slot) in [("so", Some(&t.so)), ("user", t.user.as_ref())] {
        let Some(slot) = slot else { continue };
        writeln!(out, "\n[keyslot.{name}]\nargon2_memory_kib = {}", slot.argon2.memory_kib)?;
        writeln!(out, "argon2_passes = {}\nsalt = \"{}\"", slot.argon2.passes, hex(&slot.salt))?;
        print_sealed(out, &slot.sealed, &slot.wrapped)?;
    }
    writeln!(out, "\n[keyslot.machine]\nsalt = \"{}\"", hex(&t.machine.salt))?;
    print_sealed(out, &t.machine.sealed, &t.machine.wrapped)?;
    if let Some(slot) = &t.recovery {
        writeln!(out, "\n[keyslot.recovery]\npublic = \"{}\"", hex(&slot.public))?;
        writeln!(out, "ephemeral = \"{}\"\nwrapped = \"{}\"", hex(&slot.ephemeral), hex(&slot.wrapped))?;
    }
    writeln!(out, "\n[mac]")
}

fn print_sealed(out: &mut String, sealed: &SealedBlob, wrapped: &[u8]) -> std::fmt::Result {
    writeln!(out, "sealed_public = \"{}\"\nsealed_private = \"{}\"", hex(&sealed.public), hex(&sealed.private))?;
    writeln!(out, "wrapped = \"{}\"", hex(wrapped))
}

/// Reads a whole file.
pub fn parse(text: &str) -> Result<Parsed<'_>, Refusal> {
    let table: toml::Table = text.parse().map_err(|e| on_a_line(text, &e))?;
    match table.get("version").and_then(toml::Value::as_integer) {
        Some(VERSION) => {}
        Some(other) => return Err(Refusal::UnknownVersion(other)),
        None => return Err(Refusal::Malformed("no version number".into())),
    }
    let form: Form = table.try_into().map_err(|e| on_a_line(text, &e))?;
    let (authenticated, mac) = split(text)?;
    if form.mac.hmac_sha256.0 != mac {
        return Err(Refusal::Malformed("the last line is not the MAC".into()));
    }
    Ok(Parsed { token: form.check()?, authenticated, mac })
}

/// Where and why, on one line.
fn on_a_line(text: &str, error: &toml::de::Error) -> String {
    let why = error.message().replace('\n', " ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => format!("line {}: {why}", before.matches('\n').count() + 1),
        None => why,
    }
}

/// Cuts off the last line, which has exactly one spelling.
fn split(text: &str) -> Result<(&str, [u8; 32]), String> {
    let last = || {
        let at = text.strip_suffix('\n')?.rfind('\n')? + 1;
        let mac = text[at..].strip_prefix(MAC_KEY)?.strip_suffix("\"\n")?;
        Some((&text[..at], Hex::<32>::try_from(mac.to_string()).ok()?.0))
    };
    last().ok_or_else(|| "the last line is not the MAC".into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(rename = "version")]
    _version: i64,
    uuid: String,
    label: String,
    serial: String,
    epoch: u64,
    simulated: bool,
    parent: ParentForm,
    keyslot: KeyslotForm,
    mac: MacForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParentForm {
    handle: u32,
    template: String,
    name: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyslotForm {
    so: PinForm,
    user: Option<PinForm>,
    machine: MachineForm,
    recovery: Option<RecoveryForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinForm {
    argon2_memory_kib: u32,
    argon2_passes: u32,
    salt: Hex<32>,
    sealed_public: Bytes,
    sealed_private: Bytes,
    wrapped: Hex<WRAPPED>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MachineForm {
    salt: Hex<32>,
    sealed_public: Bytes,
    sealed_private: Bytes,
    wrapped: Hex<WRAPPED>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecoveryForm {
    public: Hex<32>,
    ephemeral: Hex<32>,
    wrapped: Hex<WRAPPED>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MacForm {
    hmac_sha256: Hex<32>,
}

impl Form {
    fn check(self) -> Result<Token, String> {
        let uuid = Uuid::parse_str(&self.uuid).map_err(|_| "uuid is not a UUID".to_string())?;
        if uuid.to_string() != self.uuid || serial(uuid) != self.serial {
            return Err("uuid or serial is not written as it must be".into());
        }
        if self.label.len() > MAX_LABEL {
            return Err(format!("the label is longer than {MAX_LABEL} bytes"));
        }
        if self.epoch == 0 {
            return Err("epochs count from 1".into());
        }
        let KeyslotForm { so, user, machine, recovery } = self.keyslot;
        Ok(Token {
            uuid,
            label: self.label,
            epoch: self.epoch,
            simulated: self.simulated,
            parent: Parent { handle: self.parent.handle, template: self.parent.template, name: self.parent.name.0 },
            so: so.check()?,
            user: user.map(PinForm::check).transpose()?,
            machine: MachineSlot {
                salt: machine.salt.0,
                sealed: SealedBlob { public: machine.sealed_public.0, private: machine.sealed_private.0 },
                wrapped: machine.wrapped.0,
            },
            recovery: recovery.map(|slot| RecoverySlot {
                public: slot.public.0,
                ephemeral: slot.ephemeral.0,
                wrapped: slot.wrapped.0,
            }),
        })
    }
}

impl PinForm {
    fn check(self) -> Result<PinSlot, String> {
        let argon2 = Argon2 { memory_kib: self.argon2_memory_kib, passes: self.argon2_passes };
        argon2.check()?;
        Ok(PinSlot {
            argon2,
            salt: self.salt.0,
            sealed: SealedBlob { public: self.sealed_public.0, private: self.sealed_private.0 },
            wrapped: self.wrapped.0,
        })
    }
}

/// Exactly `N` bytes.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> TryFrom<String> for Hex<N> {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bytes = unhex(&text)?;
        bytes.try_into().map(Hex).map_err(|_| format!("{N} bytes are wanted, {} are there", text.len() / 2))
    }
}

/// At most [`MAX_BLOB`] bytes.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Bytes(Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let bytes = unhex(&text)?;
        if bytes.len() > MAX_BLOB { Err(format!("more than {MAX_BLOB} bytes")) } else { Ok(Bytes(bytes)) }
    }
}

/// Lowercase hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |d: u8| char::from(DIGITS[usize::from(d)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |d: u8| match d {
        b'0'..=b'9' => Some(d - b'0'),
        b'a'..=b'f' => Some(d - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?);
    pairs.map(byte).collect::<Option<_>>().ok_or_else(|| "not lowercase hexadecimal".into())
}

/// A TOML basic string (one line, whatever is in it).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
pub(crate) mod tests;

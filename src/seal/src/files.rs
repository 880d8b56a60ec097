//! `token.object` and the directories around it, through the store's checked primitives. It does not know how a
//! keyslot opens.

use crate::format::{self, MAX_FILE, Parsed, Refusal, Token};
use crate::keys::TokenKey;
use crate::{Error, Settings};
use sealhsm_store::directory::{Directory, Lock};
use sealhsm_store::file::{self as store, index_name};
use sealhsm_store::{Error as StoreError, ObjectStore, Rings};
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use uuid::Uuid;

const FILE: &str = "token.object";

/// The directory of one token.
pub struct Home {
    directory: Directory,
    uuid: Uuid,
}

/// `token.object` as it was read: one version of it, not checked yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Text {
    path: String,
    uuid: Uuid,
    text: String,
}

/// The token's directory while nobody else may change anything in it.
pub struct Writer<'a> {
    home: &'a Home,
    _lock: Lock,
}

impl Home {
    /// Fails with [`StoreError::Gone`] when there is no such token.
    pub fn open(settings: &Settings, uuid: Uuid) -> Result<Self, Error> {
        let directory = Directory::open(&settings.tokendir, settings.umask)?.sub(&uuid.to_string())?;
        Ok(Home { directory, uuid })
    }

    /// Reads `token.object`.
    pub fn read(&self) -> Result<Text, Error> {
        Ok(read(&self.directory, self.uuid)?)
    }

    /// The objects of this epoch.
    pub fn objects(self, epoch: u64, rings: Rings) -> Result<Arc<dyn ObjectStore>, Error> {
        let uuid = self.uuid;
        let present = move |directory: &Directory| Ok(read(directory, uuid)?.parse()?.token.epoch);
        Ok(store::open(self.directory, uuid, epoch, rings, Box::new(present))?)
    }

    /// Waits for the writers' lock.
    pub fn lock(&self) -> Result<Writer<'_>, Error> {
        Ok(Writer { _lock: self.directory.lock()?, home: self })
    }
}

fn read(directory: &Directory, uuid: Uuid) -> Result<Text, StoreError> {
    let path = directory.named(FILE);
    match directory.read(FILE, MAX_FILE)?.map(String::from_utf8) {
        Some(Ok(text)) => Ok(Text { path, uuid, text }),
        Some(Err(_)) => Err(tampered(&path, "not UTF-8 text")),
        None if directory.is_gone() => Err(StoreError::Gone(directory.path().display().to_string())),
        None => Err(StoreError::Io(path, ErrorKind::NotFound.into())),
    }
}

impl Text {
    /// Its path, for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it says. Its MAC is still to be checked.
    pub fn parse(&self) -> Result<Parsed<'_>, StoreError> {
        let file = format::parse(&self.text).map_err(|refusal| match refusal {
            Refusal::UnknownVersion(version) => StoreError::UnknownVersion(format!(
                "{}: format version {version}, this program knows {}: a newer one wrote it, update",
                self.path,
                format::VERSION
            )),
            Refusal::Malformed(why) => self.tampered(&why),
        })?;
        match file.token.uuid == self.uuid {
            true => Ok(file),
            false => Err(self.tampered(&format!("it is the one of token {}", file.token.uuid))),
        }
    }

    /// The error for a check that failed.
    pub fn tampered(&self, why: &str) -> StoreError {
        tampered(&self.path, why)
    }

    /// The error for work that was done for another version of this file.
    pub fn changed(&self) -> Error {
        Error::Invalid(format!("{}: another process changed it at the same time; try again", self.path))
    }
}

fn tampered(path: &str, why: &str) -> StoreError {
    let text = format!("{path}: {why}; damaged, from elsewhere or tampered with: restore it from a backup");
    StoreError::Tampered(text)
}

impl Writer<'_> {
    /// Reads `token.object` again.
    pub fn read(&self) -> Result<Text, Error> {
        self.home.read()
    }

    /// Replaces `token.object`, durably and at once.
    pub fn replace(&self, text: &str) -> Result<(), Error> {
        Ok(self.home.directory.replace(FILE, text.as_bytes())?)
    }

    /// Makes the empty index of a new epoch, durably; nobody reads it before `token.object` names it.
    pub fn make_index(&self, key: &TokenKey) -> Result<(), Error> {
        make_index(&self.home.directory, key)
    }

    /// Removes the objects and indexes of all epochs but this one, which has no objects yet. What cannot be removed
    /// does not count any more, and is only said.
    pub fn remove_leftovers(&self, epoch: u64) {
        let directory = &self.home.directory;
        let index = index_name(epoch);
        let left = |name: &String| {
            let ours = [".object", ".object.new", ".index"].iter().any(|ending| name.ends_with(ending));
            ours && *name != FILE && *name != index
        };
        let removed = directory.list().and_then(|names| {
            names.iter().filter(|name| left(name)).try_for_each(|name| directory.remove(name))?;
            directory.sync()
        });
        if let Err(error) = removed {
            log::warn!("{}: files of an earlier epoch could not be removed: {error}", directory.path().display());
        }
    }
}

fn make_index(directory: &Directory, key: &TokenKey) -> Result<(), Error> {
    Ok(store::create_index(directory, key.uuid(), key.epoch(), &key.public_ring())?)
}

/// Makes a token's directory under a `.tmp-` name, and renames it; the token directory too if it is missing.
/// Nothing is left if that fails.
pub fn make(settings: &Settings, key: &TokenKey, token: &Token) -> Result<(), Error> {
    let tokens = open_or_make(settings)?;
    let (temporary, directory) = tokens.make_temporary()?;
    let fill = || {
        make_index(&directory, key)?;
        directory.replace(FILE, key.print(token)?.as_bytes())?;
        Ok(tokens.publish(&temporary, &token.uuid.to_string())?)
    };
    fill().inspect_err(|_| {
        let _ = tokens.remove_token(&temporary);
    })
}

/// Removes a token's directory, once no writer is at work there.
pub fn remove(settings: &Settings, uuid: Uuid) -> Result<(), Error> {
    let tokens = Directory::open(&settings.tokendir, settings.umask)?;
    let name = uuid.to_string();
    // A directory that cannot be locked is removed all the same: it is to go because something is wrong with it.
    let _lock = tokens.sub(&name)?.lock().ok();
    Ok(tokens.remove_token(&name)?)
}

/// The names in the token directory that a token could have, or something that was mistaken for one.
pub fn entries(settings: &Settings) -> Result<Vec<String>, Error> {
    let names = match Directory::open(&settings.tokendir, settings.umask) {
        Ok(directory) => directory.list()?,
        Err(StoreError::Gone(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let plain = |name: &String| {
        let meta = fs::symlink_metadata(settings.tokendir.join(name));
        meta.is_ok_and(|meta| !meta.is_dir() && !meta.is_symlink())
    };
    Ok(names.into_iter().filter(|name| !name.starts_with('.') && !plain(name)).collect())
}

/// The UUIDs that are taken.
pub fn tokens(settings: &Settings) -> Result<Vec<Uuid>, Error> {
    Ok(entries(settings)?.iter().filter_map(|name| uuid_of(name)).collect())
}

/// The UUID of a directory's name, which has one spelling.
pub fn uuid_of(name: &str) -> Option<Uuid> {
    Uuid::parse_str(name).ok().filter(|uuid| uuid.to_string() == name)
}

fn open_or_make(settings: &Settings) -> Result<Directory, Error> {
    match Directory::open(&settings.tokendir, settings.umask) {
        Err(StoreError::Gone(_)) => {}
        other => return Ok(other?),
    }
    let path = &settings.tokendir;
    make_directory(path, 0o750 & !settings.umask).map_err(|cause| {
        let path = path.display().to_string();
        Error::Store(match cause.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(path),
            _ => StoreError::Io(path, cause),
        })
    })?;
    Ok(Directory::open(path, settings.umask)?)
}

/// With its parents, which a group that may read it has to enter too.
fn make_directory(path: &Path, mode: u32) -> io::Result<()> {
    let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    if !parent.exists() {
        make_directory(parent, mode)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        // Whatever the process's own umask says.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode))?,
        // By another process just now.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    File::open(parent)?.sync_all()
}

//! A token as the administrator sees it: a row, a block of lines, an object of JSON.

use crate::context::{Context, Place};
use crate::output::{self, plain, yes};
use crate::tpm;
use sealhsm_door::Parent;
use serde::Serialize;
use std::path::PathBuf;
use uuid::Uuid;

/// See the module's description. Field names are those of the JSON.
#[derive(Debug, Serialize)]
pub struct View {
    /// At most 32 bytes.
    pub label: String,
    /// 16 hexadecimal digits.
    pub serial: String,
    /// The name of its directory.
    #[serde(serialize_with = "as_text")]
    pub uuid: Uuid,
    /// CK_SLOT_ID.
    pub slot: u64,
    /// Where its files are.
    pub directory: PathBuf,
    /// Whether a user PIN was set.
    pub user_pin: bool,
    /// Whether a recovery key opens it.
    pub recovery_key: bool,
    /// Made on a software TPM.
    pub software_tpm: bool,
    /// Its present epoch.
    pub epoch: u64,
    /// What it is sealed to.
    pub parent: ParentView,
}

/// A parent key in JSON.
#[derive(Debug, Serialize)]
pub struct ParentView {
    /// As `0x81000001`; null: made again at each use.
    pub handle: Option<String>,
    /// `ecc-p256` or `rsa-2048`.
    pub template: String,
    /// TPM Name in hexadecimal digits.
    pub name: String,
    #[serde(skip)]
    key: Parent,
}

fn as_text<S: serde::Serializer>(uuid: &Uuid, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(uuid)
}

impl From<&Parent> for ParentView {
    fn from(key: &Parent) -> Self {
        ParentView {
            handle: (key.handle != 0).then(|| format!("{:#010x}", key.handle)),
            template: key.template.clone(),
            name: output::hex(&key.name),
            key: key.clone(),
        }
    }
}

impl ParentView {
    /// In words.
    pub fn describe(&self) -> String {
        tpm::describe(&self.key)
    }
}

impl View {
    /// Of a token in its slot.
    pub fn new(context: &Context, place: &Place) -> View {
        let token = &place.token;
        View {
            label: token.label.clone(),
            serial: token.serial.clone(),
            uuid: token.uuid,
            slot: place.slot,
            directory: context.directory(token),
            user_pin: token.user_pin_set,
            recovery_key: token.recovery,
            software_tpm: token.simulated,
            epoch: token.epoch,
            parent: ParentView::from(&token.parent),
        }
    }

    /// All there is to say, a line each.
    pub fn block(&self) -> String {
        output::fields(
            2,
            &[
                ("Slot", self.slot.to_string()),
                ("Serial", self.serial.clone()),
                ("Directory", self.directory.display().to_string()),
                ("User PIN", if self.user_pin { "set".into() } else { "not set".into() }),
                ("Sealed to", self.parent.describe()),
                ("TPM", kind(self.software_tpm).into()),
                ("Recovery", if self.recovery_key { "a recovery key opens it".into() } else { "none".into() }),
            ],
        )
    }
}

fn kind(software: bool) -> &'static str {
    if software { "a software TPM, which protects nothing from whoever can read its files" } else { "this machine's" }
}

/// One row a token.
pub fn table(views: &[View]) -> String {
    let row = |view: &View| {
        vec![
            view.slot.to_string(),
            view.serial.clone(),
            yes(view.user_pin),
            yes(view.recovery_key),
            if view.software_tpm { "software".into() } else { "hardware".into() },
            plain(&view.label),
        ]
    };
    output::table(&["SLOT", "SERIAL", "USER PIN", "RECOVERY", "TPM", "LABEL"], views.iter().map(row).collect())
}

//! `sealhsm slots`: what `softhsm2-util --show-slots` shows, as the library answers it.

use crate::args::Format;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, plain, yes};
use cryptoki_sys as ck;
use sealhsm_core::Application;
use serde::Serialize;

/// CK_SLOT_INFO and CK_TOKEN_INFO. Field names are those of the JSON.
#[derive(Debug, Serialize)]
struct View {
    slot: u64,
    description: String,
    manufacturer: String,
    hardware_version: &'static str,
    firmware_version: &'static str,
    token_present: bool,
    token: TokenView,
}

#[derive(Debug, Serialize)]
struct TokenView {
    manufacturer: String,
    model: String,
    hardware_version: &'static str,
    firmware_version: &'static str,
    serial: String,
    initialized: bool,
    user_pin_initialized: bool,
    label: String,
}

/// Major and minor version, as CK_VERSION has them.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// Does what was asked.
pub fn run(format: &Format) -> Result<(), Failure> {
    let application = Context::load()?.application()?;
    let views = application
        .slots(false, false)?
        .into_iter()
        .map(|slot| view(&application, slot))
        .collect::<Result<Vec<View>, Failure>>()?;
    match format.json {
        true => output::json(&views),
        false => output::print(&views.iter().map(block).collect::<String>()),
    }
}

fn view(application: &Application, slot: u64) -> Result<View, Failure> {
    let info = application.slot_info(slot)?;
    let token = application.token_info(slot)?;
    Ok(View {
        slot,
        description: info.description,
        manufacturer: info.manufacturer,
        hardware_version: VERSION,
        firmware_version: VERSION,
        token_present: info.flags & ck::CKF_TOKEN_PRESENT != 0,
        token: TokenView {
            manufacturer: token.manufacturer,
            model: token.model,
            hardware_version: VERSION,
            firmware_version: VERSION,
            serial: token.serial,
            initialized: token.flags & ck::CKF_TOKEN_INITIALIZED != 0,
            user_pin_initialized: token.flags & ck::CKF_USER_PIN_INITIALIZED != 0,
            label: token.label,
        },
    })
}

fn block(view: &View) -> String {
    let slot = [
        ("Description", view.description.clone()),
        ("Manufacturer", view.manufacturer.clone()),
        ("Hardware version", view.hardware_version.into()),
        ("Firmware version", view.firmware_version.into()),
        ("Token present", yes(view.token_present)),
    ];
    let token = &view.token;
    let token = [
        ("Manufacturer", token.manufacturer.clone()),
        ("Model", token.model.clone()),
        ("Hardware version", token.hardware_version.into()),
        ("Firmware version", token.firmware_version.into()),
        ("Serial number", token.serial.clone()),
        ("Initialized", yes(token.initialized)),
        ("User PIN set", yes(token.user_pin_initialized)),
        ("Label", plain(&token.label)),
    ];
    let token: String = output::fields(4, &token).lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    format!("Slot {}\n{}  Token\n{token}", view.slot, output::fields(2, &slot))
}

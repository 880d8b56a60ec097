//! What every command starts from: the configuration, a door to the TPM that is opened on first need, and the tokens
//! with the slots they have.

use crate::failure::Failure;
use crate::pin::Pins;
use cryptoki_sys as ck;
use sealhsm_core::{Application, config::Config};
use sealhsm_door::Door;
use sealhsm_seal::{self as seal, Listed};
use std::path::PathBuf;

/// See the module's description.
pub struct Context {
    /// As the module would read it in this environment.
    pub config: Config,
    /// What the keyslots need of it.
    pub seal: seal::Settings,
    /// Asks no TPM until a command does.
    pub door: Door,
}

/// A token and the slot it has.
#[derive(Debug)]
pub struct Place {
    /// CK_SLOT_ID.
    pub slot: u64,
    /// What its directory says.
    pub token: Listed,
}

impl Context {
    /// Reads the configuration.
    pub fn load() -> Result<Context, Failure> {
        let program = std::env::current_exe().ok();
        let config = Config::load(program.as_deref().and_then(|p| p.parent()))?;
        Ok(Context { seal: config.seal_settings(), door: Door::new(config.door_settings()), config })
    }

    /// The library, as an application would start it.
    pub fn application(&self) -> Result<Application, Failure> {
        Application::start(self.config.clone()).map_err(|e| {
            Failure::from(e).during(&format!("reading the token directory {}", self.config.tokendir.display()))
        })
    }

    /// Every token and its slot, as an application that starts now sees them. Needs neither PIN nor TPM.
    pub fn places(&self) -> Result<Vec<Place>, Failure> {
        self.places_in(&self.application()?)
    }

    /// See [`Context::places`].
    pub fn places_in(&self, application: &Application) -> Result<Vec<Place>, Failure> {
        let (mut listed, _) = seal::list(&self.seal)?;
        listed.sort_by_key(|token| token.uuid);
        let mut places = Vec::with_capacity(listed.len());
        for slot in application.slots(true, false)? {
            let info = application.token_info(slot)?;
            if info.flags & ck::CKF_TOKEN_INITIALIZED == 0 {
                continue;
            }
            if let Some(at) = listed.iter().position(|token| token.serial == info.serial) {
                places.push(Place { slot, token: listed.remove(at) });
            }
        }
        Ok(places)
    }

    /// Where a token lies.
    pub fn directory(&self, token: &Listed) -> PathBuf {
        self.config.tokendir.join(token.uuid.to_string())
    }

    /// Reads PINs of the lengths that the configuration allows.
    pub fn pins(&self) -> Pins {
        Pins::new(self.config.pin_min, self.config.pin_max)
    }
}

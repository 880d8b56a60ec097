//! What all parts of one application share: settings and the door to the TPM.

use crate::config::Config;
use sealhsm_door::Door;

/// See the module's description.
pub struct Shared {
    /// As read at C_Initialize.
    pub config: Config,
    /// What the store and the keyslots need of it.
    pub seal: sealhsm_seal::Settings,
    /// Opened on first need.
    pub door: Door,
}

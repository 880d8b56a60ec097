//! The configuration file.

/// Every setting, checked.
#[derive(Clone, Debug)]
pub struct Config {}

impl Config {
    /// Finds and reads the configuration as DESIGN says: SEALHSM_CONF, XDG, /etc. The message names file and line.
    pub fn load() -> std::result::Result<Config, String> {
        unimplemented!()
    }
}

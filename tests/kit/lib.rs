//! What the integration tests stand on: a small safe client of PKCS#11, and a process, a token directory and a
//! software TPM of its own for every test. It tests nothing itself, and it builds nothing: `cargo build --release` first.

mod chance;
mod client;
mod env;
mod forked;
mod hex;
mod isolated;
pub mod judge;
mod keys;
mod known;
mod mechanism;
mod message;
mod module;
mod object;
mod operation;
mod paths;
mod proxy;
mod rv;
mod sample;
mod session;
mod swtpm;
mod template;
pub mod user;

pub use chance::Chance;
pub use client::{Client, Running, Said, serve};
pub use cryptoki_sys as ck;
pub use env::{Env, Log, SO_PIN, USER_PIN, eventually};
pub use forked::{Forked, fork};
pub use hex::hex;
pub use isolated::{Isolated, isolated};
pub use judge::Judge;
pub use keys::curve::{self, P256};
pub use known::{Known, openssl};
pub use mechanism::Mechanism;
pub use message::Message;
pub use module::{Interface, Module, text};
pub use object::Object;
pub use paths::{SOFTHSM, program};
pub use proxy::{Exchange, Proxy, number};
pub use rv::{Result, Rv, code};
pub use session::Session;
pub use swtpm::{Swtpm, agents};
pub use template::Template;

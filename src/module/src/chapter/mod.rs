//! The 104 entry points, by chapter of the standard. Each is decode, one call, encode.

mod cipher;
mod digest;
mod dual;
mod general;
mod kem;
mod key;
mod message_cipher;
mod message_sign;
mod object;
mod parallel;
mod random;
mod recover;
mod session;
mod sign;
mod slot;
mod unsupported;
mod verify;

pub use cipher::*;
pub use digest::*;
pub use dual::*;
pub use general::*;
pub use kem::*;
pub use key::*;
pub use message_cipher::*;
pub use message_sign::*;
pub use object::*;
pub use parallel::*;
pub use random::*;
pub use recover::*;
pub use session::*;
pub use sign::*;
pub use slot::*;
pub use unsupported::*;
pub use verify::*;

//! The mechanism registry. A mechanism is one row: its name, sizes, parameter, and the functions that
//! make its engines. Lists, flags, checks and CKO_MECHANISM objects are read off the rows; nothing else
//! in the program switches on a mechanism's number.

pub mod engine;
pub mod key;
pub mod parameter;
mod row;

pub use parameter::{Mechanism, Parameter, Shape};
pub use row::{Group, Row, lookup, rows};

//! Attributes: values, the table of their types, the rules per class and key type.

pub mod build;
pub mod codec;
pub mod confine;
mod counter;
mod flags;
pub mod kind;
pub mod rules;
mod schema;
pub mod strict;
pub mod template;
mod trust;
mod value;

pub use counter::Counter;
pub use value::{Answer, Attributes, Raw, Template, Type, Value};

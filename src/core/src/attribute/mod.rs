//! Attributes: values, the table of their types, the rules per class and key type.

pub mod build;
pub mod codec;
pub mod confine;
pub mod kind;
pub mod rules;
pub mod strict;
pub mod template;
mod trust;
mod value;

pub use value::{Answer, Attributes, Raw, Template, Type, Value};

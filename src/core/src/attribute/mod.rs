//! Attributes: values, the table of their types, the rules per class and key type.

mod value;

pub use value::{Answer, Attributes, Raw, Template, Type, Value};

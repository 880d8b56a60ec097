//! What an attacker with a valid session tries.

mod attacks;
mod confusion;
mod model;
mod strict;
mod usages;

//! What an attacker with a valid session tries.

mod attacks;
mod composed;
mod confusion;
mod equal;
mod model;
mod races;
mod strict;
mod trial;
mod usages;

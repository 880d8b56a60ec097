//! Objects and their attributes: made in every way, found, changed, destroyed (PKCS#11 3.2 sections 4 and 5.7).

mod attributes;
mod built_in;
mod certificates;
mod generation;
mod import;
mod keys;
mod objects;
mod public;
mod rows;
mod search;
mod trust;

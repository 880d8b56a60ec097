//! Mechanisms at work: what is listed works, and every family beside an independent judge (PKCS#11 3.2 sections 5.8 to
//! 5.18 and 6).

mod ciphers;
mod derive;
mod digest;
mod dl;
mod encrypt;
mod kem;
mod kept;
mod legacy;
mod macs;
mod mechanisms;
mod messages;
mod pq;
mod remnants;
mod sign;
mod sizes;
mod verify_signature;
mod wrap;
mod wrap_ec;

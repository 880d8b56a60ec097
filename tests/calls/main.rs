//! Initialising, slots, tokens, PINs, logins, sessions, and what every function says to bad input (PKCS#11 3.2 sections
//! 5.1 to 5.6).

mod again;
mod badinput;
mod dual;
mod general;
mod logins;
mod pins;
mod random;
mod reauthentication;
mod sessions;
mod slots;
mod state;

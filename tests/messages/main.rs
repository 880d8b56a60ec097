//! Message-based functions (PKCS#11 3.2 sections 5.9, 5.11, 5.14 and 5.15), and the authenticated wrapping that takes
//! the same parameters.

mod cipher;
mod nonces;
mod sign;
mod wrap;

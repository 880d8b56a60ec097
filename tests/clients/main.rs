//! Programs that use tokens and that nobody here wrote, each run as its users run it. What they make with a token is
//! judged by plain openssl, which has never heard of the token.

mod cli;
mod cryptoki;
mod docs;
mod gnutls;
mod java;
mod nss;
mod openssh;
mod openssl;
mod p11_kit;
mod pkcs11_tool;
mod python;
mod site;

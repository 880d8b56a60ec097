//! Chapters "encryption" and "decryption" (PKCS#11 3.2 sections 5.8 and 5.10): what every cipher does alike, and each
//! mechanism against the vectors of its standard and the `openssl` command.

mod aead;
mod gcm;
mod modes;
mod operations;
mod padding;
mod raw_rsa;
mod rsa;

use kit::{Mechanism, Object, Result, Session, ck};

/// The block of a counter or an IV that the tests use where any would do.
const IV: [u8; 16] = *b"an IV of 16 byte";
/// An AES-256 key.
const KEY: [u8; 32] = *b"a key of 32 bytes, which is long";

/// A cipher of AES.
struct Mode {
    name: &'static str,
    mechanism: Mechanism,
    /// Plaintexts are a multiple of this.
    block: usize,
}

/// Every mode, with a parameter that fits.
fn modes() -> Vec<Mode> {
    let mode = |name, mechanism, block| Mode { name, mechanism, block };
    vec![
        mode("ECB", Mechanism::plain(ck::CKM_AES_ECB), 16),
        mode("CBC", Mechanism::bytes(ck::CKM_AES_CBC, IV), 16),
        mode("CBC-PAD", Mechanism::bytes(ck::CKM_AES_CBC_PAD, IV), 1),
        mode("CTR", Mechanism::ctr(128, IV), 1),
        mode("OFB", Mechanism::bytes(ck::CKM_AES_OFB, IV), 1),
        mode("CFB1", Mechanism::bytes(ck::CKM_AES_CFB1, IV), 1),
        mode("CFB8", Mechanism::bytes(ck::CKM_AES_CFB8, IV), 1),
        mode("CFB64", Mechanism::bytes(ck::CKM_AES_CFB64, IV), 1),
        mode("CFB128", Mechanism::bytes(ck::CKM_AES_CFB128, IV), 1),
        mode("GCM", Mechanism::gcm(&IV[..12], b"associated", 128), 1),
    ]
}

/// The two directions, so that one test can try both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Encrypt,
    Decrypt,
}

impl Way {
    const BOTH: [Way; 2] = [Way::Encrypt, Way::Decrypt];

    fn init(self, session: &Session<'_>, mechanism: &Mechanism, key: Object) -> Result<()> {
        match self {
            Way::Encrypt => session.encrypt_init(mechanism, key),
            Way::Decrypt => session.decrypt_init(mechanism, key),
        }
    }

    fn once(self, session: &Session<'_>, input: &[u8]) -> Result<Vec<u8>> {
        match self {
            Way::Encrypt => session.encrypt(input),
            Way::Decrypt => session.decrypt(input),
        }
    }

    fn once_into(self, session: &Session<'_>, input: &[u8], output: &mut [u8]) -> (Result<()>, usize) {
        match self {
            Way::Encrypt => session.encrypt_into(input, output),
            Way::Decrypt => session.decrypt_into(input, output),
        }
    }

    fn once_len(self, session: &Session<'_>, input: &[u8]) -> Result<usize> {
        match self {
            Way::Encrypt => session.encrypt_len(input),
            Way::Decrypt => session.decrypt_len(input),
        }
    }

    fn update(self, session: &Session<'_>, part: &[u8]) -> Result<Vec<u8>> {
        match self {
            Way::Encrypt => session.encrypt_update(part),
            Way::Decrypt => session.decrypt_update(part),
        }
    }

    fn update_into(self, session: &Session<'_>, part: &[u8], output: &mut [u8]) -> (Result<()>, usize) {
        match self {
            Way::Encrypt => session.encrypt_update_into(part, output),
            Way::Decrypt => session.decrypt_update_into(part, output),
        }
    }

    fn finish(self, session: &Session<'_>) -> Result<Vec<u8>> {
        match self {
            Way::Encrypt => session.encrypt_final(),
            Way::Decrypt => session.decrypt_final(),
        }
    }

    fn finish_into(self, session: &Session<'_>, output: &mut [u8]) -> (Result<()>, usize) {
        match self {
            Way::Encrypt => session.encrypt_final_into(output),
            Way::Decrypt => session.decrypt_final_into(output),
        }
    }

    /// Init, an Update for each part, Final.
    fn in_parts(self, session: &Session<'_>, mechanism: &Mechanism, key: Object, parts: &[&[u8]]) -> Result<Vec<u8>> {
        self.init(session, mechanism, key)?;
        let mut output = Vec::new();
        for part in parts {
            output.extend(self.update(session, part)?);
        }
        output.extend(self.finish(session)?);
        Ok(output)
    }
}

//! X25519 (RFC 7748) for recovery keys, in the files that `openssl genpkey -algorithm X25519` writes
//! (PKCS#8 and SubjectPublicKeyInfo, RFC 8410).

use crate::{Error, Result, init};
use openssl::derive::Deriver;
use openssl::pkey::{Id, PKey, Private};
use sealhsm_secret::Secret;

/// A new pair: private and public key, 32 bytes each.
pub fn generate() -> Result<(Secret, [u8; 32])> {
    init()?;
    let key = PKey::generate_x25519()?;
    Ok((Secret::from(key.raw_private_key()?), raw(key.raw_public_key()?)?))
}

/// The public key of a private key.
pub fn public_of(private: &Secret) -> Result<[u8; 32]> {
    raw(key(private)?.raw_public_key()?)
}

/// The shared secret, 32 bytes; an all-zero one (a peer of small order) is an error.
pub fn agree(private: &Secret, peer: &[u8; 32]) -> Result<Secret> {
    let key = key(private)?;
    let peer = PKey::public_key_from_raw_bytes(peer, Id::X25519)?;
    let mut deriver = Deriver::new(&key)?;
    deriver.set_peer(&peer)?;
    Ok(Secret::from(deriver.derive_to_vec()?))
}

/// The private key as PKCS#8 PEM.
pub fn private_pem(private: &Secret) -> Result<Secret> {
    Ok(Secret::from(key(private)?.private_key_to_pem_pkcs8()?))
}

/// The public key as SubjectPublicKeyInfo PEM.
pub fn public_pem(public: &[u8; 32]) -> Result<Vec<u8>> {
    init()?;
    Ok(PKey::public_key_from_raw_bytes(public, Id::X25519)?.public_key_to_pem()?)
}

/// Reads a PKCS#8 file, PEM or DER, not encrypted.
pub fn read_private(file: &[u8]) -> Result<Secret> {
    init()?;
    // An empty passphrase callback: an encrypted file fails instead of asking on the terminal.
    let key = PKey::private_key_from_pem_callback(file, |_| Ok(0)).or_else(|_| PKey::private_key_from_der(file))?;
    if key.id() != Id::X25519 {
        return Err(Error::from("not an X25519 key"));
    }
    Ok(Secret::from(key.raw_private_key()?))
}

/// Reads a SubjectPublicKeyInfo file, PEM or DER; a private key file will do too.
pub fn read_public(file: &[u8]) -> Result<[u8; 32]> {
    init()?;
    match PKey::public_key_from_pem(file).or_else(|_| PKey::public_key_from_der(file)) {
        Ok(key) if key.id() == Id::X25519 => raw(key.raw_public_key()?),
        Ok(_) => Err(Error::from("not an X25519 key")),
        Err(_) => public_of(&read_private(file)?),
    }
}

fn key(private: &Secret) -> Result<PKey<Private>> {
    init()?;
    Ok(PKey::private_key_from_raw_bytes(private.as_ref(), Id::X25519)?)
}

fn raw(bytes: Vec<u8>) -> Result<[u8; 32]> {
    bytes.try_into().map_err(|_| Error::from("an X25519 key has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_and_files_are_read_back() {
        let (a, a_public) = generate().unwrap();
        let (b, b_public) = generate().unwrap();
        assert!(agree(&a, &b_public).unwrap().ct_eq(agree(&b, &a_public).unwrap().as_ref()));
        let pem = private_pem(&a).unwrap();
        assert!(read_private(pem.as_ref()).unwrap().ct_eq(a.as_ref()));
        assert_eq!(read_public(&public_pem(&a_public).unwrap()).unwrap(), a_public);
        assert_eq!(read_public(pem.as_ref()).unwrap(), a_public);
        assert!(read_public(b"nonsense").is_err());
    }

    #[test]
    fn a_peer_of_small_order_is_refused() {
        let (a, _) = generate().unwrap();
        assert!(agree(&a, &[0; 32]).is_err());
    }
}

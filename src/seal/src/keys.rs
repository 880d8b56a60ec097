//! The token key of one epoch and what is derived from it. It knows no file and no TPM.

use crate::Error;
use crate::format::{self, Parsed};
use sealhsm_crypto::{kdf, random};
use sealhsm_secret::Secret;
use sealhsm_store::{RingKey, Rings};
use uuid::Uuid;

/// The key of one epoch of a token; opens everything.
pub struct TokenKey {
    uuid: Uuid,
    epoch: u64,
    /// 32 bytes, as keyslots wrap them.
    key: Secret,
    public: Secret,
    private: Secret,
    mac: Secret,
    tag: Secret,
}

impl TokenKey {
    /// A new one for a new epoch.
    pub(crate) fn generate(uuid: Uuid, epoch: u64) -> Result<Self, Error> {
        Self::new(uuid, epoch, fresh_secret()?)
    }

    /// What a keyslot gave. HKDF-SHA-256, salt: the UUID; info: what for, and the epoch (8 bytes, little-endian).
    pub(crate) fn new(uuid: Uuid, epoch: u64, key: Secret) -> Result<Self, Error> {
        let derive = |what: &str| {
            let info = [what.as_bytes(), &epoch.to_le_bytes()].concat();
            kdf::hkdf_sha256(key.as_ref(), uuid.as_bytes(), &info, 32)
        };
        Ok(TokenKey {
            uuid,
            epoch,
            public: derive("SealHSM 1 public ring")?,
            private: derive("SealHSM 1 private ring")?,
            mac: derive("SealHSM 1 token.object")?,
            tag: derive("SealHSM 1 tag")?,
            key,
        })
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.uuid
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.key
    }

    pub(crate) fn public_ring(&self) -> RingKey {
        RingKey(self.public.duplicate())
    }

    /// Both ring keys.
    pub fn rings(&self) -> Rings {
        Rings { public: self.public_ring(), private: Some(RingKey(self.private.duplicate())) }
    }

    /// A MAC (32 bytes) under a key of this epoch, for what must be vouched for by the token key, such as CKA_TRUSTED.
    pub fn tag(&self, what: &[u8]) -> Result<[u8; 32], Error> {
        Ok(kdf::hmac_sha256(self.tag.as_ref(), &[what])?)
    }

    /// Whether every byte of a `token.object` is as the holder of this key wrote it.
    pub(crate) fn vouches_for(&self, file: &Parsed<'_>) -> Result<bool, Error> {
        if (self.uuid, self.epoch) != (file.token.uuid, file.token.epoch) {
            return Ok(false);
        }
        let mac = Secret::copy_of(&kdf::hmac_sha256(self.mac.as_ref(), &[file.authenticated.as_bytes()])?);
        Ok(mac.ct_eq(&file.mac))
    }

    /// The whole text of a `token.object`.
    pub(crate) fn print(&self, token: &format::Token) -> Result<String, Error> {
        let authenticated = format::print(token);
        let mac = kdf::hmac_sha256(self.mac.as_ref(), &[authenticated.as_bytes()])?;
        Ok(format::finish(authenticated, &mac))
    }
}

/// 32 secret random bytes.
pub(crate) fn fresh_secret() -> Result<Secret, Error> {
    let mut secret = Secret::zeroed(32);
    random::private(secret.as_mut())?;
    Ok(secret)
}

/// Random bytes that may be known.
pub(crate) fn fresh<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    random::public(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::parse;
    use crate::format::tests::token;

    fn key(uuid: Uuid, epoch: u64) -> TokenKey {
        TokenKey::new(uuid, epoch, Secret::copy_of(&[7; 32])).unwrap()
    }

    #[test]
    fn a_file_with_any_byte_changed_is_refused_or_fails_its_mac() {
        let token = token();
        let key = key(token.uuid, token.epoch);
        let text = key.print(&token).unwrap();
        assert!(key.vouches_for(&parse(&text).unwrap()).unwrap());
        for at in 0..text.len() {
            for mask in [0x01, 0x02, 0x20, 0x80] {
                let mut bad = text.clone().into_bytes();
                bad[at] ^= mask;
                let Ok(bad) = String::from_utf8(bad) else { continue };
                let accepted = parse(&bad).is_ok_and(|file| key.vouches_for(&file).unwrap());
                assert!(!accepted, "byte {at} ^ {mask:#x}");
            }
        }
    }

    #[test]
    fn another_token_or_epoch_has_other_keys_and_vouches_for_nothing() {
        let token = token();
        let ours = key(token.uuid, token.epoch);
        let text = ours.print(&token).unwrap();
        for other in [key(token.uuid, token.epoch + 1), key(Uuid::from_u128(1), token.epoch)] {
            assert!(!other.vouches_for(&parse(&text).unwrap()).unwrap());
            assert!(!other.public.ct_eq(ours.public.as_ref()));
            assert!(!other.private.ct_eq(ours.private.as_ref()));
            assert_ne!(other.tag(b"x").unwrap(), ours.tag(b"x").unwrap());
        }
    }

    #[test]
    fn no_derived_key_is_another_or_the_token_key() {
        let key = key(Uuid::from_u128(1), 1);
        let all = [&key.key, &key.public, &key.private, &key.mac, &key.tag];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| !a.ct_eq(b.as_ref())));
        }
    }

    #[test]
    fn the_file_shows_no_key() {
        let token = token();
        let key = key(token.uuid, token.epoch);
        let text = key.print(&token).unwrap();
        for secret in [&key.key, &key.public, &key.private, &key.mac, &key.tag] {
            assert!(!text.contains(&format::hex(secret.as_ref())));
        }
    }
}

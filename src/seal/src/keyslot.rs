//! Keyslots: one way each to open a token key. It knows keys and the door, not files.
//!
//! | keyslot | key encryption key = HKDF-SHA-256(…) | salt | wraps |
//! |---|---|---|---|
//! | user, so | TPM's secret (32) ‖ Argon2id share (32) | the keyslot's | token key |
//! | machine | TPM's secret (32) | the keyslot's | public ring key |
//! | recovery | X25519(ephemeral, recovery key) | ephemeral ‖ recovery public key | token key |
//!
//! Argon2id(PIN, salt) gives 64 bytes: the authorization value that the TPM asks for (last bit set, because a TPM cuts
//! off trailing zeros) and the share. The info of HKDF is the keyslot's kind, the token and the epoch; `wrapped` is
//! AES-256-GCM with everything else in the keyslot, and the parent, as associated data, so that no field can be changed
//! or moved. The TPM's secret, the salt and the ephemeral key are drawn anew for every wrapping: no key is used twice.

use crate::format::{MachineSlot, PinSlot, RecoverySlot, WRAPPED};
use crate::keys::{fresh, fresh_secret};
use crate::{Argon2, Error, Who};
use sealhsm_crypto::{aead, kdf, x25519};
use sealhsm_door::{Door, Lock, Parent};
use sealhsm_secret::Secret;
use sealhsm_store::RingKey;
use uuid::Uuid;

/// Which keyslot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    So,
    Machine,
    Recovery,
}

impl Kind {
    /// As `token.object` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::So => "so",
            Kind::Machine => "machine",
            Kind::Recovery => "recovery",
        }
    }
}

impl From<Who> for Kind {
    fn from(who: Who) -> Self {
        match who {
            Who::User => Kind::User,
            Who::So => Kind::So,
        }
    }
}

/// Where keyslots belong: a token, its epoch, the parent they are sealed under.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub uuid: Uuid,
    pub epoch: u64,
    pub parent: &'a Parent,
}

/// What a PIN becomes: the TPM's authorization value and the share it never sees.
struct Stretched {
    auth: Secret,
    share: Secret,
}

fn stretch(pin: &Secret, salt: &[u8; 32], cost: Argon2) -> Result<Stretched, Error> {
    cost.check().map_err(Error::Invalid)?;
    let both = kdf::argon2id(pin.as_ref(), salt, cost.memory_kib, cost.passes, 64)?;
    let (auth, share) = both.as_ref().split_at(32);
    let mut auth = Secret::copy_of(auth);
    auth.as_mut()[31] |= 1;
    Ok(Stretched { auth, share: Secret::copy_of(share) })
}

impl Place<'_> {
    /// Seals `key` (a token key) under a PIN.
    pub fn seal_pin(
        &self,
        door: &Door,
        kind: Kind,
        cost: Argon2,
        pin: &Secret,
        key: &Secret,
    ) -> Result<PinSlot, Error> {
        if pin.is_empty() {
            return Err(Error::Invalid("an empty PIN opens nothing; choose another one".into()));
        }
        let salt = fresh()?;
        let pin = stretch(pin, &salt, cost)?;
        let secret = fresh_secret()?;
        let sealed = door.seal(self.parent, Lock::Pin(&pin.auth), &secret)?;
        let mut slot = PinSlot { argon2: cost, salt, sealed, wrapped: [0; WRAPPED] };
        let wrapping = self.key(kind, &join(&secret, &pin.share), &salt)?;
        slot.wrapped = wrap(&wrapping, &self.bound_pin(kind, &slot), key)?;
        Ok(slot)
    }

    /// Opens it; `None`: the TPM agrees to the PIN, but what is wrapped does not fit the file around it.
    pub fn open_pin(&self, door: &Door, kind: Kind, slot: &PinSlot, pin: &Secret) -> Result<Option<Secret>, Error> {
        if pin.is_empty() {
            return Err(Error::WrongPin);
        }
        let pin = stretch(pin, &slot.salt, slot.argon2)?;
        let secret = door.unseal(self.parent, Lock::Pin(&pin.auth), &slot.sealed)?;
        let wrapping = self.key(kind, &join(&secret, &pin.share), &slot.salt)?;
        Ok(aead::open(&wrapping, &self.bound_pin(kind, slot), &slot.wrapped)?)
    }

    /// Seals the public ring key for whoever may use this TPM.
    pub fn seal_machine(&self, door: &Door, ring: &RingKey) -> Result<MachineSlot, Error> {
        let salt = fresh()?;
        let secret = fresh_secret()?;
        let sealed = door.seal(self.parent, Lock::Machine, &secret)?;
        let mut slot = MachineSlot { salt, sealed, wrapped: [0; WRAPPED] };
        let wrapping = self.key(Kind::Machine, &secret, &salt)?;
        slot.wrapped = wrap(&wrapping, &self.bound_machine(&slot), &ring.0)?;
        Ok(slot)
    }

    /// Opens it; `None` as in [`Place::open_pin`].
    pub fn open_machine(&self, door: &Door, slot: &MachineSlot) -> Result<Option<RingKey>, Error> {
        let secret = door.unseal(self.parent, Lock::Machine, &slot.sealed)?;
        let wrapping = self.key(Kind::Machine, &secret, &slot.salt)?;
        Ok(aead::open(&wrapping, &self.bound_machine(slot), &slot.wrapped)?.map(RingKey))
    }

    /// Seals `key` (a token key) to an offline key; asks no TPM.
    pub fn seal_recovery(&self, public: [u8; 32], key: &Secret) -> Result<RecoverySlot, Error> {
        let (once, ephemeral) = x25519::generate()?;
        let shared = x25519::agree(&once, &public)
            .map_err(|_| Error::Invalid("the recovery key is no usable X25519 public key; make another one".into()))?;
        let mut slot = RecoverySlot { public, ephemeral, wrapped: [0; WRAPPED] };
        let wrapping = self.key(Kind::Recovery, &shared, &[slot.ephemeral, slot.public].concat())?;
        slot.wrapped = wrap(&wrapping, &self.bound_recovery(&slot), key)?;
        Ok(slot)
    }

    /// Opens it; `None`: the private key does not fit, or the file was altered.
    pub fn open_recovery(&self, slot: &RecoverySlot, private: &Secret) -> Result<Option<Secret>, Error> {
        let Ok(shared) = x25519::agree(private, &slot.ephemeral) else { return Ok(None) };
        let wrapping = self.key(Kind::Recovery, &shared, &[slot.ephemeral, slot.public].concat())?;
        Ok(aead::open(&wrapping, &self.bound_recovery(slot), &slot.wrapped)?)
    }

    fn key(&self, kind: Kind, secret: &Secret, salt: &[u8]) -> Result<Secret, Error> {
        let label = format!("SealHSM 1 keyslot {}", kind.name());
        let info = [label.as_bytes(), self.uuid.as_bytes(), &self.epoch.to_le_bytes()].concat();
        Ok(kdf::hkdf_sha256(secret.as_ref(), salt, &info, 32)?)
    }

    fn bound_pin(&self, kind: Kind, slot: &PinSlot) -> Vec<u8> {
        let cost = [slot.argon2.memory_kib.to_le_bytes(), slot.argon2.passes.to_le_bytes()].concat();
        self.bound(kind, &[&cost, &slot.salt, &slot.sealed.public, &slot.sealed.private])
    }

    fn bound_machine(&self, slot: &MachineSlot) -> Vec<u8> {
        self.bound(Kind::Machine, &[&slot.salt, &slot.sealed.public, &slot.sealed.private])
    }

    fn bound_recovery(&self, slot: &RecoverySlot) -> Vec<u8> {
        self.bound(Kind::Recovery, &[&slot.public, &slot.ephemeral])
    }

    /// Associated data: each part after its length (4 bytes, little-endian).
    fn bound(&self, kind: Kind, fields: &[&[u8]]) -> Vec<u8> {
        let (epoch, handle) = (self.epoch.to_le_bytes(), self.parent.handle.to_le_bytes());
        let (template, name) = (self.parent.template.as_bytes(), &self.parent.name);
        let place: [&[u8]; 6] = [kind.name().as_bytes(), self.uuid.as_bytes(), &epoch, &handle, template, name];
        let mut out = b"SealHSM keyslot 1".to_vec();
        for part in place.iter().chain(fields) {
            // No part is longer than a file of 64 KiB.
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

fn wrap(wrapping: &Secret, associated: &[u8], key: &Secret) -> Result<[u8; WRAPPED], Error> {
    let sealed = aead::seal(wrapping, associated, key.as_ref())?;
    sealed.try_into().map_err(|_| Error::Crypto("a key of a wrong length was to be wrapped".into()))
}

fn join(a: &Secret, b: &Secret) -> Secret {
    let mut both = Secret::zeroed(a.len() + b.len());
    both.as_mut()[..a.len()].copy_from_slice(a.as_ref());
    both.as_mut()[a.len()..].copy_from_slice(b.as_ref());
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent() -> Parent {
        Parent { handle: 0x8100_0001, template: "ecc-p256".into(), name: vec![0, 11, 1] }
    }

    #[test]
    fn a_recovery_keyslot_opens_with_its_key_in_its_place_only() {
        let (private, public) = x25519::generate().unwrap();
        let (stranger, _) = x25519::generate().unwrap();
        let parent = parent();
        let place = Place { uuid: Uuid::from_u128(1), epoch: 1, parent: &parent };
        let key = fresh_secret().unwrap();
        let slot = place.seal_recovery(public, &key).unwrap();
        assert!(place.open_recovery(&slot, &private).unwrap().unwrap().ct_eq(key.as_ref()));
        assert!(place.open_recovery(&slot, &stranger).unwrap().is_none());
        let others = [
            Parent { handle: 0, ..parent.clone() },
            Parent { template: "rsa-2048".into(), ..parent.clone() },
            Parent { name: vec![0, 11, 2], ..parent.clone() },
        ];
        let elsewhere = [Place { uuid: Uuid::from_u128(2), ..place }, Place { epoch: 2, ..place }];
        for place in elsewhere.into_iter().chain(others.iter().map(|parent| Place { parent, ..place })) {
            assert!(place.open_recovery(&slot, &private).unwrap().is_none());
        }
        for altered in [
            RecoverySlot { public: [9; 32], ..slot.clone() },
            RecoverySlot { ephemeral: [9; 32], ..slot.clone() },
            RecoverySlot { wrapped: [9; WRAPPED], ..slot.clone() },
            RecoverySlot { ephemeral: [0; 32], ..slot.clone() },
        ] {
            assert!(place.open_recovery(&altered, &private).unwrap().is_none());
        }
    }

    #[test]
    fn no_two_wrappings_are_alike() {
        let (_, public) = x25519::generate().unwrap();
        let parent = parent();
        let place = Place { uuid: Uuid::from_u128(1), epoch: 1, parent: &parent };
        let key = fresh_secret().unwrap();
        let (a, b) = (place.seal_recovery(public, &key).unwrap(), place.seal_recovery(public, &key).unwrap());
        assert_ne!(a.ephemeral, b.ephemeral);
        assert_ne!(a.wrapped, b.wrapped);
    }

    #[test]
    fn a_recovery_key_of_small_order_is_refused() {
        let parent = parent();
        let place = Place { uuid: Uuid::from_u128(1), epoch: 1, parent: &parent };
        let refused = place.seal_recovery([0; 32], &fresh_secret().unwrap());
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }

    #[test]
    fn the_tpm_sees_another_value_than_the_share_and_it_never_ends_in_zero() {
        let cost = Argon2 { memory_kib: 8192, passes: 1 };
        let pin = stretch(&Secret::copy_of(b"1234"), &[1; 32], cost).unwrap();
        assert!(!pin.auth.ct_eq(pin.share.as_ref()));
        assert_eq!((pin.auth.len(), pin.share.len(), pin.auth.as_ref()[31] & 1), (32, 32, 1));
    }

    #[test]
    fn costs_out_of_bounds_are_refused_before_any_work() {
        for (memory_kib, passes) in [(u32::MAX, 1), (8192, u32::MAX), (0, 1), (8192, 0)] {
            let refused = stretch(&Secret::copy_of(b"1234"), &[1; 32], Argon2 { memory_kib, passes });
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
    }
}

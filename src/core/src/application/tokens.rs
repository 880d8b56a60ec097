//! Chapter "slot and token management" (PKCS#11 3.2 section 5.5).

use super::slots::{self, Slot};
use super::{Application, MechanismInfo, SessionHandle, SlotId, SlotInfo, TokenInfo};
use crate::mechanism::{self, Row};
use crate::token::{Token, lock, read, seal_error, write};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_seal::{self as seal, Listed, NewToken, Unreadable, Who};
use sealhsm_secret::Secret;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MANUFACTURER: &str = "SealHSM";
/// How often a waiting C_WaitForSlotEvent looks for a token that another process made.
const LOOK: Duration = Duration::from_millis(250);

impl Application {
    /// C_GetSlotList; `refresh` on the NULL call, when new tokens of other processes appear.
    pub fn slots(&self, token_present: bool, refresh: bool) -> Result<Vec<SlotId>> {
        // Every slot has a token, if only an uninitialised one: `token_present` hides nothing.
        let _ = token_present;
        if refresh {
            self.rearrange()?;
        }
        let slots = read(&self.slots).iter().map(|s| s.id).collect();
        // C_Finalize in another thread takes them away; that there are none is not the answer then.
        if self.stopped.load(Ordering::SeqCst) { Err(Error::NotInitialized) } else { Ok(slots) }
    }

    /// Reads the token directory and arranges the slots anew. Every token that was not there before is an event.
    pub(super) fn rearrange(&self) -> Result<()> {
        let listed = self.list()?;
        let mut slots = write(&self.slots);
        let arranged = slots::arrange(&slots, listed, &self.shared);
        let known: Vec<_> = slots.iter().filter_map(|s| s.token.as_ref().map(|t| t.uuid)).collect();
        let new = arranged.iter().filter(|s| s.token.as_ref().is_some_and(|t| !known.contains(&t.uuid)));
        lock(&self.arrived).extend(new.map(|s| s.id));
        self.event.notify_all();
        *slots = arranged;
        Ok(())
    }

    fn look(&self) -> Result<(Vec<Listed>, Vec<Unreadable>)> {
        seal::list(&self.shared.seal).map_err(|e| seal_error(uuid::Uuid::nil(), e))
    }

    /// The same, and what cannot be read goes to the log.
    fn list(&self) -> Result<Vec<Listed>> {
        let (listed, unreadable) = self.look()?;
        for bad in unreadable {
            log::warn!("{}: {}", bad.path.display(), bad.reason);
        }
        Ok(listed)
    }

    /// C_GetSlotInfo.
    pub fn slot_info(&self, slot: SlotId) -> Result<SlotInfo> {
        self.token_in(slot)?;
        let removable = if self.shared.config.removable_slots { ck::CKF_REMOVABLE_DEVICE } else { 0 };
        Ok(SlotInfo {
            description: format!("SealHSM slot ID {slot:#x}"),
            manufacturer: MANUFACTURER.into(),
            flags: ck::CKF_TOKEN_PRESENT | removable,
        })
    }

    /// C_GetTokenInfo. Needs neither PIN nor TPM; the flags about PINs ask a TPM agent only if one is connected.
    pub fn token_info(&self, slot: SlotId) -> Result<TokenInfo> {
        let always =
            ck::CKF_RNG | ck::CKF_LOGIN_REQUIRED | ck::CKF_RESTORE_KEY_NOT_NEEDED | ck::CKF_DUAL_CRYPTO_OPERATIONS;
        let mut info = TokenInfo {
            label: String::new(),
            manufacturer: MANUFACTURER.into(),
            model: "SealHSM".into(),
            serial: String::new(),
            flags: always,
            max_sessions: ck::CK_EFFECTIVELY_INFINITE,
            sessions: 0,
            max_rw_sessions: ck::CK_EFFECTIVELY_INFINITE,
            rw_sessions: 0,
            max_pin: self.shared.config.pin_max as u64,
            min_pin: self.shared.config.pin_min as u64,
        };
        let Some(token) = self.token_in(slot)? else { return Ok(info) };
        let listed = token.listed();
        let counts = *token.sessions();
        info.sessions = counts.read_only + counts.read_write;
        info.rw_sessions = counts.read_write;
        info.flags |= ck::CKF_TOKEN_INITIALIZED | self.pin_flags(&token);
        if listed.user_pin_set {
            info.flags |= ck::CKF_USER_PIN_INITIALIZED;
        }
        if token.present_store().is_some_and(|store| !store.writable()) {
            info.flags |= ck::CKF_WRITE_PROTECTED;
        }
        if listed.simulated {
            info.model = "SealHSM (swtpm)".into();
        }
        info.label = listed.label;
        info.serial = listed.serial;
        Ok(info)
    }

    /// COUNT_LOW, FINAL_TRY and LOCKED as far as the TPM's state says: its counter is the whole machine's.
    fn pin_flags(&self, token: &Token) -> u64 {
        let mut flags = 0;
        if token.failed(Who::User) {
            flags |= ck::CKF_USER_PIN_COUNT_LOW;
        }
        if token.failed(Who::So) {
            flags |= ck::CKF_SO_PIN_COUNT_LOW;
        }
        if !self.shared.door.is_open() {
            return flags;
        }
        // A TPM that does not answer has been logged where it matters; here the flags are just fewer.
        let Ok(status) = self.shared.door.status() else { return flags };
        let left = status.max_tries.saturating_sub(status.lockout_counter);
        if status.in_lockout || left == 0 {
            flags |= ck::CKF_USER_PIN_LOCKED | ck::CKF_SO_PIN_LOCKED;
        } else if left == 1 {
            flags |= ck::CKF_USER_PIN_FINAL_TRY | ck::CKF_SO_PIN_FINAL_TRY;
        }
        if left <= status.max_tries / 2 {
            flags |= ck::CKF_USER_PIN_COUNT_LOW | ck::CKF_SO_PIN_COUNT_LOW;
        }
        flags
    }

    /// C_GetMechanismList.
    pub fn mechanism_list(&self, slot: SlotId) -> Result<Vec<u64>> {
        self.token_in(slot)?;
        let allowed = mechanism::rows().iter().filter(|row| self.shared.config.allows(row));
        Ok(allowed.map(|row| row.mechanism).collect())
    }

    /// C_GetMechanismInfo.
    pub fn mechanism_info(&self, slot: SlotId, mechanism: u64) -> Result<MechanismInfo> {
        self.token_in(slot)?;
        let row = self.row(mechanism)?;
        Ok(MechanismInfo { min: row.sizes.0, max: row.sizes.1, flags: flags(row) })
    }

    /// C_InitToken: makes a token in the free slot, or erases the one in this slot if the SO PIN is right.
    /// `label`: 32 bytes, blank padded.
    pub fn init_token(&self, slot: SlotId, so_pin: &Secret, label: &[u8]) -> Result<()> {
        // Some programs (PyKCS11) send a string of C in the place of a padded one; what follows its end is anything.
        let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
        let label = std::str::from_utf8(label).map_err(|_| Error::ArgumentsBad)?.trim_end_matches(' ');
        match self.token_in(slot)? {
            Some(token) => {
                let counts = token.sessions();
                if counts.read_only + counts.read_write > 0 {
                    return Err(Error::SessionExists);
                }
                seal::reinitialize(&self.shared.seal, &self.shared.door, token.uuid, so_pin, label, None)
                    .map_err(|e| seal_error(token.uuid, e))?;
                token.forget();
                drop(counts);
                if let Some(listed) = self.list()?.into_iter().find(|l| l.uuid == token.uuid) {
                    token.relist(listed);
                }
                Ok(())
            }
            None => {
                self.may_become_pin(so_pin)?;
                // One at a time; the slots stay readable while the TPM works.
                let _making = lock(&self.making);
                if self.token_in(slot)?.is_some() {
                    // Another thread was faster: this is a token now, and its SO PIN decides.
                    return self.init_token(slot, so_pin, label.as_bytes());
                }
                let taken: Vec<u64> = read(&self.slots).iter().map(|s| s.id).collect();
                let new = NewToken { label, so_pin, recovery: None, taken_slots: &taken };
                let uuid = seal::create(&self.shared.seal, &self.shared.door, &new)
                    .map_err(|e| seal_error(uuid::Uuid::nil(), e))?;
                log::info!(
                    "token {uuid} made without a recovery key: a cleared TPM or another board is the end of it \
                     (`sealhsm token add-recovery-key` adds one)"
                );
                let listed = self.list()?.into_iter().find(|l| l.uuid == uuid).ok_or(Error::DeviceError)?;
                self.place(slot, listed);
                Ok(())
            }
        }
    }

    /// Puts a token just made into the slot where the caller made it; there it stays until C_Finalize. Another thread
    /// that looked at the directory meanwhile may have put it elsewhere.
    fn place(&self, slot: SlotId, listed: Listed) {
        let mut slots = write(&self.slots);
        let elsewhere = slots.iter().position(|s| s.token.as_ref().is_some_and(|t| t.uuid == listed.uuid));
        let elsewhere = elsewhere.map(|at| slots.remove(at));
        if let Some(elsewhere) = &elsewhere {
            lock(&self.arrived).retain(|id| *id != elsewhere.id);
        }
        let token = match elsewhere.and_then(|slot| slot.token) {
            Some(token) => token,
            None => Arc::new(Token::new(self.shared.clone(), listed)),
        };
        match slots.iter_mut().find(|s| s.id == slot) {
            Some(place) => place.token = Some(token),
            None => slots.push(Slot { id: slot, token: Some(token) }),
        }
    }

    /// C_InitPIN: the SO sets the user's PIN.
    pub fn init_pin(&self, session: SessionHandle, pin: &Secret) -> Result<()> {
        let session = self.session(session)?;
        let token = &session.token;
        let login = token.login().filter(|l| l.who == Who::So).ok_or(Error::UserNotLoggedIn)?;
        self.may_become_pin(pin)?;
        seal::set_pin(&self.shared.seal, &self.shared.door, token.uuid, &login.key, Who::User, pin)
            .map_err(|e| seal_error(token.uuid, e))?;
        self.relist(token)
    }

    /// C_SetPIN: whoever is logged in changes his own PIN, in a public session the user's.
    pub fn set_pin(&self, session: SessionHandle, old: &Secret, new: &Secret) -> Result<()> {
        let session = self.session(session)?;
        if !session.read_write {
            return Err(Error::SessionReadOnly);
        }
        let token = &session.token;
        let who = token.who().unwrap_or(Who::User);
        self.may_become_pin(new)?;
        // The old PIN is checked by the TPM even when somebody is logged in: it is what the caller must prove.
        let key = token.open_with(who, old)?;
        seal::set_pin(&self.shared.seal, &self.shared.door, token.uuid, &key, who, new)
            .map_err(|e| seal_error(token.uuid, e))?;
        token.remember_pin(new)?;
        self.relist(token)
    }

    fn relist(&self, token: &Token) -> Result<()> {
        if let Some(listed) = self.list()?.into_iter().find(|l| l.uuid == token.uuid) {
            token.relist(listed);
        }
        Ok(())
    }

    /// Whether a PIN may be set: CK_UTF8CHAR, of a length within the bounds.
    fn may_become_pin(&self, pin: &Secret) -> Result<()> {
        let config = &self.shared.config;
        if !(config.pin_min..=config.pin_max).contains(&pin.len()) {
            return Err(Error::PinLenRange);
        }
        std::str::from_utf8(pin.as_ref()).map(drop).map_err(|_| Error::PinInvalid)
    }

    /// C_WaitForSlotEvent: waits until another process makes a token, or C_Finalize. A token that C_GetSlotList found
    /// first is still an event. `block` false: `NoEvent` when there is none.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<SlotId> {
        loop {
            let known: Vec<_> = read(&self.slots).iter().filter_map(|s| s.token.as_ref().map(|t| t.uuid)).collect();
            if self.look()?.0.iter().any(|listed| !known.contains(&listed.uuid)) {
                self.rearrange()?;
            }
            let mut arrived = lock(&self.arrived);
            if self.stopped.load(Ordering::SeqCst) {
                return Err(Error::NotInitialized);
            }
            if let Some(slot) = arrived.pop_front() {
                return Ok(slot);
            }
            if !block {
                return Err(Error::NoEvent);
            }
            drop(self.event.wait_timeout(arrived, LOOK));
        }
    }
}

/// CKF_ of a mechanism: what its row has a function for.
fn flags(row: &Row) -> u64 {
    let of = |there: bool, flag: u64| if there { flag } else { 0 };
    row.extra_flags
        | of(row.encrypt.is_some(), ck::CKF_ENCRYPT)
        | of(row.decrypt.is_some(), ck::CKF_DECRYPT)
        | of(row.sign.is_some(), ck::CKF_SIGN)
        | of(row.verify.is_some(), ck::CKF_VERIFY)
        | of(row.digest.is_some(), ck::CKF_DIGEST)
        | of(row.generate.is_some(), ck::CKF_GENERATE)
        | of(row.generate_pair.is_some(), ck::CKF_GENERATE_KEY_PAIR)
        | of(row.wrapping.is_some(), ck::CKF_WRAP | ck::CKF_UNWRAP)
        | of(row.message.is_some(), ck::CKF_MESSAGE_ENCRYPT | ck::CKF_MESSAGE_DECRYPT | ck::CKF_MULTI_MESSAGE)
        | of(row.sign.is_some() && !row.one_message, ck::CKF_MESSAGE_SIGN)
        | of(row.verify.is_some() && !row.one_message, ck::CKF_MESSAGE_VERIFY)
        | of(row.sign.is_some() && !row.one_message && !row.one_part, ck::CKF_MULTI_MESSAGE)
        | of(row.derivation.is_some() || row.public_half.is_some(), ck::CKF_DERIVE)
        | of(row.recover.is_some(), ck::CKF_SIGN_RECOVER | ck::CKF_VERIFY_RECOVER)
        | of(row.kem.is_some(), ck::CKF_ENCAPSULATE | ck::CKF_DECAPSULATE)
}

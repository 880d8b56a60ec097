//! One application between C_Initialize and C_Finalize: what the entry points call.

use crate::Result;
use crate::attribute::{Answer, Template, Type};
use crate::mechanism::Mechanism;
use sealhsm_secret::Secret;

/// CK_SLOT_ID.
pub type SlotId = u64;
/// CK_SESSION_HANDLE.
pub type SessionHandle = u64;
/// CK_OBJECT_HANDLE.
pub type ObjectHandle = u64;

/// CK_SLOT_INFO.
#[derive(Debug)]
pub struct SlotInfo {
    /// Not padded.
    pub description: String,
    /// Not padded.
    pub manufacturer: String,
    /// CKF_TOKEN_PRESENT and so on.
    pub flags: u64,
}

/// CK_TOKEN_INFO; texts are not padded, counts may be CK_UNAVAILABLE_INFORMATION.
#[derive(Debug)]
pub struct TokenInfo {
    /// At most 32 bytes.
    pub label: String,
    /// At most 32 bytes.
    pub manufacturer: String,
    /// At most 16 bytes.
    pub model: String,
    /// 16 hex digits, or empty.
    pub serial: String,
    /// CKF_.
    pub flags: u64,
    /// ulMaxSessionCount.
    pub max_sessions: u64,
    /// ulSessionCount.
    pub sessions: u64,
    /// ulMaxRwSessionCount.
    pub max_rw_sessions: u64,
    /// ulRwSessionCount.
    pub rw_sessions: u64,
    /// ulMaxPinLen in bytes.
    pub max_pin: u64,
    /// ulMinPinLen in bytes.
    pub min_pin: u64,
}

/// CK_MECHANISM_INFO.
#[derive(Debug)]
pub struct MechanismInfo {
    /// ulMinKeySize.
    pub min: u64,
    /// ulMaxKeySize.
    pub max: u64,
    /// CKF_.
    pub flags: u64,
}

/// CK_SESSION_INFO.
#[derive(Debug)]
pub struct SessionInfo {
    /// slotID.
    pub slot: SlotId,
    /// CKS_.
    pub state: u64,
    /// CKF_RW_SESSION, CKF_SERIAL_SESSION.
    pub flags: u64,
}

/// The library between C_Initialize and C_Finalize. Every method may be called from any thread.
pub struct Application {}

/// Where output goes: `None` asks for the length only and changes no state; a buffer that is too short gives
/// `BufferTooSmall(needed)` and changes no state either.
pub type Sink<'a> = Option<&'a mut [u8]>;

#[allow(unused_variables, missing_docs)]
impl Application {
    pub fn start(config: crate::config::Config) -> Result<Application> {
        unimplemented!()
    }
    /// C_Finalize: ends every operation and login, closes files and the agent; quick, never waits for the TPM.
    pub fn stop(&self) {
        unimplemented!()
    }
    /// In a forked child, before the parent's value is forgotten: closes inherited agent and lock descriptors, wipes inherited keys.
    pub fn abandon_in_child(&self) {
        unimplemented!()
    }

    /// C_GetSlotList; `refresh` on the NULL call, when new tokens of other processes appear.
    pub fn slots(&self, token_present: bool, refresh: bool) -> Result<Vec<SlotId>> {
        unimplemented!()
    }
    pub fn slot_info(&self, slot: SlotId) -> Result<SlotInfo> {
        unimplemented!()
    }
    pub fn token_info(&self, slot: SlotId) -> Result<TokenInfo> {
        unimplemented!()
    }
    pub fn mechanism_list(&self, slot: SlotId) -> Result<Vec<u64>> {
        unimplemented!()
    }
    pub fn mechanism_info(&self, slot: SlotId, mechanism: u64) -> Result<MechanismInfo> {
        unimplemented!()
    }
    /// `label`: 32 bytes, blank padded.
    pub fn init_token(&self, slot: SlotId, so_pin: &Secret, label: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn init_pin(&self, session: SessionHandle, pin: &Secret) -> Result<()> {
        unimplemented!()
    }
    pub fn set_pin(&self, session: SessionHandle, old: &Secret, new: &Secret) -> Result<()> {
        unimplemented!()
    }
    /// Blocks until a token appears or `stop`; `block` false: `NoEvent`.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<SlotId> {
        unimplemented!()
    }

    pub fn open_session(&self, slot: SlotId, flags: u64) -> Result<SessionHandle> {
        unimplemented!()
    }
    pub fn close_session(&self, session: SessionHandle) -> Result<()> {
        unimplemented!()
    }
    pub fn close_all_sessions(&self, slot: SlotId) -> Result<()> {
        unimplemented!()
    }
    pub fn session_info(&self, session: SessionHandle) -> Result<SessionInfo> {
        unimplemented!()
    }
    /// C_Login and C_LoginUser (with an empty name). `pin` NULL is `ArgumentsBad` before this.
    pub fn login(&self, session: SessionHandle, user_type: u64, pin: &Secret) -> Result<()> {
        unimplemented!()
    }
    pub fn logout(&self, session: SessionHandle) -> Result<()> {
        unimplemented!()
    }
    /// C_SessionCancel: CKF_ bits of the operations to end.
    pub fn session_cancel(&self, session: SessionHandle, flags: u64) -> Result<()> {
        unimplemented!()
    }

    pub fn create_object(&self, session: SessionHandle, template: &Template<'_>) -> Result<ObjectHandle> {
        unimplemented!()
    }
    pub fn copy_object(
        &self,
        session: SessionHandle,
        object: ObjectHandle,
        template: &Template<'_>,
    ) -> Result<ObjectHandle> {
        unimplemented!()
    }
    pub fn destroy_object(&self, session: SessionHandle, object: ObjectHandle) -> Result<()> {
        unimplemented!()
    }
    pub fn object_size(&self, session: SessionHandle, object: ObjectHandle) -> Result<u64> {
        unimplemented!()
    }
    /// C_GetAttributeValue: one answer per type asked, in order.
    pub fn attributes(&self, session: SessionHandle, object: ObjectHandle, types: &[Type]) -> Result<Vec<Answer>> {
        unimplemented!()
    }
    pub fn set_attributes(&self, session: SessionHandle, object: ObjectHandle, template: &Template<'_>) -> Result<()> {
        unimplemented!()
    }
    pub fn find_init(&self, session: SessionHandle, template: &Template<'_>) -> Result<()> {
        unimplemented!()
    }
    /// At most `max` handles; empty at the end.
    pub fn find(&self, session: SessionHandle, max: usize) -> Result<Vec<ObjectHandle>> {
        unimplemented!()
    }
    pub fn find_final(&self, session: SessionHandle) -> Result<()> {
        unimplemented!()
    }

    /// Every `*_init`: `None` is a NULL mechanism and cancels.
    pub fn encrypt_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        unimplemented!()
    }
    pub fn encrypt(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn encrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn encrypt_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn decrypt_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        unimplemented!()
    }
    pub fn decrypt(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn decrypt_update(&self, session: SessionHandle, part: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn decrypt_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn digest_init(&self, session: SessionHandle, mechanism: Option<&Mechanism<'_>>) -> Result<()> {
        unimplemented!()
    }
    pub fn digest(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn digest_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn digest_key(&self, session: SessionHandle, key: ObjectHandle) -> Result<()> {
        unimplemented!()
    }
    pub fn digest_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn sign_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        unimplemented!()
    }
    pub fn sign(&self, session: SessionHandle, data: &[u8], out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn sign_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn sign_final(&self, session: SessionHandle, out: Sink<'_>) -> Result<usize> {
        unimplemented!()
    }
    pub fn verify_init(
        &self,
        session: SessionHandle,
        mechanism: Option<&Mechanism<'_>>,
        key: ObjectHandle,
    ) -> Result<()> {
        unimplemented!()
    }
    pub fn verify(&self, session: SessionHandle, data: &[u8], signature: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn verify_update(&self, session: SessionHandle, part: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn verify_final(&self, session: SessionHandle, signature: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn generate_key(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        template: &Template<'_>,
    ) -> Result<ObjectHandle> {
        unimplemented!()
    }
    /// Public handle first.
    pub fn generate_key_pair(
        &self,
        session: SessionHandle,
        mechanism: &Mechanism<'_>,
        public: &Template<'_>,
        private: &Template<'_>,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        unimplemented!()
    }
    pub fn seed_random(&self, session: SessionHandle, seed: &[u8]) -> Result<()> {
        unimplemented!()
    }
    pub fn generate_random(&self, session: SessionHandle, out: &mut [u8]) -> Result<()> {
        unimplemented!()
    }
    /// For calls that only check the session (the parallel relics, C_Async*).
    pub fn check_session(&self, session: SessionHandle) -> Result<()> {
        unimplemented!()
    }
}

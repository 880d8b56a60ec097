//! Slots: one per token, and an uninitialised one that is always last.

use crate::shared::Shared;
use crate::token::Token;
use sealhsm_seal::Listed;
use std::sync::Arc;

/// A slot and the token in it; `None`: free.
#[derive(Clone)]
pub struct Slot {
    /// CK_SLOT_ID.
    pub id: u64,
    /// The token.
    pub token: Option<Arc<Token>>,
}

/// The slot ID that belongs to a serial number: its last 8 hexadecimal digits, 31 bits.
pub fn id_of_serial(serial: &str) -> u64 {
    let tail = serial.get(serial.len().saturating_sub(8)..).unwrap_or(serial);
    u64::from_str_radix(tail, 16).unwrap_or(0) & 0x7fff_ffff
}

/// Arranges slots for the tokens there are now. Tokens known already stay where they are until C_Finalize, one that
/// was deleted leaves with its last session; new ones come to the slot of their serial number, or on a collision to
/// the next free one in the order of their UUIDs.
pub fn arrange(present: &[Slot], mut listed: Vec<Listed>, shared: &Arc<Shared>) -> Vec<Slot> {
    listed.sort_by_key(|l| l.uuid);
    let mut slots: Vec<Slot> = Vec::with_capacity(listed.len() + 1);
    for slot in present {
        let Some(token) = &slot.token else { continue };
        match listed.iter().position(|l| l.uuid == token.uuid) {
            Some(at) => token.relist(listed.remove(at)),
            None if in_use(token) => {}
            None => continue,
        }
        slots.push(slot.clone());
    }
    for token in listed {
        let wanted = id_of_serial(&token.serial);
        let id = free_from(&slots, wanted);
        if id != wanted {
            log::warn!("token {}: slot {wanted} is taken by another token, using slot {id}", token.uuid);
        }
        slots.push(Slot { id, token: Some(Arc::new(Token::new(shared.clone(), token))) });
    }
    let id = free_from(&slots, slots.len() as u64);
    slots.push(Slot { id, token: None });
    slots
}

fn in_use(token: &Token) -> bool {
    // Whoever counts just now, perhaps while it asks the TPM, uses it.
    token.sessions_if_idle().is_none_or(|counts| counts.read_only + counts.read_write > 0)
}

fn free_from(slots: &[Slot], wanted: u64) -> u64 {
    (wanted..).find(|id| !slots.iter().any(|s| s.id == *id)).unwrap_or(wanted)
}

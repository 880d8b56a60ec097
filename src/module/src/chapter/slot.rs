//! Chapter "slot and token management" (PKCS#11 3.2 section 5.5).

use crate::entry::entries;
use crate::{decode, encode};
use cryptoki_sys as ck;
use sealhsm_core::Error;
use std::ffi::c_void;

entries! {
    fn C_GetSlotList(app, token_present: ck::CK_BBOOL, list: *mut ck::CK_SLOT_ID, count: *mut ck::CK_ULONG) {
        count.required()?;
        // The set of slots changes with the call that asks for the count only.
        let slots = app.slots(token_present != ck::CK_FALSE, list.is_null())?;
        encode::list(list, count, &slots)
    }

    fn C_GetSlotInfo(app, slot: ck::CK_SLOT_ID, info: *mut ck::CK_SLOT_INFO) {
        let to = info.required()?;
        let info = app.slot_info(slot)?;
        to.write(ck::CK_SLOT_INFO {
            slotDescription: encode::padded(&info.description),
            manufacturerID: encode::padded(&info.manufacturer),
            flags: info.flags,
            hardwareVersion: encode::VERSION,
            firmwareVersion: encode::VERSION,
        })
    }

    fn C_GetTokenInfo(app, slot: ck::CK_SLOT_ID, info: *mut ck::CK_TOKEN_INFO) {
        let to = info.required()?;
        let info = app.token_info(slot)?;
        to.write(ck::CK_TOKEN_INFO {
            label: encode::padded(&info.label),
            manufacturerID: encode::padded(&info.manufacturer),
            model: encode::padded(&info.model),
            serialNumber: encode::padded(&info.serial),
            flags: info.flags,
            ulMaxSessionCount: info.max_sessions,
            ulSessionCount: info.sessions,
            ulMaxRwSessionCount: info.max_rw_sessions,
            ulRwSessionCount: info.rw_sessions,
            ulMaxPinLen: info.max_pin,
            ulMinPinLen: info.min_pin,
            ulTotalPublicMemory: ck::CK_UNAVAILABLE_INFORMATION,
            ulFreePublicMemory: ck::CK_UNAVAILABLE_INFORMATION,
            ulTotalPrivateMemory: ck::CK_UNAVAILABLE_INFORMATION,
            ulFreePrivateMemory: ck::CK_UNAVAILABLE_INFORMATION,
            hardwareVersion: encode::VERSION,
            firmwareVersion: encode::VERSION,
            // Blank without CKF_CLOCK_ON_TOKEN.
            utcTime: encode::padded(""),
        })
    }

    fn C_GetMechanismList(app, slot: ck::CK_SLOT_ID, list: *mut ck::CK_MECHANISM_TYPE, count: *mut ck::CK_ULONG) {
        count.required()?;
        encode::list(list, count, &app.mechanism_list(slot)?)
    }

    fn C_GetMechanismInfo(
        app,
        slot: ck::CK_SLOT_ID,
        mechanism: ck::CK_MECHANISM_TYPE,
        info: *mut ck::CK_MECHANISM_INFO
    ) {
        let to = info.required()?;
        let info = app.mechanism_info(slot, mechanism)?;
        to.write(ck::CK_MECHANISM_INFO { ulMinKeySize: info.min, ulMaxKeySize: info.max, flags: info.flags })
    }

    fn C_WaitForSlotEvent(app, flags: ck::CK_FLAGS, slot: *mut ck::CK_SLOT_ID, reserved: *mut c_void) {
        decode::reserved(reserved)?;
        let to = slot.required()?;
        if flags & !ck::CKF_DONT_BLOCK != 0 {
            return Err(Error::ArgumentsBad);
        }
        to.write(app.wait_for_slot_event(flags & ck::CKF_DONT_BLOCK == 0)?)
    }

    fn C_InitToken(
        app,
        slot: ck::CK_SLOT_ID,
        pin: *mut ck::CK_UTF8CHAR,
        pin_length: ck::CK_ULONG,
        label: *mut ck::CK_UTF8CHAR
    ) {
        let label = label.required()?.bytes(LABEL)?;
        app.init_token(slot, &decode::pin(pin, pin_length)?, label)
    }

    fn C_InitPIN(app, session: ck::CK_SESSION_HANDLE, pin: *mut ck::CK_UTF8CHAR, length: ck::CK_ULONG) {
        app.init_pin(session, &decode::pin(pin, length)?)
    }

    fn C_SetPIN(
        app,
        session: ck::CK_SESSION_HANDLE,
        old: *mut ck::CK_UTF8CHAR,
        old_length: ck::CK_ULONG,
        new: *mut ck::CK_UTF8CHAR,
        new_length: ck::CK_ULONG
    ) {
        app.set_pin(session, &decode::pin(old, old_length)?, &decode::pin(new, new_length)?)
    }
}

/// C_InitToken's label has no length of its own: 32 bytes, blank-padded.
const LABEL: u64 = 32;

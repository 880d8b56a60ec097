//! Chapter "key management" (PKCS#11 3.2 section 5.18).

use crate::decode::{self, Wrapping};
use crate::encode::Output;
use crate::entry::entries;
use cryptoki_sys as ck;
use sealhsm_core::application::Sink;
use sealhsm_core::mechanism::{Mechanism, Parameter};

entries! {
    fn C_GenerateKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let back = decode::back::places(mechanism, key)?;
        let mechanism = decode::mechanism(mechanism)?;
        let made = app.generate_key(session, &mechanism, &decode::template(template, count)?);
        back.fill(made.map_err(|error| error.into()))
    }

    fn C_GenerateKeyPair(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        public_template: *mut ck::CK_ATTRIBUTE,
        public_count: ck::CK_ULONG,
        private_template: *mut ck::CK_ATTRIBUTE,
        private_count: ck::CK_ULONG,
        public_key: *mut ck::CK_OBJECT_HANDLE,
        private_key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let (to_public, to_private) = (public_key.required()?, private_key.required()?);
        let mechanism = decode::mechanism(mechanism)?;
        let public = decode::template(public_template, public_count)?;
        let private = decode::template(private_template, private_count)?;
        let (public, private) = app.generate_key_pair(session, &mechanism, &public, &private)?;
        to_public.write(public)?;
        to_private.write(private)
    }

    fn C_WrapKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        wrapping_key: ck::CK_OBJECT_HANDLE,
        key: ck::CK_OBJECT_HANDLE,
        wrapped: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG
    ) {
        let out = Output::of(wrapped, length)?;
        let wrap = |mechanism: &Mechanism<'_>| {
            let apart = match mechanism.parameter {
                Parameter::None => true,
                Parameter::Bytes(iv) => !out.overlaps(iv.as_ptr().addr(), iv.len() as u64),
                _ => false,
            };
            let wrap = |out: Sink<'_>| app.wrap_key(session, mechanism, wrapping_key, key, out);
            if apart { out.fill(wrap) } else { out.fill_aside(wrap) }
        };
        match decode::wrapping(mechanism)? {
            Wrapping::Plain(mechanism) => wrap(&mechanism),
            Wrapping::Nonce(mechanism, mut message, aad) => {
                // The nonce may be asked for: it goes back with the wrapped key.
                let parameter = message.given.parameter(aad, true);
                wrap(&Mechanism { mechanism, parameter })?;
                if wrapped.is_null() { Ok(()) } else { message.return_nonce() }
            }
        }
    }

    fn C_WrapKeyAuthenticated(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        wrapping_key: ck::CK_OBJECT_HANDLE,
        key: ck::CK_OBJECT_HANDLE,
        aad: *mut ck::CK_BYTE,
        aad_length: ck::CK_ULONG,
        wrapped: *mut ck::CK_BYTE,
        length: *mut ck::CK_ULONG
    ) {
        let out = Output::of(wrapped, length)?;
        let (number, mut message) = decode::authenticated(mechanism)?;
        // The output may lie where the associated data is.
        let aad = aad.bytes(aad_length)?.to_vec();
        out.fill(|out| {
            let given = message.as_mut().map(|message| &mut message.given);
            app.wrap_key_authenticated(session, number, given, wrapping_key, key, &aad, out)
        })?;
        match message {
            Some(message) if !wrapped.is_null() => message.return_nonce().and_then(|()| message.return_tag()),
            _ => Ok(()),
        }
    }

    fn C_UnwrapKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        unwrapping_key: ck::CK_OBJECT_HANDLE,
        wrapped: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = key.required()?;
        let mechanism = decode::wrapping(mechanism)?;
        let (wrapped, template) = (wrapped.required()?.bytes(length)?, decode::template(template, count)?);
        let unwrap = |mechanism: &Mechanism<'_>| app.unwrap_key(session, mechanism, unwrapping_key, wrapped, &template);
        to.write(match mechanism {
            Wrapping::Plain(mechanism) => unwrap(&mechanism)?,
            Wrapping::Nonce(mechanism, mut message, aad) => {
                let parameter = message.given.parameter(aad, false);
                unwrap(&Mechanism { mechanism, parameter })?
            }
        })
    }

    fn C_UnwrapKeyAuthenticated(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        unwrapping_key: ck::CK_OBJECT_HANDLE,
        wrapped: *mut ck::CK_BYTE,
        length: ck::CK_ULONG,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        aad: *mut ck::CK_BYTE,
        aad_length: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = key.required()?;
        let (number, message) = decode::authenticated(mechanism)?;
        let (wrapped, template) = (wrapped.required()?.bytes(length)?, decode::template(template, count)?);
        let (given, aad) = (message.as_ref().map(|message| &message.given), aad.bytes(aad_length)?);
        to.write(app.unwrap_key_authenticated(session, number, given, unwrapping_key, wrapped, &template, aad)?)
    }

    fn C_DeriveKey(
        app,
        session: ck::CK_SESSION_HANDLE,
        mechanism: *mut ck::CK_MECHANISM,
        base_key: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        key: *mut ck::CK_OBJECT_HANDLE
    ) {
        let back = decode::back::places(mechanism, key)?;
        let mechanism = decode::mechanism(mechanism)?;
        back.fill(app.derive_key(session, &mechanism, base_key, &decode::template(template, count)?))
    }
}

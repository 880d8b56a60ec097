//! Chapter "object management" (PKCS#11 3.2 section 5.7).

use crate::entry::entries;
use crate::{decode, encode};
use cryptoki_sys as ck;
use sealhsm_core::Error;

entries! {
    fn C_CreateObject(
        app,
        session: ck::CK_SESSION_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        object: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = object.required()?;
        to.write(app.create_object(session, &decode::template(template, count)?)?)
    }

    fn C_CopyObject(
        app,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG,
        copy: *mut ck::CK_OBJECT_HANDLE
    ) {
        let to = copy.required()?;
        to.write(app.copy_object(session, object, &decode::template(template, count)?)?)
    }

    fn C_DestroyObject(app, session: ck::CK_SESSION_HANDLE, object: ck::CK_OBJECT_HANDLE) {
        app.destroy_object(session, object)
    }

    fn C_GetObjectSize(
        app,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        size: *mut ck::CK_ULONG
    ) {
        let to = size.required()?;
        to.write(app.object_size(session, object)?)
    }

    fn C_GetAttributeValue(
        app,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG
    ) {
        let asked = decode::entries(template, count)?;
        let types: Vec<u64> = asked.iter().map(|entry| entry.of).collect();
        encode::attributes(template, &asked, &app.attributes(session, object, &types)?)
    }

    fn C_SetAttributeValue(
        app,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG
    ) {
        app.set_attributes(session, object, &decode::template(template, count)?)
    }

    fn C_FindObjectsInit(
        app,
        session: ck::CK_SESSION_HANDLE,
        template: *mut ck::CK_ATTRIBUTE,
        count: ck::CK_ULONG
    ) {
        app.find_init(session, &decode::template(template, count)?)
    }

    fn C_FindObjects(
        app,
        session: ck::CK_SESSION_HANDLE,
        objects: *mut ck::CK_OBJECT_HANDLE,
        most: ck::CK_ULONG,
        count: *mut ck::CK_ULONG
    ) {
        let wanted = count.required().and(if most == 0 { Ok(objects) } else { objects.required() });
        let to = decode::or_end(app, session, ck::CKF_FIND_OBJECTS, wanted)?;
        let found = app.find(session, usize::try_from(most).map_err(|_| Error::ArgumentsBad)?)?;
        for (index, object) in found.iter().enumerate() {
            to.write_at(index, *object)?;
        }
        count.write(found.len() as u64)
    }

    fn C_FindObjectsFinal(app, session: ck::CK_SESSION_HANDLE) {
        app.find_final(session)
    }
}

//! A thin, safe context over the FFI of tpm2-tss: one connection, the commands that the agent needs, nothing cached,
//! every handle flushed when its guard is dropped. The only file of the agent that speaks C to libtss2.
#![allow(unsafe_code)]

use crate::object::{self, Policy};
use crate::tpm2;
use sealhsm_secret::Secret;
use sealhsm_wire::SealedBlob;
use std::cell::Cell;
use std::ffi::CString;
use std::ptr;
use tss_esapi_sys as ffi;
use tss_esapi_sys::{ESYS_TR, TPM2B_AUTH, TPM2B_PUBLIC};

const NONE: ESYS_TR = ffi::ESYS_TR_NONE;
const PASSWORD: ESYS_TR = ffi::ESYS_TR_PASSWORD;
const OWNER: ESYS_TR = ffi::ESYS_TR_RH_OWNER;
const LOCKOUT: ESYS_TR = ffi::ESYS_TR_RH_LOCKOUT;

/// A non-zero TSS2_RC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rc(pub u32);

/// What every command gives.
pub type Result<T> = std::result::Result<T, Rc>;

/// Success, or the code.
pub fn check(rc: u32) -> Result<()> {
    if rc == 0 { Ok(()) } else { Err(Rc(rc)) }
}

/// An ESYS context over a TCTI. One per secret transaction: finalising it frees, and the perturbed heap clears,
/// every buffer that libtss2 kept.
pub struct Context {
    esys: *mut ffi::ESYS_CONTEXT,
    tcti: *mut ffi::TSS2_TCTI_CONTEXT,
    /// The transport failed: such a context is dead for good, and so should the process be.
    pub broken: Cell<bool>,
}

/// A loaded object or session, flushed when dropped.
pub struct Loaded<'a> {
    context: &'a Context,
    handle: ESYS_TR,
    persistent: bool,
}

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        if self.persistent || self.context.broken.get() {
            return;
        }
        // SAFETY: the context is live (we borrow it), the handle was made by it and not flushed yet.
        let rc = unsafe { ffi::Esys_FlushContext(self.context.esys, self.handle) };
        // What flushes a session that the TPM already ended, or a dead transport, changes nothing here.
        let _ = self.context.note(rc);
    }
}

impl Loaded<'_> {
    /// The TPM flushed it itself (a session without continueSession, after success).
    fn spent(mut self) {
        self.persistent = true;
    }
}

impl Context {
    /// Connects. `tcti` is a configuration of tctildr(7), e.g. `swtpm:path=/run/x/sock`.
    pub fn open(tcti: &str) -> Result<Context> {
        let name = CString::new(tcti).map_err(|_| Rc(0x000a_000b))?;
        let mut context = Context { esys: ptr::null_mut(), tcti: ptr::null_mut(), broken: Cell::new(false) };
        // SAFETY: a C string that outlives the call and a place for the result.
        check(unsafe { ffi::Tss2_TctiLdr_Initialize(name.as_ptr(), &mut context.tcti) })?;
        // SAFETY: the TCTI was just initialised; a null version means "any".
        check(unsafe { ffi::Esys_Initialize(&mut context.esys, context.tcti, ptr::null_mut()) })?;
        Ok(context)
    }

    /// Turns a return code into a result and remembers a dead transport.
    fn note(&self, rc: u32) -> Result<()> {
        if rc != 0 && !tpm2::from_tpm(rc) {
            self.broken.set(true);
        }
        check(rc)
    }

    fn own(&self, handle: ESYS_TR) -> Loaded<'_> {
        Loaded { context: self, handle, persistent: false }
    }

    /// A persistent object (TPM2_ReadPublic).
    pub fn persistent(&self, handle: u32) -> Result<Loaded<'_>> {
        let mut tr = NONE;
        // SAFETY: live context, a place for the result.
        self.note(unsafe { ffi::Esys_TR_FromTPMPublic(self.esys, handle, NONE, NONE, NONE, &mut tr) })?;
        Ok(Loaded { context: self, handle: tr, persistent: true })
    }

    /// The Name of a loaded object, as the library computed it from the public area.
    pub fn name(&self, object: &Loaded<'_>) -> Result<Vec<u8>> {
        let mut name = ptr::null_mut();
        // SAFETY: live context and handle, a place for the result.
        self.note(unsafe { ffi::Esys_TR_GetName(self.esys, object.handle, &mut name) })?;
        let name = Boxed(name);
        let name = name.get();
        Ok(name.name[..usize::from(name.size).min(name.name.len())].to_vec())
    }

    /// The public area of a loaded object (TPM2_ReadPublic).
    pub fn public(&self, object: &Loaded<'_>) -> Result<TPM2B_PUBLIC> {
        let (mut public, mut name, mut qualified) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: live context and handle, places for the results.
        self.note(unsafe {
            ffi::Esys_ReadPublic(self.esys, object.handle, NONE, NONE, NONE, &mut public, &mut name, &mut qualified)
        })?;
        let (public, _name, _qualified) = (Boxed(public), Boxed(name), Boxed(qualified));
        Ok(*public.get())
    }

    /// TPM2_CreatePrimary in the owner hierarchy, whose authorization must be empty.
    pub fn create_primary(&self, template: &TPM2B_PUBLIC) -> Result<Loaded<'_>> {
        let sensitive = ffi::TPM2B_SENSITIVE_CREATE::default();
        let (mut tr, mut out) = (NONE, Created::default());
        // SAFETY: live context; every pointer is to a live value of the right type or a place for a result.
        self.note(unsafe {
            ffi::Esys_CreatePrimary(
                self.esys,
                OWNER,
                PASSWORD,
                NONE,
                NONE,
                &sensitive,
                template,
                &ffi::TPM2B_DATA::default(),
                &ffi::TPML_PCR_SELECTION::default(),
                &mut tr,
                &mut out.public,
                &mut out.data,
                &mut out.hash,
                &mut out.ticket,
            )
        })?;
        Ok(self.own(tr))
    }

    /// TPM2_EvictControl: makes a primary key persistent.
    pub fn persist(&self, object: &Loaded<'_>, handle: u32) -> Result<()> {
        let mut tr = NONE;
        // SAFETY: live context and handle, a place for the result.
        self.note(unsafe {
            ffi::Esys_EvictControl(self.esys, OWNER, object.handle, PASSWORD, NONE, NONE, handle, &mut tr)
        })
    }

    /// TPM2_StartAuthSession, salted to `parent`, AES-128-CFB parameter encryption with the given attributes.
    fn session(&self, parent: &Loaded<'_>, kind: u8, attributes: u8) -> Result<Loaded<'_>> {
        let mut symmetric = ffi::TPMT_SYM_DEF { algorithm: tpm2::ALG_AES, ..Default::default() };
        symmetric.keyBits.aes = 128;
        symmetric.mode.aes = tpm2::ALG_CFB;
        let mut tr = NONE;
        // SAFETY: live context and handle; a null nonce lets the library draw one.
        self.note(unsafe {
            ffi::Esys_StartAuthSession(
                self.esys,
                parent.handle,
                NONE,
                NONE,
                NONE,
                NONE,
                ptr::null(),
                kind,
                &symmetric,
                tpm2::ALG_SHA256,
                &mut tr,
            )
        })?;
        let session = self.own(tr);
        // SAFETY: live context and session.
        self.note(unsafe { ffi::Esys_TRSess_SetAttributes(self.esys, session.handle, attributes, 0xff) })?;
        Ok(session)
    }

    /// TPM2_Create of a sealed object. The payload and the authorization value cross the bus encrypted.
    pub fn seal(&self, parent: &Loaded<'_>, policy: Policy, auth: &Secret, payload: &Secret) -> Result<SealedBlob> {
        let mut sensitive = Wiped(ffi::TPM2B_SENSITIVE_CREATE::default());
        put(&mut sensitive.0.sensitive.userAuth.buffer, &mut sensitive.0.sensitive.userAuth.size, trimmed(auth))?;
        put(&mut sensitive.0.sensitive.data.buffer, &mut sensitive.0.sensitive.data.size, payload.as_ref())?;
        let template = object::sealed_template(policy);
        // Without continueSession: the TPM flushes it with the command.
        let session = self.session(parent, tpm2::SE_HMAC, tpm2::SESSION_DECRYPT)?;
        let (mut private, mut out) = (ptr::null_mut(), Created::default());
        // SAFETY: live context and handles; every pointer is to a live value of the right type or a place for a result.
        self.note(unsafe {
            ffi::Esys_Create(
                self.esys,
                parent.handle,
                session.handle,
                NONE,
                NONE,
                &sensitive.0,
                &template,
                &ffi::TPM2B_DATA::default(),
                &ffi::TPML_PCR_SELECTION::default(),
                &mut private,
                &mut out.public,
                &mut out.data,
                &mut out.hash,
                &mut out.ticket,
            )
        })?;
        session.spent();
        let private = Boxed(private);
        Ok(SealedBlob {
            public: object::marshal_public(out.public_area())?,
            private: object::marshal_private(private.get())?,
        })
    }

    /// TPM2_Load.
    pub fn load(&self, parent: &Loaded<'_>, blob: &SealedBlob) -> Result<Loaded<'_>> {
        let public = object::unmarshal_public(&blob.public)?;
        let private = object::unmarshal_private(&blob.private)?;
        let mut tr = NONE;
        // SAFETY: live context and handle; both areas are live values.
        self.note(unsafe {
            ffi::Esys_Load(self.esys, parent.handle, PASSWORD, NONE, NONE, &private, &public, &mut tr)
        })?;
        Ok(self.own(tr))
    }

    /// TPM2_Unseal in a policy session. The secret crosses the bus encrypted.
    pub fn unseal(&self, parent: &Loaded<'_>, object: &Loaded<'_>, policy: Policy, auth: &Secret) -> Result<Secret> {
        let session = self.session(parent, tpm2::SE_POLICY, tpm2::SESSION_ENCRYPT)?;
        match policy {
            Policy::AuthValue => {
                self.set_auth(object.handle, auth)?;
                // SAFETY: live context and session.
                self.note(unsafe { ffi::Esys_PolicyAuthValue(self.esys, session.handle, NONE, NONE, NONE) })?;
            }
            Policy::UnsealOnly => {
                // SAFETY: live context and session.
                self.note(unsafe {
                    ffi::Esys_PolicyCommandCode(self.esys, session.handle, NONE, NONE, NONE, tpm2::CC_UNSEAL)
                })?;
            }
        }
        let mut data = ptr::null_mut();
        // SAFETY: live context and handles, a place for the result.
        self.note(unsafe { ffi::Esys_Unseal(self.esys, object.handle, session.handle, NONE, NONE, &mut data) })?;
        session.spent();
        let data = Boxed(data);
        let data = data.get();
        Ok(Secret::copy_of(&data.buffer[..usize::from(data.size).min(data.buffer.len())]))
    }

    fn set_auth(&self, handle: ESYS_TR, auth: &Secret) -> Result<()> {
        let mut value = Wiped(TPM2B_AUTH::default());
        put(&mut value.0.buffer, &mut value.0.size, trimmed(auth))?;
        // SAFETY: live context and handle; the library copies the value.
        self.note(unsafe { ffi::Esys_TR_SetAuth(self.esys, handle, &value.0) })
    }

    /// TPM2_GetCapability of properties: pairs of property and value from `first` on. Never cached.
    pub fn properties(&self, first: u32, count: u32) -> Result<Vec<(u32, u32)>> {
        let data = self.capability(tpm2::CAP_TPM_PROPERTIES, first, count)?;
        // SAFETY: the capability asked for decides which member of the union is valid, and the library checked it.
        let list = unsafe { &data.get().data.tpmProperties };
        let count = (list.count as usize).min(list.tpmProperty.len());
        Ok(list.tpmProperty[..count].iter().map(|p| (p.property, p.value)).collect())
    }

    /// TPM2_GetCapability of handles from `first` on.
    pub fn handles(&self, first: u32) -> Result<Vec<u32>> {
        let data = self.capability(tpm2::CAP_HANDLES, first, 64)?;
        // SAFETY: as in `properties`.
        let list = unsafe { &data.get().data.handles };
        let count = (list.count as usize).min(list.handle.len());
        Ok(list.handle[..count].to_vec())
    }

    fn capability(&self, capability: u32, first: u32, count: u32) -> Result<Boxed<ffi::TPMS_CAPABILITY_DATA>> {
        let (mut more, mut data) = (0, ptr::null_mut());
        // SAFETY: live context, places for the results.
        self.note(unsafe {
            ffi::Esys_GetCapability(self.esys, NONE, NONE, NONE, capability, first, count, &mut more, &mut data)
        })?;
        Ok(Boxed(data))
    }

    /// Flushes an object or session that a dead agent left in a TPM without a resource manager.
    pub fn flush_leftover(&self, handle: u32) -> Result<()> {
        let left = self.persistent(handle)?;
        // SAFETY: live context and handle.
        let rc = unsafe { ffi::Esys_FlushContext(self.esys, left.handle) };
        self.note(rc)
    }

    /// TPM2_Shutdown(CLEAR).
    pub fn shutdown(&self) -> Result<()> {
        // SAFETY: live context.
        self.note(unsafe { ffi::Esys_Shutdown(self.esys, NONE, NONE, NONE, tpm2::SU_CLEAR) })
    }

    /// TPM2_DictionaryAttackParameters with an empty lockout authorization.
    pub fn set_tries(&self, tries: u32, interval: u32, recovery: u32) -> Result<()> {
        // SAFETY: live context.
        self.note(unsafe {
            ffi::Esys_DictionaryAttackParameters(self.esys, LOCKOUT, PASSWORD, NONE, NONE, tries, interval, recovery)
        })
    }

    /// TPM2_DictionaryAttackLockReset. The lockout authorization keys an HMAC session salted to `parent`; it is not sent.
    pub fn reset_lockout(&self, parent: &Loaded<'_>, auth: &Secret) -> Result<()> {
        self.set_auth(LOCKOUT, auth)?;
        let session = self.session(parent, tpm2::SE_HMAC, 0)?;
        // SAFETY: live context and session.
        self.note(unsafe { ffi::Esys_DictionaryAttackLockReset(self.esys, LOCKOUT, session.handle, NONE, NONE) })?;
        session.spent();
        Ok(())
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: made by `open` and finalised once; both calls accept null.
        unsafe {
            if !self.esys.is_null() {
                ffi::Esys_Finalize(&mut self.esys);
            }
            if !self.tcti.is_null() {
                ffi::Tss2_TctiLdr_Finalize(&mut self.tcti);
            }
        }
    }
}

/// Something that the library allocated.
struct Boxed<T>(*mut T);

impl<T> Boxed<T> {
    fn get(&self) -> &T {
        // SAFETY: the library set it to a live, initialised value; it is freed only by our drop.
        unsafe { &*self.0 }
    }
}

impl<T> Drop for Boxed<T> {
    fn drop(&mut self) {
        // SAFETY: allocated by the library, freed once; the perturbed heap overwrites it.
        unsafe { ffi::Esys_Free(self.0.cast()) };
    }
}

/// The outputs of the create commands, freed on drop.
struct Created {
    public: *mut TPM2B_PUBLIC,
    data: *mut ffi::TPM2B_CREATION_DATA,
    hash: *mut ffi::TPM2B_DIGEST,
    ticket: *mut ffi::TPMT_TK_CREATION,
}

impl Default for Created {
    fn default() -> Self {
        Created { public: ptr::null_mut(), data: ptr::null_mut(), hash: ptr::null_mut(), ticket: ptr::null_mut() }
    }
}

impl Created {
    fn public_area(&self) -> &TPM2B_PUBLIC {
        // SAFETY: only asked after the command succeeded, which set it.
        unsafe { &*self.public }
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        // SAFETY: null or allocated by the library; Esys_Free accepts null.
        unsafe {
            ffi::Esys_Free(self.public.cast());
            ffi::Esys_Free(self.data.cast());
            ffi::Esys_Free(self.hash.cast());
            ffi::Esys_Free(self.ticket.cast());
        }
    }
}

/// A C structure with a secret in it, cleared on drop.
struct Wiped<T: Copy + Default>(T);

impl<T: Copy + Default> Drop for Wiped<T> {
    fn drop(&mut self) {
        // SAFETY: a live value of our own; a volatile write is not optimised away.
        unsafe { ptr::write_volatile(&mut self.0, T::default()) };
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }
}

/// Without trailing zeros, which the TPM takes away (Part 1, 19.6.4.3) and not every library version does.
fn trimmed(auth: &Secret) -> &[u8] {
    let auth = auth.as_ref();
    &auth[..auth.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

fn put(buffer: &mut [u8], size: &mut u16, bytes: &[u8]) -> Result<()> {
    // TSS2_ESYS_RC_BAD_VALUE.
    buffer.get_mut(..bytes.len()).ok_or(Rc(0x0007_000b))?.copy_from_slice(bytes);
    *size = u16::try_from(bytes.len()).map_err(|_| Rc(0x0007_000b))?;
    Ok(())
}

//! A thin, safe context over the FFI of tpm2-tss: one connection, the commands that the agent needs, nothing cached,
//! every handle flushed when its guard is dropped. The only file of the agent that speaks C to libtss2.
#![allow(unsafe_code)]

use crate::tpm2;
use sealhsm_secret::Secret;
use sealhsm_wire::SealedBlob;
use std::cell::Cell;
use std::ffi::CString;
use std::ptr;
use tss_esapi_sys as ffi;
use tss_esapi_sys::{ESYS_TR, TPM2B_AUTH, TPM2B_PRIVATE, TPM2B_PUBLIC};

const NONE: ESYS_TR = ffi::ESYS_TR_NONE;
const PASSWORD: ESYS_TR = ffi::ESYS_TR_PASSWORD;
const OWNER: ESYS_TR = ffi::ESYS_TR_RH_OWNER;
const LOCKOUT: ESYS_TR = ffi::ESYS_TR_RH_LOCKOUT;

/// A non-zero TSS2_RC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rc(pub u32);

type Result<T> = std::result::Result<T, Rc>;

fn check(rc: u32) -> Result<()> {
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

/// Which authorization a sealed object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// PolicyAuthValue.
    AuthValue,
    /// PolicyCommandCode(Unseal).
    UnsealOnly,
}

impl Policy {
    /// The authPolicy: SHA-256 over 32 zero bytes and the policy command's code (and, for the second, TPM_CC_Unseal).
    fn digest(self) -> [u8; 32] {
        match self {
            Policy::AuthValue => [
                0x8f, 0xcd, 0x21, 0x69, 0xab, 0x92, 0x69, 0x4e, 0x0c, 0x63, 0x3f, 0x1a, 0xb7, 0x72, 0x84, 0x2b, 0x82,
                0x41, 0xbb, 0xc2, 0x02, 0x88, 0x98, 0x1f, 0xc7, 0xac, 0x1e, 0xdd, 0xc1, 0xfd, 0xdb, 0x0e,
            ],
            Policy::UnsealOnly => [
                0xe6, 0x13, 0x13, 0x70, 0x76, 0x52, 0x4b, 0xde, 0x48, 0x75, 0x33, 0x86, 0x58, 0x84, 0xe9, 0x73, 0x2e,
                0xbe, 0xe3, 0xaa, 0xcb, 0x09, 0x5d, 0x94, 0xa6, 0xde, 0x49, 0x2e, 0xc0, 0x6c, 0x46, 0xfa,
            ],
        }
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
        put(&mut sensitive.0.sensitive.userAuth.buffer, &mut sensitive.0.sensitive.userAuth.size, auth.as_ref())?;
        put(&mut sensitive.0.sensitive.data.buffer, &mut sensitive.0.sensitive.data.size, payload.as_ref())?;
        let template = sealed_template(policy);
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
        Ok(SealedBlob { public: marshal_public(out.public_area())?, private: marshal_private(private.get())? })
    }

    /// TPM2_Load and TPM2_Unseal in a policy session. The secret crosses the bus encrypted.
    pub fn unseal(&self, parent: &Loaded<'_>, policy: Policy, auth: &Secret, blob: &SealedBlob) -> Result<Secret> {
        let (public, private) = (unmarshal_public(&blob.public)?, unmarshal_private(&blob.private)?);
        let mut tr = NONE;
        // SAFETY: live context and handle; both areas are live values.
        self.note(unsafe {
            ffi::Esys_Load(self.esys, parent.handle, PASSWORD, NONE, NONE, &private, &public, &mut tr)
        })?;
        let object = self.own(tr);
        let session = self.session(parent, tpm2::SE_POLICY, tpm2::SESSION_ENCRYPT)?;
        match policy {
            Policy::AuthValue => {
                let mut value = Wiped(TPM2B_AUTH::default());
                put(&mut value.0.buffer, &mut value.0.size, auth.as_ref())?;
                // SAFETY: live context and handle; the library copies the value.
                self.note(unsafe { ffi::Esys_TR_SetAuth(self.esys, object.handle, &value.0) })?;
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

    /// Flushes a handle that a dead agent left in a TPM without a resource manager.
    pub fn flush_leftover(&self, handle: u32) -> Result<()> {
        // Sessions are named 0x02… in the list and 0x02…/0x03… when flushed; the library wants an ESYS_TR of it.
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

    /// TPM2_DictionaryAttackLockReset.
    pub fn reset_lockout(&self, auth: &Secret) -> Result<()> {
        let mut value = Wiped(TPM2B_AUTH::default());
        put(&mut value.0.buffer, &mut value.0.size, auth.as_ref())?;
        // SAFETY: live context; the library copies the value.
        self.note(unsafe { ffi::Esys_TR_SetAuth(self.esys, LOCKOUT, &value.0) })?;
        // SAFETY: live context.
        self.note(unsafe { ffi::Esys_DictionaryAttackLockReset(self.esys, LOCKOUT, PASSWORD, NONE, NONE) })
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

fn put(buffer: &mut [u8], size: &mut u16, bytes: &[u8]) -> Result<()> {
    // TSS2_ESYS_RC_BAD_VALUE.
    buffer.get_mut(..bytes.len()).ok_or(Rc(0x0007_000b))?.copy_from_slice(bytes);
    *size = u16::try_from(bytes.len()).map_err(|_| Rc(0x0007_000b))?;
    Ok(())
}

/// The storage key of the TCG Provisioning Guidance, ECC P-256, `unique` empty as systemd's.
pub fn storage_template() -> TPM2B_PUBLIC {
    let mut public = TPM2B_PUBLIC::default();
    let area = &mut public.publicArea;
    area.type_ = tpm2::ALG_ECC;
    area.nameAlg = tpm2::ALG_SHA256;
    area.objectAttributes = tpm2::OBJECT_STORAGE_KEY;
    let mut ecc = ffi::TPMS_ECC_PARMS::default();
    ecc.symmetric.algorithm = tpm2::ALG_AES;
    ecc.symmetric.keyBits.aes = 128;
    ecc.symmetric.mode.aes = tpm2::ALG_CFB;
    ecc.scheme.scheme = tpm2::ALG_NULL;
    ecc.curveID = tpm2::ECC_NIST_P256;
    ecc.kdf.scheme = tpm2::ALG_NULL;
    area.parameters.eccDetail = ecc;
    public
}

fn sealed_template(policy: Policy) -> TPM2B_PUBLIC {
    let mut public = TPM2B_PUBLIC::default();
    let area = &mut public.publicArea;
    area.type_ = tpm2::ALG_KEYEDHASH;
    area.nameAlg = tpm2::ALG_SHA256;
    area.objectAttributes = tpm2::OBJECT_FIXED_TPM | tpm2::OBJECT_FIXED_PARENT;
    if policy == Policy::UnsealOnly {
        area.objectAttributes |= tpm2::OBJECT_NO_DA;
    }
    area.authPolicy.size = 32;
    area.authPolicy.buffer[..32].copy_from_slice(&policy.digest());
    let mut detail = ffi::TPMS_KEYEDHASH_PARMS::default();
    detail.scheme.scheme = tpm2::ALG_NULL;
    area.parameters.keyedHashDetail = detail;
    public
}

/// Why a key is no parent for us, if it is not: the template of the TCG, ECC P-256 or RSA-2048, noDA.
pub fn unfit_parent(public: &TPM2B_PUBLIC) -> std::result::Result<&'static str, String> {
    let area = &public.publicArea;
    if area.objectAttributes & tpm2::OBJECT_NO_DA == 0 {
        return Err("it is subject to the dictionary-attack lockout (noDA is not set)".into());
    }
    if area.objectAttributes != tpm2::OBJECT_STORAGE_KEY || area.nameAlg != tpm2::ALG_SHA256 {
        return Err(format!("its attributes {:#x} are not those of a storage key", area.objectAttributes));
    }
    // SAFETY: the type of the key decides which member of the union is valid, and the library checked it.
    let (template, symmetric) = match area.type_ {
        tpm2::ALG_ECC => unsafe {
            let ecc = area.parameters.eccDetail;
            ((ecc.curveID == tpm2::ECC_NIST_P256).then_some("ecc-p256"), ecc.symmetric)
        },
        // SAFETY: as above.
        tpm2::ALG_RSA => unsafe {
            let rsa = area.parameters.rsaDetail;
            ((rsa.keyBits == 2048).then_some("rsa-2048"), rsa.symmetric)
        },
        _ => return Err("it is neither an ECC nor an RSA key".into()),
    };
    // SAFETY: both members are the same 16-bit number in every symmetric algorithm that has them.
    let aes = symmetric.algorithm == tpm2::ALG_AES && unsafe { symmetric.mode.aes } == tpm2::ALG_CFB;
    template.filter(|_| aes).ok_or_else(|| "its curve, size or symmetric algorithm is another".into())
}

const MARSHALLED: usize = 1024;

fn marshal_public(public: &TPM2B_PUBLIC) -> Result<Vec<u8>> {
    let (mut buffer, mut length) = ([0u8; MARSHALLED], 0);
    // SAFETY: a live value and a buffer of that length.
    check(unsafe { ffi::Tss2_MU_TPM2B_PUBLIC_Marshal(public, buffer.as_mut_ptr(), MARSHALLED as _, &mut length) })?;
    Ok(buffer[..(length as usize).min(MARSHALLED)].to_vec())
}

fn marshal_private(private: &TPM2B_PRIVATE) -> Result<Vec<u8>> {
    let (mut buffer, mut length) = ([0u8; MARSHALLED * 2], 0);
    // SAFETY: a live value and a buffer of that length.
    check(unsafe { ffi::Tss2_MU_TPM2B_PRIVATE_Marshal(private, buffer.as_mut_ptr(), buffer.len() as _, &mut length) })?;
    Ok(buffer[..(length as usize).min(buffer.len())].to_vec())
}

/// TPM_RC_INTEGRITY for a blob that is no TPM structure at all.
const DAMAGED: Rc = Rc(0x1df);

fn unmarshal_public(bytes: &[u8]) -> Result<TPM2B_PUBLIC> {
    let (mut public, mut offset) = (TPM2B_PUBLIC::default(), 0);
    // SAFETY: the buffer is live and of that length; the library checks every length inside.
    check(unsafe { ffi::Tss2_MU_TPM2B_PUBLIC_Unmarshal(bytes.as_ptr(), bytes.len() as _, &mut offset, &mut public) })
        .map_err(|_| DAMAGED)?;
    if offset as usize == bytes.len() { Ok(public) } else { Err(DAMAGED) }
}

fn unmarshal_private(bytes: &[u8]) -> Result<TPM2B_PRIVATE> {
    let (mut private, mut offset) = (TPM2B_PRIVATE::default(), 0);
    // SAFETY: as above.
    check(unsafe { ffi::Tss2_MU_TPM2B_PRIVATE_Unmarshal(bytes.as_ptr(), bytes.len() as _, &mut offset, &mut private) })
        .map_err(|_| DAMAGED)?;
    if offset as usize == bytes.len() { Ok(private) } else { Err(DAMAGED) }
}

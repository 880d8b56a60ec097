//! As much of a PKCS#11 client as the benchmark needs. It knows the C API and nothing of the modules behind it.

use cryptoki_sys::*;
use libloading::{Library, Symbol};
use std::path::Path;
use std::ptr;

/// What a call answered, if not CKR_OK, and in which call.
pub type Outcome<T> = Result<T, String>;

/// A module, initialised; leaked for the life of the process.
pub struct Module {
    functions: &'static CK_FUNCTION_LIST,
    latest: Option<&'static CK_FUNCTION_LIST_3_2>,
}

/// An open session, logged in.
pub struct Session {
    functions: &'static CK_FUNCTION_LIST,
    latest: Option<&'static CK_FUNCTION_LIST_3_2>,
    handle: CK_SESSION_HANDLE,
}

/// An attribute with the bytes it points to.
pub type Attribute<'a> = (CK_ATTRIBUTE_TYPE, &'a [u8]);

macro_rules! call {
    ($functions:expr, $name:ident ( $($argument:expr),* )) => {{
        let function = $functions.$name.ok_or(concat!(stringify!($name), " is missing"))?;
        // SAFETY: every pointer handed over is to a live value of the type and length that PKCS#11 asks for.
        match unsafe { function($($argument),*) } {
            CKR_OK => Ok(()),
            rv => Err(format!("{} {rv:#x}", stringify!($name))),
        }
    }};
}

impl Module {
    /// Loads and initialises.
    pub fn load(path: &Path) -> Outcome<Module> {
        // SAFETY: a PKCS#11 module, whose initialisers are harmless.
        let library = unsafe { Library::new(path) }.map_err(|e| e.to_string())?;
        // Unloading modules is not what is measured.
        let library: &'static Library = Box::leak(Box::new(library));
        // SAFETY: the signature that PKCS#11 gives this symbol.
        let list: Symbol<'_, unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV> =
            unsafe { library.get(b"C_GetFunctionList\0") }.map_err(|e| e.to_string())?;
        let mut functions = ptr::null_mut();
        // SAFETY: a place for a pointer.
        let rv = unsafe { list(&mut functions) };
        if rv != CKR_OK || functions.is_null() {
            return Err(format!("C_GetFunctionList {rv:#x}"));
        }
        // SAFETY: valid as long as the library is loaded, which is for ever.
        let functions = unsafe { &*functions };
        let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..empty_arguments() };
        call!(functions, C_Initialize((&raw mut arguments).cast()))?;
        Ok(Module { functions, latest: latest(library) })
    }

    /// The slots there are.
    fn slots(&self) -> Outcome<Vec<CK_SLOT_ID>> {
        let mut count = 0;
        call!(self.functions, C_GetSlotList(CK_TRUE, ptr::null_mut(), &mut count))?;
        let mut slots = vec![0; count as usize];
        call!(self.functions, C_GetSlotList(CK_TRUE, slots.as_mut_ptr(), &mut count))?;
        slots.truncate(count as usize);
        Ok(slots)
    }

    fn initialized(&self, slot: CK_SLOT_ID) -> Outcome<bool> {
        let mut info = CK_TOKEN_INFO::default();
        call!(self.functions, C_GetTokenInfo(slot, &mut info))?;
        Ok(info.flags & CKF_TOKEN_INITIALIZED != 0)
    }

    /// Makes a token in the first free slot and sets the user's PIN.
    pub fn make_token(&self, so_pin: &[u8], pin: &[u8]) -> Outcome<()> {
        let mut free = None;
        for slot in self.slots()? {
            if !self.initialized(slot)? {
                free = Some(slot);
                break;
            }
        }
        let slot = free.ok_or("no free slot")?;
        let mut label = [b' '; 32];
        label[..5].copy_from_slice(b"bench");
        let mut so_pin = so_pin.to_vec();
        call!(self.functions, C_InitToken(slot, so_pin.as_mut_ptr(), so_pin.len() as CK_ULONG, label.as_mut_ptr()))?;
        let slots = self.slots()?;
        let mut made = slot;
        for candidate in slots {
            if self.initialized(candidate)? {
                made = candidate;
            }
        }
        let session = self.open(made)?;
        session.login(CKU_SO, &so_pin)?;
        let mut pin = pin.to_vec();
        call!(self.functions, C_InitPIN(session.handle, pin.as_mut_ptr(), pin.len() as CK_ULONG))?;
        call!(self.functions, C_Logout(session.handle))?;
        call!(self.functions, C_CloseSession(session.handle))
    }

    /// A session on the first token there is, logged in.
    pub fn session(&self, pin: &[u8]) -> Outcome<Session> {
        for slot in self.slots()? {
            if self.initialized(slot)? {
                let session = self.open(slot)?;
                session.login(CKU_USER, pin)?;
                return Ok(session);
            }
        }
        Err("no token".into())
    }

    fn open(&self, slot: CK_SLOT_ID) -> Outcome<Session> {
        let mut handle = 0;
        let flags = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        call!(self.functions, C_OpenSession(slot, flags, ptr::null_mut(), None, &mut handle))?;
        Ok(Session { functions: self.functions, latest: self.latest, handle })
    }
}

/// The functions of PKCS#11 3.2, where the module has them.
fn latest(library: &'static Library) -> Option<&'static CK_FUNCTION_LIST_3_2> {
    type Interface = unsafe extern "C" fn(*mut CK_UTF8CHAR, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;
    let (mut name, mut version) = (*b"PKCS 11\0", CK_VERSION { major: 3, minor: 2 });
    let mut found = ptr::null_mut();
    // SAFETY: the signature that PKCS#11 3.0 gives this symbol; a name, a version and a place for a pointer, which
    // leads to a list of this version, valid as long as the library is loaded, which is for ever.
    unsafe {
        let interface: Symbol<'_, Interface> = library.get(b"C_GetInterface\0").ok()?;
        let rv = interface(name.as_mut_ptr(), &mut version, &mut found, 0);
        if rv == CKR_OK && !found.is_null() {
            (*found).pFunctionList.cast::<CK_FUNCTION_LIST_3_2>().as_ref()
        } else {
            None
        }
    }
}

impl Session {
    fn latest(&self) -> Outcome<&'static CK_FUNCTION_LIST_3_2> {
        self.latest.ok_or("no functions of PKCS#11 3.2".into())
    }

    fn login(&self, user: CK_USER_TYPE, pin: &[u8]) -> Outcome<()> {
        let mut pin = pin.to_vec();
        match call!(self.functions, C_Login(self.handle, user, pin.as_mut_ptr(), pin.len() as CK_ULONG)) {
            // Another session of this process did it.
            Err(error) if error.ends_with(&format!("{CKR_USER_ALREADY_LOGGED_IN:#x}")) => Ok(()),
            outcome => outcome,
        }
    }

    /// C_GenerateKeyPair: public and private key.
    pub fn generate_pair(
        &self,
        mechanism: CK_MECHANISM_TYPE,
        public: &[Attribute<'_>],
        private: &[Attribute<'_>],
    ) -> Outcome<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
        let mut mechanism = bare(mechanism);
        let (mut public, mut private) = (template(public), template(private));
        let (mut a, mut b) = (0, 0);
        call!(
            self.functions,
            C_GenerateKeyPair(
                self.handle,
                &mut mechanism,
                public.as_mut_ptr(),
                public.len() as CK_ULONG,
                private.as_mut_ptr(),
                private.len() as CK_ULONG,
                &mut a,
                &mut b
            )
        )?;
        Ok((a, b))
    }

    /// C_GenerateKey.
    pub fn generate(&self, mechanism: &mut CK_MECHANISM, attributes: &[Attribute<'_>]) -> Outcome<CK_OBJECT_HANDLE> {
        let mut attributes = template(attributes);
        let mut key = 0;
        let count = attributes.len() as CK_ULONG;
        call!(self.functions, C_GenerateKey(self.handle, mechanism, attributes.as_mut_ptr(), count, &mut key))?;
        Ok(key)
    }

    /// C_DestroyObject.
    pub fn destroy(&self, object: CK_OBJECT_HANDLE) -> Outcome<()> {
        call!(self.functions, C_DestroyObject(self.handle, object))
    }

    /// C_GetAttributeValue of one attribute of at most 4096 bytes.
    pub fn bytes(&self, object: CK_OBJECT_HANDLE, of: CK_ATTRIBUTE_TYPE) -> Outcome<Vec<u8>> {
        let mut value = vec![0u8; 4096];
        let mut entry =
            CK_ATTRIBUTE { type_: of, pValue: value.as_mut_ptr().cast(), ulValueLen: value.len() as CK_ULONG };
        call!(self.functions, C_GetAttributeValue(self.handle, object, &mut entry, 1))?;
        value.truncate(entry.ulValueLen as usize);
        Ok(value)
    }

    /// C_DeriveKey; 0 where the mechanism gives its keys in the parameter.
    pub fn derive(
        &self,
        mechanism: &mut CK_MECHANISM,
        base: CK_OBJECT_HANDLE,
        attributes: &[Attribute<'_>],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut attributes = template(attributes);
        let mut key = 0;
        let count = attributes.len() as CK_ULONG;
        call!(self.functions, C_DeriveKey(self.handle, mechanism, base, attributes.as_mut_ptr(), count, &mut key))?;
        Ok(key)
    }

    /// C_EncapsulateKey: the length of the ciphertext, and the key.
    pub fn encapsulate(
        &self,
        mechanism: &mut CK_MECHANISM,
        public: CK_OBJECT_HANDLE,
        attributes: &[Attribute<'_>],
        out: &mut [u8],
    ) -> Outcome<(usize, CK_OBJECT_HANDLE)> {
        let mut attributes = template(attributes);
        let (count, mut length, mut key) = (attributes.len() as CK_ULONG, out.len() as CK_ULONG, 0);
        let (at, to) = (attributes.as_mut_ptr(), out.as_mut_ptr());
        call!(self.latest()?, C_EncapsulateKey(self.handle, mechanism, public, at, count, to, &mut length, &mut key))?;
        Ok((length as usize, key))
    }

    /// C_DecapsulateKey.
    pub fn decapsulate(
        &self,
        mechanism: &mut CK_MECHANISM,
        private: CK_OBJECT_HANDLE,
        ciphertext: &mut [u8],
        attributes: &[Attribute<'_>],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut attributes = template(attributes);
        let (count, length, mut key) = (attributes.len() as CK_ULONG, ciphertext.len() as CK_ULONG, 0);
        let (at, from) = (attributes.as_mut_ptr(), ciphertext.as_mut_ptr());
        call!(self.latest()?, C_DecapsulateKey(self.handle, mechanism, private, at, count, from, length, &mut key))?;
        Ok(key)
    }

    /// C_WrapKey: the length of the wrapped key.
    pub fn wrap(
        &self,
        mechanism: &mut CK_MECHANISM,
        under: CK_OBJECT_HANDLE,
        key: CK_OBJECT_HANDLE,
        out: &mut [u8],
    ) -> Outcome<usize> {
        let mut length = out.len() as CK_ULONG;
        call!(self.functions, C_WrapKey(self.handle, mechanism, under, key, out.as_mut_ptr(), &mut length))?;
        Ok(length as usize)
    }

    /// C_UnwrapKey.
    pub fn unwrap(
        &self,
        mechanism: &mut CK_MECHANISM,
        under: CK_OBJECT_HANDLE,
        wrapped: &mut [u8],
        attributes: &[Attribute<'_>],
    ) -> Outcome<CK_OBJECT_HANDLE> {
        let mut attributes = template(attributes);
        let (count, length, mut key) = (attributes.len() as CK_ULONG, wrapped.len() as CK_ULONG, 0);
        let (at, from) = (attributes.as_mut_ptr(), wrapped.as_mut_ptr());
        call!(self.functions, C_UnwrapKey(self.handle, mechanism, under, from, length, at, count, &mut key))?;
        Ok(key)
    }

    /// C_CreateObject.
    pub fn create(&self, attributes: &[Attribute<'_>]) -> Outcome<CK_OBJECT_HANDLE> {
        let mut attributes = template(attributes);
        let mut object = 0;
        let count = attributes.len() as CK_ULONG;
        call!(self.functions, C_CreateObject(self.handle, attributes.as_mut_ptr(), count, &mut object))?;
        Ok(object)
    }

    /// C_FindObjectsInit, C_FindObjects, C_FindObjectsFinal: the first that matches.
    pub fn find(&self, attributes: &[Attribute<'_>]) -> Outcome<Option<CK_OBJECT_HANDLE>> {
        let mut attributes = template(attributes);
        let (mut object, mut found) = (0, 0);
        let count = attributes.len() as CK_ULONG;
        call!(self.functions, C_FindObjectsInit(self.handle, attributes.as_mut_ptr(), count))?;
        call!(self.functions, C_FindObjects(self.handle, &mut object, 1, &mut found))?;
        call!(self.functions, C_FindObjectsFinal(self.handle))?;
        Ok((found == 1).then_some(object))
    }

    /// C_SignInit and C_Sign.
    pub fn verify(
        &self,
        mechanism: &mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &mut [u8],
        signature: &mut [u8],
    ) -> Outcome<()> {
        let (length, signed) = (signature.len() as CK_ULONG, data.len() as CK_ULONG);
        call!(self.functions, C_VerifyInit(self.handle, mechanism, key))?;
        call!(self.functions, C_Verify(self.handle, data.as_mut_ptr(), signed, signature.as_mut_ptr(), length))
    }

    pub fn sign(
        &self,
        mechanism: &mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &mut [u8],
        out: &mut [u8],
    ) -> Outcome<usize> {
        let mut length = out.len() as CK_ULONG;
        call!(self.functions, C_SignInit(self.handle, mechanism, key))?;
        call!(
            self.functions,
            C_Sign(self.handle, data.as_mut_ptr(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// C_MessageSignInit.
    pub fn message_sign_init(&self, mechanism: &mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> Outcome<()> {
        call!(self.latest()?, C_MessageSignInit(self.handle, mechanism, key))
    }

    /// C_SignMessage.
    pub fn sign_message(&self, data: &mut [u8], out: &mut [u8]) -> Outcome<usize> {
        let (input, mut length) = (data.len() as CK_ULONG, out.len() as CK_ULONG);
        let (none, from, to) = (ptr::null_mut(), data.as_mut_ptr(), out.as_mut_ptr());
        call!(self.latest()?, C_SignMessage(self.handle, none, 0, from, input, to, &mut length))?;
        Ok(length as usize)
    }

    /// C_MessageEncryptInit.
    pub fn message_encrypt_init(&self, mechanism: &mut CK_MECHANISM, key: CK_OBJECT_HANDLE) -> Outcome<()> {
        call!(self.latest()?, C_MessageEncryptInit(self.handle, mechanism, key))
    }

    /// C_EncryptMessage with the parameter of a mechanism and no associated data.
    pub fn encrypt_message(&self, message: &mut CK_MECHANISM, data: &mut [u8], out: &mut [u8]) -> Outcome<usize> {
        let (input, mut length) = (data.len() as CK_ULONG, out.len() as CK_ULONG);
        let (at, size, none) = (message.pParameter, message.ulParameterLen, ptr::null_mut());
        let (from, to) = (data.as_mut_ptr(), out.as_mut_ptr());
        call!(self.latest()?, C_EncryptMessage(self.handle, at, size, none, 0, from, input, to, &mut length))?;
        Ok(length as usize)
    }

    /// C_EncryptInit and C_Encrypt.
    pub fn encrypt(
        &self,
        mechanism: &mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &mut [u8],
        out: &mut [u8],
    ) -> Outcome<usize> {
        let mut length = out.len() as CK_ULONG;
        call!(self.functions, C_EncryptInit(self.handle, mechanism, key))?;
        call!(
            self.functions,
            C_Encrypt(self.handle, data.as_mut_ptr(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// C_DecryptInit and C_Decrypt.
    pub fn decrypt(
        &self,
        mechanism: &mut CK_MECHANISM,
        key: CK_OBJECT_HANDLE,
        data: &mut [u8],
        out: &mut [u8],
    ) -> Outcome<usize> {
        let mut length = out.len() as CK_ULONG;
        call!(self.functions, C_DecryptInit(self.handle, mechanism, key))?;
        call!(
            self.functions,
            C_Decrypt(self.handle, data.as_mut_ptr(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// The mechanisms of the token with their flags.
    pub fn mechanisms(&self) -> Outcome<Vec<(CK_MECHANISM_TYPE, CK_FLAGS)>> {
        let mut info = CK_SESSION_INFO::default();
        call!(self.functions, C_GetSessionInfo(self.handle, &mut info))?;
        let mut count = 0;
        call!(self.functions, C_GetMechanismList(info.slotID, ptr::null_mut(), &mut count))?;
        let mut found = vec![0; count as usize];
        call!(self.functions, C_GetMechanismList(info.slotID, found.as_mut_ptr(), &mut count))?;
        let flags = |mechanism| {
            let mut about = CK_MECHANISM_INFO::default();
            call!(self.functions, C_GetMechanismInfo(info.slotID, mechanism, &mut about))?;
            Ok((mechanism, about.flags))
        };
        found.into_iter().map(flags).collect()
    }

    /// C_DigestInit and C_Digest.
    pub fn digest(&self, mechanism: &mut CK_MECHANISM, data: &mut [u8], out: &mut [u8]) -> Outcome<usize> {
        let mut length = out.len() as CK_ULONG;
        call!(self.functions, C_DigestInit(self.handle, mechanism))?;
        call!(
            self.functions,
            C_Digest(self.handle, data.as_mut_ptr(), data.len() as CK_ULONG, out.as_mut_ptr(), &mut length)
        )?;
        Ok(length as usize)
    }

    /// C_GenerateRandom.
    pub fn random(&self, out: &mut [u8]) -> Outcome<()> {
        call!(self.functions, C_GenerateRandom(self.handle, out.as_mut_ptr(), out.len() as CK_ULONG))
    }
}

/// A mechanism without a parameter.
pub fn bare(mechanism: CK_MECHANISM_TYPE) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: ptr::null_mut(), ulParameterLen: 0 }
}

fn template(attributes: &[Attribute<'_>]) -> Vec<CK_ATTRIBUTE> {
    let one = |(of, bytes): &Attribute<'_>| CK_ATTRIBUTE {
        type_: *of,
        pValue: bytes.as_ptr().cast_mut().cast(),
        ulValueLen: bytes.len() as CK_ULONG,
    };
    attributes.iter().map(one).collect()
}

fn empty_arguments() -> CK_C_INITIALIZE_ARGS {
    CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: 0,
        pReserved: ptr::null_mut(),
    }
}

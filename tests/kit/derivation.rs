//! Mechanisms that derive keys, and what they write back through their parameters.
#![allow(unsafe_code)]

use crate::mechanism::Mechanism;
use crate::module::filled;
use crate::object::Object;
use crate::rv::{Result, Rv};
use crate::session::Session;
use crate::template::{RawTemplate, Template};
use cryptoki_sys as ck;
use std::ffi::c_void;

/// One CK_PRF_DATA_PARAM.
#[derive(Clone, Debug)]
pub enum Field {
    /// The iteration variable of the feedback modes.
    Iteration,
    /// The iteration variable of counter mode: little-endian or not, bits.
    CountingIteration(bool, ck::CK_ULONG),
    /// The counter of the feedback modes.
    Counter(bool, ck::CK_ULONG),
    /// The length of what is derived: method, little-endian or not, bits.
    Length(ck::CK_ULONG, bool, ck::CK_ULONG),
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// The value of a key.
    Key(ck::CK_OBJECT_HANDLE),
    /// Anything, of this type.
    Raw(ck::CK_ULONG, Vec<u8>),
}

impl Field {
    fn of(&self) -> ck::CK_ULONG {
        match self {
            Field::Iteration | Field::CountingIteration(..) => ck::CK_SP800_108_ITERATION_VARIABLE,
            Field::Counter(..) => ck::CK_SP800_108_COUNTER,
            Field::Length(..) => ck::CK_SP800_108_DKM_LENGTH,
            Field::Bytes(_) => ck::CK_SP800_108_BYTE_ARRAY,
            Field::Key(_) => ck::CK_SP800_108_KEY_HANDLE,
            Field::Raw(of, _) => *of,
        }
    }

    fn value(&self) -> Vec<u8> {
        match self {
            Field::Iteration => Vec::new(),
            Field::CountingIteration(little, bits) | Field::Counter(little, bits) => {
                memory(&ck::CK_SP800_108_COUNTER_FORMAT {
                    bLittleEndian: ck::CK_BBOOL::from(*little),
                    ulWidthInBits: *bits,
                })
            }
            Field::Length(method, little, bits) => memory(&ck::CK_SP800_108_DKM_LENGTH_FORMAT {
                dkmLengthMethod: *method,
                bLittleEndian: ck::CK_BBOOL::from(*little),
                ulWidthInBits: *bits,
            }),
            Field::Bytes(bytes) | Field::Raw(_, bytes) => bytes.clone(),
            Field::Key(handle) => handle.to_ne_bytes().to_vec(),
        }
    }
}

/// The bytes of a structure of C, padding as zeros.
pub(crate) fn memory<T: Copy>(value: &T) -> Vec<u8> {
    let mut bytes = vec![0u8; size_of::<T>()];
    // SAFETY: as many bytes as a T has, in memory of its own; T is Copy.
    unsafe { std::ptr::copy_nonoverlapping((&raw const *value).cast(), bytes.as_mut_ptr(), size_of::<T>()) };
    bytes
}

/// NULL for what is empty.
pub(crate) fn at<T>(bytes: &mut [u8]) -> *mut T {
    if bytes.is_empty() { std::ptr::null_mut() } else { bytes.as_mut_ptr().cast() }
}

impl Mechanism {
    /// CKM_SP800_108_COUNTER_KDF and its siblings, with these keys besides that of the call.
    pub fn sp800_108(
        of: ck::CK_MECHANISM_TYPE,
        prf: ck::CK_MECHANISM_TYPE,
        fields: &[Field],
        iv: &[u8],
        further: &[Template],
    ) -> Self {
        let mut handles = vec![0xee; size_of::<ck::CK_OBJECT_HANDLE>() * further.len()];
        let templates: Vec<Template> = further.to_vec();
        let mut raw: Vec<RawTemplate> = templates.iter().map(Template::to_raw).collect();
        let mut values: Vec<Vec<u8>> = fields.iter().map(Field::value).collect();
        let params = fields.iter().zip(&mut values).flat_map(|(field, value)| {
            let length = value.len() as ck::CK_ULONG;
            memory(&ck::CK_PRF_DATA_PARAM { type_: field.of(), pValue: at::<c_void>(value), ulValueLen: length })
        });
        let mut params: Vec<u8> = params.collect();
        let keys = raw.iter_mut().enumerate().flat_map(|(index, template)| {
            let place = &mut handles[index * size_of::<ck::CK_OBJECT_HANDLE>()..];
            memory(&ck::CK_DERIVED_KEY {
                pTemplate: template.pointer(),
                ulAttributeCount: template.count(),
                phKey: at(place),
            })
        });
        let (mut keys, mut iv): (Vec<u8>, Vec<u8>) = (keys.collect(), iv.to_vec());
        let counts = (fields.len() as ck::CK_ULONG, further.len() as ck::CK_ULONG);
        let value = if of == ck::CKM_SP800_108_FEEDBACK_KDF {
            memory(&ck::CK_SP800_108_FEEDBACK_KDF_PARAMS {
                prfType: prf,
                ulNumberOfDataParams: counts.0,
                pDataParams: at(&mut params),
                ulIVLen: iv.len() as ck::CK_ULONG,
                pIV: at(&mut iv),
                ulAdditionalDerivedKeys: counts.1,
                pAdditionalDerivedKeys: at(&mut keys),
            })
        } else {
            memory(&ck::CK_SP800_108_KDF_PARAMS {
                prfType: prf,
                ulNumberOfDataParams: counts.0,
                pDataParams: at(&mut params),
                ulAdditionalDerivedKeys: counts.1,
                pAdditionalDerivedKeys: at(&mut keys),
            })
        };
        let mut strings = vec![handles, params, keys, iv];
        strings.append(&mut values);
        Mechanism::bytes(of, value).keeping(strings, templates, raw)
    }

    /// What stands in an output of the parameter now: the first string that it was made with, as handles.
    pub fn handles(&self) -> Vec<Object> {
        let handles = self.string(0).chunks_exact(size_of::<ck::CK_OBJECT_HANDLE>());
        handles.map(|bytes| Object(ck::CK_OBJECT_HANDLE::from_ne_bytes(bytes.try_into().expect("a handle")))).collect()
    }
}

impl Session<'_> {
    /// C_DeriveKey.
    pub fn derive(&self, mechanism: &Mechanism, base: Object, template: &Template) -> Result<Object> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        // SAFETY: mechanism and template live for the call; a place for the result.
        filled(|to| unsafe { self.raw().C_DeriveKey(self.handle, &raw mut mechanism, base.0, at, count, to) })
            .map(Object)
    }

    /// C_DeriveKey with NULL for the handle: by mechanisms that give theirs in the parameter.
    pub fn derive_through(&self, mechanism: &Mechanism, base: Object, template: &Template) -> Result<()> {
        let (mut mechanism, mut raw) = (mechanism.to_raw(), template.to_raw());
        let (at, count) = (raw.pointer(), raw.count());
        let nowhere = std::ptr::null_mut();
        // SAFETY: mechanism and template live for the call.
        Rv::check(unsafe { self.raw().C_DeriveKey(self.handle, &raw mut mechanism, base.0, at, count, nowhere) })
    }
}

/// How CK_PKCS5_PBKD2_PARAMS says the length of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As a number.
    Number,
    /// As the address of a number, as in PKCS#11 2.40.
    Address,
}

impl Mechanism {
    /// CKM_PKCS5_PBKD2.
    pub fn pbkd2(
        prf: ck::CK_PKCS5_PBKD2_PSEUDO_RANDOM_FUNCTION_TYPE,
        password: &[u8],
        salt: &[u8],
        iterations: ck::CK_ULONG,
        length: Length,
    ) -> Self {
        let (mut password, mut salt) = (password.to_vec(), salt.to_vec());
        let number = password.len() as ck::CK_ULONG;
        let said = number.to_ne_bytes().to_vec();
        let value = ck::CK_PKCS5_PBKD2_PARAMS2 {
            saltSource: ck::CKZ_SALT_SPECIFIED,
            pSaltSourceData: at(&mut salt),
            ulSaltSourceDataLen: salt.len() as ck::CK_ULONG,
            iterations,
            prf,
            pPrfData: std::ptr::null_mut(),
            ulPrfDataLen: 0,
            pPassword: at(&mut password),
            ulPasswordLen: if length == Length::Address { said.as_ptr() as ck::CK_ULONG } else { number },
        };
        Self::structure(ck::CKM_PKCS5_PBKD2, value, vec![password, salt, said])
    }

    /// One of CK_PBE_PARAMS; the IV is string 0.
    pub fn pbe(of: ck::CK_MECHANISM_TYPE, password: &[u8], salt: &[u8], iterations: ck::CK_ULONG) -> Self {
        let (mut iv, mut password, mut salt) = (vec![0xee; 8], password.to_vec(), salt.to_vec());
        let value = ck::CK_PBE_PARAMS {
            pInitVector: at(&mut iv),
            pPassword: at(&mut password),
            ulPasswordLen: password.len() as ck::CK_ULONG,
            pSalt: at(&mut salt),
            ulSaltLen: salt.len() as ck::CK_ULONG,
            ulIteration: iterations,
        };
        Self::structure(of, value, vec![iv, password, salt])
    }

    /// The same with another number in the field of the structure that begins at `offset`.
    pub fn changed(self, offset: usize, number: ck::CK_ULONG) -> Self {
        self.with_bytes(offset, &number.to_ne_bytes())
    }
}

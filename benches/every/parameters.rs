//! Mechanism parameters that stay the same from call to call. What they point to is kept for the life of the process.

use super::{FURTHER, readable};
use crate::client::{self, Session};
use cryptoki_sys::*;
use std::cell::Cell;
use std::ptr::null_mut;

/// What goes into derivations, here and in OpenSSL.
pub const SALT: &[u8] = &[0xa1; 32];
pub const INFO: &[u8] = b"some information";
pub const LABEL: &[u8] = b"label";
pub const CONTEXT: &[u8] = b"context";
pub const CLIENT: &[u8] = &[0xc1; 32];
pub const SERVER: &[u8] = &[0x5e; 32];
pub const PASSWORD: &[u8] = b"correct horse battery staple";
pub const ITERATIONS: i32 = 1000;
/// As many bytes of 7 as the floor encrypts.
const DATA: &[u8] = &[7; 32];
/// Bits of MAC keys and of keys for encryption in TLS.
const TLS_BITS: CK_ULONG = 256;

/// What the parameter says.
#[derive(Clone, Copy)]
pub enum Parameter {
    /// None.
    None,
    /// A number.
    Number(CK_ULONG),
    /// Bytes.
    Raw(&'static [u8]),
    /// CK_RSA_PKCS_PSS_PARAMS: hash, mask function, bytes of the salt.
    Pss(CK_MECHANISM_TYPE, CK_RSA_PKCS_MGF_TYPE, CK_ULONG),
    /// CK_RSA_PKCS_OAEP_PARAMS with SHA-256.
    Oaep,
    /// CK_RSA_AES_KEY_WRAP_PARAMS: the same and 256 bits.
    RsaAes,
    /// CK_ECDH_AES_KEY_WRAP_PARAMS: 256 bits of the shared secret as it is.
    EcdhAes,
    /// CK_HASH_SIGN_ADDITIONAL_CONTEXT of the hash that the data are.
    Hashed(CK_MECHANISM_TYPE),
    /// Nothing but a shared secret as it is: an agreement with the public key of nobody.
    Agreement,
    /// CK_KEY_DERIVATION_STRING_DATA.
    Data,
    /// CK_AES_CBC_ENCRYPT_DATA_PARAMS and its like.
    CbcData,
    /// CK_DES_CBC_ENCRYPT_DATA_PARAMS.
    DesCbcData,
    /// The handle of a second key.
    Further,
    /// CK_HKDF_PARAMS: both steps, with SHA-256.
    Hkdf,
    /// CK_SP800_108_KDF_PARAMS as OpenSSL lays out its input.
    Counting,
    /// CK_SP800_108_FEEDBACK_KDF_PARAMS likewise.
    Feedback,
    /// CK_SP800_108_KDF_PARAMS without a counter.
    Pipeline,
    /// CK_IKE2_PRF_PLUS_DERIVE_PARAMS.
    Ike2Plus,
    /// CK_IKE_PRF_DERIVE_PARAMS: the base is the key.
    Ike,
    /// CK_IKE1_PRF_DERIVE_PARAMS.
    Ike1,
    /// CK_IKE1_EXTENDED_DERIVE_PARAMS.
    Ike1Extended,
    /// CK_TLS12_MASTER_KEY_DERIVE_PARAMS.
    Tls12Master,
    /// CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS.
    Tls12Extended,
    /// CK_TLS12_KEY_MAT_PARAMS.
    Tls12Keys,
    /// CK_TLS_KDF_PARAMS.
    TlsKdf,
    /// CK_SSL3_MASTER_KEY_DERIVE_PARAMS.
    Ssl3Master,
    /// CK_SSL3_KEY_MAT_PARAMS.
    Ssl3Keys,
    /// CK_TLS_PRF_PARAMS for so many bytes.
    TlsPrf(usize),
    /// CK_PKCS5_PBKD2_PARAMS2 with SHA-256.
    Pbkd2,
    /// CK_PBE_PARAMS.
    Pbe,
    /// CK_DSA_PARAMETER_GEN_PARAM.
    Seed,
}

/// A mechanism, and where it puts what is no key of its own.
pub struct Given {
    pub mechanism: CK_MECHANISM,
    pub keys: Option<&'static Cell<CK_SSL3_KEY_MAT_OUT>>,
    pub bytes: Option<&'static [Cell<u8>]>,
}

impl From<CK_MECHANISM> for Given {
    fn from(mechanism: CK_MECHANISM) -> Given {
        Given { mechanism, keys: None, bytes: None }
    }
}

fn keep<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn string(bytes: &[u8]) -> (*mut u8, CK_ULONG) {
    let kept = bytes.to_vec().leak();
    (kept.as_mut_ptr(), kept.len() as CK_ULONG)
}

/// A mechanism with a structure of C.
pub fn structure<P: 'static>(mechanism: CK_MECHANISM_TYPE, value: P) -> CK_MECHANISM {
    CK_MECHANISM { mechanism, pParameter: (&raw mut *keep(value)).cast(), ulParameterLen: size_of::<P>() as CK_ULONG }
}

fn raw(mechanism: CK_MECHANISM_TYPE, bytes: &[u8]) -> CK_MECHANISM {
    let (at, length) = string(bytes);
    CK_MECHANISM { mechanism, pParameter: at.cast(), ulParameterLen: length }
}

fn oaep() -> CK_RSA_PKCS_OAEP_PARAMS {
    CK_RSA_PKCS_OAEP_PARAMS {
        hashAlg: CKM_SHA256,
        mgf: CKG_MGF1_SHA256,
        source: CKZ_DATA_SPECIFIED,
        pSourceData: null_mut(),
        ulSourceDataLen: 0,
    }
}

fn randoms() -> CK_SSL3_RANDOM_DATA {
    let ((client, client_len), (server, server_len)) = (string(CLIENT), string(SERVER));
    CK_SSL3_RANDOM_DATA {
        pClientRandom: client,
        ulClientRandomLen: client_len,
        pServerRandom: server,
        ulServerRandomLen: server_len,
    }
}

/// An agreement with this public key, or an encapsulation where there is none: the shared secret as it is.
pub fn agreement(of: CK_MECHANISM_TYPE, public: &[u8]) -> CK_MECHANISM {
    let (at, length) = if public.is_empty() { (null_mut(), 0) } else { string(public) };
    match of {
        CKM_DH_PKCS_DERIVE if public.is_empty() => client::bare(of),
        CKM_DH_PKCS_DERIVE => raw(of, public),
        CKM_X9_42_DH_DERIVE => structure(
            of,
            CK_X9_42_DH1_DERIVE_PARAMS {
                kdf: CKD_NULL,
                ulOtherInfoLen: 0,
                pOtherInfo: null_mut(),
                ulPublicDataLen: length,
                pPublicData: at,
            },
        ),
        _ => structure(
            of,
            CK_ECDH1_DERIVE_PARAMS {
                kdf: CKD_NULL,
                ulSharedDataLen: 0,
                pSharedData: null_mut(),
                ulPublicDataLen: length,
                pPublicData: at,
            },
        ),
    }
}

/// One field of the input of SP 800-108.
fn field<T: 'static>(of: CK_PRF_DATA_TYPE, value: T) -> CK_PRF_DATA_PARAM {
    CK_PRF_DATA_PARAM { type_: of, pValue: (&raw mut *keep(value)).cast(), ulValueLen: size_of::<T>() as CK_ULONG }
}

/// What stands first, then label, 0, context, and the length in 32 bits.
fn fields(first: &[CK_PRF_DATA_PARAM]) -> (*mut CK_PRF_DATA_PARAM, CK_ULONG) {
    let bytes = |bytes: &[u8]| {
        let (at, length) = string(bytes);
        CK_PRF_DATA_PARAM { type_: CK_SP800_108_BYTE_ARRAY, pValue: at.cast(), ulValueLen: length }
    };
    let method = CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS;
    let length = CK_SP800_108_DKM_LENGTH_FORMAT { dkmLengthMethod: method, bLittleEndian: CK_FALSE, ulWidthInBits: 32 };
    let rest = [bytes(LABEL), bytes(&[0]), bytes(CONTEXT), field(CK_SP800_108_DKM_LENGTH, length)];
    let all = [first, &rest[..]].concat().leak();
    (all.as_mut_ptr(), all.len() as CK_ULONG)
}

const COUNTER: CK_SP800_108_COUNTER_FORMAT = CK_SP800_108_COUNTER_FORMAT { bLittleEndian: CK_FALSE, ulWidthInBits: 32 };
const ITERATION: CK_PRF_DATA_PARAM =
    CK_PRF_DATA_PARAM { type_: CK_SP800_108_ITERATION_VARIABLE, pValue: null_mut(), ulValueLen: 0 };

fn sp800_108(of: CK_MECHANISM_TYPE, first: &[CK_PRF_DATA_PARAM]) -> CK_MECHANISM {
    let (fields, count) = fields(first);
    structure(
        of,
        CK_SP800_108_KDF_PARAMS {
            prfType: CKM_SHA256_HMAC,
            ulNumberOfDataParams: count,
            pDataParams: fields,
            ulAdditionalDerivedKeys: 0,
            pAdditionalDerivedKeys: null_mut(),
        },
    )
}

impl Parameter {
    /// A mechanism with it.
    pub fn given(self, of: CK_MECHANISM_TYPE, session: &Session) -> client::Outcome<Given> {
        let further = || readable(session, (CKK_GENERIC_SECRET, FURTHER));
        Ok(Given::from(match self {
            Parameter::None => client::bare(of),
            Parameter::Number(number) => structure(of, number),
            Parameter::Raw(bytes) => raw(of, bytes),
            Parameter::Pss(hash, mgf, salt) => structure(of, CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf, sLen: salt }),
            Parameter::Oaep => structure(of, oaep()),
            Parameter::RsaAes => {
                structure(of, CK_RSA_AES_KEY_WRAP_PARAMS { ulAESKeyBits: 256, pOAEPParams: keep(oaep()) })
            }
            Parameter::EcdhAes => structure(
                of,
                CK_ECDH_AES_KEY_WRAP_PARAMS {
                    ulAESKeyBits: 256,
                    kdf: CKD_NULL,
                    ulSharedDataLen: 0,
                    pSharedData: null_mut(),
                },
            ),
            Parameter::Hashed(hash) => structure(
                of,
                CK_HASH_SIGN_ADDITIONAL_CONTEXT {
                    hedgeVariant: CKH_HEDGE_PREFERRED,
                    pContext: null_mut(),
                    ulContextLen: 0,
                    hash,
                },
            ),
            Parameter::Agreement => agreement(of, &[]),
            Parameter::Data => {
                let (data, length) = string(DATA);
                structure(of, CK_KEY_DERIVATION_STRING_DATA { pData: data, ulLen: length })
            }
            Parameter::CbcData => {
                let (data, length) = string(DATA);
                structure(of, CK_AES_CBC_ENCRYPT_DATA_PARAMS { iv: [0; 16], pData: data, length })
            }
            Parameter::DesCbcData => {
                let (data, length) = string(DATA);
                structure(of, CK_DES_CBC_ENCRYPT_DATA_PARAMS { iv: [0; 8], pData: data, length })
            }
            Parameter::Further => structure(of, further()?),
            Parameter::Hkdf => {
                let ((salt, salt_len), (info, info_len)) = (string(SALT), string(INFO));
                structure(
                    of,
                    CK_HKDF_PARAMS {
                        bExtract: CK_TRUE,
                        bExpand: CK_TRUE,
                        prfHashMechanism: CKM_SHA256,
                        ulSaltType: CKF_HKDF_SALT_DATA,
                        pSalt: salt,
                        ulSaltLen: salt_len,
                        hSaltKey: 0,
                        pInfo: info,
                        ulInfoLen: info_len,
                    },
                )
            }
            Parameter::Counting => sp800_108(of, &[field(CK_SP800_108_ITERATION_VARIABLE, COUNTER)]),
            Parameter::Pipeline => sp800_108(of, &[ITERATION]),
            Parameter::Feedback => {
                let ((iv, iv_len), (fields, count)) =
                    (string(SALT), fields(&[ITERATION, field(CK_SP800_108_COUNTER, COUNTER)]));
                structure(
                    of,
                    CK_SP800_108_FEEDBACK_KDF_PARAMS {
                        prfType: CKM_SHA256_HMAC,
                        ulNumberOfDataParams: count,
                        pDataParams: fields,
                        ulIVLen: iv_len,
                        pIV: iv,
                        ulAdditionalDerivedKeys: 0,
                        pAdditionalDerivedKeys: null_mut(),
                    },
                )
            }
            Parameter::Ike2Plus | Parameter::Ike | Parameter::Ike1 | Parameter::Ike1Extended => {
                self.ike(of, further()?)
            }
            Parameter::Pbkd2 => {
                let ((salt, salt_len), (password, password_len)) = (string(SALT), string(PASSWORD));
                structure(
                    of,
                    CK_PKCS5_PBKD2_PARAMS2 {
                        saltSource: CKZ_SALT_SPECIFIED,
                        pSaltSourceData: salt.cast(),
                        ulSaltSourceDataLen: salt_len,
                        iterations: ITERATIONS as CK_ULONG,
                        prf: CKP_PKCS5_PBKD2_HMAC_SHA256,
                        pPrfData: null_mut(),
                        ulPrfDataLen: 0,
                        pPassword: password,
                        ulPasswordLen: password_len,
                    },
                )
            }
            Parameter::Pbe => {
                let ((salt, salt_len), (password, password_len)) = (string(SALT), string(PASSWORD));
                structure(
                    of,
                    CK_PBE_PARAMS {
                        pInitVector: string(&[0; 8]).0,
                        pPassword: password,
                        ulPasswordLen: password_len,
                        pSalt: salt,
                        ulSaltLen: salt_len,
                        ulIteration: ITERATIONS as CK_ULONG,
                    },
                )
            }
            Parameter::Seed => structure(
                of,
                CK_DSA_PARAMETER_GEN_PARAM { hash: CKM_SHA_1, pSeed: null_mut(), ulSeedLen: 0, ulIndex: 0 },
            ),
            Parameter::Tls12Master
            | Parameter::Tls12Extended
            | Parameter::Tls12Keys
            | Parameter::TlsKdf
            | Parameter::Ssl3Master
            | Parameter::Ssl3Keys
            | Parameter::TlsPrf(_) => return Ok(self.tls(of)),
        }))
    }

    fn ike(self, of: CK_MECHANISM_TYPE, further: CK_OBJECT_HANDLE) -> CK_MECHANISM {
        let ((client, client_len), (server, server_len)) = (string(CLIENT), string(SERVER));
        let prf = CKM_SHA256_HMAC;
        match self {
            Parameter::Ike2Plus => structure(
                of,
                CK_IKE2_PRF_PLUS_DERIVE_PARAMS {
                    prfMechanism: prf,
                    bHasSeedKey: CK_FALSE,
                    hSeedKey: 0,
                    pSeedData: client,
                    ulSeedDataLen: client_len,
                },
            ),
            Parameter::Ike => structure(
                of,
                CK_IKE_PRF_DERIVE_PARAMS {
                    prfMechanism: prf,
                    bDataAsKey: CK_FALSE,
                    bRekey: CK_FALSE,
                    pNi: client,
                    ulNiLen: client_len,
                    pNr: server,
                    ulNrLen: server_len,
                    hNewKey: 0,
                },
            ),
            Parameter::Ike1 => structure(
                of,
                CK_IKE1_PRF_DERIVE_PARAMS {
                    prfMechanism: prf,
                    bHasPrevKey: CK_FALSE,
                    hKeygxy: further,
                    hPrevKey: 0,
                    pCKYi: client,
                    ulCKYiLen: client_len,
                    pCKYr: server,
                    ulCKYrLen: server_len,
                    keyNumber: 0,
                },
            ),
            _ => structure(
                of,
                CK_IKE1_EXTENDED_DERIVE_PARAMS {
                    prfMechanism: prf,
                    bHasKeygxy: CK_TRUE,
                    hKeygxy: further,
                    pExtraData: client,
                    ulExtraDataLen: client_len,
                },
            ),
        }
    }

    fn tls(self, of: CK_MECHANISM_TYPE) -> Given {
        let nothing = CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: 0,
            hServerMacSecret: 0,
            hClientKey: 0,
            hServerKey: 0,
            pIVClient: null_mut(),
            pIVServer: null_mut(),
        };
        let with_keys = |make: &dyn Fn(*mut CK_SSL3_KEY_MAT_OUT) -> CK_MECHANISM| {
            let keys: &'static Cell<_> = keep(Cell::new(nothing));
            Given { keys: Some(keys), ..make(keys.as_ptr()).into() }
        };
        match self {
            Parameter::Tls12Keys => with_keys(&|keys| {
                structure(
                    of,
                    CK_TLS12_KEY_MAT_PARAMS {
                        ulMacSizeInBits: TLS_BITS,
                        ulKeySizeInBits: TLS_BITS,
                        ulIVSizeInBits: 0,
                        bIsExport: CK_FALSE,
                        RandomInfo: randoms(),
                        pReturnedKeyMaterial: keys,
                        prfHashMechanism: CKM_SHA256,
                    },
                )
            }),
            Parameter::Ssl3Keys => with_keys(&|keys| {
                structure(
                    of,
                    CK_SSL3_KEY_MAT_PARAMS {
                        ulMacSizeInBits: TLS_BITS,
                        ulKeySizeInBits: TLS_BITS,
                        ulIVSizeInBits: 0,
                        bIsExport: CK_FALSE,
                        RandomInfo: randoms(),
                        pReturnedKeyMaterial: keys,
                    },
                )
            }),
            Parameter::TlsPrf(length) => {
                let out: &'static [Cell<u8>] = vec![Cell::new(0); length].leak();
                let ((label, label_len), (seed, seed_len)) = (string(LABEL), string(CLIENT));
                let value = CK_TLS_PRF_PARAMS {
                    pSeed: seed,
                    ulSeedLen: seed_len,
                    pLabel: label,
                    ulLabelLen: label_len,
                    pOutput: out.as_ptr().cast_mut().cast(),
                    pulOutputLen: keep(length as CK_ULONG),
                };
                Given { bytes: Some(out), ..structure(of, value).into() }
            }
            Parameter::Tls12Extended => {
                let (hash, length) = string(CLIENT);
                let value = CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
                    prfHashMechanism: CKM_SHA256,
                    pSessionHash: hash,
                    ulSessionHashLen: length,
                    pVersion: null_mut(),
                };
                structure(of, value).into()
            }
            Parameter::TlsKdf => {
                let (label, length) = string(LABEL);
                let value = CK_TLS_KDF_PARAMS {
                    prfMechanism: CKM_SHA256,
                    pLabel: label,
                    ulLabelLength: length,
                    RandomInfo: randoms(),
                    pContextData: null_mut(),
                    ulContextDataLength: 0,
                };
                structure(of, value).into()
            }
            Parameter::Ssl3Master => {
                structure(of, CK_SSL3_MASTER_KEY_DERIVE_PARAMS { RandomInfo: randoms(), pVersion: null_mut() }).into()
            }
            _ => structure(
                of,
                CK_TLS12_MASTER_KEY_DERIVE_PARAMS {
                    RandomInfo: randoms(),
                    pVersion: null_mut(),
                    prfHashMechanism: CKM_SHA256,
                },
            )
            .into(),
        }
    }
}

//! Mechanisms of TLS, and what they write back.

use crate::derivation::{at, memory};
use crate::mechanism::Mechanism;
use crate::object::Object;
use cryptoki_sys as ck;
use std::ptr::null_mut;

/// Client and server random data.
pub type Randoms<'a> = (&'a [u8], &'a [u8]);

/// Randoms as C has them, and what they point to.
fn randoms((client, server): Randoms<'_>, strings: &mut Vec<Vec<u8>>) -> ck::CK_SSL3_RANDOM_DATA {
    let (mut client, mut server) = (client.to_vec(), server.to_vec());
    let random = ck::CK_SSL3_RANDOM_DATA {
        pClientRandom: at(&mut client),
        ulClientRandomLen: client.len() as ck::CK_ULONG,
        pServerRandom: at(&mut server),
        ulServerRandomLen: server.len() as ck::CK_ULONG,
    };
    strings.extend([client, server]);
    random
}

/// Bits of MAC keys, keys and IVs.
#[derive(Clone, Copy, Debug)]
pub struct Bits(pub ck::CK_ULONG, pub ck::CK_ULONG, pub ck::CK_ULONG);

impl Mechanism {
    /// A master secret from random data; with a hash by TLS 1.2. `version`: with a place for it.
    pub fn tls_master(
        of: ck::CK_MECHANISM_TYPE,
        hash: Option<ck::CK_MECHANISM_TYPE>,
        random: Randoms<'_>,
        version: bool,
    ) -> Self {
        let mut place = vec![0xee; if version { 2 } else { 0 }];
        let to = at::<ck::CK_VERSION>(&mut place);
        let mut strings = vec![place];
        let random = randoms(random, &mut strings);
        match hash {
            Some(prf) => {
                let value =
                    ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS { RandomInfo: random, pVersion: to, prfHashMechanism: prf };
                Self::structure(of, value, strings)
            }
            None => {
                let value = ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS { RandomInfo: random, pVersion: to };
                Self::structure(of, value, strings)
            }
        }
    }

    /// An extended master secret.
    pub fn tls_extended_master(
        of: ck::CK_MECHANISM_TYPE,
        hash: ck::CK_MECHANISM_TYPE,
        session: &[u8],
        version: bool,
    ) -> Self {
        let (mut session, mut place) = (session.to_vec(), vec![0xee; if version { 2 } else { 0 }]);
        let value = ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS {
            prfHashMechanism: hash,
            pSessionHash: at(&mut session),
            ulSessionHashLen: session.len() as ck::CK_ULONG,
            pVersion: at(&mut place),
        };
        Self::structure(of, value, vec![place, session])
    }

    /// The keys of a connection; with a hash by TLS 1.2. Room for 32 bytes in each IV.
    pub fn tls_keys(
        of: ck::CK_MECHANISM_TYPE,
        hash: Option<ck::CK_MECHANISM_TYPE>,
        Bits(mac, key, iv): Bits,
        random: Randoms<'_>,
    ) -> Self {
        let (mut client, mut server) = (vec![0xee; 32], vec![0xee; 32]);
        let handle = 0xeeee_eeee_eeee_eeee;
        let mut out = memory(&ck::CK_SSL3_KEY_MAT_OUT {
            hClientMacSecret: handle,
            hServerMacSecret: handle,
            hClientKey: handle,
            hServerKey: handle,
            pIVClient: at(&mut client),
            pIVServer: at(&mut server),
        });
        let to = at(&mut out);
        let mut strings = vec![out, client, server];
        let random = randoms(random, &mut strings);
        match hash {
            Some(prf) => {
                let value = ck::CK_TLS12_KEY_MAT_PARAMS {
                    ulMacSizeInBits: mac,
                    ulKeySizeInBits: key,
                    ulIVSizeInBits: iv,
                    bIsExport: ck::CK_FALSE,
                    RandomInfo: random,
                    pReturnedKeyMaterial: to,
                    prfHashMechanism: prf,
                };
                Self::bytes(of, memory(&value)).keeping(strings, Vec::new(), Vec::new())
            }
            None => {
                let value = ck::CK_SSL3_KEY_MAT_PARAMS {
                    ulMacSizeInBits: mac,
                    ulKeySizeInBits: key,
                    ulIVSizeInBits: iv,
                    bIsExport: ck::CK_FALSE,
                    RandomInfo: random,
                    pReturnedKeyMaterial: to,
                };
                Self::bytes(of, memory(&value)).keeping(strings, Vec::new(), Vec::new())
            }
        }
    }

    /// Client and server MAC key, client and server key, as [`Mechanism::tls_keys`] got them.
    pub fn tls_handles(&self) -> [Object; 4] {
        let all = self.handles();
        [all[0], all[1], all[2], all[3]]
    }

    /// CKM_TLS_KDF, CKM_TLS12_KDF.
    pub fn tls_kdf(
        of: ck::CK_MECHANISM_TYPE,
        hash: ck::CK_MECHANISM_TYPE,
        label: &[u8],
        random: Randoms<'_>,
        context: Option<&[u8]>,
    ) -> Self {
        // An empty context is one where there is a pointer to it.
        let length = context.map_or(0, <[u8]>::len);
        let (mut label, mut content) = (label.to_vec(), context.unwrap_or_default().to_vec());
        content.push(0);
        let context = if context.is_some() { content.as_mut_ptr() } else { null_mut() };
        let mut strings = Vec::new();
        let value = ck::CK_TLS_KDF_PARAMS {
            prfMechanism: hash,
            pLabel: at(&mut label),
            ulLabelLength: label.len() as ck::CK_ULONG,
            RandomInfo: randoms(random, &mut strings),
            pContextData: context,
            ulContextDataLength: length as ck::CK_ULONG,
        };
        strings.extend([label, content]);
        Self::structure(of, value, strings)
    }

    /// CKM_TLS_MAC, CKM_TLS12_MAC.
    pub fn tls_mac(
        of: ck::CK_MECHANISM_TYPE,
        hash: ck::CK_MECHANISM_TYPE,
        length: ck::CK_ULONG,
        side: ck::CK_ULONG,
    ) -> Self {
        let value = ck::CK_TLS_MAC_PARAMS { prfHashMechanism: hash, ulMacLength: length, ulServerOrClient: side };
        Self::structure(of, value, Vec::new())
    }

    /// CKM_TLS_PRF; the output is string 0.
    pub fn tls_prf(label: &[u8], seed: &[u8], length: usize) -> Self {
        let (mut label, mut seed, mut out) = (label.to_vec(), seed.to_vec(), vec![0xee; length]);
        let mut said = (length as ck::CK_ULONG).to_ne_bytes().to_vec();
        let value = ck::CK_TLS_PRF_PARAMS {
            pSeed: at(&mut seed),
            ulSeedLen: seed.len() as ck::CK_ULONG,
            pLabel: at(&mut label),
            ulLabelLen: label.len() as ck::CK_ULONG,
            pOutput: at(&mut out),
            pulOutputLen: at(&mut said),
        };
        Self::structure(ck::CKM_TLS_PRF, value, vec![out, label, seed, said])
    }
}

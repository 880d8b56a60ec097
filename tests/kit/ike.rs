//! Mechanisms of IKE. A handle is there where it is not 0.

use crate::derivation::{at, memory};
use crate::mechanism::Mechanism;
use cryptoki_sys as ck;

fn there(handle: ck::CK_OBJECT_HANDLE) -> ck::CK_BBOOL {
    ck::CK_BBOOL::from(handle != 0)
}

fn made<T: Copy>(of: ck::CK_MECHANISM_TYPE, value: &T, strings: Vec<Vec<u8>>) -> Mechanism {
    Mechanism::bytes(of, memory(value)).keeping(strings, Vec::new(), Vec::new())
}

impl Mechanism {
    /// CKM_IKE2_PRF_PLUS_DERIVE.
    pub fn ike2_prf_plus(prf: ck::CK_MECHANISM_TYPE, seed_key: ck::CK_OBJECT_HANDLE, seed: &[u8]) -> Self {
        let mut seed = seed.to_vec();
        let value = ck::CK_IKE2_PRF_PLUS_DERIVE_PARAMS {
            prfMechanism: prf,
            bHasSeedKey: there(seed_key),
            hSeedKey: seed_key,
            pSeedData: at(&mut seed),
            ulSeedDataLen: seed.len() as ck::CK_ULONG,
        };
        made(ck::CKM_IKE2_PRF_PLUS_DERIVE, &value, vec![seed])
    }

    /// CKM_IKE_PRF_DERIVE.
    pub fn ike_prf(
        prf: ck::CK_MECHANISM_TYPE,
        data_as_key: bool,
        new_key: ck::CK_OBJECT_HANDLE,
        (ni, nr): (&[u8], &[u8]),
    ) -> Self {
        let (mut ni, mut nr) = (ni.to_vec(), nr.to_vec());
        let value = ck::CK_IKE_PRF_DERIVE_PARAMS {
            prfMechanism: prf,
            bDataAsKey: ck::CK_BBOOL::from(data_as_key),
            bRekey: there(new_key),
            pNi: at(&mut ni),
            ulNiLen: ni.len() as ck::CK_ULONG,
            pNr: at(&mut nr),
            ulNrLen: nr.len() as ck::CK_ULONG,
            hNewKey: new_key,
        };
        made(ck::CKM_IKE_PRF_DERIVE, &value, vec![ni, nr])
    }

    /// CKM_IKE1_PRF_DERIVE.
    pub fn ike1_prf(
        prf: ck::CK_MECHANISM_TYPE,
        previous: ck::CK_OBJECT_HANDLE,
        gxy: ck::CK_OBJECT_HANDLE,
        (cky_i, cky_r): (&[u8], &[u8]),
        number: u8,
    ) -> Self {
        let (mut cky_i, mut cky_r) = (cky_i.to_vec(), cky_r.to_vec());
        let value = ck::CK_IKE1_PRF_DERIVE_PARAMS {
            prfMechanism: prf,
            bHasPrevKey: there(previous),
            hKeygxy: gxy,
            hPrevKey: previous,
            pCKYi: at(&mut cky_i),
            ulCKYiLen: cky_i.len() as ck::CK_ULONG,
            pCKYr: at(&mut cky_r),
            ulCKYrLen: cky_r.len() as ck::CK_ULONG,
            keyNumber: number,
        };
        made(ck::CKM_IKE1_PRF_DERIVE, &value, vec![cky_i, cky_r])
    }

    /// CKM_IKE1_EXTENDED_DERIVE.
    pub fn ike1_extended(prf: ck::CK_MECHANISM_TYPE, gxy: ck::CK_OBJECT_HANDLE, extra: &[u8]) -> Self {
        let mut extra = extra.to_vec();
        let value = ck::CK_IKE1_EXTENDED_DERIVE_PARAMS {
            prfMechanism: prf,
            bHasKeygxy: there(gxy),
            hKeygxy: gxy,
            pExtraData: at(&mut extra),
            ulExtraDataLen: extra.len() as ck::CK_ULONG,
        };
        made(ck::CKM_IKE1_EXTENDED_DERIVE, &value, vec![extra])
    }
}

//! The structures of TLS.

use super::back::Back;
use super::{Given, flag};
use crate::pointer::Pointer;
use cryptoki_sys as ck;
use sealhsm_core::mechanism::Parameter;
use sealhsm_core::mechanism::derive::tls::{Randoms, Seed, Tls};
use sealhsm_core::{Error, Result};

/// Both structures of connection keys as one.
struct KeyMat<'c> {
    sizes: [u64; 3],
    export: bool,
    random: Randoms<'c>,
    out: Pointer<'c, ck::CK_SSL3_KEY_MAT_OUT>,
    prf: u64,
}

/// Which structure they come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMatShape {
    /// CK_SSL3_KEY_MAT_PARAMS.
    Ssl3,
    /// CK_TLS12_KEY_MAT_PARAMS.
    Tls12,
    /// The same, of which no IV is asked.
    Safe,
}

impl<'c> Given<'c> {
    fn randoms(self, given: ck::CK_SSL3_RANDOM_DATA) -> Result<Randoms<'c>> {
        Ok(Randoms {
            client: self.string(given.pClientRandom, given.ulClientRandomLen)?,
            server: self.string(given.pServerRandom, given.ulServerRandomLen)?,
        })
    }

    pub(super) fn tls12_master(self) -> Result<Parameter<'c>> {
        let given: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        let seed = Seed::Random(self.randoms(given.RandomInfo)?);
        Ok(Parameter::Tls(Tls::Master { prf: given.prfHashMechanism, seed, version: !given.pVersion.is_null() }))
    }

    pub(super) fn tls12_extended_master(self) -> Result<Parameter<'c>> {
        let given: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        let seed = Seed::Session(self.string(given.pSessionHash, given.ulSessionHashLen)?);
        Ok(Parameter::Tls(Tls::Master { prf: given.prfHashMechanism, seed, version: !given.pVersion.is_null() }))
    }

    pub(super) fn ssl3_master(self) -> Result<Parameter<'c>> {
        let given: ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        let seed = Seed::Random(self.randoms(given.RandomInfo)?);
        Ok(Parameter::Tls(Tls::Master { prf: ck::CKM_TLS_PRF, seed, version: !given.pVersion.is_null() }))
    }

    pub(super) fn tls_keys(self, shape: KeyMatShape) -> Result<Parameter<'c>> {
        let given = self.key_mat(shape)?;
        let out = given.out.read()?;
        let [mac_bits, key_bits, iv_bits] = given.sizes;
        if given.export || iv_bits != 0 && (out.pIVClient.is_null() || out.pIVServer.is_null()) {
            return Err(Error::MechanismParamInvalid);
        }
        Ok(Parameter::Tls(Tls::Keys { prf: given.prf, random: given.random, mac_bits, key_bits, iv_bits }))
    }

    fn key_mat(self, shape: KeyMatShape) -> Result<KeyMat<'c>> {
        if shape == KeyMatShape::Ssl3 {
            let given: ck::CK_SSL3_KEY_MAT_PARAMS = self.structure()?;
            return Ok(KeyMat {
                sizes: [given.ulMacSizeInBits, given.ulKeySizeInBits, given.ulIVSizeInBits],
                export: flag(given.bIsExport)?,
                random: self.randoms(given.RandomInfo)?,
                out: self.at(given.pReturnedKeyMaterial),
                prf: ck::CKM_TLS_PRF,
            });
        }
        let given: ck::CK_TLS12_KEY_MAT_PARAMS = self.structure()?;
        let iv = if shape == KeyMatShape::Safe { 0 } else { given.ulIVSizeInBits };
        Ok(KeyMat {
            sizes: [given.ulMacSizeInBits, given.ulKeySizeInBits, iv],
            export: flag(given.bIsExport)?,
            random: self.randoms(given.RandomInfo)?,
            out: self.at(given.pReturnedKeyMaterial),
            prf: given.prfHashMechanism,
        })
    }

    pub(super) fn tls_kdf(self) -> Result<Parameter<'c>> {
        let given: ck::CK_TLS_KDF_PARAMS = self.structure()?;
        let context = self.string(given.pContextData, given.ulContextDataLength)?;
        Ok(Parameter::Tls(Tls::Kdf {
            prf: given.prfMechanism,
            label: self.string(given.pLabel, given.ulLabelLength)?,
            random: self.randoms(given.RandomInfo)?,
            context: if given.pContextData.is_null() { None } else { Some(context) },
        }))
    }

    pub(super) fn tls_mac(self) -> Result<Parameter<'c>> {
        let given: ck::CK_TLS_MAC_PARAMS = self.structure()?;
        let (len, side) = (given.ulMacLength, given.ulServerOrClient);
        Ok(Parameter::Tls(Tls::Mac { prf: given.prfHashMechanism, len, side }))
    }

    pub(super) fn tls_prf(self) -> Result<Parameter<'c>> {
        let given: ck::CK_TLS_PRF_PARAMS = self.structure()?;
        self.at(given.pOutput).required()?;
        Ok(Parameter::Tls(Tls::Prf {
            label: self.string(given.pLabel, given.ulLabelLen)?,
            seed: self.string(given.pSeed, given.ulSeedLen)?,
            len: self.at(given.pulOutputLen).read()?,
        }))
    }

    /// Where the version goes, if anywhere.
    pub(super) fn version_place(self, version: *mut ck::CK_VERSION, back: &mut Back<'c>) {
        if !version.is_null() {
            back.strings.push(self.at(version.cast()));
        }
    }

    pub(super) fn tls12_master_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_TLS12_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        self.version_place(given.pVersion, back);
        Ok(())
    }

    pub(super) fn tls12_extended_master_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        self.version_place(given.pVersion, back);
        Ok(())
    }

    pub(super) fn ssl3_master_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_SSL3_MASTER_KEY_DERIVE_PARAMS = self.structure()?;
        self.version_place(given.pVersion, back);
        Ok(())
    }

    /// Four handles, of which those of keys with no bits become CK_INVALID_HANDLE, and two IVs.
    pub(super) fn tls_key_places(self, shape: KeyMatShape, back: &mut Back<'c>) -> Result<()> {
        let given = self.key_mat(shape)?;
        let out = given.out.read()?;
        let handle = |index| self.at(given.out.raw().cast::<ck::CK_OBJECT_HANDLE>().wrapping_add(index));
        let [mac_bits, key_bits, iv_bits] = given.sizes;
        back.handle = None;
        for (bits, pair) in [(mac_bits, [handle(0), handle(1)]), (key_bits, [handle(2), handle(3)])] {
            if bits == 0 { &mut back.invalid } else { &mut back.handles }.extend(pair);
        }
        if iv_bits != 0 {
            back.strings.extend([self.at(out.pIVClient), self.at(out.pIVServer)]);
        }
        Ok(())
    }

    pub(super) fn tls_prf_places(self, back: &mut Back<'c>) -> Result<()> {
        let given: ck::CK_TLS_PRF_PARAMS = self.structure()?;
        back.handle = None;
        back.strings.push(self.at(given.pOutput));
        Ok(())
    }
}

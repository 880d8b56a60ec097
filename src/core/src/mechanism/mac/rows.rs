//! MACs that are not HMAC: their rows and what computes them.

use super::chained::Chained;
use super::{Code, Length, Mac, within};
use crate::mechanism::block::{self, AES, ARIA, Algorithm, CAMELLIA, CAST128, DES, DES3, IDEA, Mode, RC2, SEED};
use crate::mechanism::key::Key;
use crate::mechanism::secret::of_its_type;
use crate::mechanism::{Group, Parameter, Row, Shape, aead, aes, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::cipher::{Context, Direction};
use sealhsm_crypto::digest::MAX_LEN;
use sealhsm_crypto::mac::Poly1305;
use sealhsm_secret::Secret;
use std::sync::Arc;

/// A MAC: `|key| code`.
macro_rules! mac {
    ($group:ident $sizes:expr, $types:expr, $mechanism:ident $shape:ident $code:expr $(, $field:ident: $value:expr)?) => {
        row!($mechanism {
            sizes: $sizes,
            key_types: $types,
            parameter: Shape::$shape,
            group: Group::$group,
            sign: Some(|key| Ok(Mac::signer($code(key)?))),
            verify: Some(|key| Ok(Mac::verifier($code(key)?))),
            $($field: $value,)?
        })
    };
}

/// A chain of a block cipher, with the bytes of its MAC.
macro_rules! chain {
    ($group:ident $algorithm:ident $way:ident $mechanism:ident $shape:ident $length:ident $len:expr) => {
        mac!($group $algorithm.sizes, $algorithm.types, $mechanism $shape
            |key: &Arc<Key>| Chain::new(&$algorithm, Chained::$way, key, Length::$length($len)))
    };
}

/// CBC-MAC of half a block, and of a length that the parameter gives.
macro_rules! cbc_macs {
    ($($group:ident $algorithm:ident $half:ident $general:ident;)*) => {
        pub(super) static CHAINS: &[Row] = &[$(
            chain!($group $algorithm cbc_mac $half None Fixed $algorithm.block / 2),
            chain!($group $algorithm cbc_mac $general Ulong Given $algorithm.block),
        )*];
    };
}

cbc_macs! {
    Modern AES CKM_AES_MAC CKM_AES_MAC_GENERAL;
    Modern CAMELLIA CKM_CAMELLIA_MAC CKM_CAMELLIA_MAC_GENERAL;
    Modern ARIA CKM_ARIA_MAC CKM_ARIA_MAC_GENERAL;
    Legacy SEED CKM_SEED_MAC CKM_SEED_MAC_GENERAL;
    Legacy DES CKM_DES_MAC CKM_DES_MAC_GENERAL;
    Legacy DES3 CKM_DES3_MAC CKM_DES3_MAC_GENERAL;
    Legacy CAST128 CKM_CAST128_MAC CKM_CAST128_MAC_GENERAL;
    Legacy IDEA CKM_IDEA_MAC CKM_IDEA_MAC_GENERAL;
}

const POLY1305: &[u64] = &[ck::CKK_POLY1305];
/// RFC 3566 has no other keys.
const XCBC_SIZES: (u64, u64) = (16, 16);

pub(super) static OTHERS: &[Row] = &[
    chain!(Modern AES cmac CKM_AES_CMAC None Fixed AES.block),
    chain!(Modern AES cmac CKM_AES_CMAC_GENERAL Ulong Given AES.block),
    chain!(Legacy DES3 cmac CKM_DES3_CMAC None Fixed DES3.block),
    chain!(Legacy DES3 cmac CKM_DES3_CMAC_GENERAL Ulong Given DES3.block),
    mac!(Modern XCBC_SIZES, AES.types, CKM_AES_XCBC_MAC None |key: &Arc<Key>| Chain::xcbc(key, 16)),
    mac!(Modern XCBC_SIZES, AES.types, CKM_AES_XCBC_MAC_96 None |key: &Arc<Key>| Chain::xcbc(key, 12)),
    mac!(Modern AES.sizes, AES.types, CKM_AES_GMAC Gcm Gmac::new, one_message: true),
    // CK_RC2_PARAMS is a CK_ULONG.
    mac!(Legacy RC2.sizes, RC2.types, CKM_RC2_MAC Ulong Rc2::new),
    mac!(Legacy RC2.sizes, RC2.types, CKM_RC2_MAC_GENERAL Rc2MacGeneral Rc2::new),
    row!(CKM_POLY1305_KEY_GEN { sizes: (32, 32), key_types: POLY1305, generate: Some(of_its_type) }),
    mac!(Modern (32, 32), POLY1305, CKM_POLY1305 None OneTime::new, one_message: true),
];

/// A chain of a block cipher.
struct Chain {
    chained: Chained,
    length: Length,
}

impl Chain {
    fn new(
        algorithm: &Algorithm,
        way: fn(&Algorithm, u64, &[u8]) -> Result<Chained>,
        key: &Key,
        length: Length,
    ) -> Result<Self> {
        Ok(Self { chained: way(algorithm, key.key_type, key.secret()?.as_ref())?, length })
    }

    fn xcbc(key: &Key, len: usize) -> Result<Self> {
        let value = Some(key.secret()?.as_ref()).filter(|value| value.len() as u64 == XCBC_SIZES.0);
        Ok(Self { chained: Chained::xcbc(value.ok_or(Error::KeySizeRange)?)?, length: Length::Fixed(len) })
    }
}

impl Code for Chain {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        let len = self.length.of(parameter)?;
        self.chained.restart()?;
        Ok(len)
    }
    fn again(&mut self) -> Result<()> {
        self.chained.restart()
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.chained.update(data)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.chained.finish(mac)
    }
}

/// CBC-MAC of RC2, keyed when an operation begins with other effective bits than the one before.
struct Rc2 {
    key: Secret,
    least: u64,
    keyed: Option<(u64, Chained)>,
}

impl Rc2 {
    fn new(key: &Arc<Key>) -> Result<Self> {
        Ok(Self { key: key.secret()?.duplicate(), least: block::rc2_least(key)?, keyed: None })
    }

    fn chained(&mut self) -> Result<&mut Chained> {
        self.keyed.as_mut().map(|(_, chained)| chained).ok_or(Error::General)
    }
}

impl Code for Rc2 {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        let (bits, len) = match parameter {
            Parameter::Ulong(bits) => (*bits, RC2.block / 2),
            Parameter::Rc2MacGeneral { bits, len } => (*bits, within(*len, RC2.block)?),
            _ => return Err(Error::MechanismParamInvalid),
        };
        if self.keyed.as_ref().is_none_or(|(keyed, _)| *keyed != bits) {
            let cbc = block::rc2_context(self.key.as_ref(), (self.least, bits), Mode::Cbc, Direction::Encrypt)?;
            self.keyed = Some((bits, Chained::over(cbc, RC2.block)));
        }
        self.chained()?.restart()?;
        Ok(len)
    }
    fn again(&mut self) -> Result<()> {
        self.chained()?.restart()
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.chained()?.update(data)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.chained()?.finish(mac)
    }
}

/// GCM of data that are authenticated only (NIST SP 800-38D section 3).
struct Gmac {
    context: Context,
    len: usize,
}

impl Gmac {
    fn new(key: &Arc<Key>) -> Result<Self> {
        let name = aes::name(key, aes::GCM)?;
        let context = Context::new(name, key.secret()?.as_ref(), Direction::Encrypt, false).map_err(failed)?;
        Ok(Self { context, len: 0 })
    }
}

impl Code for Gmac {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        // The data of the operation are what is authenticated.
        if !matches!(parameter, Parameter::Gcm { aad: [], .. }) {
            return Err(Error::MechanismParamInvalid);
        }
        self.len = aead::begin_gcm(&mut self.context, parameter)?;
        Ok(self.len)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.associate(data).map_err(failed)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.context.finish(&mut []).and_then(|_| self.context.tag(&mut mac[..self.len])).map_err(failed)
    }
}

/// Poly1305 (RFC 8439 section 2.5). That a key serves one message is up to whoever has it.
struct OneTime(Poly1305);

impl OneTime {
    fn new(key: &Arc<Key>) -> Result<Self> {
        Poly1305::new(key.secret()?).map(Self).map_err(failed)
    }
}

impl Code for OneTime {
    fn begin(&mut self, parameter: &Parameter<'_>) -> Result<usize> {
        parameter.none()?;
        self.0.restart().map_err(failed)?;
        Ok(Poly1305::LEN)
    }
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.0.update(data).map_err(failed)
    }
    fn finish(&mut self, mac: &mut [u8; MAX_LEN]) -> Result<()> {
        self.0.finish(mac).map_err(failed)
    }
}

//! Digests: rows and their engine.

use super::engine::Digester;
use super::hash::{self, Hash};
use super::{Group, Parameter, Row, Shape, failed};
use crate::{Error, Result};
use sealhsm_crypto::digest::Context;

macro_rules! digest {
    ($mechanism:ident, $hash:ident) => {
        row!($mechanism { digest: Some(|| digester(&hash::$hash)) })
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(CKM_MD5 { group: Group::Legacy, digest: Some(|| digester(&hash::MD5)) }),
    digest!(CKM_SHA_1, SHA1),
    digest!(CKM_SHA224, SHA224),
    digest!(CKM_SHA256, SHA256),
    digest!(CKM_SHA384, SHA384),
    digest!(CKM_SHA512, SHA512),
    digest!(CKM_SHA512_224, SHA512_224),
    digest!(CKM_SHA512_256, SHA512_256),
    digest!(CKM_SHA3_224, SHA3_224),
    digest!(CKM_SHA3_256, SHA3_256),
    digest!(CKM_SHA3_384, SHA3_384),
    digest!(CKM_SHA3_512, SHA3_512),
    row!(CKM_RIPEMD160 { group: Group::Legacy, digest: Some(|| digester(&hash::RIPEMD160)) }),
    digest!(CKM_BLAKE2B_160, BLAKE2B_160),
    digest!(CKM_BLAKE2B_256, BLAKE2B_256),
    digest!(CKM_BLAKE2B_384, BLAKE2B_384),
    digest!(CKM_BLAKE2B_512, BLAKE2B_512),
    row!(CKM_SHA512_T { parameter: Shape::Ulong, digest: Some(|| Ok(Box::new(Truncated(None)))) }),
];

/// SHA-512/t: which hash it is comes with the parameter.
struct Truncated(Option<Context>);

impl Truncated {
    fn context(&mut self) -> Result<&mut Context> {
        self.0.as_mut().ok_or(Error::General)
    }
}

impl Digester for Truncated {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        self.0 = Some(Context::new(hash::sha512_t(parameter)?.algorithm).map_err(failed)?);
        Ok(())
    }

    fn duplicate(&self) -> Result<Box<dyn Digester>> {
        let context = self.0.as_ref().map(Context::duplicate).transpose().map_err(failed)?;
        Ok(Box::new(Truncated(context)))
    }

    fn digest_len(&self) -> usize {
        self.0.as_ref().map_or(0, |context| context.algorithm().len)
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context()?.update(data).map_err(failed)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.context()?.finish(output).map_err(failed)
    }
}

fn digester(hash: &'static Hash) -> Result<Box<dyn Digester>> {
    Ok(Box::new(Digest { context: Context::new(hash.algorithm).map_err(failed)?, fresh: true }))
}

struct Digest {
    context: Context,
    /// Nothing was taken yet.
    fresh: bool,
}

impl Digester for Digest {
    fn start(&mut self, parameter: &Parameter<'_>) -> Result<()> {
        parameter.none()?;
        if !self.fresh {
            self.context.restart().map_err(failed)?;
            self.fresh = true;
        }
        Ok(())
    }

    fn duplicate(&self) -> Result<Box<dyn Digester>> {
        Ok(Box::new(Digest { context: self.context.duplicate().map_err(failed)?, fresh: self.fresh }))
    }

    fn digest_len(&self) -> usize {
        self.context.algorithm().len
    }

    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.fresh = false;
        self.context.update(data).map_err(failed)
    }

    fn finish(&mut self, output: &mut [u8]) -> Result<usize> {
        self.fresh = false;
        self.context.finish(output).map_err(failed)
    }
}

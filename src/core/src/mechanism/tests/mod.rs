//! The mechanisms as an application meets them, through their rows: vectors of the standards, messages in parts,
//! engines used again, parameters that make no sense.

mod aes;
mod ec;
mod edwards;
mod keys;
mod mac;
mod rsa;

use super::engine::{Cipher, Signer, Verifier};
use super::key::{self, Key};
use super::{Parameter, Row, lookup};
use crate::attribute::{Attributes, Type, Value, build};
use crate::{Error, Result};
use cryptoki_sys as ck;
use std::sync::Arc;

/// What is signed where the standard's vectors do not say what.
const MESSAGE: &[u8] = b"The quick brown fox jumps over the lazy dog";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn row(mechanism: u64) -> &'static Row {
    lookup(mechanism).unwrap()
}

/// Attributes of a key of this class and type.
fn object(class: u64, key_type: u64, bytes: &[(Type, &[u8])]) -> Attributes {
    let mut key = Attributes::new();
    key.set_ulong(ck::CKA_CLASS, class);
    key.set_ulong(ck::CKA_KEY_TYPE, key_type);
    for (of, value) in bytes {
        key.set_bytes(*of, *value);
    }
    key
}

/// A key that an application gives, completed.
fn completed(class: u64, key_type: u64, bytes: &[(Type, &[u8])]) -> Result<Attributes> {
    let mut key = object(class, key_type, bytes);
    key::complete(&mut key)?;
    Ok(key)
}

/// The same, opened.
fn import(class: u64, key_type: u64, bytes: &[(Type, &[u8])]) -> Result<Arc<Key>> {
    Ok(Arc::new(Key::open(&completed(class, key_type, bytes)?)?))
}

fn secret(key_type: u64, value: &[u8]) -> Arc<Key> {
    import(ck::CKO_SECRET_KEY, key_type, &[(ck::CKA_VALUE, value)]).unwrap()
}

/// A pair that the token makes: complete attributes of both halves.
fn generate_with(
    mechanism: u64,
    key_type: u64,
    public: Attributes,
    private: Attributes,
) -> Result<(Attributes, Attributes)> {
    let mut halves = (object(ck::CKO_PUBLIC_KEY, key_type, &[]), object(ck::CKO_PRIVATE_KEY, key_type, &[]));
    halves.0.absorb(public);
    halves.1.absorb(private);
    let made = row(mechanism).generate_pair.unwrap()(&Parameter::None, &halves.0, &halves.1)?;
    for (half, made) in [(&mut halves.0, made.0), (&mut halves.1, made.1)] {
        half.absorb(made);
        build::mark_generated(half, mechanism);
        key::complete(half)?;
    }
    Ok(halves)
}

fn generate(mechanism: u64, key_type: u64, of: Type, value: Value) -> Result<(Attributes, Attributes)> {
    let mut public = Attributes::new();
    public.set(of, value);
    generate_with(mechanism, key_type, public, Attributes::new())
}

fn open(halves: &(Attributes, Attributes)) -> (Arc<Key>, Arc<Key>) {
    (Arc::new(Key::open(&halves.0).unwrap()), Arc::new(Key::open(&halves.1).unwrap()))
}

fn encrypter(mechanism: u64, key: &Arc<Key>) -> Box<dyn Cipher> {
    row(mechanism).encrypt.unwrap()(key).unwrap()
}

fn decrypter(mechanism: u64, key: &Arc<Key>) -> Box<dyn Cipher> {
    row(mechanism).decrypt.unwrap()(key).unwrap()
}

fn signer(mechanism: u64, key: &Arc<Key>) -> Box<dyn Signer> {
    row(mechanism).sign.unwrap()(key).unwrap()
}

fn verifier(mechanism: u64, key: &Arc<Key>) -> Box<dyn Verifier> {
    row(mechanism).verify.unwrap()(key).unwrap()
}

/// A message in one call, into a buffer of exactly the bound.
fn once(engine: &mut dyn Cipher, parameter: &Parameter<'_>, input: &[u8]) -> Result<Vec<u8>> {
    engine.start(parameter)?;
    let mut out = vec![0xee; engine.output_len(input.len(), true)];
    let len = engine.once(input, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// A message in parts, each into a buffer of exactly its bound.
fn parts(engine: &mut dyn Cipher, parameter: &Parameter<'_>, parts: &[&[u8]]) -> Result<Vec<u8>> {
    engine.start(parameter)?;
    let mut whole = Vec::new();
    for part in parts {
        let mut out = vec![0; engine.output_len(part.len(), false)];
        let len = engine.update(part, &mut out)?;
        whole.extend_from_slice(&out[..len]);
    }
    let mut out = vec![0; engine.output_len(0, true)];
    let len = engine.finish(&mut out)?;
    whole.extend_from_slice(&out[..len]);
    Ok(whole)
}

fn sign(engine: &mut dyn Signer, parameter: &Parameter<'_>, data: &[u8]) -> Result<Vec<u8>> {
    engine.start(parameter)?;
    let mut out = vec![0; engine.signature_len()];
    let len = engine.once(data, &mut out)?;
    out.truncate(len);
    Ok(out)
}

fn sign_parts(engine: &mut dyn Signer, parameter: &Parameter<'_>, data: &[&[u8]]) -> Result<Vec<u8>> {
    engine.start(parameter)?;
    for part in data {
        engine.update(part)?;
    }
    let mut out = vec![0; engine.signature_len()];
    let len = engine.finish(&mut out)?;
    out.truncate(len);
    Ok(out)
}

fn verify(engine: &mut dyn Verifier, parameter: &Parameter<'_>, data: &[u8], signature: &[u8]) -> Result<()> {
    engine.start(parameter)?;
    engine.once(data, signature)
}

#[test]
fn no_parameter_is_taken_that_is_not_the_mechanisms_own() {
    let aes = secret(ck::CKK_AES, &[1; 16]);
    let generic = secret(ck::CKK_GENERIC_SECRET, &[1; 16]);
    let gcm = Parameter::Gcm { iv: &[0; 12], aad: &[], tag_bits: 128 };
    for (mechanism, key, wrong) in [
        (ck::CKM_AES_ECB, &aes, Parameter::Bytes(&[0; 16])),
        (ck::CKM_AES_CBC, &aes, Parameter::Bytes(&[0; 15])),
        (ck::CKM_AES_CBC_PAD, &aes, Parameter::None),
        (ck::CKM_AES_CTR, &aes, Parameter::Bytes(&[0; 16])),
        (ck::CKM_AES_CTR, &aes, Parameter::AesCtr { bits: 0, block: [0; 16] }),
        (ck::CKM_AES_CTR, &aes, Parameter::AesCtr { bits: 129, block: [0; 16] }),
        (ck::CKM_AES_CBC, &aes, gcm),
        (ck::CKM_AES_GCM, &aes, Parameter::Malformed),
        (ck::CKM_AES_GCM, &aes, Parameter::Gcm { iv: &[], aad: &[], tag_bits: 128 }),
        (ck::CKM_AES_GCM, &aes, Parameter::Gcm { iv: &[0; 129], aad: &[], tag_bits: 128 }),
        (ck::CKM_AES_GCM, &aes, Parameter::Gcm { iv: &[0; 12], aad: &[], tag_bits: 0 }),
        (ck::CKM_AES_GCM, &aes, Parameter::Gcm { iv: &[0; 12], aad: &[], tag_bits: 136 }),
    ] {
        for mut engine in [encrypter(mechanism, key), decrypter(mechanism, key)] {
            assert_eq!(engine.start(&wrong), Err(Error::MechanismParamInvalid), "{} {wrong:?}", row(mechanism).name);
        }
    }
    for (mechanism, wrong) in [
        (ck::CKM_SHA256_HMAC, Parameter::Ulong(32)),
        (ck::CKM_SHA256_HMAC_GENERAL, Parameter::None),
        (ck::CKM_SHA256_HMAC_GENERAL, Parameter::Ulong(0)),
        (ck::CKM_SHA256_HMAC_GENERAL, Parameter::Ulong(33)),
        (ck::CKM_SHA256_HMAC_GENERAL, Parameter::Ulong(u64::MAX)),
    ] {
        assert_eq!(signer(mechanism, &generic).start(&wrong), Err(Error::MechanismParamInvalid));
        assert_eq!(verifier(mechanism, &generic).start(&wrong), Err(Error::MechanismParamInvalid));
    }
    let mut digest = row(ck::CKM_SHA256).digest.unwrap()().unwrap();
    assert_eq!(digest.start(&Parameter::Ulong(1)), Err(Error::MechanismParamInvalid));
}

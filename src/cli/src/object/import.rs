//! `sealhsm object import`: what is in a file becomes objects, a private key with its public half, all or nothing.

use super::{Open, view};
use crate::args::{ObjectImport, SecretType, Use};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::pin;
use cryptoki_sys as ck;
use sealhsm_core::attribute::{Attributes, Raw, Template, Type, Value};
use sealhsm_core::mechanism::key::{pkcs8, public};
use sealhsm_crypto::digest;
use sealhsm_crypto::import::{self, Certificate, Flaw, Item};
use sealhsm_secret::Secret;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A file with keys and certificates is smaller than this; a secret key is much smaller.
const MAX_FILE: usize = 1 << 20;

/// What a use means on each half of a pair. A half has the use if one of its words was said.
const HALVES: &[(Type, Type, &[Use])] = &[
    (ck::CKA_DECRYPT, ck::CKA_ENCRYPT, &[Use::Decrypt, Use::Encrypt]),
    (ck::CKA_SIGN, ck::CKA_VERIFY, &[Use::Sign, Use::Verify]),
    (ck::CKA_SIGN_RECOVER, ck::CKA_VERIFY_RECOVER, &[]),
    (ck::CKA_UNWRAP, ck::CKA_WRAP, &[Use::Unwrap, Use::Wrap]),
    (ck::CKA_DERIVE, ck::CKA_DERIVE, &[Use::Derive]),
    (ck::CKA_DECAPSULATE, ck::CKA_ENCAPSULATE, &[Use::Decapsulate, Use::Encapsulate]),
];

/// The same on a secret key.
const SECRET: &[(Type, Use)] = &[
    (ck::CKA_ENCRYPT, Use::Encrypt),
    (ck::CKA_DECRYPT, Use::Decrypt),
    (ck::CKA_SIGN, Use::Sign),
    (ck::CKA_VERIFY, Use::Verify),
    (ck::CKA_WRAP, Use::Wrap),
    (ck::CKA_UNWRAP, Use::Unwrap),
    (ck::CKA_DERIVE, Use::Derive),
];

/// Does what was asked.
pub fn run(args: &ObjectImport) -> Result<(), Failure> {
    let file = read(&args.file)?;
    let context = Context::load()?;
    let application = context.application()?;
    let places = context.places_in(&application)?;
    let slot = args.token.choose(&places)?.slot;
    let mut pins = context.pins();
    let objects = match args.secret {
        Some(of) => vec![secret(args, of, file)?],
        None => {
            // In this order where one descriptor gives both.
            let passphrase = match import::is_encrypted(file.as_ref()) {
                true => Some(pins.present(&pin::PASSPHRASE, &args.passphrase.source())?),
                false => None,
            };
            let items = import::read(file.as_ref(), passphrase.as_ref()).map_err(|flaw| failure(&args.file, flaw))?;
            objects(args, items).map_err(|f| f.during(&args.file.display().to_string()))?
        }
    };
    let pin = match objects.iter().any(is_private) {
        true => Some(pins.present(&pin::USER, &args.pin.source())?),
        false => pins.given(&pin::USER, &args.pin.source())?,
    };
    let open = Open::with(application, slot, ck::CKF_RW_SESSION, pin.as_ref())?;
    if !args.force {
        objects.iter().try_for_each(|object| refuse_a_second(&open, object))?;
    }
    let handles = open.application.create_objects(open.session, objects).map_err(|e| refused(args, e))?;
    let views = open.views(&handles)?;
    open.application.stop();
    match args.format.json {
        true => output::json(&views),
        false => output::print(&view::table(&views)),
    }
}

fn read(path: &Path) -> Result<Secret, Failure> {
    // One byte more than is allowed tells a file that is too large.
    let mut all = Secret::zeroed(MAX_FILE + 1);
    let mut read = || -> io::Result<usize> {
        let mut input: Box<dyn Read> = match path.as_os_str() == "-" {
            true => Box::new(pin::Stdin),
            false => Box::new(File::open(path)?),
        };
        let mut len = 0;
        while len < all.len() {
            match input.read(&mut all.as_mut()[len..]) {
                Ok(0) => break,
                Ok(more) => len += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    };
    let len = read().map_err(|e| Failure::io(path, &e))?;
    match len {
        0 => Err(format!("{}: empty; nothing was imported", path.display()).into()),
        len if len > MAX_FILE => {
            Err(format!("{}: over {MAX_FILE} bytes; this is no file with keys", path.display()).into())
        }
        len => {
            all.truncate(len);
            Ok(all)
        }
    }
}

fn failure(path: &Path, flaw: Flaw) -> Failure {
    let text = match flaw {
        Flaw::Encrypted => "encrypted; give --passphrase-file or --passphrase-fd".into(),
        Flaw::WrongPassphrase => "wrong passphrase, or the file is damaged; nothing was imported".into(),
        Flaw::Other(text) => text,
    };
    Failure::from(text).during(&path.display().to_string())
}

fn refused(args: &ObjectImport, error: sealhsm_core::Error) -> Failure {
    use sealhsm_core::Error::*;
    let text = match error {
        AttributeValueInvalid if args.secret == Some(SecretType::Aes) => {
            "an AES key has 16, 24 or 32 bytes; nothing was imported"
        }
        AttributeValueInvalid | PublicKeyInvalid => {
            "the numbers of the key do not belong together, or it is too small; nothing was imported"
        }
        CurveNotSupported => "a key on a curve that the token does not know; nothing was imported",
        _ => return error.into(),
    };
    Failure::from(text).during(&args.file.display().to_string())
}

fn is_private(object: &Attributes) -> bool {
    matches!(object.ulong(ck::CKA_CLASS), Some(ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY))
}

/// What one import makes of everything in the file.
fn objects(args: &ObjectImport, items: Vec<Item>) -> Result<Vec<Attributes>, Failure> {
    let mut objects = Vec::new();
    // The public key that --id and --label are about: the first key's, or the first certificate's if there is no key.
    let mut first = None;
    for item in &items {
        match item {
            Item::PrivateKey(bytes) => {
                let (private, info) = private(bytes)?;
                name_one(args, &mut first, &info)?;
                objects.extend(pair(args, private, &info)?);
            }
            Item::PublicKey(info) => {
                name_one(args, &mut first, info)?;
                objects.push(public_half(args, info, None)?);
            }
            Item::Certificate(_) => {}
        }
    }
    for item in items {
        if let Item::Certificate(found) = item {
            let mine = first.get_or_insert_with(|| found.public_key_info.clone());
            let mine = same_key(mine, &found.public_key_info);
            objects.push(certificate(args, found, mine)?);
        }
    }
    Ok(objects)
}

/// --id is for one key, whose halves may both be there.
fn name_one(args: &ObjectImport, first: &mut Option<Vec<u8>>, info: &[u8]) -> Result<(), Failure> {
    let known = first.get_or_insert_with(|| info.to_vec());
    match args.id.is_some() && !same_key(known, info) {
        true => Err(Failure::usage("there are several keys in it; leave out --id")),
        false => Ok(()),
    }
}

/// An RSA key has two names, with and without RSASSA-PSS, so only the bits of the public keys are compared.
fn same_key(one: &[u8], other: &[u8]) -> bool {
    import::public_key_bits(one) == import::public_key_bits(other)
}

/// A private key's attributes and its public key.
fn private(bytes: &Secret) -> Result<(Attributes, Vec<u8>), Failure> {
    let mut key = pkcs8::decode_any(bytes.as_ref())
        .ok_or("a private key of a type or on a curve that the token does not know; nothing was imported")?;
    let info = public::of_private(&key)
        .map_err(|_| "the numbers of the private key do not belong together; nothing was imported")?;
    // The token computes it.
    key.remove(ck::CKA_EC_POINT);
    Ok((key, info))
}

fn pair(args: &ObjectImport, mut private: Attributes, info: &[u8]) -> Result<Vec<Attributes>, Failure> {
    name(&mut private, args, &id(args, info)?, None);
    private.set_bool(ck::CKA_EXTRACTABLE, args.extractable);
    private.set_bool(ck::CKA_ALWAYS_AUTHENTICATE, args.always_authenticate);
    set_uses(&mut private, &args.uses, |(private, _, words)| (*private, words))?;
    Ok(match args.no_public_key {
        true => vec![private],
        false => vec![public_half(args, info, private.value(ck::CKA_ALLOWED_MECHANISMS))?, private],
    })
}

/// `only`: the mechanisms that the private half allows, where it does not allow all.
fn public_half(args: &ObjectImport, info: &[u8], only: Option<&Value>) -> Result<Attributes, Failure> {
    let mut key = public::decode(info)
        .ok_or("a public key of a type or on a curve that the token does not know; nothing was imported")?;
    if let Some(only) = only {
        key.set(ck::CKA_ALLOWED_MECHANISMS, only.duplicate());
    }
    name(&mut key, args, &id(args, info)?, None);
    set_uses(&mut key, &args.uses, |(_, public, words)| (*public, words))?;
    Ok(key)
}

fn set_uses(
    key: &mut Attributes,
    uses: &[Use],
    half: impl Fn(&(Type, Type, &'static [Use])) -> (Type, &'static [Use]),
) -> Result<(), Failure> {
    const SIGNING: &[Use] = &[Use::Sign, Use::Verify];
    let uses = match key.has(ck::CKA_ALLOWED_MECHANISMS) {
        true if uses.iter().all(|word| SIGNING.contains(word)) => SIGNING,
        true => return Err(Failure::usage("an RSA-PSS key signs and verifies, nothing else; leave out --uses")),
        false => uses,
    };
    if uses.is_empty() {
        return Ok(());
    }
    for (of, words) in HALVES.iter().map(half) {
        key.set_bool(of, words.iter().any(|word| uses.contains(word)));
    }
    Ok(())
}

/// `mine`: --id and --label are about this one.
fn certificate(args: &ObjectImport, found: Certificate, mine: bool) -> Result<Attributes, Failure> {
    let mut object = Attributes::new();
    object.set_ulong(ck::CKA_CLASS, ck::CKO_CERTIFICATE);
    object.set_ulong(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509);
    let id = match mine {
        true => id(args, &found.public_key_info)?,
        false => default_id(&found.public_key_info)?,
    };
    name(&mut object, args, &id, found.common_name.as_deref());
    if let (false, Some(own)) = (mine, &found.common_name) {
        object.set_bytes(ck::CKA_LABEL, own.as_bytes());
    }
    object.set_bytes(ck::CKA_VALUE, found.der);
    object.set_bytes(ck::CKA_SUBJECT, found.subject);
    object.set_bytes(ck::CKA_ISSUER, found.issuer);
    object.set_bytes(ck::CKA_SERIAL_NUMBER, found.serial);
    Ok(object)
}

fn secret(args: &ObjectImport, of: SecretType, value: Secret) -> Result<Attributes, Failure> {
    if args.uses.iter().any(|word| !SECRET.iter().any(|(_, known)| known == word)) {
        return Err(Failure::usage("a secret key neither encapsulates nor decapsulates; leave that out of --uses"));
    }
    let mut key = Attributes::new();
    key.set_ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    let key_type = match of {
        SecretType::Aes => {
            if value.as_ref().trim_ascii_end().iter().all(u8::is_ascii_hexdigit) {
                log::warn!(
                    "{}: hexadecimal digits, which are taken as the key's bytes themselves; `xxd -r -p` makes bytes of them",
                    args.file.display()
                );
            }
            ck::CKK_AES
        }
        SecretType::Generic => ck::CKK_GENERIC_SECRET,
    };
    key.set_ulong(ck::CKA_KEY_TYPE, key_type);
    key.set_secret(ck::CKA_VALUE, value);
    key.set_bool(ck::CKA_SENSITIVE, true);
    key.set_bool(ck::CKA_EXTRACTABLE, args.extractable);
    name(&mut key, args, args.id.as_ref().map(|id| &id.0[..]).unwrap_or_default(), None);
    if !args.uses.is_empty() {
        SECRET.iter().for_each(|(of, word)| key.set_bool(*of, args.uses.contains(word)));
    }
    Ok(key)
}

/// What every object gets. `own`: what it calls itself.
fn name(object: &mut Attributes, args: &ObjectImport, id: &[u8], own: Option<&str>) {
    let of_file = args.file.file_stem().filter(|_| args.file.as_os_str() != "-").map(|stem| stem.to_string_lossy());
    let label = args.label.as_deref().or(own).or(of_file.as_deref()).unwrap_or_default();
    object.set_bool(ck::CKA_TOKEN, true);
    object.set_bytes(ck::CKA_LABEL, label.as_bytes());
    object.set_bytes(ck::CKA_ID, id);
}

fn id(args: &ObjectImport, info: &[u8]) -> Result<Vec<u8>, Failure> {
    args.id.as_ref().map_or_else(|| default_id(info), |id| Ok(id.0.clone()))
}

/// Bytes of a SHA-1.
const SHA1_LEN: usize = 20;

/// SHA-1 of the public key's bits: the subject key identifier that OpenSSL puts into certificates (RFC 5280 section
/// 4.2.1.2, method 1), so that key and certificate meet whichever is imported first.
fn default_id(info: &[u8]) -> Result<Vec<u8>, Failure> {
    let bits = import::public_key_bits(info).ok_or("no public key")?;
    let hash = digest::once(&digest::SHA1, bits).map_err(|e| format!("OpenSSL: {e}"))?;
    Ok(hash[..SHA1_LEN].to_vec())
}

/// Programs find a key by its ID: a second one would be used by chance.
fn refuse_a_second(open: &Open, object: &Attributes) -> Result<(), Failure> {
    let id = object.bytes(ck::CKA_ID).unwrap_or_default();
    if id.is_empty() {
        return Ok(());
    }
    let class = object.ulong(ck::CKA_CLASS).unwrap_or_default();
    let class = class.to_ne_bytes();
    let same = [(ck::CKA_TOKEN, Raw::Bytes(&[1])), (ck::CKA_CLASS, Raw::Bytes(&class)), (ck::CKA_ID, Raw::Bytes(id))];
    let found = open.views(&open.search(&Template(same.into()))?)?;
    match found.first() {
        None => Ok(()),
        Some(view) => Err(format!(
            "there is a {} with the ID {} already (\"{}\"); choose another with --id, or --force imports it all the same",
            view.class,
            view.id,
            output::plain(&view.label)
        )
        .into()),
    }
}

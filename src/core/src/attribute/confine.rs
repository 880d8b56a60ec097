//! Which keys may wrap a sensitive key. Whoever can wrap a key and decrypt with the same key (or with its other half)
//! reads what was wrapped; so a sensitive key is wrapped only under a key that cannot decrypt, that never could and
//! never will. Attributes that applications neither see nor set remember it, in the object and in its copies; another one
//! remembers that a key was composed of a guarded one.
//! What follows from them for wrapping and unwrapping stands in `application::wrap`.

use super::build::Alter;
use super::{Attributes, Type, Value, codec};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_secret::Secret;
use uuid::Uuid;

/// True: from its birth on, the key has been usable for wrapping but for nothing that amounts to decryption.
const BORN_TO_WRAP: Type = ck::CKA_VENDOR_DEFINED | 0x5348_0001;
/// True: the usages of [`DECRYPTING`] stay false, in this object and its copies; unwrapping with it makes sensitive
/// keys only, and only in ways that are `sealed`.
const CONFINED: Type = ck::CKA_VENDOR_DEFINED | 0x5348_0002;

/// True: the key has bytes of a guarded one as they are, together with what somebody knows or chose. Whoever could wrap
/// it and unwrap it as another type would have related keys of any type, see [`RELATED`].
const COMPOSED: Type = ck::CKA_VENDOR_DEFINED | 0x5348_0003;

/// A MAC under the token key that vouches for the marks of a key among the public objects, where everybody writes who may
/// use this TPM.
const TAG: Type = ck::CKA_VENDOR_DEFINED | 0x5348_0004;
/// What it vouches for: none of it changes but CKA_TRUSTED, with a new tag.
const VOUCHED: [Type; 14] = [
    ck::CKA_CLASS,
    ck::CKA_KEY_TYPE,
    ck::CKA_VALUE,
    ck::CKA_TRUSTED,
    ck::CKA_MODULUS,
    ck::CKA_PUBLIC_EXPONENT,
    ck::CKA_LOCAL,
    ck::CKA_EC_PARAMS,
    ck::CKA_EC_POINT,
    ck::CKA_PARAMETER_SET,
    ck::CKA_WRAP_TEMPLATE,
    BORN_TO_WRAP,
    CONFINED,
    COMPOSED,
];

/// What applications neither see nor set, of those that are booleans.
pub const HIDDEN: [Type; 3] = [BORN_TO_WRAP, CONFINED, COMPOSED];

/// Usages of a private key that show what its public half encrypted: a raw RSA signature is a decryption, and an
/// agreement gives the key that something was wrapped under.
const DECRYPTING: [Type; 5] =
    [ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_SIGN_RECOVER, ck::CKA_DECAPSULATE, ck::CKA_DERIVE];

/// Those of a key. What a secret key signs or derives is made by encrypting, which does not undo AES key wrapping.
fn decrypting(key: &Attributes) -> &'static [Type] {
    if key.ulong(ck::CKA_CLASS) == Some(ck::CKO_PRIVATE_KEY) { &DECRYPTING } else { &DECRYPTING[..1] }
}

fn decrypts(key: &Attributes) -> bool {
    decrypting(key).iter().any(|of| key.is(*of))
}

/// A secret key that this token generated.
pub fn generated(key: &mut Attributes) {
    if key.is(ck::CKA_WRAP) && key.is(ck::CKA_NEVER_EXTRACTABLE) && !decrypts(key) {
        key.set_bool(BORN_TO_WRAP, true);
        key.set_bool(CONFINED, true);
    }
}

/// A pair that this token generated: the public half wraps, the private one unwraps.
pub fn generated_pair(public: &mut Attributes, private: &mut Attributes) {
    if public.is(ck::CKA_WRAP) && private.is(ck::CKA_NEVER_EXTRACTABLE) && !decrypts(private) {
        public.set_bool(BORN_TO_WRAP, true);
        public.set_bool(CONFINED, true);
        private.set_bool(CONFINED, true);
    }
}

/// A key that the SO has just marked CKA_TRUSTED: the SO answers for its past and for its other half.
pub fn trusted(key: &mut Attributes) {
    if !key.is(ck::CKA_EXTRACTABLE) && !decrypts(key) {
        key.set_bool(CONFINED, true);
    }
}

/// Refuses a change that would let a confined key, or a copy of it, decrypt.
pub fn check(present: &Attributes, changes: &Attributes, how: Alter) -> Result<()> {
    if is_confined(present) && decrypting(present).iter().any(|of| changes.is(*of)) {
        log::warn!(
            "a key made for wrapping sensitive keys cannot be given a usage that decrypts; generate another key for that"
        );
        return Err(match how {
            Alter::Set => Error::AttributeReadOnly,
            Alter::Copy => Error::TemplateInconsistent,
        });
    }
    Ok(())
}

/// Types whose use tells the key: CKK_POLY1305 is for one message, and two tags give it away (RFC 8439 section 2.5).
const TELLING: [u64; 1] = [ck::CKK_POLY1305];

/// Refuses to make a key of a type whose use would tell a value that was guarded as one of another type.
pub fn keeps_its_secret(template: &Attributes) -> Result<()> {
    if template.ulong(ck::CKA_KEY_TYPE).is_some_and(|key_type| TELLING.contains(&key_type)) {
        log::warn!(
            "a sensitive key would become one of CKK_POLY1305, which two messages tell; give it its own CKA_KEY_TYPE"
        );
        return Err(Error::TemplateInconsistent);
    }
    Ok(())
}

/// Types of ciphers that give a key away to who has several that are related to it: RC4 under a key behind a prefix
/// (Fluhrer, Mantin and Shamir, SAC 2001), Triple DES and RC2 a part of the key after the other (Kelsey, Schneier and
/// Wagner, CRYPTO 1996, ICICS 1997). Their contemporaries were not made to stand that either. Of XTS, each half of the
/// key can be tested alone: one that is known but for a byte tells this byte, and the next one after it.
const RELATED: [u64; 9] = [
    ck::CKK_AES_XTS,
    ck::CKK_RC4,
    ck::CKK_RC2,
    ck::CKK_DES,
    ck::CKK_DES2,
    ck::CKK_DES3,
    ck::CKK_CAST128,
    ck::CKK_IDEA,
    ck::CKK_BLOWFISH,
];

/// Refuses to make a key of such a type where the caller composes it of a guarded one.
pub fn stands_related_keys(template: &Attributes) -> Result<()> {
    if template.ulong(ck::CKA_KEY_TYPE).is_some_and(|key_type| RELATED.contains(&key_type)) {
        log::warn!(
            "a key composed of a guarded one would be of a type (CKK_RC4, CKK_DES3, CKK_AES_XTS and others) that \
             related keys give away; derive it one way, by CKM_SHA256_KEY_DERIVATION or CKM_HKDF_DERIVE for instance"
        );
        return Err(Error::TemplateInconsistent);
    }
    Ok(())
}

/// A key that was composed of a guarded one.
pub fn composed(key: &mut Attributes) {
    key.set_bool(COMPOSED, true);
}

/// See [`COMPOSED`].
pub fn is_composed(key: &Attributes) -> bool {
    key.is(COMPOSED)
}

/// Whether what this template makes of another key must be guarded: no part of it may then be found by trial either.
pub fn hides(enforced: &Attributes) -> bool {
    enforced.is(ck::CKA_SENSITIVE) || enforced.has(ck::CKA_EXTRACTABLE) && !enforced.is(ck::CKA_EXTRACTABLE)
}

/// The same of a key's CKA_UNWRAP_TEMPLATE or one of its kind.
pub fn hides_by(key: &Attributes, of: Type) -> bool {
    matches!(key.value(of), Some(Value::Template(enforced)) if hides(enforced))
}

/// See [`CONFINED`].
pub fn is_confined(key: &Attributes) -> bool {
    key.is(CONFINED)
}

/// Whether something says of a key that others may be wrapped under it.
pub fn is_marked(key: &Attributes) -> bool {
    key.is(BORN_TO_WRAP) || key.is(ck::CKA_TRUSTED)
}

/// What a tag is a MAC of.
pub fn statement(uuid: Uuid, key: &Attributes) -> Result<Secret> {
    let mut said = Attributes::new();
    said.set(ck::CKA_UNIQUE_ID, Value::Uuid(uuid));
    for of in VOUCHED {
        if let Some(value) = key.value(of) {
            said.set(of, value.duplicate());
        }
    }
    codec::encode(&said)
}

/// The tag of a key, if it has one.
pub fn tag(key: &Attributes) -> Option<&[u8]> {
    key.bytes(TAG)
}

/// Gives it one, or takes it away.
pub fn set_tag(key: &mut Attributes, tag: Option<[u8; 32]>) {
    match tag {
        Some(tag) => key.set_bytes(TAG, tag),
        None => drop(key.remove(TAG)),
    }
}

/// Takes away what nobody vouches for: what it was born for.
pub fn unborn(key: &mut Attributes) {
    key.remove(BORN_TO_WRAP);
}

/// The same, and that the SO trusts it.
pub fn unmark(key: &mut Attributes) {
    unborn(key);
    if key.is(ck::CKA_TRUSTED) {
        key.set_bool(ck::CKA_TRUSTED, false);
    }
}

/// Whether a sensitive key may be wrapped under this one.
pub fn wraps_sensitive(key: &Attributes) -> bool {
    key.is(BORN_TO_WRAP) || key.is(CONFINED) && key.is(ck::CKA_TRUSTED)
}

//! Keys of Diffie-Hellman (PKCS #3 and ANSI X9.42) and DSA, and their domain parameters: CKA_PRIME, CKA_SUBPRIME,
//! CKA_BASE and CKA_VALUE (PKCS#11 3.2 sections 6.2 and 6.4), in attributes and in DER (RFC 3279 section 2.3).

use super::pkcs8::number;
use super::{Material, computed, given, is_private, required};
use crate::attribute::{Attributes, Type, Value};
use crate::mechanism::{Parameter, failed};
use crate::{Error, Result};
use cryptoki_sys as ck;
use sealhsm_crypto::der;
use sealhsm_crypto::digest::Algorithm;
use sealhsm_crypto::dl::{self, Group, Numbers};
use sealhsm_secret::Secret;

/// One of the three key types.
pub struct Kind {
    key_type: u64,
    /// The algorithm in DER, tag included.
    oid: &'static [u8],
    /// The domain parameters in their order in DER.
    numbers: &'static [Type],
    /// Whether more may follow them there.
    more: bool,
    /// Bits of the prime.
    pub bits: (u64, u64),
}

/// CKK_DH.
pub const DH: Kind = Kind {
    key_type: ck::CKK_DH,
    oid: &[der::OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1],
    numbers: &[ck::CKA_PRIME, ck::CKA_BASE],
    more: true,
    bits: dl::BITS,
};
/// CKK_X9_42_DH.
pub const X9_42: Kind = Kind {
    key_type: ck::CKK_X9_42_DH,
    oid: &[der::OID, 7, 0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1],
    numbers: &[ck::CKA_PRIME, ck::CKA_BASE, ck::CKA_SUBPRIME],
    more: true,
    bits: (1024, dl::BITS.1),
};
/// CKK_DSA.
pub const DSA: Kind = Kind {
    key_type: ck::CKK_DSA,
    oid: &[der::OID, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1],
    numbers: &[ck::CKA_PRIME, ck::CKA_SUBPRIME, ck::CKA_BASE],
    more: false,
    bits: (1024, 3072),
};
const KINDS: [&Kind; 3] = [&DH, &X9_42, &DSA];

/// Bits of the order of a DSA key (FIPS 186-4 section 4.2).
const DSA_ORDERS: [usize; 3] = [20, 28, 32];
/// The fewest bits that a template may ask of a private key.
const MIN_VALUE_BITS: u64 = 160;

fn kind(key_type: u64) -> Option<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.key_type == key_type)
}

fn of_key(key: &Attributes) -> Result<&'static Kind> {
    kind(key.ulong(ck::CKA_KEY_TYPE).ok_or(Error::TemplateIncomplete)?).ok_or(Error::General)
}

impl Kind {
    fn has_order(&self) -> bool {
        self.numbers.contains(&ck::CKA_SUBPRIME)
    }

    fn group(&self, key: &Attributes) -> Result<Group> {
        let order = if self.has_order() { Some(required(key, ck::CKA_SUBPRIME)?) } else { None };
        Group::new(required(key, ck::CKA_PRIME)?, order, required(key, ck::CKA_BASE)?).map_err(failed)
    }

    /// The same, checked.
    fn checked(&self, key: &Attributes) -> Result<Group> {
        // Before any arithmetic, which takes longer the longer they are.
        let short = |of: &Type| required(key, *of).map(|number| dl::bit_len(number) <= self.bits.1);
        if !self.numbers.iter().map(short).collect::<Result<Vec<_>>>()?.into_iter().all(|short| short) {
            return Err(Error::DomainParamsInvalid);
        }
        let group = self.group(key)?;
        let order = self.key_type != ck::CKK_DSA || group.order_len().is_some_and(|len| DSA_ORDERS.contains(&len));
        let fits = order && (self.bits.0..=self.bits.1).contains(&group.bits());
        if fits && group.makes_sense().map_err(failed)? { Ok(group) } else { Err(Error::DomainParamsInvalid) }
    }

    /// The contents of an AlgorithmIdentifier.
    fn algorithm(&self, key: &Attributes) -> Result<[Vec<u8>; 2]> {
        let numbers = self.numbers.iter().map(|of| Ok(der::integer(required(key, *of)?)));
        let numbers: Vec<Vec<u8>> = numbers.collect::<Result<_>>()?;
        let numbers: Vec<&[u8]> = numbers.iter().map(Vec::as_slice).collect();
        Ok([self.oid.to_vec(), der::element(der::SEQUENCE, &numbers)])
    }

    fn public_key_info(&self, key: &Attributes, public: &[u8]) -> Result<Vec<u8>> {
        let [oid, numbers] = self.algorithm(key)?;
        Ok(der::public_key_info(&[&oid, &numbers], &der::integer(public)))
    }

    fn read_algorithm(&self, algorithm: &[u8]) -> Option<Attributes> {
        let mut rest = der::whole(der::SEQUENCE, algorithm.strip_prefix(self.oid)?)?;
        let mut key = Attributes::new();
        for of in self.numbers {
            let (found, after) = number(rest)?;
            key.set_bytes(*of, found);
            rest = after;
        }
        (rest.is_empty() || self.more).then_some(key)
    }
}

pub(super) fn open(key: &Attributes) -> Result<Material> {
    let kind = of_key(key)?;
    let (group, value) = (kind.group(key)?, required(key, ck::CKA_VALUE)?);
    if kind.key_type != ck::CKK_DSA {
        return Ok(Material::Dh { group, value: Secret::copy_of(value) });
    }
    let opened = if is_private(key) { group.dsa_private_key(value) } else { group.dsa_public_key(value) };
    Ok(Material::Dsa { key: opened.map_err(failed)?, order_len: group.order_len().ok_or(Error::General)? })
}

pub(super) fn complete(key: &mut Attributes) -> Result<()> {
    let kind = of_key(key)?;
    if key.is(ck::CKA_LOCAL) && key.has(ck::CKA_PUBLIC_KEY_INFO) {
        // Our own generation wrote all of it.
        return Ok(());
    }
    let group = if key.is(ck::CKA_LOCAL) { kind.group(key)? } else { kind.checked(key)? };
    for of in kind.numbers {
        let number = der::strip(required(key, *of)?).to_vec();
        key.set_bytes(*of, number);
    }
    let public = match key.ulong(ck::CKA_CLASS) {
        Some(ck::CKO_DOMAIN_PARAMETERS) => return complete_parameters(key, kind),
        Some(ck::CKO_PRIVATE_KEY) => {
            let private = group.private(required(key, ck::CKA_VALUE)?).map_err(failed)?;
            let private = private.ok_or(Error::AttributeValueInvalid)?;
            if kind.key_type == ck::CKK_DH {
                computed(key, ck::CKA_VALUE_BITS, Value::Ulong(dl::bit_len(private.as_ref())))?;
            }
            let public = group.public_of(private.as_ref()).map_err(failed)?;
            key.set_secret(ck::CKA_VALUE, private);
            public
        }
        _ => {
            let public = peer(&group, required(key, ck::CKA_VALUE)?)?;
            key.set_bytes(ck::CKA_VALUE, public.clone());
            public
        }
    };
    let info = kind.public_key_info(key, &public)?;
    computed(key, ck::CKA_PUBLIC_KEY_INFO, Value::Bytes(info))
}

/// CKO_DOMAIN_PARAMETERS.
fn complete_parameters(key: &mut Attributes, kind: &Kind) -> Result<()> {
    let bits = |key: &Attributes, of| Ok::<_, Error>(Value::Ulong(dl::bit_len(required(key, of)?)));
    if kind.has_order() {
        let order = bits(key, ck::CKA_SUBPRIME)?;
        computed(key, ck::CKA_SUBPRIME_BITS, order)?;
    }
    let prime = bits(key, ck::CKA_PRIME)?;
    computed(key, ck::CKA_PRIME_BITS, prime)
}

/// The public value of another side, checked (SP 800-56A section 5.6.2.3.1).
pub fn peer(group: &Group, value: &[u8]) -> Result<Vec<u8>> {
    group.public(value).map_err(failed)?.ok_or(Error::PublicKeyInvalid)
}

/// The key pair generation mechanisms: the domain parameters stand in the public template, and may be repeated in the
/// private one.
pub fn generate(
    kind: &Kind,
    parameter: &Parameter<'_>,
    public: &Attributes,
    private: &Attributes,
) -> Result<(Attributes, Attributes)> {
    parameter.none()?;
    let group = kind.checked(public)?;
    let mut halves = (Attributes::new(), Attributes::new());
    for of in kind.numbers {
        let number = der::strip(required(public, *of)?);
        if given(private, *of).is_some_and(|repeated| der::strip(repeated) != number) {
            return Err(Error::TemplateInconsistent);
        }
        halves.0.set_bytes(*of, number);
        halves.1.set_bytes(*of, number);
    }
    let bits = private.ulong(ck::CKA_VALUE_BITS).filter(|bits| *bits != 0);
    if bits.is_some_and(|bits| !(MIN_VALUE_BITS..group.bits() - 1).contains(&bits)) {
        return Err(Error::AttributeValueInvalid);
    }
    let value = group.generate(bits.map(|bits| bits as u32)).map_err(failed)?;
    let public = group.public_of(value.as_ref()).map_err(failed)?;
    let info = kind.public_key_info(&halves.0, &public)?;
    halves.0.set_bytes(ck::CKA_PUBLIC_KEY_INFO, info.clone());
    halves.1.set_bytes(ck::CKA_PUBLIC_KEY_INFO, info);
    halves.0.set_bytes(ck::CKA_VALUE, public);
    if kind.key_type == ck::CKK_DH {
        halves.1.set_ulong(ck::CKA_VALUE_BITS, dl::bit_len(value.as_ref()));
    }
    halves.1.set_secret(ck::CKA_VALUE, value);
    Ok(halves)
}

/// Domain parameters as attributes.
pub fn attributes(numbers: Numbers) -> Attributes {
    let mut made = Attributes::new();
    made.set_bytes(ck::CKA_PRIME, numbers.prime);
    made.set_bytes(ck::CKA_BASE, numbers.base);
    if let Some(order) = numbers.subprime {
        made.set_bytes(ck::CKA_SUBPRIME, order);
    }
    made
}

/// Bits of prime and order (FIPS 186-4 section 4.2), and the hash that is usual for them. The first one with a prime is
/// what a template gets that does not ask for an order.
static SIZES: [(u64, u64, &Algorithm); 4] = {
    use sealhsm_crypto::digest::{SHA1, SHA224, SHA256};
    [(1024, 160, &SHA1), (2048, 224, &SHA224), (2048, 256, &SHA256), (3072, 256, &SHA256)]
};

/// New domain parameters with an order, and their seed; `hash` in the place of the usual one.
pub fn parameters_with_order(wanted: &Attributes, hash: Option<&'static Algorithm>) -> Result<(Attributes, Vec<u8>)> {
    let bits = wanted.ulong(ck::CKA_PRIME_BITS).ok_or(Error::TemplateIncomplete)?;
    let order = wanted.ulong(ck::CKA_SUBPRIME_BITS);
    let fits = |row: &&(u64, u64, &Algorithm)| row.0 == bits && order.is_none_or(|order| order == row.1);
    let (bits, order, usual) = SIZES.iter().find(fits).ok_or(Error::KeySizeRange)?;
    let hash = hash.unwrap_or(usual);
    if (hash.len as u64) * 8 < *order {
        return Err(Error::MechanismParamInvalid);
    }
    let (numbers, seed) = Numbers::with_order(*bits as u32, *order as u32, hash).map_err(failed)?;
    Ok((attributes(numbers), seed))
}

/// Algorithm and inner part of a PrivateKeyInfo.
pub(super) fn to_pkcs8(key: &Attributes) -> Result<(Vec<u8>, Secret)> {
    let [oid, numbers] = of_key(key)?.algorithm(key)?;
    let value = Secret::from(der::integer(required(key, ck::CKA_VALUE)?));
    Ok((der::element(der::SEQUENCE, &[&oid, &numbers]), value))
}

/// The attributes that these say; `None`: it is no such key.
pub(super) fn of_pkcs8(key_type: u64, algorithm: &[u8], inner: &[u8]) -> Option<Attributes> {
    let mut key = kind(key_type)?.read_algorithm(algorithm)?;
    let (value, rest) = number(inner)?;
    key.set_secret(ck::CKA_VALUE, Secret::copy_of(value));
    rest.is_empty().then_some(key)
}

/// The attributes of a SubjectPublicKeyInfo, of its algorithm and its bits.
pub(super) fn of_public_key_info(key_type: u64, algorithm: &[u8], bits: &[u8]) -> Option<Attributes> {
    let mut key = kind(key_type)?.read_algorithm(algorithm)?;
    let (value, rest) = number(bits)?;
    key.set_bytes(ck::CKA_VALUE, value);
    rest.is_empty().then_some(key)
}

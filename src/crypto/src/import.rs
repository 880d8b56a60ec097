//! Keys and certificates in the forms in which people keep them: PEM with one or several of them, or DER with one.
//! Every private key becomes a PrivateKeyInfo (PKCS #8), every public key a SubjectPublicKeyInfo, both in DER.

use crate::{Error, Result, der, init};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;
use sealhsm_secret::Secret;

/// What was found.
#[derive(Debug)]
pub enum Item {
    /// A PrivateKeyInfo, not encrypted.
    PrivateKey(Secret),
    /// A SubjectPublicKeyInfo.
    PublicKey(Vec<u8>),
    /// An X.509 certificate.
    Certificate(Certificate),
}

/// The parts of a certificate that PKCS#11 asks for, in DER.
#[derive(Debug)]
pub struct Certificate {
    /// All of it.
    pub der: Vec<u8>,
    /// Name.
    pub subject: Vec<u8>,
    /// Name.
    pub issuer: Vec<u8>,
    /// INTEGER.
    pub serial: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub public_key_info: Vec<u8>,
    /// The last common name of the subject, if there is one.
    pub common_name: Option<String>,
}

/// Why nothing was read.
#[derive(Debug)]
pub enum Flaw {
    /// It is encrypted and no passphrase was given.
    Encrypted,
    /// The passphrase does not open it, or it is damaged.
    WrongPassphrase,
    /// It is something else; the text says what, or what to do.
    Other(String),
}

impl<E: Into<Error>> From<E> for Flaw {
    fn from(error: E) -> Self {
        Flaw::Other(error.into().to_string())
    }
}

/// The longest passphrase that OpenSSL takes (PEM_BUFSIZE).
pub const MAX_PASSPHRASE: usize = 1024;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Of a traditional key that is encrypted (RFC 1421).
const ENCRYPTED_HEADER: &[u8] = b"Proc-Type: 4,ENCRYPTED";

type Reader = fn(&[u8], Option<&Secret>) -> std::result::Result<Option<Item>, Flaw>;

/// What the first line of a PEM block says, and who reads it.
const BLOCKS: &[(&str, Reader)] = &[
    ("PRIVATE KEY", private_pem),
    ("ENCRYPTED PRIVATE KEY", private_pem),
    ("RSA PRIVATE KEY", private_pem),
    ("EC PRIVATE KEY", private_pem),
    ("DSA PRIVATE KEY", private_pem),
    ("PUBLIC KEY", public_pem),
    ("RSA PUBLIC KEY", rsa_public_pem),
    ("CERTIFICATE", certificate_pem),
    ("X509 CERTIFICATE", certificate_pem),
    // openssl ecparam, dsaparam and dhparam write them before the key, which has them itself.
    ("EC PARAMETERS", nothing),
    ("DSA PARAMETERS", nothing),
    ("DH PARAMETERS", nothing),
    ("X9.42 DH PARAMETERS", nothing),
    ("OPENSSH PRIVATE KEY", openssh),
];

/// Whether a passphrase is needed to read this.
pub fn is_encrypted(file: &[u8]) -> bool {
    match blocks(file) {
        Ok(found) if found.is_empty() => is_encrypted_der(file),
        Ok(found) => found
            .iter()
            .any(|(label, block)| label == "ENCRYPTED PRIVATE KEY" || find(block, ENCRYPTED_HEADER).is_some()),
        Err(_) => false,
    }
}

/// Everything in a file, in its order. The passphrase opens all that is encrypted in it.
pub fn read(file: &[u8], passphrase: Option<&Secret>) -> std::result::Result<Vec<Item>, Flaw> {
    init()?;
    let found = blocks(file)?;
    if found.is_empty() {
        return Ok(vec![read_der(file, passphrase)?]);
    }
    let mut items = Vec::new();
    for (label, block) in found {
        let reader = BLOCKS.iter().find(|(known, _)| *known == label);
        let (_, reader) = reader.ok_or_else(|| Flaw::Other(format!("\"{label}\" is nothing that a token keeps")))?;
        items.extend(reader(block, passphrase)?);
    }
    match items.is_empty() {
        true => Err(Flaw::Other("there is neither a key nor a certificate in it".into())),
        false => Ok(items),
    }
}

/// The blocks of a PEM file with their labels; none if it is no such file.
fn blocks(file: &[u8]) -> std::result::Result<Vec<(String, &[u8])>, Flaw> {
    let mut found = Vec::new();
    let mut rest = file;
    while let Some(start) = find(rest, BEGIN) {
        let block = &rest[start..];
        let label = &block[BEGIN.len()..];
        let label = find(label, DASHES).map(|end| &label[..end]).filter(|label| label.len() < 40);
        let label = label.map(|label| String::from_utf8_lossy(label).into_owned());
        let label = label.ok_or_else(|| Flaw::Other("a PEM block without a label".into()))?;
        let last = [END, label.as_bytes(), DASHES].concat();
        let end = find(block, &last).ok_or_else(|| Flaw::Other(format!("the block \"{label}\" does not end")))?;
        let (block, after) = block.split_at(end + last.len());
        found.push((label, block));
        rest = after;
    }
    Ok(found)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn private_pem(block: &[u8], passphrase: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    let mut asked = false;
    let key = PKey::private_key_from_pem_callback(block, |into| {
        asked = true;
        Ok(passphrase.map_or(0, |passphrase| fill(into, passphrase)))
    });
    match (key, asked, passphrase) {
        (Ok(key), _, _) => private(&key).map(Some),
        (Err(_), true, None) => Err(Flaw::Encrypted),
        (Err(_), true, Some(_)) => Err(Flaw::WrongPassphrase),
        (Err(_), false, _) => Err(damaged()),
    }
}

/// Copies as much as there is room for; a passphrase that is too long opens nothing.
fn fill(into: &mut [u8], passphrase: &Secret) -> usize {
    let len = passphrase.len().min(into.len());
    into[..len].copy_from_slice(&passphrase.as_ref()[..len]);
    len
}

fn private(key: &PKey<Private>) -> std::result::Result<Item, Flaw> {
    Ok(Item::PrivateKey(Secret::from(key.private_key_to_pkcs8()?)))
}

fn public_pem(block: &[u8], _: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    Ok(Some(Item::PublicKey(PKey::public_key_from_pem(block).map_err(|_| damaged())?.public_key_to_der()?)))
}

fn rsa_public_pem(block: &[u8], _: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    Ok(Some(Item::PublicKey(Rsa::public_key_from_pem_pkcs1(block).map_err(|_| damaged())?.public_key_to_der()?)))
}

fn certificate_pem(block: &[u8], _: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    certificate(&X509::from_pem(block).map_err(|_| damaged())?).map(Some)
}

fn damaged() -> Flaw {
    Flaw::Other("a PEM block does not hold what it says; the file is damaged, nothing was imported".into())
}

fn nothing(_: &[u8], _: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    Ok(None)
}

fn openssh(_: &[u8], _: Option<&Secret>) -> std::result::Result<Option<Item>, Flaw> {
    let text = "a key in OpenSSH's own form; `ssh-keygen -p -m PKCS8 -f` on a copy of it makes it PKCS #8";
    Err(Flaw::Other(text.into()))
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3) is the only one of these that begins with two such elements and ends.
fn is_encrypted_der(file: &[u8]) -> bool {
    let read = || {
        let all = der::whole(der::SEQUENCE, file)?;
        let (_, rest) = der::read(der::SEQUENCE, all)?;
        der::whole(der::OCTET_STRING, rest)
    };
    read().is_some()
}

/// PFX (RFC 7292 section 4): version 3, then a SEQUENCE.
fn is_pkcs12(file: &[u8]) -> bool {
    let version = der::whole(der::SEQUENCE, file).and_then(|all| der::read(der::INTEGER, all));
    version.is_some_and(|(version, rest)| version == [3] && der::read(der::SEQUENCE, rest).is_some())
}

fn read_der(file: &[u8], passphrase: Option<&Secret>) -> std::result::Result<Item, Flaw> {
    if is_encrypted_der(file) {
        let passphrase = passphrase.ok_or(Flaw::Encrypted)?;
        let key = PKey::private_key_from_pkcs8_callback(file, |into| Ok(fill(into, passphrase)));
        return private(&key.map_err(|_| Flaw::WrongPassphrase)?);
    }
    if is_pkcs12(file) {
        let text = "PKCS #12; `openssl pkcs12 -noenc -in FILE | sealhsm object import -` imports what is in it";
        return Err(Flaw::Other(text.into()));
    }
    if let Ok(found) = X509::from_der(file) {
        return certificate(&found);
    }
    if let Ok(key) = PKey::public_key_from_der(file) {
        return Ok(Item::PublicKey(key.public_key_to_der()?));
    }
    let key = PKey::private_key_from_der(file);
    private(&key.map_err(|_| {
        Flaw::Other("neither PEM, nor a key or a certificate in DER; --secret takes the bytes of a secret key".into())
    })?)
}

fn certificate(found: &X509) -> std::result::Result<Item, Flaw> {
    let whole = found.to_der()?;
    let parts = parts(&whole).ok_or_else(|| Flaw::Other("no X.509 certificate".into()))?;
    let [serial, issuer, subject, public_key_info] = parts.map(<[u8]>::to_vec);
    let name = found.subject_name().entries_by_nid(Nid::COMMONNAME).last();
    let common_name = name.and_then(|name| name.data().to_string().ok());
    Ok(Item::Certificate(Certificate { subject, issuer, serial, public_key_info, common_name, der: whole }))
}

/// `[0] EXPLICIT`, around the version.
const EXPLICIT_0: u8 = 0xa0;

/// Serial number, issuer, subject and public key of a Certificate (RFC 5280 section 4.1), tags included.
fn parts(certificate: &[u8]) -> Option<[&[u8]; 4]> {
    let (to_be_signed, _) = der::read(der::SEQUENCE, der::whole(der::SEQUENCE, certificate)?)?;
    let rest = der::read(EXPLICIT_0, to_be_signed).map_or(to_be_signed, |(_, rest)| rest);
    let (serial, rest) = with_tag(der::INTEGER, rest)?;
    let (_algorithm, rest) = with_tag(der::SEQUENCE, rest)?;
    let (issuer, rest) = with_tag(der::SEQUENCE, rest)?;
    let (_validity, rest) = with_tag(der::SEQUENCE, rest)?;
    let (subject, rest) = with_tag(der::SEQUENCE, rest)?;
    let (public_key_info, _) = with_tag(der::SEQUENCE, rest)?;
    Some([serial, issuer, subject, public_key_info])
}

fn with_tag(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = der::read(tag, bytes)?;
    bytes.split_at_checked(bytes.len() - rest.len())
}

/// DER as PEM with this label.
pub fn pem(label: &str, contents: &[u8]) -> Result<String> {
    let text = openssl::base64::encode_block(contents);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        out += std::str::from_utf8(line).map_err(|_| Error::from("base64"))?;
        out.push('\n');
    }
    Ok(out + &format!("-----END {label}-----\n"))
}

/// The contents of the BIT STRING in a SubjectPublicKeyInfo; `None`: it is none.
pub fn public_key_bits(info: &[u8]) -> Option<&[u8]> {
    let (_, rest) = der::read(der::SEQUENCE, der::whole(der::SEQUENCE, info)?)?;
    der::whole(der::BIT_STRING, rest)?.strip_prefix(&[0])
}

//! The `openssl` command of the system as the judge of what the module computes, and the maker of what it is given.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A directory for the files that the command reads and writes.
pub struct Judge {
    directory: TempDir,
    files: AtomicUsize,
}

/// A key pair that the command made.
pub struct Foreign {
    /// The file of the private key.
    pem: PathBuf,
    /// SubjectPublicKeyInfo, DER.
    pub public_key_info: Vec<u8>,
}

impl Judge {
    /// With a directory of its own.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Judge {
        let directory = tempfile::Builder::new().prefix("judge-").tempdir().expect("a temporary directory");
        Judge { directory, files: AtomicUsize::new(0) }
    }

    fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.directory.path().join(self.files.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::write(&path, content).expect("a file for openssl");
        path
    }

    /// Runs the command. `@` in an argument stands for the path of the next of these files.
    fn run(&self, arguments: &[&str], files: &[&PathBuf]) -> Output {
        let mut files = files.iter();
        let mut command = Command::new("openssl");
        for argument in arguments {
            match *argument {
                "@" => command.arg(files.next().expect("a file for every @")),
                other => command.arg(other),
            };
        }
        command.env_remove("OPENSSL_CONF").output().expect("openssl")
    }

    #[track_caller]
    fn output(&self, arguments: &[&str], files: &[&PathBuf]) -> Vec<u8> {
        let output = self.run(arguments, files);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments:?}: {said}");
        output.stdout
    }

    /// `openssl enc`, without a salt.
    #[track_caller]
    pub fn encrypts(&self, options: &[&str], plain: &[u8]) -> Vec<u8> {
        self.output(&[&["enc", "-nosalt", "-in", "@"], options].concat(), &[&self.file(plain)])
    }

    /// Digest of data by its name: `openssl dgst -binary`.
    #[track_caller]
    pub fn digests(&self, name: &str, data: &[u8]) -> Vec<u8> {
        self.output(&["dgst", "-binary", name, "@"], &[&self.file(data)])
    }

    /// Digest of so many bytes by a function without a length of its own: `openssl dgst -xoflen`.
    #[track_caller]
    pub fn digests_to(&self, name: &str, length: usize, data: &[u8]) -> Vec<u8> {
        self.output(&["dgst", "-binary", name, "-xoflen", &length.to_string(), "@"], &[&self.file(data)])
    }

    /// HMAC with a key in hexadecimal digits: `openssl dgst -mac HMAC`.
    #[track_caller]
    pub fn macs(&self, hash: &str, key: &str, data: &[u8]) -> Vec<u8> {
        let (hash, key) = (format!("-{hash}"), format!("hexkey:{key}"));
        let arguments = ["dgst", "-binary", &hash, "-mac", "HMAC", "-macopt", &key, "@"];
        self.output(&arguments, &[&self.file(data)])
    }

    /// A key pair of its own: `openssl genpkey`.
    #[track_caller]
    pub fn key(&self, options: &[&str]) -> Foreign {
        let pem = self.file(&self.output(&[&["genpkey"], options].concat(), &[]));
        let public_key_info = self.output(&["pkey", "-in", "@", "-pubout", "-outform", "DER"], &[&pem]);
        Foreign { pem, public_key_info }
    }

    /// Domain parameters of its own, DER: `openssl ecparam` and its kin.
    #[track_caller]
    pub fn parameters(&self, command: &[&str]) -> Vec<u8> {
        self.output(&[command, &["-outform", "DER"]].concat(), &[])
    }

    /// A key pair of these domain parameters, PEM: `openssl genpkey -paramfile`.
    #[track_caller]
    pub fn key_of(&self, parameters: &[u8]) -> Foreign {
        let pem = self.file(&self.output(&["genpkey", "-paramfile", "@"], &[&self.file(parameters)]));
        let public_key_info = self.output(&["pkey", "-in", "@", "-pubout", "-outform", "DER"], &[&pem]);
        Foreign { pem, public_key_info }
    }

    /// The private half as PrivateKeyInfo, DER.
    #[track_caller]
    pub fn private_key_info(&self, key: &Foreign) -> Vec<u8> {
        self.output(&["pkcs8", "-topk8", "-nocrypt", "-in", "@", "-outform", "DER"], &[&key.pem])
    }

    /// What a key of its own agrees upon with this public key: `openssl pkeyutl -derive`.
    #[track_caller]
    pub fn agrees(&self, key: &Foreign, public_key_info: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-derive", "-inkey", "@", "-peerkey", "@", "-peerform", "DER"];
        self.output(&arguments, &[&key.pem, &self.file(public_key_info)])
    }

    /// A key derivation: `openssl kdf`.
    #[track_caller]
    pub fn derives(&self, name: &str, length: usize, options: &[&str]) -> Vec<u8> {
        let length = length.to_string();
        let mut arguments = vec!["kdf", "-binary", "-keylen", &length];
        options.iter().for_each(|option| arguments.extend(["-kdfopt", *option]));
        arguments.push(name);
        self.output(&arguments, &[])
    }

    /// Whether it finds a public key valid: `openssl pkey -pubcheck`.
    pub fn takes(&self, public_key_info: &[u8]) -> bool {
        let arguments = ["pkey", "-pubin", "-inform", "DER", "-in", "@", "-pubcheck", "-noout"];
        self.run(&arguments, &[&self.file(public_key_info)]).status.success()
    }

    /// DER as PEM.
    pub fn pem(&self, label: &str, der: &[u8]) -> Vec<u8> {
        let text = self.output(&["base64", "-in", "@"], &[&self.file(der)]);
        [format!("-----BEGIN {label}-----\n").as_bytes(), &text, format!("-----END {label}-----\n").as_bytes()].concat()
    }

    /// Whether it finds a signature right: `openssl pkeyutl -verify` with these options.
    pub fn verifies(&self, public_key_info: &[u8], options: &[&str], data: &[u8], signature: &[u8]) -> bool {
        let arguments = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "@", "-in", "@", "-sigfile", "@"];
        let files = [&self.file(public_key_info), &self.file(data), &self.file(signature)];
        self.run(&[&arguments, options].concat(), &files).status.success()
    }

    /// What it finds in a signature: `openssl pkeyutl -verifyrecover` with these options.
    #[track_caller]
    pub fn recovers(&self, public_key_info: &[u8], options: &[&str], signature: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-verifyrecover", "-pubin", "-keyform", "DER", "-inkey", "@", "-in", "@"];
        let files = [&self.file(public_key_info), &self.file(signature)];
        self.output(&[&arguments, options].concat(), &files)
    }

    /// A signature of its own: `openssl pkeyutl -sign` with these options.
    #[track_caller]
    pub fn signs(&self, key: &Foreign, options: &[&str], data: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-sign", "-inkey", "@", "-in", "@"];
        self.output(&[&arguments, options].concat(), &[&key.pem, &self.file(data)])
    }

    /// `openssl pkeyutl -encrypt` with these options.
    #[track_caller]
    pub fn encrypts_to(&self, public_key_info: &[u8], options: &[&str], plain: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", "@", "-in", "@"];
        self.output(&[&arguments, options].concat(), &[&self.file(public_key_info), &self.file(plain)])
    }

    /// `openssl pkeyutl -decrypt` with these options.
    #[track_caller]
    pub fn decrypts(&self, key: &Foreign, options: &[&str], sealed: &[u8]) -> Vec<u8> {
        let arguments = ["pkeyutl", "-decrypt", "-inkey", "@", "-in", "@"];
        self.output(&[&arguments, options].concat(), &[&key.pem, &self.file(sealed)])
    }
}

/// r ‖ s as the SEQUENCE of two INTEGERs that the command has for an ECDSA or DSA signature.
pub fn to_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    element(0x30, &[integer(r), integer(s)].concat())
}

/// The other way, each number padded to `length` bytes.
pub fn from_der(signature: &[u8], length: usize) -> Vec<u8> {
    let (content, _) = split(signature);
    let (r, rest) = split(content);
    let (s, _) = split(rest);
    [r, s].iter().flat_map(|number| padded(number, length)).collect()
}

/// The natural numbers in DER, in their order, however deep they stand, also in a BIT STRING or an OCTET STRING.
pub fn integers(mut der: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let [tag, ..] = *der {
        let (content, rest) = split(der);
        match tag {
            0x02 => found.push(stripped(content).to_vec()),
            0x03 => found.extend(integers(&content[1..])),
            0x04 | 0x30 => found.extend(integers(content)),
            _ => {}
        }
        der = rest;
    }
    found
}

/// A SEQUENCE of natural numbers.
pub fn numbers(numbers: &[&[u8]]) -> Vec<u8> {
    element(0x30, &numbers.iter().flat_map(|number| integer(number)).collect::<Vec<u8>>())
}

/// An INTEGER.
pub fn integer(number: &[u8]) -> Vec<u8> {
    let mut number = stripped(number).to_vec();
    if number.first().is_none_or(|first| first & 0x80 != 0) {
        number.insert(0, 0);
    }
    element(2, &number)
}

/// Any element.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut element = match content.len() {
        short @ 0..128 => vec![tag, short as u8],
        long @ 128..256 => vec![tag, 0x81, long as u8],
        long => vec![tag, 0x82, (long >> 8) as u8, long as u8],
    };
    element.extend_from_slice(content);
    element
}

/// The content of the first element, and what comes after it.
fn split(der: &[u8]) -> (&[u8], &[u8]) {
    let (start, length) = match der[1] {
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        0x81 => (3, usize::from(der[2])),
        short => (2, usize::from(short)),
    };
    der[start..].split_at(length)
}

fn stripped(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn padded(number: &[u8], length: usize) -> Vec<u8> {
    let number = stripped(number);
    [vec![0; length - number.len()], number.to_vec()].concat()
}

//! Keys that are known before they come to a token: templates of both halves, to import, and what OpenSSL says of them.

use crate::hex::hex;
use crate::judge::integers;
use crate::keys::curve::{ED25519, P256};
use crate::template::Template;
use cryptoki_sys as ck;
use std::io::Write;
use std::process::{Command, Stdio};

/// A key pair. The templates have class, type and values and nothing else.
pub struct Known {
    /// For C_CreateObject of the public half.
    pub public: Template,
    /// For C_CreateObject of the private half.
    pub private: Template,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
}

impl Known {
    /// A new RSA key of 2048 bits, made by the `openssl` command.
    pub fn rsa() -> Known {
        Known::rsa_of(2048)
    }

    /// The same of other sizes.
    pub fn rsa_of(bits: u32) -> Known {
        let pem = openssl(&["genrsa", "-traditional", &bits.to_string()], b"");
        let numbers = integers(&openssl(&["rsa", "-traditional", "-outform", "DER"], &pem));
        let half = |class| {
            Template::new()
                .class(class)
                .key_type(ck::CKK_RSA)
                .bytes(ck::CKA_MODULUS, &numbers[1])
                .bytes(ck::CKA_PUBLIC_EXPONENT, &numbers[2])
        };
        let parts = [
            ck::CKA_PRIVATE_EXPONENT,
            ck::CKA_PRIME_1,
            ck::CKA_PRIME_2,
            ck::CKA_EXPONENT_1,
            ck::CKA_EXPONENT_2,
            ck::CKA_COEFFICIENT,
        ];
        let secret = parts.iter().zip(&numbers[3..]);
        Known {
            public: half(ck::CKO_PUBLIC_KEY),
            private: secret.fold(half(ck::CKO_PRIVATE_KEY), |private, (of, number)| private.bytes(*of, number)),
            spki: openssl(&["rsa", "-pubout", "-outform", "DER"], &pem),
        }
    }

    /// The P-256 key of RFC 6979, appendix A.2.5.
    pub fn p256() -> Known {
        let point = hex("0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
             7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
        let secret = hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
        let spki = hex("3059301306072a8648ce3d020106082a8648ce3d030107034200");
        Known::curve(ck::CKK_EC, P256, &point, &secret, spki)
    }

    /// The Ed25519 key of RFC 8032, section 7.1, test 1.
    pub fn ed25519() -> Known {
        let point = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let secret = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        Known::curve(ck::CKK_EC_EDWARDS, ED25519, &point, &secret, hex("302a300506032b6570032100"))
    }

    fn curve(kind: ck::CK_KEY_TYPE, parameters: &[u8], point: &[u8], secret: &[u8], spki: Vec<u8>) -> Known {
        let half = |class| Template::new().class(class).key_type(kind).bytes(ck::CKA_EC_PARAMS, parameters);
        // A DER OCTET STRING.
        let wrapped = [&[0x04, point.len() as u8], point].concat();
        Known {
            public: half(ck::CKO_PUBLIC_KEY).bytes(ck::CKA_EC_POINT, wrapped),
            private: half(ck::CKO_PRIVATE_KEY).bytes(ck::CKA_VALUE, secret),
            spki: [spki.as_slice(), point].concat(),
        }
    }
}

/// Runs the `openssl` command and returns its standard output.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("openssl (Debian: openssl) to start");
    let mut stdin = child.stdin.take().expect("its standard input");
    // It may end without reading: then it says why.
    let _ = stdin.write_all(input);
    drop(stdin);
    let run = child.wait_with_output().expect("its end");
    assert!(run.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

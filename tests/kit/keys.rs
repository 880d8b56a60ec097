//! Keys that the tests of cryptographic functions need: session keys that may do everything.

use crate::mechanism::Mechanism;
use crate::object::Object;
use crate::session::Session;
use crate::template::Template;
use cryptoki_sys as ck;

/// CKA_EC_PARAMS of curves: their OIDs, DER.
pub mod curve {
    /// secp256r1
    pub const P256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    /// secp384r1
    pub const P384: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];
    /// secp521r1
    pub const P521: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x23];
    /// Ed25519
    pub const ED25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x70];
    /// Ed448
    pub const ED448: &[u8] = &[6, 3, 0x2b, 0x65, 0x71];
    /// X25519
    pub const X25519: &[u8] = &[6, 3, 0x2b, 0x65, 0x6e];
    /// X448
    pub const X448: &[u8] = &[6, 3, 0x2b, 0x65, 0x6f];
}

impl Template {
    /// A secret key of this type and value, to be created.
    pub fn secret_key(key_type: ck::CK_KEY_TYPE, value: &[u8]) -> Template {
        Template::new().class(ck::CKO_SECRET_KEY).key_type(key_type).bytes(ck::CKA_VALUE, value)
    }
}

impl Session<'_> {
    /// Imports an AES key.
    #[track_caller]
    pub fn aes(&self, value: &[u8]) -> Object {
        self.create(&Template::secret_key(ck::CKK_AES, value)).expect("an AES key")
    }

    /// Imports a generic secret.
    #[track_caller]
    pub fn secret(&self, value: &[u8]) -> Object {
        self.create(&Template::secret_key(ck::CKK_GENERIC_SECRET, value)).expect("a secret")
    }

    /// Generates an RSA pair: public, private. The private half can be read.
    #[track_caller]
    pub fn rsa_pair(&self, bits: ck::CK_ULONG) -> (Object, Object) {
        let (public, private) = (Template::new().ulong(ck::CKA_MODULUS_BITS, bits), readable());
        let pair = self.generate_key_pair(&Mechanism::plain(ck::CKM_RSA_PKCS_KEY_PAIR_GEN), &public, &private);
        pair.expect("an RSA pair")
    }

    /// Generates a pair on a curve: public, private. The private half can be read.
    #[track_caller]
    pub fn curve_pair(&self, mechanism: ck::CK_MECHANISM_TYPE, params: &[u8]) -> (Object, Object) {
        let (public, private) = (Template::new().bytes(ck::CKA_EC_PARAMS, params), readable());
        self.generate_key_pair(&Mechanism::plain(mechanism), &public, &private).expect("a pair on a curve")
    }

    /// The template that domain parameters make for the public half of a pair.
    #[track_caller]
    pub fn domain(&self, parameters: Object) -> Template {
        let numbers = [ck::CKA_PRIME, ck::CKA_BASE, ck::CKA_SUBPRIME];
        let there = numbers.into_iter().filter_map(|of| Some((of, self.bytes(parameters, of).ok()?)));
        there.fold(Template::new(), |template, (of, number)| template.bytes(of, number))
    }

    /// Generates a pair in domain parameters of this many bits that it generates first. The private half can be read.
    #[track_caller]
    pub fn domain_pair(
        &self,
        parameters: ck::CK_MECHANISM_TYPE,
        pair: ck::CK_MECHANISM_TYPE,
        bits: ck::CK_ULONG,
    ) -> (Object, Object) {
        let template = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
        let parameters = self.generate_key(&Mechanism::plain(parameters), &template).expect("domain parameters");
        let pair = self.generate_key_pair(&Mechanism::plain(pair), &self.domain(parameters), &readable());
        pair.expect("a pair in a field")
    }

    /// CKA_PUBLIC_KEY_INFO: a SubjectPublicKeyInfo in DER.
    #[track_caller]
    pub fn public_key_info(&self, key: Object) -> Vec<u8> {
        self.bytes(key, ck::CKA_PUBLIC_KEY_INFO).expect("CKA_PUBLIC_KEY_INFO")
    }
}

/// Of a key whose value can be read.
pub(crate) fn readable() -> Template {
    Template::new().sensitive(false).extractable(true)
}

//! Objects that many tests need, and what can be done with them.

use crate::keys::curve::P256;
use crate::mechanism::Mechanism;
use crate::object::Object;
use crate::rv::Result;
use crate::session::Session;
use crate::template::Template;
use cryptoki_sys as ck;

/// A data object with a label and nothing else.
pub fn data(label: &str) -> Template {
    Template::new().class(ck::CKO_DATA).label(label)
}

impl Template {
    /// A data object on the token, private or not.
    pub fn data(label: &str, private: bool, value: &[u8]) -> Template {
        let data = Template::new().class(ck::CKO_DATA).token(true).private(private).label(label);
        data.bytes(ck::CKA_VALUE, value)
    }

    /// A generic secret on the token whose value may be read.
    pub fn open_secret(label: &str, value: &[u8]) -> Template {
        let key = Template::new().class(ck::CKO_SECRET_KEY).key_type(ck::CKK_GENERIC_SECRET).token(true);
        key.label(label).sensitive(false).extractable(true).bytes(ck::CKA_VALUE, value)
    }
}

impl Session<'_> {
    /// A P-256 key pair on the token, both halves under one label: public, private.
    pub fn p256(&self, label: &str) -> Result<(Object, Object)> {
        let curve = Template::new().token(true).label(label).bytes(ck::CKA_EC_PARAMS, P256);
        let private = Template::new().token(true).private(true).label(label);
        self.generate_key_pair(&Mechanism::plain(ck::CKM_EC_KEY_PAIR_GEN), &curve, &private)
    }

    /// An ECDSA signature of data.
    pub fn ecdsa(&self, key: Object, data: &[u8]) -> Result<Vec<u8>> {
        self.sign_with(&Mechanism::plain(ck::CKM_ECDSA_SHA256), key, data)
    }

    /// Whether an ECDSA signature is right.
    pub fn ecdsa_verify(&self, key: Object, data: &[u8], signature: &[u8]) -> Result<()> {
        self.verify_with(&Mechanism::plain(ck::CKM_ECDSA_SHA256), key, data, signature)
    }

    /// The objects with this label.
    pub fn labelled(&self, label: &str) -> Result<Vec<Object>> {
        self.find(&Template::new().label(label))
    }

    /// The only object of this class with this label.
    #[track_caller]
    pub fn one(&self, class: ck::CK_OBJECT_CLASS, label: &str) -> Object {
        let found = self.find(&Template::new().class(class).label(label)).expect("a search");
        assert_eq!(found.len(), 1, "{label}");
        found[0]
    }
}

//! Keys in prime fields (PKCS#11 3.2 sections 6.2 and 6.4): Diffie-Hellman of PKCS #3 and of ANSI X9.42, and DSA.

mod dh;
mod dsa;
mod keys;

use kit::{Judge, Mechanism, Object, Session, Template, ck, judge};

/// Domain parameters.
#[derive(Clone)]
struct Group {
    key_type: ck::CK_KEY_TYPE,
    p: Vec<u8>,
    g: Vec<u8>,
    /// Not in CKK_DH.
    q: Option<Vec<u8>>,
}

impl Group {
    /// Those of a SubjectPublicKeyInfo, and the public value.
    fn of(key_type: ck::CK_KEY_TYPE, public_key_info: &[u8]) -> (Group, Vec<u8>) {
        let numbers = judge::integers(public_key_info);
        let number = |at: usize| numbers[at].clone();
        let (g, q) = match key_type {
            ck::CKK_DH => (1, None),
            ck::CKK_X9_42_DH => (1, Some(number(2))),
            _ => (2, Some(number(1))),
        };
        (Group { key_type, p: number(0), g: number(g), q }, numbers.last().unwrap().clone())
    }

    /// Those of an object that has them.
    fn at(session: &Session<'_>, key_type: ck::CK_KEY_TYPE, object: Object) -> Group {
        let number = |of| session.bytes(object, of).unwrap();
        let q = (key_type != ck::CKK_DH).then(|| number(ck::CKA_SUBPRIME));
        Group { key_type, p: number(ck::CKA_PRIME), g: number(ck::CKA_BASE), q }
    }

    /// As attributes.
    fn template(&self) -> Template {
        let template = Template::new().bytes(ck::CKA_PRIME, &self.p).bytes(ck::CKA_BASE, &self.g);
        self.q.iter().fold(template, |template, q| template.bytes(ck::CKA_SUBPRIME, q))
    }

    /// A key to be imported.
    fn key(&self, class: ck::CK_OBJECT_CLASS, value: &[u8]) -> Template {
        self.template().class(class).key_type(self.key_type).bytes(ck::CKA_VALUE, value)
    }

    /// A pair whose private half can be read.
    #[track_caller]
    fn pair(&self, session: &Session<'_>) -> (Object, Object) {
        let of = match self.key_type {
            ck::CKK_DH => ck::CKM_DH_PKCS_KEY_PAIR_GEN,
            ck::CKK_X9_42_DH => ck::CKM_X9_42_DH_KEY_PAIR_GEN,
            _ => ck::CKM_DSA_KEY_PAIR_GEN,
        };
        let private = Template::new().sensitive(false).extractable(true);
        session.generate_key_pair(&Mechanism::plain(of), &self.template(), &private).unwrap()
    }

    /// For `Judge::key_of`.
    fn pem(&self, openssl: &Judge) -> Vec<u8> {
        let q = self.q.as_deref();
        let (label, numbers) = match self.key_type {
            ck::CKK_DH => ("DH PARAMETERS", vec![&self.p[..], &self.g]),
            ck::CKK_X9_42_DH => ("X9.42 DH PARAMETERS", vec![&self.p[..], &self.g, q.unwrap()]),
            _ => ("DSA PARAMETERS", vec![&self.p[..], q.unwrap(), &self.g]),
        };
        openssl.pem(label, &judge::numbers(&numbers))
    }
}

/// Domain parameters that the token makes.
#[track_caller]
fn parameters(session: &Session<'_>, of: ck::CK_MECHANISM_TYPE, bits: ck::CK_ULONG, order: ck::CK_ULONG) -> Object {
    let template = Template::new().ulong(ck::CKA_PRIME_BITS, bits);
    let template = if order == 0 { template } else { template.ulong(ck::CKA_SUBPRIME_BITS, order) };
    session.generate_key(&Mechanism::plain(of), &template).unwrap()
}

/// p - 1.
fn less_one(p: &[u8]) -> Vec<u8> {
    let mut less = p.to_vec();
    *less.last_mut().unwrap() -= 1;
    less
}

fn value(session: &Session<'_>, key: Object) -> Vec<u8> {
    session.bytes(key, ck::CKA_VALUE).unwrap()
}

//! The application without a TPM: session objects only, and a login that a test only says there is.

mod calls;
mod kept;
mod model;
mod templates;

use super::{Application, SessionHandle, Slot};
use crate::attribute::{Attributes, Raw, Template, Type};
use crate::config::Config;
use crate::object::Object;
use crate::token::{Token, lock, write};
use cryptoki_sys as ck;
use sealhsm_seal::{Listed, Who};
use std::sync::Arc;
use uuid::Uuid;

/// An application with one token and one read-write session.
pub struct Bench {
    pub app: Application,
    pub token: Arc<Token>,
    pub session: SessionHandle,
}

impl Bench {
    pub fn new(config: &str) -> Bench {
        let config = Config::parse(config, || "/nonexistent/sealhsm".into(), None).unwrap();
        let app = Application::start(config).unwrap();
        let listed = Listed {
            uuid: Uuid::from_u128(1),
            label: "model".into(),
            serial: "0000000000000001".into(),
            user_pin_set: true,
            simulated: true,
            parent: sealhsm_door::Parent { handle: 0, template: String::new(), name: Vec::new() },
            epoch: 1,
            recovery: false,
        };
        let token = Arc::new(Token::new(app.shared.clone(), listed));
        write(&app.slots).insert(0, Slot { id: 7, token: Some(token.clone()) });
        let session = app.open_session(7, ck::CKF_SERIAL_SESSION | ck::CKF_RW_SESSION).unwrap();
        Bench { app, token, session }
    }

    /// Logs out, and in again as this one.
    pub fn become_user(&self, who: Option<Who>) {
        *lock(&self.token.pretended) = None;
        self.app.log_out(&self.token);
        *lock(&self.token.pretended) = who;
    }

    /// The object of a handle as the token has it.
    pub fn object(&self, handle: u64) -> Option<Arc<Object>> {
        self.token.object(handle)
    }
}

/// A template that owns its values.
#[derive(Clone, Debug, Default)]
pub struct Said(pub Vec<(Type, Vec<u8>)>);

impl Said {
    pub fn key(class: u64, key_type: u64) -> Said {
        Said::default().ulong(ck::CKA_CLASS, class).ulong(ck::CKA_KEY_TYPE, key_type)
    }

    pub fn bytes(mut self, of: Type, value: &[u8]) -> Said {
        self.0.push((of, value.to_vec()));
        self
    }

    pub fn ulong(self, of: Type, value: u64) -> Said {
        self.bytes(of, &value.to_ne_bytes())
    }

    pub fn flag(self, of: Type, value: bool) -> Said {
        self.bytes(of, &[u8::from(value)])
    }

    pub fn template(&self) -> Template<'_> {
        Template(self.0.iter().map(|(of, value)| (*of, Raw::Bytes(value))).collect())
    }
}

/// The attributes of a session object.
pub fn attributes(object: &Object) -> &Attributes {
    object.attributes(None).unwrap()
}

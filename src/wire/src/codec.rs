//! The encoding of messages, read and write side by side. Total on any bytes: what does not parse is `None`.

use super::{Failure, FailureKind, MAX_MESSAGE, Parent, Request, Response, SealedBlob, Status, VERSION};
use sealhsm_secret::Secret;

/// The length of the rest of a message from its first four bytes; `None` when it is over [`MAX_MESSAGE`] or too short.
pub fn frame_len(head: [u8; 4]) -> Option<usize> {
    let length = u32::from_le_bytes(head) as usize;
    (2..=MAX_MESSAGE).contains(&length).then_some(length)
}

/// A request with its length in front.
pub fn encode_request(request: &Request) -> Secret {
    write(|out| match request {
        Request::Hello => out.kind(1),
        Request::Status => out.kind(2),
        Request::Parent => out.kind(3),
        Request::Provision => out.kind(4),
        Request::Seal { parent, auth, payload } => {
            out.kind(5);
            out.parent(parent);
            out.bytes(auth.as_ref());
            out.bytes(payload.as_ref());
        }
        Request::Unseal { parent, auth, blob } => {
            out.kind(6);
            out.parent(parent);
            out.bytes(auth.as_ref());
            out.bytes(&blob.public);
            out.bytes(&blob.private);
        }
        Request::Shutdown => out.kind(7),
        Request::SetTries { tries, interval, recovery } => {
            out.kind(8);
            out.number(*tries);
            out.number(*interval);
            out.number(*recovery);
        }
        Request::ResetLockout { auth } => {
            out.kind(9);
            out.bytes(auth.as_ref());
        }
    })
}

/// A request without its length.
pub fn decode_request(message: &[u8]) -> Option<Request> {
    let mut from = Reader::of(message)?;
    let request = match from.kind {
        1 => Request::Hello,
        2 => Request::Status,
        3 => Request::Parent,
        4 => Request::Provision,
        5 => Request::Seal { parent: from.parent()?, auth: from.secret()?, payload: from.secret()? },
        6 => Request::Unseal { parent: from.parent()?, auth: from.secret()?, blob: from.blob()? },
        7 => Request::Shutdown,
        8 => Request::SetTries { tries: from.number()?, interval: from.number()?, recovery: from.number()? },
        9 => Request::ResetLockout { auth: from.secret()? },
        _ => return None,
    };
    from.end(request)
}

/// A response with its length in front.
pub fn encode_response(response: &Response) -> Secret {
    write(|out| match response {
        Response::Done => out.kind(0),
        Response::Failed(failure) => {
            out.kind(1);
            out.number(failure.kind as u32);
            out.number(failure.code);
            out.bytes(failure.text.as_bytes());
            out.bytes(&failure.found);
        }
        Response::Hello(version) => {
            out.kind(2);
            out.number(*version);
        }
        Response::Status(status) => {
            out.kind(3);
            out.status(status);
        }
        Response::Parent(parent) => {
            out.kind(4);
            out.parent(parent);
        }
        Response::Sealed(blob) => {
            out.kind(5);
            out.bytes(&blob.public);
            out.bytes(&blob.private);
        }
        Response::Unsealed(secret) => {
            out.kind(6);
            out.bytes(secret.as_ref());
        }
    })
}

/// A response without its length.
pub fn decode_response(message: &[u8]) -> Option<Response> {
    let mut from = Reader::of(message)?;
    let response = match from.kind {
        0 => Response::Done,
        1 => Response::Failed(from.failure()?),
        2 => Response::Hello(from.number()?),
        3 => Response::Status(Box::new(from.status()?)),
        4 => Response::Parent(from.parent()?),
        5 => Response::Sealed(from.blob()?),
        6 => Response::Unsealed(from.secret()?),
        _ => return None,
    };
    from.end(response)
}

/// Measures first, so that a secret is written once into wiped memory that never moves.
fn write(put: impl Fn(&mut Writer<'_>)) -> Secret {
    let mut measured = Writer { out: None, at: 4 };
    measured.raw(&[VERSION]);
    put(&mut measured);
    let mut message = Secret::zeroed(measured.at);
    let mut writer = Writer { at: 0, out: Some(message.as_mut()) };
    writer.raw(&u32::try_from(measured.at - 4).unwrap_or(u32::MAX).to_le_bytes());
    writer.raw(&[VERSION]);
    put(&mut writer);
    message
}

struct Writer<'a> {
    out: Option<&'a mut [u8]>,
    at: usize,
}

impl Writer<'_> {
    fn raw(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(out) = &mut self.out {
            out[self.at..end].copy_from_slice(bytes);
        }
        self.at = end;
    }
    fn kind(&mut self, kind: u8) {
        self.raw(&[kind]);
    }
    fn number(&mut self, number: u32) {
        self.raw(&number.to_le_bytes());
    }
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.raw(bytes);
    }
    fn parent(&mut self, parent: &Parent) {
        self.number(parent.handle);
        self.bytes(parent.template.as_bytes());
        self.bytes(&parent.name);
    }
    fn status(&mut self, s: &Status) {
        self.bytes(s.tcti.as_bytes());
        self.bytes(s.manufacturer.as_bytes());
        for flag in [s.simulated, s.in_lockout, s.owner_auth_set, s.lockout_auth_set] {
            self.number(u32::from(flag));
        }
        for number in [s.lockout_counter, s.max_tries, s.lockout_interval, s.loaded_objects, s.loaded_sessions] {
            self.number(number);
        }
        self.number(u32::from(s.parent.is_some()));
        if let Some(parent) = &s.parent {
            self.parent(parent);
        }
        self.bytes(s.parent_refused.as_deref().unwrap_or_default().as_bytes());
    }
}

struct Reader<'a> {
    kind: u8,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn of(message: &'a [u8]) -> Option<Self> {
        match message {
            [VERSION, kind, rest @ ..] => Some(Reader { kind: *kind, rest }),
            _ => None,
        }
    }
    fn end<T>(self, value: T) -> Option<T> {
        self.rest.is_empty().then_some(value)
    }
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*number))
    }
    fn flag(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
    fn secret(&mut self) -> Option<Secret> {
        self.bytes().map(Secret::copy_of)
    }
    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
    fn parent(&mut self) -> Option<Parent> {
        Some(Parent { handle: self.number()?, template: self.text()?, name: self.bytes()?.to_vec() })
    }
    fn blob(&mut self) -> Option<SealedBlob> {
        Some(SealedBlob { public: self.bytes()?.to_vec(), private: self.bytes()?.to_vec() })
    }
    fn failure(&mut self) -> Option<Failure> {
        Some(Failure {
            kind: self.failure_kind()?,
            code: self.number()?,
            text: self.text()?,
            found: self.bytes()?.to_vec(),
        })
    }
    fn failure_kind(&mut self) -> Option<FailureKind> {
        use FailureKind::{Lockout, NoTpm, NotOurs, Protocol, Refused, Timeout, Tpm, WrongAuth, WrongParent};
        let number = self.number()?;
        let all = [NoTpm, WrongParent, NotOurs, WrongAuth, Lockout, Refused, Tpm, Protocol, Timeout];
        all.into_iter().find(|kind| *kind as u32 == number)
    }
    fn status(&mut self) -> Option<Status> {
        Some(Status {
            tcti: self.text()?,
            manufacturer: self.text()?,
            simulated: self.flag()?,
            in_lockout: self.flag()?,
            owner_auth_set: self.flag()?,
            lockout_auth_set: self.flag()?,
            lockout_counter: self.number()?,
            max_tries: self.number()?,
            lockout_interval: self.number()?,
            loaded_objects: self.number()?,
            loaded_sessions: self.number()?,
            parent: if self.flag()? { Some(self.parent()?) } else { None },
            parent_refused: Some(self.text()?).filter(|text| !text.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent() -> Parent {
        Parent { handle: 0x8100_0001, template: "ecc-p256".into(), name: vec![0, 11, 1, 2, 3] }
    }

    fn requests() -> Vec<Request> {
        let secret = || Secret::copy_of(b"secret");
        let blob = SealedBlob { public: vec![1; 70], private: vec![2; 180] };
        vec![
            Request::Hello,
            Request::Status,
            Request::Parent,
            Request::Provision,
            Request::Seal { parent: parent(), auth: secret(), payload: secret() },
            Request::Unseal { parent: parent(), auth: Secret::zeroed(0), blob },
            Request::Shutdown,
            Request::SetTries { tries: 32, interval: 600, recovery: 86400 },
            Request::ResetLockout { auth: secret() },
        ]
    }

    fn responses() -> Vec<Response> {
        let failure = Failure { kind: FailureKind::Lockout, code: 0x921, text: "locked".into(), found: vec![0, 11] };
        let status = Status { tcti: "x".into(), parent: Some(parent()), max_tries: 32, ..Status::default() };
        vec![
            Response::Done,
            Response::Failed(failure),
            Response::Hello(1),
            Response::Status(Box::new(status)),
            Response::Parent(parent()),
            Response::Sealed(SealedBlob { public: vec![1], private: vec![] }),
            Response::Unsealed(Secret::copy_of(b"x")),
        ]
    }

    #[test]
    fn every_message_is_read_as_it_was_written_and_no_truncation_or_extension_is() {
        let messages = requests().iter().map(encode_request).collect::<Vec<_>>();
        for (request, message) in requests().iter().zip(&messages) {
            let bytes = message.as_ref();
            let body = &bytes[4..];
            assert_eq!(frame_len(bytes[..4].try_into().unwrap()), Some(body.len()));
            let back = decode_request(body).unwrap();
            assert_eq!(encode_request(&back).as_ref(), bytes, "{request:?}");
            for n in 0..body.len() {
                assert!(decode_request(&body[..n]).is_none());
            }
            assert!(decode_request(&[body, &[0]].concat()).is_none());
        }
        for response in responses() {
            let message = encode_response(&response);
            let body = &message.as_ref()[4..];
            assert_eq!(encode_response(&decode_response(body).unwrap()).as_ref(), message.as_ref());
            for n in 0..body.len() {
                assert!(decode_response(&body[..n]).is_none());
            }
        }
    }

    #[test]
    fn a_secret_never_shows_in_debug_output() {
        assert!(!format!("{:?}", requests()).contains("115, 101, 99"));
        assert!(!format!("{:?}", requests()).contains("secret\""));
    }

    #[test]
    fn changed_bytes_never_panic() {
        for message in requests().iter().map(encode_request).chain(responses().iter().map(encode_response)) {
            for at in 4..message.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut body = message.as_ref()[4..].to_vec();
                    body[at - 4] = value;
                    let _ = decode_request(&body);
                    let _ = decode_response(&body);
                }
            }
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_read() {
        assert_eq!(frame_len([0xff; 4]), None);
        assert_eq!(frame_len([1, 0, 0, 0]), None);
    }
}

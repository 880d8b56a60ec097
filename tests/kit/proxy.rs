//! Stands between an agent and a TPM and records what crosses. libtss2 makes one connection per command.

use crate::swtpm::Swtpm;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A command and the response to it, whole.
#[derive(Clone)]
pub struct Exchange {
    /// TPM_ST, size, TPM_CC, handles, sessions, parameters.
    pub command: Vec<u8>,
    /// TPM_ST, size, TPM_RC and so on.
    pub response: Vec<u8>,
}

impl Exchange {
    /// TPM_CC of the command.
    pub fn code(&self) -> u32 {
        number(&self.command, 6)
    }

    /// TPM_RC of the response.
    pub fn result(&self) -> u32 {
        number(&self.response, 6)
    }
}

/// Four bytes of a message, big-endian.
pub fn number(message: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(message[at..at + 4].try_into().expect("four bytes"))
}

/// What is done to a response before it is handed on.
type Alter = Box<dyn FnMut(&mut Exchange) + Send>;

/// See the module's description. Its threads end with the process.
pub struct Proxy {
    directory: PathBuf,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    seen: Vec<Exchange>,
    alter: Option<Alter>,
}

impl Proxy {
    /// Listens in `directory`, which is made, as a swtpm would.
    pub fn start(directory: &Path, tpm: &Swtpm) -> Proxy {
        std::fs::create_dir_all(directory).expect("a directory for the proxy");
        let record = Arc::new(Mutex::new(Record::default()));
        let shared = record.clone();
        listen(&directory.join("sock"), &tpm.socket(), move |client, server| {
            relay(client, server, &shared);
        });
        listen(&directory.join("sock.ctrl"), &tpm.socket().with_extension("ctrl"), pass_through);
        Proxy { directory: directory.to_path_buf(), record }
    }

    /// What the configuration calls it.
    pub fn tcti(&self) -> String {
        Swtpm::tcti(&self.directory)
    }

    /// What has crossed since the last call.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.record.lock().expect("the record").seen)
    }

    /// From now on every exchange passes through this before the response is handed on.
    pub fn alter(&self, by: impl FnMut(&mut Exchange) + Send + 'static) {
        self.record.lock().expect("the record").alter = Some(Box::new(by));
    }

    /// Hands on everything as it is again.
    pub fn leave_alone(&self) {
        self.record.lock().expect("the record").alter = None;
    }
}

fn listen(at: &Path, to: &Path, serve: impl Fn(UnixStream, UnixStream) + Clone + Send + 'static) {
    let listener = UnixListener::bind(at).expect("a socket");
    let to = to.to_path_buf();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (to, serve) = (to.clone(), serve.clone());
            std::thread::spawn(move || UnixStream::connect(to).map(|server| serve(client, server)));
        }
    });
}

/// swtpm's control channel: no secret crosses it.
fn pass_through(mut client: UnixStream, mut server: UnixStream) {
    if let (Ok(mut from), Ok(mut to)) = (server.try_clone(), client.try_clone()) {
        std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        let _ = std::io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    }
}

/// Ends with either side.
fn relay(mut client: UnixStream, mut server: UnixStream, record: &Mutex<Record>) -> Option<()> {
    loop {
        let command = message(&mut client)?;
        server.write_all(&command).ok()?;
        let response = message(&mut server)?;
        let mut exchange = Exchange { command, response };
        {
            let mut record = record.lock().ok()?;
            if let Some(alter) = &mut record.alter {
                alter(&mut exchange);
            }
            record.seen.push(exchange.clone());
        }
        client.write_all(&exchange.response).ok()?;
    }
}

/// One message, by the length in its header.
fn message(from: &mut UnixStream) -> Option<Vec<u8>> {
    let mut message = vec![0; 10];
    from.read_exact(&mut message).ok()?;
    let length = number(&message, 2) as usize;
    message.resize(length.max(10), 0);
    from.read_exact(&mut message[10..]).ok()?;
    Some(message)
}

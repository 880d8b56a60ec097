//! Programs that somebody else wrote, run as a user would type them: in the test's directory, with its configuration,
//! under a timeout. What goes wrong is told with the command line and everything that the program said.

use crate::env::Env;
use std::fmt::{Display, Formatter};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No command of a test takes this long.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(20);

/// A command line that is being written.
pub struct Client {
    program: String,
    command: Command,
    variables: Vec<(String, String)>,
    input: Vec<u8>,
}

/// What a program said, and how it ended.
pub struct Said {
    line: String,
    status: ExitStatus,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error.
    pub err: String,
}

/// A program that runs beside the test; killed when dropped.
pub struct Running {
    line: String,
    child: Child,
    output: PathBuf,
}

impl Env {
    /// Begins a command line. The module logs nothing into its output.
    pub fn client(&self, program: &str) -> Client {
        let mut command = Command::new(program);
        command.current_dir(self.file("")).env_remove("SEALHSM_LOG");
        Client { program: program.into(), command, variables: Vec::new(), input: Vec::new() }
    }

    /// Writes a file into the test's directory that nobody else can read: it may be a PIN or a key.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(contents.as_ref())).unwrap_or_else(|e| panic!("{name}: {e}"));
        path
    }

    /// Reads a file of the test's directory.
    #[track_caller]
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.file(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Client {
    /// Adds words, separated by blanks: for those that have none within.
    pub fn words(self, words: &str) -> Self {
        self.args(words.split_whitespace())
    }

    /// Adds one word as it is.
    pub fn arg(self, word: impl AsRef<str>) -> Self {
        self.args([word])
    }

    /// Adds words as they are.
    pub fn args<S: AsRef<str>>(mut self, words: impl IntoIterator<Item = S>) -> Self {
        self.command.args(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.env(name, value.as_ref());
        self.variables.push((name.into(), value.as_ref().into()));
        self
    }

    /// What it reads on standard input.
    pub fn input(mut self, text: impl AsRef<[u8]>) -> Self {
        self.input = text.as_ref().to_vec();
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Said {
        let line = self.line();
        let file = || tempfile::tempfile().expect("a file for its input or output");
        let (mut input, mut out, mut err) = (file(), file(), file());
        input.write_all(&self.input).and_then(|()| input.rewind()).expect("its input");
        let same = |file: &File| file.try_clone().expect("a descriptor");
        self.command.stdin(input).stdout(same(&out)).stderr(same(&err));
        let mut child = self.command.spawn().unwrap_or_else(|e| panic!("{line}\n{e}"));
        let status = end(&mut child, LONGEST);
        let said = Said { line, status: status.0, out: whole(&mut out), err: text(&whole(&mut err)) };
        assert!(!status.1, "not done after {LONGEST:?}, killed: {said}");
        said
    }

    /// Runs it; it must end with 0.
    #[track_caller]
    pub fn succeeds(self) -> Said {
        let said = self.run();
        assert!(said.status.success(), "{said}");
        said
    }

    /// Runs it; it must end with another code, and not by a signal.
    #[track_caller]
    pub fn fails(self) -> Said {
        let said = self.run();
        assert!(said.status.code().is_some_and(|code| code != 0), "should have failed: {said}");
        said
    }

    /// Starts it beside the test. `name` is the file in the test's directory that takes what it says.
    pub fn start(mut self, env: &Env, name: &str) -> Running {
        let (line, output) = (self.line(), env.file(name));
        let file = File::create(&output).expect("a file for its output");
        self.command.stdin(Stdio::null()).stdout(file.try_clone().expect("a descriptor")).stderr(file);
        let child = self.command.spawn().unwrap_or_else(|e| panic!("{line}\n{e}"));
        Running { line, child, output }
    }

    fn line(&self) -> String {
        let variables = self.variables.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = self.command.get_args().map(|word| quoted(&word.to_string_lossy()));
        let line: Vec<String> = variables.chain([quoted(&self.program)]).chain(words).collect();
        line.join(" ")
    }
}

impl Said {
    /// Standard output as text.
    pub fn text(&self) -> String {
        text(&self.out)
    }

    /// Panics with everything unless its output holds this.
    #[track_caller]
    pub fn must_say(&self, words: &str) -> &Self {
        assert!(self.says(words), "does not say {words:?}: {self}");
        self
    }

    /// Panics with everything if its output holds this.
    #[track_caller]
    pub fn must_not_say(&self, words: &str) -> &Self {
        assert!(!self.says(words), "says {words:?}: {self}");
        self
    }

    /// Whether standard output or standard error holds this.
    pub fn says(&self, words: &str) -> bool {
        self.text().contains(words) || self.err.contains(words)
    }

    /// How it ended.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

impl Display for Said {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        write!(to, "$ {}\n{}\n{}[{}]", self.line, self.text(), self.err, self.status)
    }
}

impl Running {
    /// Waits until it listens on this port; whether it does, or has ended.
    fn listens(&mut self, port: u16) -> bool {
        let listening = self.until(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        // Somebody else may have taken the port before it could, and answered.
        listening && self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    /// Waits until a Unix socket is there.
    #[track_caller]
    pub fn makes(mut self, path: &Path) -> Self {
        let there = self.until(|| path.exists());
        assert!(there, "{} is not there: {self}", path.display());
        self
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn must_say(&mut self, words: &str) {
        let output = self.output.clone();
        let said = self.until(|| std::fs::read(&output).is_ok_and(|said| text(&said).contains(words)));
        assert!(said, "does not say {words:?}: {self}");
    }

    /// Waits for its end; it must end with 0.
    #[track_caller]
    pub fn succeeds(mut self) {
        let (status, killed) = end(&mut self.child, LONGEST);
        assert!(status.success() && !killed, "{status}: {self}");
    }

    /// Until `happens`; false if it does not in time or the program ends before.
    fn until(&mut self, happens: impl Fn() -> bool) -> bool {
        let late = Instant::now() + START;
        while !happens() {
            if Instant::now() > late || self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return happens();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
}

impl Display for Running {
    fn fmt(&self, to: &mut Formatter<'_>) -> std::fmt::Result {
        write!(to, "$ {} &\n{}", self.line, text(&std::fs::read(&self.output).unwrap_or_default()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server on a port that is free. Somebody else can take the port before the server does: then again, on
/// another.
#[track_caller]
pub fn serve(env: &Env, name: &str, server: impl Fn(u16) -> Client) -> (Running, u16) {
    let tried = (0..5).try_fold(String::new(), |_, _| {
        let port = free_port();
        let mut running = server(port).start(env, name);
        match running.listens(port) {
            true => ControlFlow::Break((running, port)),
            false => ControlFlow::Continue(running.to_string()),
        }
    });
    match tried {
        ControlFlow::Break(listening) => listening,
        ControlFlow::Continue(last) => panic!("does not listen: {last}"),
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Waits for a program's end, and whether it had to be killed for it.
fn end(child: &mut Child, longest: Duration) -> (ExitStatus, bool) {
    let late = Instant::now() + longest;
    loop {
        if let Some(status) = child.try_wait().expect("its end") {
            return (status, false);
        }
        if Instant::now() > late {
            child.kill().expect("to kill it");
            return (child.wait().expect("its end"), true);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn whole(file: &mut File) -> Vec<u8> {
    let mut all = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut all)).expect("what it said");
    all
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:=@%+,-".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

//! The control channel of swtpm (`swtpm_ioctl(8)` speaks it too): a big-endian command number, answered by a
//! big-endian result, 0 for success.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Ends swtpm after its state is written.
const CMD_SHUTDOWN: u32 = 3;
/// What is served: one bit a command. Any running swtpm answers it.
const CMD_GET_CAPABILITY: u32 = 1;
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether somebody answers there.
pub fn answers(socket: &Path) -> bool {
    // Its answer is the bits themselves, never a result alone.
    command(socket, CMD_GET_CAPABILITY).is_ok()
}

/// Asks swtpm to end; it does after it has answered.
pub fn shutdown(socket: &Path) -> io::Result<()> {
    match command(socket, CMD_SHUTDOWN)? {
        0 => Ok(()),
        refused => Err(io::Error::other(format!("swtpm refuses to end, result {refused:#x}"))),
    }
}

fn command(socket: &Path, number: u32) -> io::Result<u32> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&number.to_be_bytes())?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    Ok(u32::from_be_bytes(answer))
}

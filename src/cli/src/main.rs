//! `sealhsm`, the administrator's command: parses, dispatches, turns the outcome into an exit code.
//! It is a client of the core and of the rings below; rules of PKCS#11, files and the TPM are theirs.
//!
//! Exit codes: 0 done, 1 failed (or, for the two `status` commands, something is wrong), 2 wrong usage.

mod args;
mod context;
mod failure;
mod manual;
mod object;
mod output;
mod pin;
mod prompt;
mod recovery;
mod select;
mod slots;
mod status;
mod swtpm;
mod token;
mod tpm;

use args::{Cli, Command};
use clap::Parser;
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(std::io::stderr(), "sealhsm: {}", output::plain_lines(&failure.to_string()));
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Token(command) => token::run(command),
        Command::Object(command) => object::run(command),
        Command::Recovery(command) => recovery::run(command),
        Command::Tpm(command) => tpm::run(command),
        Command::Swtpm(command) => return swtpm::run(command),
        Command::Status(format) => return status::run(&format),
        Command::Slots(format) => slots::run(&format),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { directory } => manual::pages(&directory),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Warnings and worse; `SEALHSM_LOG` may ask for more. `RUST_LOG` is other programs'.
fn log_to_stderr() {
    let asked = std::env::var("SEALHSM_LOG").ok().and_then(|level| level.parse().ok());
    let mut builder = env_logger::Builder::new();
    builder.filter_level(asked.unwrap_or(log::LevelFilter::Warn));
    builder.format(|line, record| {
        let text = output::plain(&record.args().to_string());
        match record.level() {
            log::Level::Error => writeln!(line, "sealhsm: {text}"),
            log::Level::Warn => writeln!(line, "sealhsm: warning: {text}"),
            level => writeln!(line, "sealhsm: {}: {text}", level.as_str().to_lowercase()),
        }
    });
    builder.init();
}

//! Completion scripts and manual pages, made from the same table as the help.

use crate::args::Cli;
use crate::failure::Failure;
use crate::output;
use clap::CommandFactory;
use clap_complete::Shell;
use std::path::Path;

/// `sealhsm completions`.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sealhsm", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}

/// `sealhsm man`: one page per command.
pub fn pages(directory: &Path) -> Result<(), Failure> {
    clap_mangen::generate_to(Cli::command(), directory).map_err(|e| Failure::io(directory, &e))
}

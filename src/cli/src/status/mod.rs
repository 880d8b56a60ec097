//! `sealhsm status`: everything on one page, and what is wrong with it. Works without a TPM, without tokens, for
//! whoever may read the token directory.

mod damage;
mod findings;

use crate::args::Format;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, plain, yes};
use crate::token;
use findings::Finding;
use rustix::fs::{Access, access};
use sealhsm_door::{Parent, Status};
use sealhsm_seal as seal;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// See the module's description. Field names are those of the JSON.
#[derive(Serialize)]
struct View {
    version: &'static str,
    /// Null: none, so the defaults.
    configuration: Option<PathBuf>,
    token_directory: PathBuf,
    /// What asks the TPM: a program, or a socket.
    agent: Option<PathBuf>,
    /// Null: it cannot be asked; `problems` says why.
    tpm: Option<TpmView>,
    tokens: Vec<token::View>,
    unreadable: Vec<Unreadable>,
    /// Something does not work until this is done.
    problems: Vec<Finding>,
    /// Everything works, and yet.
    notes: Vec<Finding>,
}

#[derive(Serialize)]
struct TpmView {
    tcti: String,
    manufacturer: String,
    software: bool,
    wrong_tries: u32,
    max_tries: u32,
    seconds_per_forgiven_try: u32,
    locked: bool,
    owner_authorization_set: bool,
    lockout_authorization_set: bool,
    /// Null: none is kept, so it is made at each use.
    parent: Option<token::ParentView>,
    /// Why the key at the well-known handle is not used.
    parent_refused: Option<String>,
}

#[derive(Serialize)]
struct Unreadable {
    path: PathBuf,
    reason: String,
}

/// Does what was asked. Failure: something is wrong.
pub fn run(format: &Format) -> Result<ExitCode, Failure> {
    // Everything that would be logged is said below.
    log::set_max_level(log::LevelFilter::Off);
    let context = Context::load()?;
    let view = look(&context)?;
    match format.json {
        true => output::json(&view)?,
        false => output::print(&page(&view))?,
    }
    Ok(if view.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn look(context: &Context) -> Result<View, Failure> {
    let asked = context.door.status();
    // What a new token would be sealed to; made now if the TPM keeps none.
    let parent = asked.as_ref().ok().map(|_| context.door.parent());
    // First without the library, which says in the log alone why it cannot.
    let listed = seal::list(&context.seal).map_err(Failure::from);
    let (places, unreadable) = match listed {
        Ok((_, unreadable)) => (context.places(), unreadable),
        Err(failure) => (Err(failure), Vec::new()),
    };
    let mut findings = findings::List::default();
    findings.of_tpm(&asked, parent.as_ref());
    let present = parent.as_ref().and_then(|p| p.as_ref().ok());
    findings.of_socket(refused_socket(context).as_deref());
    findings.of_tokens(&places, present);
    findings.of_directories(&unreadable);
    for place in places.iter().flatten().filter(|place| present.is_some_and(|parent| findings::fits(parent, place))) {
        findings.of_objects(&place.token, damage::of(context, &place.token));
    }
    Ok(View {
        version: env!("CARGO_PKG_VERSION"),
        configuration: context.config.file.clone(),
        token_directory: context.config.tokendir.clone(),
        agent: agent(context),
        tpm: asked.ok().map(|status| tpm_view(status, parent.and_then(Result::ok).as_ref())),
        tokens: places.unwrap_or_default().iter().map(|place| token::View::new(context, place)).collect(),
        unreadable: unreadable.into_iter().map(|u| Unreadable { path: u.path, reason: u.reason }).collect(),
        problems: findings.problems,
        notes: findings.notes,
    })
}

/// What the door would ask: the socket, if it may.
fn agent(context: &Context) -> Option<PathBuf> {
    let settings = context.config.door_settings();
    let socket = settings.socket.filter(|socket| settings.tpm.is_none() && may_use(socket).unwrap_or(false));
    socket.or_else(|| settings.agents.into_iter().find(|program| program.exists()))
}

/// The socket that this user would use if he were in its group.
fn refused_socket(context: &Context) -> Option<PathBuf> {
    let settings = context.config.door_settings();
    settings.socket.filter(|socket| settings.tpm.is_none() && may_use(socket) == Some(false))
}

/// None: there is no such socket.
fn may_use(socket: &Path) -> Option<bool> {
    socket.exists().then(|| access(socket, Access::WRITE_OK).is_ok())
}

fn tpm_view(status: Status, parent: Option<&Parent>) -> TpmView {
    TpmView {
        tcti: status.tcti,
        manufacturer: status.manufacturer,
        software: status.simulated,
        wrong_tries: status.lockout_counter,
        max_tries: status.max_tries,
        seconds_per_forgiven_try: status.lockout_interval,
        locked: status.in_lockout,
        owner_authorization_set: status.owner_auth_set,
        lockout_authorization_set: status.lockout_auth_set,
        parent: status.parent.as_ref().or(parent).map(token::ParentView::from),
        parent_refused: status.parent_refused,
    }
}

fn page(view: &View) -> String {
    let mut lines = vec![
        ("Version", view.version.to_string()),
        ("Configuration", or(view.configuration.as_ref().map(|p| p.display().to_string()), "none, the defaults")),
        ("Tokens", view.token_directory.display().to_string()),
        ("Agent", or(view.agent.as_ref().map(|p| p.display().to_string()), "not found")),
    ];
    match &view.tpm {
        None => lines.push(("TPM", "does not answer".into())),
        Some(tpm) => lines.extend(tpm_lines(tpm)),
    }
    let mut text = output::fields(0, &lines);
    for token in &view.tokens {
        let _ = write!(text, "\nToken {}\n{}", plain(&token.label), token.block());
    }
    for (title, findings) in [("Wrong", &view.problems), ("Worth knowing", &view.notes)] {
        if !findings.is_empty() {
            let _ = write!(text, "\n{title}:\n{}", findings.iter().map(Finding::line).collect::<String>());
        }
    }
    if view.problems.is_empty() {
        text += "\nNothing is wrong that shows without a PIN.\n";
    }
    text
}

fn tpm_lines(tpm: &TpmView) -> Vec<(&'static str, String)> {
    let kind = if tpm.software { " (software)" } else { "" };
    let set = |so: bool| if so { "set".to_string() } else { "empty".to_string() };
    vec![
        ("TPM", format!("{}{kind}, {}", plain(&tpm.manufacturer), tpm.tcti)),
        (
            "Wrong PINs",
            format!("{} of {}, one forgiven every {} s", tpm.wrong_tries, tpm.max_tries, tpm.seconds_per_forgiven_try),
        ),
        ("Locked", yes(tpm.locked)),
        ("Owner auth", set(tpm.owner_authorization_set)),
        ("Lockout auth", set(tpm.lockout_authorization_set)),
        ("Parent", or(tpm.parent.as_ref().map(token::ParentView::describe), "none")),
    ]
}

fn or(text: Option<String>, otherwise: &str) -> String {
    text.unwrap_or_else(|| otherwise.into())
}

//! `sealhsm token`: what happens to whole tokens. The work is the keyslots' (`sealhsm_seal`); here are the choice of
//! the token, the PINs, and what the administrator should know afterwards.

mod init;
mod view;

use crate::args::{AddRecoveryKey, Delete, Format, InitPin, Recover, SetPin, Token};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::pin;
use crate::prompt::Terminal;
use sealhsm_seal::{self as seal, Who};
use uuid::Uuid;
pub use view::{ParentView, View};

/// Does what was asked.
pub fn run(command: Token) -> Result<(), Failure> {
    let context = Context::load()?;
    match command {
        Token::Init(args) => init::run(&context, &args),
        Token::List(format) => list(&context, &format),
        Token::Delete(args) => delete(&context, &args),
        Token::SetPin(args) => set_pin(&context, &args),
        Token::InitPin(args) => init_pin(&context, &args),
        Token::AddRecoveryKey(args) => add_recovery_key(&context, &args),
        Token::Recover(args) => recover(&context, &args),
    }
}

fn list(context: &Context, format: &Format) -> Result<(), Failure> {
    let views: Vec<View> = context.places()?.iter().map(|place| View::new(context, place)).collect();
    match format.json {
        true => output::json(&views),
        false => output::print(&view::table(&views)),
    }
}

fn delete(context: &Context, args: &Delete) -> Result<(), Failure> {
    if !args.token.given() {
        return Err(Failure::usage("which token? choose one with --token, --serial, --slot or --uuid"));
    }
    let places = context.places()?;
    let (uuid, name) = match (args.token.choose(&places), args.token.uuid) {
        (Ok(place), _) => (place.token.uuid, format!("{} (serial {})", plain(&place.token.label), place.token.serial)),
        // One that cannot be read is not among the tokens, but its directory has a name.
        (Err(_), Some(uuid)) if args.force && unreadable(context, uuid)? => (uuid, uuid.to_string()),
        (Err(failure), _) => return Err(failure),
    };
    if !args.force {
        let terminal = Terminal::open().ok_or("no terminal to ask for confirmation on; --force deletes without")?;
        let question = format!("Delete token {name} and everything in it, for ever? Type yes: ");
        if !terminal.agrees(&question).map_err(|e| e.to_string())? {
            return Err("not confirmed; nothing was deleted".into());
        }
    }
    seal::delete(&context.seal, uuid)?;
    output::print(&format!("Token {name} is deleted.\n"))
}

fn unreadable(context: &Context, uuid: Uuid) -> Result<bool, Failure> {
    let directory = context.config.tokendir.join(uuid.to_string());
    Ok(seal::list(&context.seal)?.1.iter().any(|bad| bad.path == directory))
}

fn set_pin(context: &Context, args: &SetPin) -> Result<(), Failure> {
    let places = context.places()?;
    let token = &args.token.choose(&places)?.token;
    let (who, kind) = match args.so {
        true => (Who::So, pin::SO_PRESENT),
        false => (Who::User, pin::USER),
    };
    let mut pins = context.pins();
    let present = pins.present(&kind, &args.pin.source())?;
    let fresh = pins.fresh(&pin::NEW, &args.new_pin.source())?;
    let key = seal::open(&context.seal, &context.door, token.uuid, who, &present)?;
    seal::set_pin(&context.seal, &context.door, token.uuid, &key, who, &fresh)?;
    output::print(&format!("The {} of token {} is changed.\n", name(who), plain(&token.label)))
}

fn init_pin(context: &Context, args: &InitPin) -> Result<(), Failure> {
    let places = context.places()?;
    let token = &args.token.choose(&places)?.token;
    let mut pins = context.pins();
    let so = pins.present(&pin::SO, &args.so_pin.source())?;
    let user = pins.fresh(&pin::USER, &args.pin.source())?;
    let key = seal::open(&context.seal, &context.door, token.uuid, Who::So, &so)
        .map_err(|e| Failure::from(e).during("SO PIN"))?;
    seal::set_pin(&context.seal, &context.door, token.uuid, &key, Who::User, &user)?;
    output::print(&format!("The user PIN of token {} is set.\n", plain(&token.label)))
}

fn add_recovery_key(context: &Context, args: &AddRecoveryKey) -> Result<(), Failure> {
    let places = context.places()?;
    let token = &args.token.choose(&places)?.token;
    let public = seal::read_recovery_public(&args.key)?;
    let so = context.pins().present(&pin::SO, &args.so_pin.source())?;
    let key = seal::open(&context.seal, &context.door, token.uuid, Who::So, &so)?;
    seal::add_recovery(&context.seal, token.uuid, &key, public)?;
    output::print(&format!("The recovery key opens token {} from now on.\n", plain(&token.label)))
}

fn recover(context: &Context, args: &Recover) -> Result<(), Failure> {
    let places = context.places()?;
    let token = &args.token.choose(&places)?.token;
    let private = seal::read_recovery_private(&args.recovery_key)?;
    let mut pins = context.pins();
    let so = pins.fresh(&pin::SO, &args.so_pin.source())?;
    let user = match args.no_user_pin {
        true => None,
        false => pins.fresh_if_any(&pin::USER, &args.pin.source())?,
    };
    seal::recover(&context.seal, &context.door, token.uuid, &private, &so, user.as_ref())?;
    let mut text =
        format!("Token {} is sealed to this TPM with new PINs, its objects untouched.\n", plain(&token.label));
    if user.is_none() {
        text += NO_USER_PIN;
    }
    output::print(&text)
}

const NO_USER_PIN: &str = "It has no user PIN yet; `sealhsm token init-pin` sets one.\n";

fn name(who: Who) -> &'static str {
    match who {
        Who::User => "user PIN",
        Who::So => "SO PIN",
    }
}

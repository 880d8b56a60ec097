//! `sealhsm object`: a client of the core's API like any other, so that what may be seen and destroyed is decided there.

mod export;
mod import;
mod kinds;
mod view;

use crate::args::{Class, Filter, Login, Object, ObjectDelete, ObjectList};
use crate::context::Context;
use crate::failure::Failure;
use crate::output;
use crate::pin;
use crate::select::Selector;
use cryptoki_sys as ck;
use sealhsm_core::Application;
use sealhsm_core::attribute::{Raw, Template};
use sealhsm_secret::Secret;
use view::View;

/// How many handles are asked for at a time.
const BATCH: usize = 1024;

/// Does what was asked.
pub fn run(command: Object) -> Result<(), Failure> {
    match command {
        Object::List(args) => list(&args),
        Object::Delete(args) => delete(&args),
        Object::Import(args) => import::run(&args),
        Object::Export(args) => export::run(&args),
    }
}

fn list(args: &ObjectList) -> Result<(), Failure> {
    let open = Open::new(&args.token, &args.login, 0)?;
    let views = open.find(&args.filter)?;
    open.application.stop();
    match args.format.json {
        true => output::json(&views),
        false => output::print(&view::table(&views)),
    }
}

fn delete(args: &ObjectDelete) -> Result<(), Failure> {
    let filter = &args.filter;
    if filter.class.is_none() && filter.label.is_none() && filter.id.is_none() && filter.unique_id.is_none() {
        return Err(Failure::usage("which objects? choose with --type, --label, --id or --unique-id"));
    }
    let open = Open::new(&args.token, &args.login, ck::CKF_RW_SESSION)?;
    let views = open.find(filter)?;
    if views.is_empty() {
        let hint = if open.logged_in { "" } else { " among the public ones; --login looks at private ones too" };
        return Err(format!("no such object{hint}; `sealhsm object list` shows which there are").into());
    }
    if views.len() > 1 && !args.all {
        let which = view::table(&views);
        return Err(format!("several objects fit; choose one with --unique-id, or take --all:\n{which}").into());
    }
    for view in &views {
        open.application
            .destroy_object(open.session, view.handle)
            .map_err(|e| Failure::from(e).during(&format!("object {}", view.unique_id)))?;
    }
    open.application.stop();
    // A private half that is still there should not be taken for destroyed.
    let hint = if open.logged_in { "" } else { " Private ones were not looked at; --login does that." };
    output::print(&match views.len() {
        1 => format!("1 object is destroyed.{hint}\n"),
        many => format!("{many} objects are destroyed.{hint}\n"),
    })
}

/// An open session with a token.
struct Open {
    application: Application,
    session: u64,
    logged_in: bool,
}

impl Open {
    /// `flags`: CKF_RW_SESSION or none. Logs the user in if a PIN is given or to be asked for.
    fn new(token: &Selector, login: &Login, flags: u64) -> Result<Open, Failure> {
        let context = Context::load()?;
        let application = context.application()?;
        let places = context.places_in(&application)?;
        let slot = token.choose(&places)?.slot;
        let mut pins = context.pins();
        let pin = match login.login {
            true => Some(pins.present(&pin::USER, &login.pin.source())?),
            false => pins.given(&pin::USER, &login.pin.source())?,
        };
        Open::with(application, slot, flags, pin.as_ref())
    }

    /// Logs in with this PIN, if any.
    fn with(application: Application, slot: u64, flags: u64, pin: Option<&Secret>) -> Result<Open, Failure> {
        let session = application.open_session(slot, ck::CKF_SERIAL_SESSION | flags)?;
        if let Some(pin) = pin {
            application.login(session, ck::CKU_USER, pin)?;
        }
        Ok(Open { application, session, logged_in: pin.is_some() })
    }

    fn find(&self, filter: &Filter) -> Result<Vec<View>, Failure> {
        let yes = [1u8];
        let class = filter.class.map(|class| class_number(class).to_ne_bytes());
        let mut wanted = vec![(ck::CKA_TOKEN, Raw::Bytes(&yes))];
        wanted.extend(class.as_ref().map(|number| (ck::CKA_CLASS, Raw::Bytes(number))));
        wanted.extend(filter.label.as_ref().map(|label| (ck::CKA_LABEL, Raw::Bytes(label.as_bytes()))));
        wanted.extend(filter.id.as_ref().map(|id| (ck::CKA_ID, Raw::Bytes(&id.0))));
        wanted.extend(filter.unique_id.as_ref().map(|name| (ck::CKA_UNIQUE_ID, Raw::Bytes(name.as_bytes()))));
        self.views(&self.search(&Template(wanted))?)
    }

    /// The handles of everything that matches.
    fn search(&self, wanted: &Template<'_>) -> Result<Vec<u64>, Failure> {
        self.application.find_init(self.session, wanted)?;
        let mut found = Vec::new();
        loop {
            let handles = self.application.find(self.session, BATCH)?;
            if handles.is_empty() {
                break;
            }
            found.extend(handles);
        }
        self.application.find_final(self.session)?;
        Ok(found)
    }

    fn views(&self, handles: &[u64]) -> Result<Vec<View>, Failure> {
        handles.iter().map(|handle| View::read(&self.application, self.session, *handle)).collect()
    }
}

fn class_number(class: Class) -> ck::CK_OBJECT_CLASS {
    match class {
        Class::Data => ck::CKO_DATA,
        Class::Cert => ck::CKO_CERTIFICATE,
        Class::Pubkey => ck::CKO_PUBLIC_KEY,
        Class::Privkey => ck::CKO_PRIVATE_KEY,
        Class::Secrkey => ck::CKO_SECRET_KEY,
    }
}

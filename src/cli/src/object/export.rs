//! `sealhsm object export`: certificates and public keys as other programs read them.

use super::Open;
use super::view::{self, View};
use crate::args::{Class, ObjectExport};
use crate::failure::Failure;
use crate::output;
use cryptoki_sys as ck;
use sealhsm_core::attribute::{Answer, Type, Value};
use sealhsm_crypto::import;

/// What can be exported: the class as `object list` shows it, the attribute that is written, the label of the PEM.
const EXPORTED: &[(&str, Type, &str)] =
    &[("cert", ck::CKA_VALUE, "CERTIFICATE"), ("pubkey", ck::CKA_PUBLIC_KEY_INFO, "PUBLIC KEY")];

/// Does what was asked.
pub fn run(args: &ObjectExport) -> Result<(), Failure> {
    if matches!(args.filter.class, Some(Class::Privkey | Class::Secrkey | Class::Data)) {
        return Err(Failure::usage("only certificates (--type cert) and public keys (--type pubkey) are exported"));
    }
    let open = Open::new(&args.token, &args.login, 0)?;
    let found = open.find(&args.filter)?;
    let fitting: Vec<&View> = found.iter().filter(|view| row(view).is_some()).collect();
    if fitting.is_empty() {
        return Err(match found.is_empty() {
            true => "no such object; `sealhsm object list` shows which there are".into(),
            false => "neither a certificate nor a public key; private and secret keys do not leave the token".into(),
        });
    }
    if fitting.len() > 1 && !args.all {
        let which = view::table(&found);
        let text = "several objects fit; choose one with --type and --unique-id, or take --all";
        return Err(format!("{text}:\n{which}").into());
    }
    let mut written = Vec::new();
    for view in fitting {
        written.extend(encoded(&open, view, args.der)?);
    }
    open.application.stop();
    match args.out.as_ref().filter(|path| path.as_os_str() != "-") {
        Some(path) => std::fs::write(path, written).map_err(|e| Failure::io(path, &e)),
        None => output::raw(&written),
    }
}

fn row(view: &View) -> Option<&'static (&'static str, Type, &'static str)> {
    EXPORTED.iter().find(|(class, _, _)| *class == view.class)
}

fn encoded(open: &Open, view: &View, der: bool) -> Result<Vec<u8>, Failure> {
    let (_, of, label) = row(view).ok_or("nothing that can be exported")?;
    let answers = open.application.attributes(open.session, view.handle, &[*of])?;
    let Some(Answer::Value(Value::Bytes(value))) = answers.into_iter().next().filter(|answer| !is_empty(answer)) else {
        let name = output::plain(&view.label);
        return Err(format!("{} \"{name}\" has nothing that could be written", view.class).into());
    };
    match der {
        true => Ok(value),
        false => Ok(import::pem(label, &value).map_err(|e| format!("OpenSSL: {e}"))?.into_bytes()),
    }
}

fn is_empty(answer: &Answer) -> bool {
    matches!(answer, Answer::Value(Value::Bytes(bytes)) if bytes.is_empty())
}

//! Choosing one token: by label, serial number, slot or UUID. Labels may repeat, so a choice can be ambiguous.

use crate::context::Place;
use crate::failure::Failure;
use crate::output::plain;
use clap::Args;
use uuid::Uuid;

/// One token; with none of the options, the only one there is.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which token")]
#[group(multiple = false)]
pub struct Selector {
    /// The token with this label
    #[arg(long, value_name = "LABEL")]
    pub token: Option<String>,
    /// The token with this serial number
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,
    /// The token in this slot (decimal, or 0x and hexadecimal)
    #[arg(long, value_name = "ID", value_parser = slot)]
    pub slot: Option<u64>,
    /// The token whose directory has this name
    #[arg(long, value_name = "UUID")]
    pub uuid: Option<Uuid>,
}

impl Selector {
    /// Whether a token was named at all.
    pub fn given(&self) -> bool {
        self.token.is_some() || self.serial.is_some() || self.slot.is_some() || self.uuid.is_some()
    }

    fn fits(&self, place: &Place) -> bool {
        let token = &place.token;
        self.token.as_ref().is_none_or(|label| filled(label) == filled(&token.label))
            && self.serial.as_ref().is_none_or(|serial| serial.eq_ignore_ascii_case(&token.serial))
            && self.slot.is_none_or(|slot| slot == place.slot)
            && self.uuid.is_none_or(|uuid| uuid == token.uuid)
    }

    /// The one token meant.
    pub fn choose<'a>(&self, places: &'a [Place]) -> Result<&'a Place, Failure> {
        if places.is_empty() {
            return Err("there is no token; `sealhsm token init` makes one".into());
        }
        let fitting: Vec<&Place> = places.iter().filter(|place| self.fits(place)).collect();
        match fitting.as_slice() {
            [one] => Ok(one),
            [] => Err("no such token; `sealhsm token list` shows which there are".into()),
            several if self.given() => {
                Err(format!("several tokens fit; choose one with --serial:{}", lines(several)).into())
            }
            several => Err(format!("there are several tokens; choose one with --serial:{}", lines(several)).into()),
        }
    }
}

/// Programs that show a label may show the spaces that fill up its field.
fn filled(label: &str) -> &str {
    label.trim_end_matches(' ')
}

fn lines(places: &[&Place]) -> String {
    let line = |place: &&Place| {
        let token = &place.token;
        format!("\n  --serial {}  slot {}  {}", token.serial, place.slot, plain(&token.label))
    };
    places.iter().map(line).collect()
}

fn slot(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    number.map_err(|_| "a slot ID, as `sealhsm slots` shows it".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealhsm_door::Parent;
    use sealhsm_seal::Listed;

    fn place(slot: u64, label: &str) -> Place {
        let token = Listed {
            uuid: Uuid::from_u128(slot.into()),
            label: label.into(),
            serial: format!("{slot:016x}"),
            user_pin_set: true,
            simulated: false,
            parent: Parent::default(),
            epoch: 1,
            recovery: false,
        };
        Place { slot, token }
    }

    fn by_label(label: &str) -> Selector {
        Selector { token: Some(label.into()), ..Selector::default() }
    }

    #[test]
    fn the_only_token_need_not_be_named() {
        assert_eq!(Selector::default().choose(&[place(7, "a")]).unwrap().slot, 7);
        let error = Selector::default().choose(&[place(7, "a"), place(8, "b")]).unwrap_err().to_string();
        assert!(error.contains("0000000000000007") && error.contains("0000000000000008"), "{error}");
    }

    #[test]
    fn a_label_that_two_tokens_have_is_refused_with_both_named() {
        let places = [place(1, "a"), place(2, "a"), place(3, "b")];
        let error = by_label("a").choose(&places).unwrap_err().to_string();
        assert!(error.contains("slot 1") && error.contains("slot 2") && !error.contains("slot 3"), "{error}");
        assert_eq!(by_label("b").choose(&places).unwrap().slot, 3);
        assert_eq!(by_label("b   ").choose(&places).unwrap().slot, 3);
        assert!(by_label("c").choose(&places).is_err());
    }

    #[test]
    fn a_slot_is_read_as_decimal_or_hexadecimal() {
        assert_eq!(slot("206759209"), slot("0xc52e529"));
        assert!(slot("-1").is_err());
    }
}

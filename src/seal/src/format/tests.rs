//! The format alone: what is written is read back, and nothing else is.

use super::*;

fn blob(seed: u8) -> SealedBlob {
    SealedBlob { public: vec![seed; 82], private: vec![seed ^ 0xff; 190] }
}

fn pin(seed: u8) -> PinSlot {
    let argon2 = Argon2 { memory_kib: 16384, passes: 2 };
    PinSlot { argon2, salt: [seed; 32], sealed: blob(seed), wrapped: [seed; WRAPPED] }
}

/// One with everything in it.
pub fn token() -> Token {
    Token {
        uuid: Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff),
        label: "a \"label\" \\ \n\u{7f}\u{0} ünï".into(),
        epoch: 7,
        simulated: true,
        parent: Parent { handle: 0x8100_0001, template: "ecc-p256".into(), name: vec![0, 11, 1, 2, 3] },
        so: pin(1),
        user: Some(pin(2)),
        machine: MachineSlot { salt: [3; 32], sealed: blob(3), wrapped: [3; WRAPPED] },
        recovery: Some(RecoverySlot { public: [4; 32], ephemeral: [5; 32], wrapped: [6; WRAPPED] }),
    }
}

fn text() -> String {
    finish(print(&token()), &[0xab; 32])
}

fn refused(text: &str) -> String {
    match parse(text).unwrap_err() {
        Refusal::Malformed(why) => why,
        Refusal::UnknownVersion(v) => panic!("version {v}"),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let bare = Token { user: None, recovery: None, label: String::new(), simulated: false, ..token() };
    for token in [token(), bare] {
        let authenticated = print(&token);
        let text = finish(authenticated.clone(), &[0xab; 32]);
        let parsed = parse(&text).unwrap();
        assert_eq!(parsed.token, token);
        assert_eq!(parsed.authenticated, authenticated);
        assert_eq!(parsed.mac, [0xab; 32]);
    }
}

#[test]
fn an_administrator_can_read_it() {
    let text = text();
    for line in [
        "version = 1",
        "uuid = \"00112233-4455-6677-8899-aabbccddeeff\"",
        "serial = \"8899aabbccddeeff\"",
        "epoch = 7",
        "handle = 0x81000001",
        "name = \"000b010203\"",
        "[keyslot.user]",
        "argon2_memory_kib = 16384",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}");
    }
}

#[test]
fn the_serial_and_slot_are_the_end_of_the_uuid() {
    let uuid = token().uuid;
    assert_eq!(serial(uuid), "8899aabbccddeeff");
    assert_eq!(slot(uuid), 0x4cdd_eeff);
}

#[test]
fn another_version_is_told_apart_from_damage_whatever_else_it_says() {
    let later = text().replace("version = 1", "version = 2").replace("[mac]", "[later]\nfield = 1\n[mac]");
    assert_eq!(parse(&later).unwrap_err(), Refusal::UnknownVersion(2));
    assert!(refused(&text().replace("version = 1\n", "")).contains("version"));
}

#[test]
fn a_field_that_is_not_known_is_refused_in_every_table() {
    for head in ["[parent]", "[keyslot.so]", "[keyslot.machine]", "[keyslot.recovery]", "[mac]"] {
        let bad = text().replacen(head, &format!("{head}\nmore = 1"), 1);
        assert!(refused(&bad).contains("more"), "{head}");
    }
    assert!(refused(&text().replacen("[parent]", "[keyslot.node]\nsalt = \"\"\n[parent]", 1)).contains("node"));
    assert!(refused(&text().replacen("epoch", "more = 1\nepoch", 1)).contains("more"));
}

#[test]
fn argon2_costs_out_of_bounds_are_refused() {
    for (field, value) in [
        ("argon2_memory_kib = 16384", "argon2_memory_kib = 8191"),
        ("argon2_memory_kib = 16384", "argon2_memory_kib = 1048577"),
        ("argon2_passes = 2", "argon2_passes = 0"),
        ("argon2_passes = 2", "argon2_passes = 17"),
    ] {
        assert!(refused(&text().replacen(field, value, 1)).contains("Argon2id"), "{value}");
    }
    assert!(parse(&text().replacen("argon2_passes = 2", "argon2_passes = 4294967298", 1)).is_err());
}

#[test]
fn the_last_line_has_exactly_one_spelling() {
    let text = text();
    for bad in [
        text.trim_end().to_string(),
        format!("{text}\n"),
        format!("{text}# more\n"),
        text.replace("\nhmac_sha256 = ", "\nhmac_sha256  = "),
        text.replace("\nhmac_sha256 = ", "\n hmac_sha256 = "),
        text.replace("abab\"\n", "abAB\"\n"),
        text.replace("abab\"\n", "ab\"\n"),
        text.replace("abab\"\n", "abab\" # more\n"),
        text.replace("abab\"\n", "abab\"\r\n"),
    ] {
        parse(&bad).unwrap_err();
    }
}

#[test]
fn bounds_hold() {
    for (field, value) in [
        ("epoch = 7", "epoch = 0"),
        ("epoch = 7", "epoch = -1"),
        ("uuid = \"00112233-", "uuid = \"00112233"),
        ("serial = \"88", "serial = \"98"),
        ("label = \"a", "label = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("simulated = true", "simulated = \"true\""),
        ("salt = \"01", "salt = \""),
        ("salt = \"01", "salt = \"0101"),
        ("salt = \"01", "salt = \"0G"),
        ("name = \"000", "name = \"00"),
    ] {
        refused(&text().replacen(field, value, 1));
    }
    let long = format!("sealed_private = \"{}", "00".repeat(2048));
    refused(&text().replacen("sealed_private = \"", &long, 1));
}

#[test]
fn no_text_makes_it_panic() {
    let text = text();
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        let _ = parse(&text[..at]);
        let _ = parse(&text[at..]);
    }
    let _ = parse("");
    let _ = parse("\n");
    let _ = parse(&"[".repeat(MAX_FILE));
    let _ = parse(&"a={".repeat(MAX_FILE / 3));
}

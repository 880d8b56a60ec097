//! `sealhsm object import` and `export`, with files that plain openssl made and judges.

mod common;

use common::{Done, Site, beside};
use serde_json::Value;

/// A token and, as its user, its PIN in the file `pin`.
fn site() -> Site {
    let site = Site::with_tpm();
    site.token("t");
    site.file("passphrase", "open sesame\n");
    site.file("document", "signed\n");
    site
}

/// Runs openssl in the place of the test; a word that starts with `@` is a path in it.
fn openssl(site: &Site, words: &str) -> Vec<u8> {
    let words = words.split_whitespace().map(|word| match word.split_once('@') {
        Some((before, name)) => format!("{before}{}", site.text(name)),
        None => word.to_string(),
    });
    let output = site.program("openssl").args(words).output().expect("openssl");
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

const KINDS: &[(&str, &str)] = &[
    ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
    ("p256", "EC -pkeyopt ec_paramgen_curve:P-256"),
    ("p521", "EC -pkeyopt ec_paramgen_curve:P-521"),
    ("ed25519", "ED25519"),
    ("x448", "X448"),
    ("dh", "DH -pkeyopt group:ffdhe2048"),
    ("dhx", "DHX -pkeyopt dh_rfc5114:2"),
];

fn generate(site: &Site, name: &str) {
    let (_, algorithm) = KINDS.iter().find(|(known, _)| *known == name).expect("a kind");
    openssl(site, &format!("genpkey -algorithm {algorithm} -out @{name}.pem"));
    openssl(site, &format!("pkey -in @{name}.pem -pubout -out @{name}.pub"));
}

fn import(site: &Site, words: &[&str]) -> Done {
    site.run(&[&["object", "import", "--pin-file", "@pin"], words].concat())
}

/// The JSON of what was imported.
fn imported(site: &Site, words: &[&str]) -> Vec<Value> {
    let all = import(site, &[&["--json"], words].concat()).json();
    all.as_array().expect("a list").clone()
}

fn field<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

fn types(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| field(object, "type")).collect()
}

/// Signs the document with the private key in the token; the signature is in `signature`.
fn sign(site: &Site, id: &str, mechanism: &str) {
    try_to_sign(site, id, mechanism).ok();
}

fn try_to_sign(site: &Site, id: &str, mechanism: &str) -> Done {
    let mut tool = site.program("pkcs11-tool");
    tool.arg("--module").arg(beside("libsealhsm.so")).args(["--login", "--pin", "1234", "--sign"]);
    tool.args(["--signature-format", "openssl", "-m", mechanism, "--id", id, "-i", &site.text("document")]);
    Done::of(tool.arg("-o").arg(site.path("signature")).output().expect("pkcs11-tool (opensc)"))
}

/// The subject key identifier of a certificate, as openssl writes it into one.
fn subject_key_id(site: &Site, key: &str) -> String {
    openssl(site, &format!("req -x509 -new -key @{key} -subj /CN=any -out @ski.pem"));
    subject_key_id_of(site, "ski.pem")
}

fn subject_key_id_of(site: &Site, certificate: &str) -> String {
    let text = openssl(site, &format!("x509 -in @{certificate} -noout -ext subjectKeyIdentifier"));
    let text = String::from_utf8(text).expect("text");
    text.lines().last().expect("a line").trim().replace(':', "").to_lowercase()
}

#[test]
fn one_import_makes_both_halves_with_the_same_id_and_the_public_one_comes_out_again() {
    let site = site();
    for (name, _) in KINDS {
        generate(&site, name);
        let made = imported(&site, &[&format!("@{name}.pem")]);
        assert_eq!(types(&made), ["pubkey", "privkey"], "{name}");
        assert_eq!((field(&made[0], "id"), field(&made[0], "label")), (field(&made[1], "id"), *name));
        let public = std::fs::read_to_string(site.path(&format!("{name}.pub"))).expect("the public key");
        let id = field(&made[0], "id");
        assert_eq!(site.run(&["object", "export", "--id", id]).ok(), public);
        assert_eq!(site.run(&["object", "export", "--id", id, "--out", "-"]).ok(), public);
        site.run(&["object", "export", "--id", id, "--der", "--out", "@out.der"]).ok();
        openssl(&site, &format!("pkey -pubin -in @{name}.pub -outform DER -out @expected.der"));
        assert_eq!(std::fs::read(site.path("out.der")).unwrap(), std::fs::read(site.path("expected.der")).unwrap());
        let private = made[1]["traits"].to_string();
        assert!(private.contains("sensitive") && !private.contains("extractable"), "{private}");
    }
}

/// A pair of DSA with its parameters before it, as openssl writes them; the public key is in `dsa.pub`.
fn generate_dsa(site: &Site) {
    openssl(site, "dsaparam -genkey -out @dsa.pem 1024");
    openssl(site, "pkey -in @dsa.pem -pubout -out @dsa.pub");
}

#[test]
fn a_dsa_key_is_imported_in_every_form_that_openssl_writes() {
    let site = site();
    generate_dsa(&site);
    for form in ["", "pkey -traditional", "pkcs8 -topk8 -nocrypt -outform DER", "pkcs8 -topk8 -v2 aes256"] {
        if !form.is_empty() {
            openssl(&site, &format!("{form} -in @dsa.pem -out @form -passout file:@passphrase"));
        }
        let file = if form.is_empty() { "@dsa.pem" } else { "@form" };
        let made = imported(&site, &[file, "--passphrase-file", "@passphrase", "--id", "0d"]);
        assert_eq!((types(&made), field(&made[1], "key")), (vec!["pubkey", "privkey"], "DSA 1024"), "{form}");
        let public = site.run(&["object", "export", "--id", "0d"]).ok();
        assert_eq!(public, std::fs::read_to_string(site.path("dsa.pub")).unwrap(), "{form}");
        site.run(&["object", "delete", "--id", "0d", "--all", "--pin-file", "@pin"]).ok();
    }
}

#[test]
fn what_an_imported_dsa_key_signs_plain_openssl_verifies() {
    let site = site();
    generate_dsa(&site);
    imported(&site, &["@dsa.pem", "--id", "0d"]);
    sign(&site, "0d", "DSA-SHA256");
    // The two numbers, one as long as the other, as a SEQUENCE of INTEGERs.
    let signature = std::fs::read(site.path("signature")).expect("a signature");
    let (one, other) = signature.split_at(signature.len() / 2);
    let integer = |half: &[u8]| {
        let number: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign: &[u8] = if number[0] & 0x80 != 0 { &[0] } else { &[] };
        [&[2, (sign.len() + number.len()) as u8], sign, &number].concat()
    };
    let numbers = [integer(one), integer(other)].concat();
    std::fs::write(site.path("signature"), [&[0x30, numbers.len() as u8], &numbers[..]].concat()).expect("a file");
    openssl(&site, "dgst -sha256 -verify @dsa.pub -signature @signature @document");
}

#[test]
fn parameters_before_a_key_are_passed_over_and_alone_they_are_no_key() {
    let site = site();
    generate(&site, "dh");
    openssl(&site, "genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out @parameters");
    openssl(&site, "ecparam -name prime256v1 -genkey -out @ec.pem");
    let read = |name: &str| std::fs::read_to_string(site.path(name)).expect(name);
    assert!(read("ec.pem").starts_with("-----BEGIN EC PARAMETERS"));
    site.file("both.pem", &(read("parameters") + &read("dh.pem")));
    for (file, key) in [("@both.pem", "DH 2048"), ("@ec.pem", "EC P-256")] {
        assert_eq!(field(&imported(&site, &[file])[1], "key"), key);
    }
    assert!(import(&site, &["@parameters"]).failed(1).contains("neither a key nor a certificate"));
}

#[test]
fn a_key_with_its_curve_written_out_is_a_key_on_that_curve() {
    let site = site();
    let curve = "-pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:explicit";
    openssl(&site, &format!("genpkey -algorithm EC {curve} -out @written.pem"));
    openssl(&site, "pkey -in @written.pem -pubout -out @written.pub");
    openssl(&site, "ec -in @written.pem -out @own.pem");
    openssl(&site, "ec -in @written.pem -param_enc named_curve -pubout -out @named.pub");
    for file in ["@written.pem", "@own.pem", "@written.pub"] {
        let made = imported(&site, &[file, "--id", "0c"]);
        assert!(made.iter().all(|object| field(object, "key") == "EC P-384"), "{made:?}");
        let public = site.run(&["object", "export", "--id", "0c"]).ok();
        assert_eq!(public, std::fs::read_to_string(site.path("named.pub")).unwrap(), "{file}");
        site.run(&["object", "delete", "--id", "0c", "--all", "--pin-file", "@pin"]).ok();
    }
}

#[test]
fn an_rsa_pss_key_makes_signatures_of_pss_with_its_hash_and_no_others() {
    let site = site();
    let hash = "-pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384";
    openssl(&site, &format!("genpkey -algorithm RSA-PSS {hash} -out @pss.pem"));
    openssl(&site, "pkey -in @pss.pem -pubout -out @pss.pub");
    openssl(&site, "req -x509 -new -key @pss.pem -sha384 -sigopt rsa_padding_mode:pss -subj /CN=pss -out @pss.crt");
    let read = |name: &str| std::fs::read_to_string(site.path(name)).expect(name);
    site.file("both.pem", &(read("pss.pem") + &read("pss.crt")));
    let made = imported(&site, &["@both.pem", "--id", "0e"]);
    let uses: Vec<String> = made.iter().map(|object| object["uses"].to_string()).collect();
    assert_eq!(
        (types(&made), uses),
        (vec!["pubkey", "privkey", "cert"], ["[\"verify\"]", "[\"sign\"]", "[]"].map(String::from).to_vec())
    );
    assert!(made.iter().all(|object| field(object, "id") == "0e"), "{made:?}");
    sign(&site, "0e", "SHA384-RSA-PKCS-PSS");
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48";
    openssl(&site, &format!("dgst -sha384 {pss} -verify @pss.pub -signature @signature @document"));
    for mechanism in ["SHA384-RSA-PKCS", "RSA-PKCS", "SHA256-RSA-PKCS-PSS"] {
        assert!(try_to_sign(&site, "0e", mechanism).failed(1).contains("CKR_MECHANISM_INVALID"), "{mechanism}");
    }
    let public = imported(&site, &["@pss.pub", "--force"]);
    assert_eq!(field(&public[0], "id"), subject_key_id_of(&site, "pss.crt"));
    assert!(import(&site, &["@pss.pem", "--force", "--uses", "decrypt"]).failed(2).contains("RSA-PSS"));
}

#[test]
fn what_an_imported_key_signs_plain_openssl_verifies() {
    let site = site();
    for (name, mechanism, words) in [
        ("rsa", "SHA256-RSA-PKCS", "dgst -sha256 -verify @rsa.pub -signature @signature @document"),
        ("p256", "ECDSA-SHA256", "dgst -sha256 -verify @p256.pub -signature @signature @document"),
    ] {
        generate(&site, name);
        imported(&site, &[&format!("@{name}.pem"), "--id", "0a01"]);
        sign(&site, "0a01", mechanism);
        openssl(&site, words);
        site.run(&["object", "delete", "--id", "0a01", "--all", "--pin-file", "@pin"]).ok();
    }
}

#[test]
fn the_default_id_is_the_subject_key_identifier_of_the_keys_certificate() {
    let site = site();
    for name in ["rsa", "p256", "ed25519"] {
        generate(&site, name);
        let made = imported(&site, &[&format!("@{name}.pem")]);
        assert_eq!(field(&made[0], "id"), subject_key_id(&site, &format!("{name}.pem")), "{name}");
    }
}

#[test]
fn private_keys_are_read_in_every_form_that_openssl_writes() {
    let site = site();
    for name in ["rsa", "p256", "ed25519"] {
        generate(&site, name);
        let mut forms = vec!["pkcs8 -topk8 -nocrypt", "pkcs8 -topk8 -nocrypt -outform DER"];
        forms.extend(["pkcs8 -topk8 -v2 aes256", "pkcs8 -topk8 -v2 aes256 -outform DER"]);
        match name {
            "rsa" => forms.extend(["rsa -traditional", "rsa -traditional -aes128"]),
            "p256" => forms.extend(["ec", "ec -aes256", "ec -outform DER"]),
            _ => {}
        }
        for form in forms {
            openssl(&site, &format!("{form} -in @{name}.pem -out @form -passout file:@passphrase"));
            let made = imported(&site, &["@form", "--passphrase-file", "@passphrase"]);
            let public = site.run(&["object", "export", "--id", field(&made[0], "id")]).ok();
            assert_eq!(public, std::fs::read_to_string(site.path(&format!("{name}.pub"))).unwrap(), "{form}");
            site.run(&["object", "delete", "--label", "form", "--all", "--pin-file", "@pin"]).ok();
        }
    }
}

#[test]
fn an_encrypted_file_opens_with_its_passphrase_only_and_one_descriptor_may_give_passphrase_and_pin() {
    let site = site();
    generate(&site, "p256");
    openssl(&site, "pkcs8 -topk8 -v2 aes256 -in @p256.pem -out @encrypted -passout file:@passphrase");
    let err = import(&site, &["@encrypted"]).failed(1);
    assert!(err.contains("no passphrase and no terminal") && err.contains("--passphrase-file"), "{err}");
    let err = import(&site, &["@encrypted", "--passphrase-file", "@pin"]).failed(1);
    assert!(err.contains("wrong passphrase"), "{err}");
    site.file("both", "open sesame\n1234\n");
    let words = ["object", "import", "@encrypted", "--passphrase-fd", "0", "--pin-fd", "0"];
    let both = std::fs::File::open(site.path("both")).expect("a file");
    let words = words.map(|word| word.strip_prefix('@').map_or(word.to_string(), |name| site.text(name)));
    Done::of(site.program(common::SEALHSM).args(words).stdin(both).output().expect("sealhsm")).ok();
    assert!(site.run(&["object", "list", "--pin-file", "@pin"]).ok().contains("privkey"));
}

#[test]
fn an_id_that_a_key_has_already_is_refused_unless_forced_and_nothing_is_left_of_it() {
    let site = site();
    generate(&site, "p256");
    imported(&site, &["@p256.pem"]);
    let err = import(&site, &["@p256.pem"]).failed(1);
    assert!(err.contains("already") && err.contains("--force"), "{err}");
    assert_eq!(site.run(&["object", "list", "--json", "--pin-file", "@pin"]).json().as_array().unwrap().len(), 2);
    imported(&site, &["@p256.pem", "--force"]);
    imported(&site, &["@p256.pem", "--id", "0b"]);
    assert_eq!(site.run(&["object", "list", "--json", "--pin-file", "@pin"]).json().as_array().unwrap().len(), 6);
}

#[test]
fn a_chain_and_its_key_in_one_file_are_imported_together_and_come_out_again() {
    let site = site();
    generate(&site, "rsa");
    generate(&site, "p256");
    openssl(&site, "req -x509 -new -key @rsa.pem -subj /CN=authority -out @ca.pem");
    openssl(&site, "req -new -key @p256.pem -subj /CN=www.example.org -out @request.pem");
    openssl(&site, "x509 -req -in @request.pem -CA @ca.pem -CAkey @rsa.pem -CAcreateserial -out @leaf.pem");
    let read = |name: &str| std::fs::read_to_string(site.path(name)).expect(name);
    site.file("all.pem", &format!("{}{}{}", read("p256.pem"), read("leaf.pem"), read("ca.pem")));
    let made = imported(&site, &["@all.pem", "--id", "0a", "--label", "web"]);
    assert_eq!(types(&made), ["pubkey", "privkey", "cert", "cert"]);
    let names: Vec<(&str, &str)> = made.iter().map(|o| (field(o, "id"), field(o, "label"))).collect();
    let authority = subject_key_id(&site, "rsa.pem");
    assert_eq!(names, [("0a", "web"), ("0a", "web"), ("0a", "web"), (&authority[..], "authority")]);
    let chain = site.run(&["object", "export", "--type", "cert", "--all"]).ok();
    assert!([read("leaf.pem"), read("ca.pem")].iter().all(|pem| chain.contains(pem.as_str())), "{chain}");
    // The key that comes later meets the certificate.
    openssl(&site, "x509 -in @ca.pem -outform DER -out @ca.der");
    let err = import(&site, &["@ca.der"]).failed(1);
    assert!(err.contains("cert with the ID"), "{err}");
    assert_eq!(field(&imported(&site, &["@rsa.pem"])[0], "id"), authority);
}

#[test]
fn what_openssl_takes_from_a_pkcs12_file_is_imported_through_a_pipe() {
    let site = site();
    generate(&site, "p256");
    openssl(&site, "req -x509 -new -key @p256.pem -subj /CN=packed -out @cert.pem");
    openssl(&site, "pkcs12 -export -inkey @p256.pem -in @cert.pem -out @bundle.p12 -passout file:@passphrase");
    openssl(&site, "pkcs12 -in @bundle.p12 -passin file:@passphrase -noenc -out @unpacked");
    let words = ["object", "import", "-", "--json", "--pin-file", &site.text("pin")];
    let unpacked = std::fs::File::open(site.path("unpacked")).expect("a file");
    let made = Done::of(site.program(common::SEALHSM).args(words).stdin(unpacked).output().expect("sealhsm")).json();
    let made = made.as_array().expect("a list");
    assert_eq!(types(made), ["pubkey", "privkey", "cert"]);
    let id = subject_key_id(&site, "p256.pem");
    assert!(made.iter().all(|object| field(object, "id") == id), "{made:?}");
}

#[test]
fn certificates_and_public_keys_need_no_pin() {
    let site = site();
    generate(&site, "p256");
    openssl(&site, "req -x509 -new -key @p256.pem -subj /CN=alone -outform DER -out @alone.der");
    openssl(&site, "pkey -pubin -in @p256.pub -outform DER -out @public.der");
    let made = site.run(&["object", "import", "--json", "@alone.der"]).json();
    assert_eq!((field(&made[0], "type"), field(&made[0], "label")), ("cert", "alone"));
    let public = site.run(&["object", "import", "--json", "@public.der"]).json();
    assert_eq!((field(&public[0], "type"), field(&public[0], "id")), ("pubkey", field(&made[0], "id")));
    let err = site.run(&["object", "import", "@p256.pem"]).failed(1);
    assert!(err.contains("no user PIN"), "{err}");
}

#[test]
fn uses_are_set_on_both_halves_and_on_nothing_else() {
    let site = site();
    generate(&site, "rsa");
    let made = imported(&site, &["@rsa.pem", "--uses", "sign", "--extractable"]);
    assert_eq!(
        (made[0]["uses"].to_string(), made[1]["uses"].to_string()),
        ("[\"verify\"]".into(), "[\"sign\"]".into())
    );
    assert!(made[1]["traits"].to_string().contains("extractable"));
    let only = imported(&site, &["@rsa.pem", "--no-public-key", "--always-authenticate", "--id", "0b"]);
    assert_eq!(types(&only), ["privkey"]);
    assert!(only[0]["traits"].to_string().contains("always-authenticate"));
}

#[test]
fn secret_keys_are_imported_as_they_are() {
    let site = site();
    site.file("aes.key", "0123456789abcde\0");
    site.file("any.key", "any length will do");
    let made = imported(&site, &["@aes.key", "--secret", "aes", "--id", "0a", "--uses", "wrap,unwrap"]);
    assert_eq!((field(&made[0], "key"), made[0]["uses"].to_string()), ("AES 128", "[\"wrap\",\"unwrap\"]".into()));
    assert!(made[0]["traits"].to_string().contains("sensitive"));
    assert_eq!(field(&imported(&site, &["@any.key", "--secret", "generic"])[0], "key"), "generic 144");
    let err = import(&site, &["@aes.key", "--secret", "aes", "--uses", "wrap,encapsulate"]).failed(2);
    assert!(err.contains("--uses"), "{err}");
    let err = import(&site, &["@any.key", "--secret", "aes"]).failed(1);
    assert!(err.contains("16, 24 or 32"), "{err}");
    assert!(import(&site, &["@aes.key", "--secret", "aes", "--id", "0a"]).failed(1).contains("already"));
    site.file("hex.key", &"0f".repeat(16));
    let done = import(&site, &["@hex.key", "--secret", "aes"]);
    assert!(done.code == 0 && done.err.contains("hexadecimal digits"), "{done:?}");
    site.file("hex.key", &("0f".repeat(32) + "\n"));
    assert!(import(&site, &["@hex.key", "--secret", "aes"]).failed(1).contains("xxd -r -p"));
}

#[test]
fn what_cannot_be_imported_is_refused_with_what_it_is_and_what_to_do() {
    let site = site();
    generate(&site, "rsa");
    openssl(&site, "req -x509 -new -key @rsa.pem -subj /CN=x -out @cert.pem");
    openssl(&site, "pkcs12 -export -inkey @rsa.pem -in @cert.pem -out @bundle.p12 -passout pass:x");
    openssl(&site, "req -new -key @rsa.pem -subj /CN=x -out @request.pem");
    openssl(&site, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:sect283r1 -out @curve.pem");
    let mut keygen = site.program("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(site.path("ssh"));
    Done::of(keygen.output().expect("ssh-keygen")).ok();
    site.file("empty", "");
    site.file("noise", "no key at all\n");
    site.file("cut", "-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n");
    for label in ["PRIVATE KEY", "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE"] {
        site.file(label, &format!("-----BEGIN {label}-----\nMC4CAQAw\n-----END {label}-----\n"));
    }
    for (file, says) in [
        ("bundle.p12", "openssl pkcs12 -noenc"),
        ("request.pem", "CERTIFICATE REQUEST"),
        ("curve.pem", "curve"),
        ("ssh", "ssh-keygen -p -m PKCS8"),
        ("empty", "empty"),
        ("noise", "--secret takes"),
        ("cut", "does not end"),
        ("PRIVATE KEY", "does not hold what it says"),
        ("PUBLIC KEY", "does not hold what it says"),
        ("RSA PUBLIC KEY", "does not hold what it says"),
        ("CERTIFICATE", "does not hold what it says"),
        ("missing", "No such file"),
    ] {
        let err = import(&site, &[&format!("@{file}")]).failed(1);
        assert!(err.contains(says) && err.contains(file), "{err}");
    }
    assert_eq!(site.run(&["object", "list", "--pin-file", "@pin"]).ok(), "");
}

#[test]
fn private_and_secret_keys_are_never_exported() {
    let site = site();
    generate(&site, "p256");
    site.file("aes.key", "0123456789abcdef");
    imported(&site, &["@p256.pem", "--extractable", "--no-public-key"]);
    imported(&site, &["@aes.key", "--secret", "aes", "--extractable"]);
    for label in ["p256", "aes"] {
        let err = site.run(&["object", "export", "--label", label, "--pin-file", "@pin"]).failed(1);
        assert!(err.contains("do not leave the token"), "{err}");
    }
    for class in ["privkey", "secrkey"] {
        assert!(site.run(&["object", "export", "--type", class]).failed(2).contains("only certificates"));
    }
    assert!(site.run(&["object", "export", "--label", "none"]).failed(1).contains("object list"));
}

/// PrivateKeyInfos of ML-DSA-44 (RFC 9881) and ML-KEM-512 (RFC 9935) that hold the seed 00 01 02 ... alone.
const SEEDS: &[(&str, &str, &str)] = &[
    ("ML-DSA 44", "[\"sign\"]", "MDQCAQAwCwYJYIZIAWUDBAMRBCKAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"),
    (
        "ML-KEM 512",
        "[\"decapsulate\"]",
        "MFQCAQAwCwYJYIZIAWUDBAQBBEKAQAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ\n\
         GhscHR4fICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
    ),
];

#[test]
fn post_quantum_keys_are_imported_from_their_seeds_and_their_public_halves_come_out() {
    let site = site();
    for (key, uses, base64) in SEEDS {
        site.file("seed.pem", &format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n"));
        let made = imported(&site, &["@seed.pem"]);
        assert_eq!(types(&made), ["pubkey", "privkey"], "{key}");
        assert_eq!((field(&made[1], "key"), made[1]["uses"].to_string()), (*key, uses.to_string()));
        let id = field(&made[0], "id");
        site.run(&["object", "export", "--id", id, "--out", "@public.pem"]).ok();
        let again = imported(&site, &["@public.pem", "--force"]);
        assert_eq!((field(&again[0], "key"), field(&again[0], "id")), (*key, id));
    }
}

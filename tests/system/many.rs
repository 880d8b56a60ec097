//! Ten thousand objects: found by label, and no slower to start with than ten.

use kit::{Isolated, Module, Session, Template, USER_PIN, ck, fork};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const MANY: usize = 10_000;
const FEW: usize = 10;
/// How often a start is measured; the fastest counts, as nothing but work makes that one slow.
const TRIES: usize = 9;

/// Where fsync costs nothing, if there is such a place: what is measured here is not the disk.
fn in_memory(fallback: &Path) -> (Option<tempfile::TempDir>, PathBuf) {
    let memory = tempfile::Builder::new().prefix("seal-").tempdir_in("/dev/shm").ok();
    let tokens = memory.as_ref().map_or(fallback, |directory| directory.path()).join("tokens");
    (memory, tokens)
}

/// A token with so many objects, one of them a key pair in the middle.
fn fill(session: &Session<'_>, count: usize) {
    let create = |number: usize| {
        let label = format!("object {number}");
        session.create(&Template::data(&label, number % 2 == 0, label.as_bytes())).unwrap();
    };
    (0..count / 2).for_each(create);
    session.p256("signer").unwrap();
    (count / 2 + 2..count).for_each(create);
}

/// From C_Initialize to the first signature in a new process.
fn first_signature(module: &Module, label: &str, result: &Path) -> Duration {
    assert!(fork(|| {
        let start = Instant::now();
        module.initialize().unwrap();
        let session = module.session(label);
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        let key = session.find(&Template::new().class(ck::CKO_PRIVATE_KEY).label("signer")).unwrap();
        session.ecdsa(key[0], b"data").unwrap();
        std::fs::write(result, start.elapsed().as_nanos().to_string()).unwrap();
    }));
    Duration::from_nanos(std::fs::read_to_string(result).unwrap().parse().unwrap())
}

#[test]
fn ten_thousand_objects_are_found_by_label_and_delay_a_first_signature_less_than_twofold() {
    Isolated::default().longest(Duration::from_secs(500)).run(|env| {
        let (_memory, tokens) = in_memory(&env.file(""));
        let (tcti, agent) = (kit::Swtpm::tcti(&env.file("tpm")), kit::program("sealhsm-tpm"));
        env.configure_exactly(&format!("tokendir = {tokens:?}\ntpm = {tcti:?}\nagent = {agent:?}\n"));
        let module = env.module();
        for (label, count) in [("few", FEW), ("many", MANY)] {
            let session = module.open_rw(env.token(&module, label)).unwrap();
            session.login(ck::CKU_USER, USER_PIN).unwrap();
            fill(&session, count);
        }
        module.finalize().unwrap();

        // In turns, so that whatever else this machine does meets both.
        let (mut few, mut many) = (Duration::MAX, Duration::MAX);
        for _ in 0..TRIES {
            few = few.min(first_signature(&module, "few", &env.file("time")));
            many = many.min(first_signature(&module, "many", &env.file("time")));
        }
        assert!(many <= 2 * few, "first signature: {many:?} with {MANY} objects, {few:?} with {FEW}");

        module.initialize().unwrap();
        let session = module.session("many");
        session.login(ck::CKU_USER, USER_PIN).unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), MANY);
        assert_eq!(session.find(&Template::new().class(ck::CKO_DATA).private(true)).unwrap().len(), MANY / 2 - 1);
        assert_eq!(session.labelled("object 10000").unwrap(), []);
        for number in (0..MANY / 2).chain(MANY / 2 + 2..MANY).step_by(97) {
            let label = format!("object {number}");
            let found = session.labelled(&label).unwrap();
            assert_eq!(found.len(), 1, "{label}");
            assert_eq!(session.bytes(found[0], ck::CKA_VALUE).unwrap(), label.as_bytes());
        }
        let (public, private) = (session.one(ck::CKO_PUBLIC_KEY, "signer"), session.one(ck::CKO_PRIVATE_KEY, "signer"));
        let signature = session.ecdsa(private, b"data").unwrap();
        session.ecdsa_verify(public, b"data", &signature).unwrap();
        // A session without a login sees the public half.
        session.logout().unwrap();
        assert_eq!(session.find(&Template::new()).unwrap().len(), MANY / 2);
    });
}

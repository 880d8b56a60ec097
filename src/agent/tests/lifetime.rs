//! Agents and TPMs that hang, die and come back; many users at once.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Swtpm, agents, eventually, in_child, kill, secret};
use sealhsm_door::{Door, Error, Lock, Parent, SealedBlob, Settings};
use std::time::{Duration, Instant};

fn sealed(door: &Door) -> (Parent, SealedBlob) {
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Pin(&secret(7)), &secret(0x5e)).unwrap();
    (parent, blob)
}

fn opens(door: &Door, parent: &Parent, blob: &SealedBlob) -> bool {
    door.unseal(parent, Lock::Pin(&secret(7)), blob).unwrap().ct_eq(&[0x5e; 32])
}

#[test]
fn a_hung_tpm_is_an_error_within_five_seconds_and_works_again_as_soon_as_it_is_back() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    tpm.signal(libc::SIGSTOP);
    let start = Instant::now();
    assert!(matches!(door.unseal(&parent, Lock::Pin(&secret(7)), &blob), Err(Error::Timeout)));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    tpm.signal(libc::SIGCONT);
    assert!(opens(&door, &parent, &blob));
    let status = door.status().unwrap();
    assert_eq!((status.loaded_objects, status.loaded_sessions), (0, 0));
}

#[test]
fn while_an_agent_hangs_no_second_one_is_started_and_its_late_answer_is_dropped() {
    let tpm = Swtpm::start();
    let door = tpm.door_within(1000);
    let parent = door.parent().unwrap();
    let [agent] = agents(&tpm.tcti())[..] else { panic!() };
    kill(agent, libc::SIGSTOP);
    assert!(matches!(door.provision(), Err(Error::Timeout)));
    assert!(!door.is_open());
    let start = Instant::now();
    assert!(matches!(door.status(), Err(Error::Timeout)));
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert_eq!(agents(&tpm.tcti()), [agent]);
    kill(agent, libc::SIGCONT);
    // Not the answer to the question before.
    assert_eq!(door.status().unwrap().parent.unwrap().name, parent.name);
    assert_eq!(agents(&tpm.tcti()), [agent]);
}

#[test]
fn an_agent_ends_itself_when_its_tpm_hangs() {
    let tpm = Swtpm::start();
    let door = tpm.door_within(1000);
    door.parent().unwrap();
    tpm.signal(libc::SIGSTOP);
    assert!(matches!(door.status(), Err(Error::Timeout)));
    eventually("the agent ends", || agents(&tpm.tcti()).is_empty());
    tpm.signal(libc::SIGCONT);
    door.status().unwrap();
}

#[test]
fn a_tpm_that_was_switched_off_and_on_again_works_through_the_same_door() {
    let mut tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    door.shutdown().unwrap();
    tpm.kill();
    match door.unseal(&parent, Lock::Pin(&secret(7)), &blob) {
        Err(Error::NoTpm(text)) => assert!(text.contains(&tpm.tcti())),
        outcome => panic!("{outcome:?}"),
    }
    tpm.restart();
    assert!(opens(&door, &parent, &blob));
    // And when nobody asked while it was away.
    door.shutdown().unwrap();
    tpm.kill();
    tpm.restart();
    assert!(opens(&door, &parent, &blob));
}

#[test]
fn an_agent_that_was_killed_is_started_again_unnoticed() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    for _ in 0..3 {
        let [agent] = agents(&tpm.tcti())[..] else { panic!() };
        kill(agent, libc::SIGKILL);
        eventually("it is gone", || agents(&tpm.tcti()).is_empty());
        assert!(opens(&door, &parent, &blob));
    }
}

#[test]
fn a_question_is_asked_again_when_the_agent_dies_over_it_but_a_pin_is_not() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    let dies_over = |ask: &(dyn Fn() -> Result<(), Error> + Sync)| {
        let [agent] = agents(&tpm.tcti())[..] else { panic!() };
        tpm.signal(libc::SIGSTOP);
        std::thread::scope(|scope| {
            let answer = scope.spawn(ask);
            std::thread::sleep(Duration::from_millis(300));
            kill(agent, libc::SIGKILL);
            std::thread::sleep(Duration::from_millis(100));
            tpm.signal(libc::SIGCONT);
            answer.join().unwrap()
        })
    };
    assert!(dies_over(&|| door.status().map(drop)).is_ok());
    let outcome = dies_over(&|| door.unseal(&parent, Lock::Pin(&secret(7)), &blob).map(drop));
    assert!(matches!(outcome, Err(Error::NoAgent(_))), "{outcome:?}");
    assert!(opens(&door, &parent, &blob));
}

#[test]
fn ten_processes_with_doors_of_their_own_use_one_tpm_at_the_same_time() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    let work = || {
        let door = tpm.door();
        for _ in 0..5 {
            assert!(opens(&door, &parent, &blob));
            let other = door.seal(&parent, Lock::Machine, &secret(1)).unwrap();
            assert!(door.unseal(&parent, Lock::Machine, &other).unwrap().ct_eq(&[1; 32]));
        }
        0
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..10).map(|_| scope.spawn(|| in_child(work))).collect();
        assert!(all.into_iter().all(|one| one.join().unwrap() == 0));
    });
    let status = door.status().unwrap();
    assert_eq!((status.loaded_objects, status.loaded_sessions, status.lockout_counter), (0, 0, 0));
}

#[test]
fn threads_share_a_door_and_its_one_agent() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, blob) = sealed(&door);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..5).for_each(|_| assert!(opens(&door, &parent, &blob))));
        }
    });
    assert_eq!(agents(&tpm.tcti()).len(), 1);
}

#[test]
fn an_agent_ends_with_its_door_even_if_a_forked_child_holds_a_copy() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    door.status().unwrap();
    assert_eq!(agents(&tpm.tcti()).len(), 1);
    // SAFETY: the child only waits for the signal that ends it.
    #[allow(unsafe_code)]
    let child = match unsafe { libc::fork() } {
        0 => loop {
            // SAFETY: sleeps.
            unsafe { libc::pause() };
        },
        child => child,
    };
    drop(door);
    eventually("the agent ends", || agents(&tpm.tcti()).is_empty());
    kill(child as u32, libc::SIGKILL);
    // SAFETY: our own child.
    #[allow(unsafe_code)]
    unsafe {
        libc::waitpid(child, std::ptr::null_mut(), 0)
    };
}

#[test]
fn closing_a_door_ends_a_request_under_way_and_the_next_one_opens_it_again() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    door.status().unwrap();
    tpm.signal(libc::SIGSTOP);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| door.status());
        std::thread::sleep(Duration::from_millis(200));
        door.close();
        assert!(matches!(asking.join().unwrap(), Err(Error::NoAgent(_))));
    });
    assert!(start.elapsed() < Duration::from_secs(2));
    assert!(!door.is_open());
    tpm.signal(libc::SIGCONT);
    door.status().unwrap();
}

#[test]
fn where_no_agent_can_be_started_the_error_says_what_was_tried() {
    let text = std::env::temp_dir().join(format!("sealhsm-no-program-{}", std::process::id()));
    std::fs::write(&text, "not a program").unwrap();
    let missing = std::path::PathBuf::from("/nonexistent/sealhsm-tpm");
    let settings = Settings { agents: vec![missing, text.clone(), "/".into()], ..common::settings("swtpm:path=/x/y") };
    match Door::new(settings).status() {
        Err(Error::NoAgent(said)) => {
            assert!(said.contains("/nonexistent/sealhsm-tpm: No such file"), "{said}");
            assert!(said.contains(&format!("{}: Permission denied", text.display())), "{said}");
            assert!(said.contains("/: not a regular file"), "{said}");
        }
        outcome => panic!("{outcome:?}"),
    }
    std::fs::remove_file(&text).unwrap();
    // The first that can be started is.
    let tpm = Swtpm::start();
    let agents = vec!["/nonexistent/sealhsm-tpm".into(), common::AGENT.into()];
    Door::new(Settings { agents, ..common::settings(&tpm.tcti()) }).status().unwrap();
}

#[test]
fn an_agent_that_ends_at_once_is_named_as_such() {
    let settings = Settings { agents: vec!["/bin/true".into()], ..common::settings("swtpm:path=/x/y") };
    let start = Instant::now();
    assert!(matches!(Door::new(settings).status(), Err(Error::NoAgent(_))));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn without_a_tpm_the_error_names_the_tcti() {
    for tcti in ["swtpm:path=/nonexistent/sock", "nonsense:x"] {
        let door = common::door(tcti);
        for _ in 0..2 {
            match door.status() {
                Err(Error::NoTpm(text)) => assert!(text.contains(tcti), "{text}"),
                outcome => panic!("{outcome:?}"),
            }
        }
    }
}

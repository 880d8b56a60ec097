//! Parent, seal and unseal on a real (software) TPM, through a door and a spawned agent.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Proxy, Swtpm, secret};
use sealhsm_door::{Door, Error, Lock, Parent, SealedBlob};
use sealhsm_secret::Secret;

fn assert_nothing_loaded(door: &Door) {
    let status = door.status().unwrap();
    assert_eq!((status.loaded_objects, status.loaded_sessions), (0, 0));
}

/// A parent and objects sealed under it with a PIN and with the machine lock.
fn sealed(door: &Door) -> (Parent, SealedBlob, SealedBlob) {
    let parent = door.parent().unwrap();
    let pin = door.seal(&parent, Lock::Pin(&secret(7)), &secret(0x5e)).unwrap();
    let machine = door.seal(&parent, Lock::Machine, &secret(0x3d)).unwrap();
    (parent, pin, machine)
}

#[test]
fn the_parent_is_transient_until_provisioned_and_then_persistent_with_the_same_name() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    assert!(!door.is_open());
    let transient = door.parent().unwrap();
    assert!(door.is_open());
    assert_eq!((transient.handle, transient.template.as_str(), transient.name.len()), (0, "ecc-p256", 34));
    assert_eq!(door.status().unwrap().parent, None);
    assert_eq!(door.parent().unwrap(), transient);
    let persistent = door.provision().unwrap();
    assert_eq!((persistent.handle, &persistent.name), (0x8100_0001, &transient.name));
    assert_eq!(door.provision().unwrap(), persistent);
    assert_eq!(door.parent().unwrap(), persistent);
    assert_eq!(door.status().unwrap().parent, Some(persistent));
    assert_nothing_loaded(&door);
}

#[test]
fn what_is_sealed_with_a_pin_or_for_the_machine_is_unsealed_under_either_parent() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (mut parent, pin, machine) = sealed(&door);
    for _ in 0..2 {
        assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin).unwrap().ct_eq(&[0x5e; 32]));
        assert!(door.unseal(&parent, Lock::Machine, &machine).unwrap().ct_eq(&[0x3d; 32]));
        assert_nothing_loaded(&door);
        // The same key, now persistent: what was sealed before stays good.
        parent = door.provision().unwrap();
    }
}

#[test]
fn payloads_of_1_to_128_bytes_are_sealed_and_no_others() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let parent = door.parent().unwrap();
    for length in [1, 32, 128] {
        let payload = Secret::copy_of(&vec![9; length]);
        let blob = door.seal(&parent, Lock::Machine, &payload).unwrap();
        assert!(door.unseal(&parent, Lock::Machine, &blob).unwrap().ct_eq(payload.as_ref()));
    }
    for length in [0, 129] {
        let outcome = door.seal(&parent, Lock::Machine, &Secret::zeroed(length));
        assert!(matches!(outcome, Err(Error::Protocol(_))), "{length}: {outcome:?}");
    }
}

#[test]
fn an_authorization_value_that_ends_in_zeros_is_as_good_as_any() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let parent = door.parent().unwrap();
    for zeros in [1, 5, 31] {
        let mut auth = secret(3);
        auth.as_mut()[32 - zeros..].fill(0);
        let blob = door.seal(&parent, Lock::Pin(&auth), &secret(1)).unwrap();
        assert!(door.unseal(&parent, Lock::Pin(&auth), &blob).unwrap().ct_eq(&[1; 32]));
        assert!(matches!(door.unseal(&parent, Lock::Pin(&secret(3)), &blob), Err(Error::WrongAuth)));
        door.reset_lockout(&Secret::zeroed(0)).unwrap();
    }
}

#[test]
fn a_wrong_pin_is_refused_and_counted_and_a_lockout_stops_the_right_one_too_but_not_the_machine() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, pin, machine) = sealed(&door);
    door.set_tries(4, 600, 86400).unwrap();
    let status = door.status().unwrap();
    assert_eq!((status.max_tries, status.lockout_interval, status.lockout_counter), (4, 600, 0));
    for counted in 1..=4 {
        assert!(matches!(door.unseal(&parent, Lock::Pin(&secret(8)), &pin), Err(Error::WrongAuth)));
        let status = door.status().unwrap();
        assert_eq!((status.lockout_counter, status.in_lockout), (counted, counted == 4));
        assert_nothing_loaded(&door);
    }
    assert!(matches!(door.unseal(&parent, Lock::Pin(&secret(8)), &pin), Err(Error::Lockout)));
    assert!(matches!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin), Err(Error::Lockout)));
    assert!(door.unseal(&parent, Lock::Machine, &machine).unwrap().ct_eq(&[0x3d; 32]));
    assert_nothing_loaded(&door);
    door.reset_lockout(&Secret::zeroed(0)).unwrap();
    assert_eq!(door.status().unwrap().lockout_counter, 0);
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin).unwrap().ct_eq(&[0x5e; 32]));
    assert_nothing_loaded(&door);
}

#[test]
fn the_lockout_authorization_is_asked_for_once_it_is_set() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    assert!(!door.status().unwrap().lockout_auth_set);
    tpm.tool("tpm2_changeauth", &["-c", "lockout", "sesame"]);
    assert!(door.status().unwrap().lockout_auth_set);
    door.reset_lockout(&Secret::copy_of(b"sesame")).unwrap();
    assert!(matches!(door.reset_lockout(&Secret::copy_of(b"other")), Err(Error::WrongAuth)));
    assert_nothing_loaded(&door);
}

#[test]
fn an_owner_with_an_authorization_value_is_not_taken_for_a_wrong_pin() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (transient, pin, _) = sealed(&door);
    tpm.tool("tpm2_changeauth", &["-c", "owner", "sesame"]);
    assert!(door.status().unwrap().owner_auth_set);
    assert!(matches!(door.parent(), Err(Error::Refused(_))));
    assert!(matches!(door.provision(), Err(Error::Refused(_))));
    assert!(matches!(door.unseal(&transient, Lock::Pin(&secret(7)), &pin), Err(Error::Refused(_))));
    assert_nothing_loaded(&door);
}

#[test]
fn a_lock_opens_only_what_was_sealed_with_it() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, pin, machine) = sealed(&door);
    assert!(door.unseal(&parent, Lock::Machine, &pin).is_err());
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &machine).is_err());
    assert_nothing_loaded(&door);
}

#[test]
fn another_tpm_is_the_wrong_parent_and_is_asked_for_nothing_more() {
    let (first, second) = (Swtpm::start(), Swtpm::start());
    let (parent, pin, machine) = sealed(&first.door());
    let proxy = Proxy::before(&second);
    let door = common::door(&proxy.tcti());
    let other = door.parent().unwrap();
    let persistent = first.door().provision().unwrap();
    for pinned in [&parent, &persistent] {
        proxy.take();
        let expected = if pinned.handle == 0 { Some(&other.name) } else { None };
        match door.unseal(pinned, Lock::Pin(&secret(7)), &pin) {
            Err(Error::WrongParent { found }) => assert_eq!(found.as_ref(), expected),
            outcome => panic!("{outcome:?}"),
        }
        // CreatePrimary and FlushContext, or ReadPublic.
        let (commands, _) = proxy.take();
        assert!([vec![0x131, 0x165], vec![0x173]].contains(&commands), "{commands:x?}");
        assert!(matches!(door.seal(pinned, Lock::Machine, &secret(1)), Err(Error::WrongParent { .. })));
    }
    let provisioned = door.provision().unwrap();
    assert_eq!(provisioned.name, other.name);
    assert!(matches!(door.unseal(&persistent, Lock::Machine, &machine), Err(Error::WrongParent { found: Some(_) })));
    // A blob of another TPM under this one's own parent.
    assert!(matches!(door.unseal(&provisioned, Lock::Machine, &machine), Err(Error::NotOurs)));
    assert_nothing_loaded(&door);
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_blob_is_never_opened() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    door.provision().unwrap();
    let (parent, pin, machine) = sealed(&door);
    door.set_tries(100_000, 600, 86400).unwrap();
    let pin_auth = secret(7);
    for (blob, with_pin) in [(&pin, true), (&machine, false)] {
        let (public, private) = (blob.public.len(), blob.private.len());
        for at in 0..public + private {
            let mut damaged = blob.clone();
            match at.checked_sub(public) {
                None => damaged.public[at] ^= 1 << (at % 8),
                Some(at) => damaged.private[at] ^= 1 << (at % 8),
            }
            let lock = if with_pin { Lock::Pin(&pin_auth) } else { Lock::Machine };
            match door.unseal(&parent, lock, &damaged) {
                Err(Error::NotOurs | Error::Tpm(..)) => {}
                outcome => panic!("byte {at}: {outcome:?}"),
            }
        }
        assert_nothing_loaded(&door);
    }
    assert!(door.unseal(&parent, Lock::Pin(&pin_auth), &pin).is_ok());
}

#[test]
fn a_login_is_at_most_eight_tpm_commands_and_no_secret_crosses_the_bus_in_the_clear() {
    let tpm = Swtpm::start();
    let proxy = Proxy::before(&tpm);
    let door = common::door(&proxy.tcti());
    let (auth, payload) = (secret(0xa7), secret(0x5e));
    let mut counts = Vec::new();
    for provisioned in [false, true] {
        if provisioned {
            door.provision().unwrap();
        }
        let parent = door.parent().unwrap();
        proxy.take();
        let blob = door.seal(&parent, Lock::Pin(&auth), &payload).unwrap();
        let (sealing, mut bytes) = proxy.take();
        assert!(door.unseal(&parent, Lock::Pin(&auth), &blob).unwrap().ct_eq(payload.as_ref()));
        let (unsealing, more) = proxy.take();
        bytes.extend(more);
        for fill in [0xa7, 0x5e] {
            assert!(!bytes.windows(8).any(|window| window == [fill; 8]), "{fill:x} is on the bus");
        }
        assert!(sealing.len() <= 4, "{sealing:x?}");
        counts.push(unsealing);
    }
    let [transient, persistent] = &counts[..] else { panic!() };
    // ReadPublic for the Name and for what the key is, Load, StartAuthSession, PolicyAuthValue, Unseal, FlushContext.
    assert_eq!(persistent[..], [0x173, 0x173, 0x157, 0x176, 0x16b, 0x15e, 0x165]);
    // CreatePrimary in place of both, and its flush; the first unsealing after a start is asked for twice, as the
    // TPM notes that the lockout counter is in use (TPM_RC_RETRY).
    assert!(transient.len() <= 8 && transient[0] == 0x131, "{transient:x?}");
    assert_nothing_loaded(&door);
}

#[test]
fn a_key_at_the_parents_handle_that_is_subject_to_lockout_is_not_used() {
    let tpm = Swtpm::start();
    let attributes = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth";
    tpm.tool("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-a", attributes, "-c", "primary"]);
    tpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "primary", "0x81000001"]);
    tpm.tool("tpm2_flushcontext", &["-t"]);
    let door = tpm.door();
    let status = door.status().unwrap();
    assert_eq!(status.parent, None);
    assert!(status.parent_refused.unwrap().contains("lockout"));
    assert!(matches!(door.provision(), Err(Error::Refused(_))));
    let (parent, pin, _) = sealed(&door);
    assert_eq!(parent.handle, 0);
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin).is_ok());
    assert_nothing_loaded(&door);
}

#[test]
fn an_rsa_storage_key_is_a_parent_too() {
    let tpm = Swtpm::start();
    let attributes = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda";
    tpm.tool("tpm2_createprimary", &["-C", "o", "-G", "rsa2048:aes128cfb", "-a", attributes, "-c", "primary"]);
    tpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "primary", "0x81000001"]);
    tpm.tool("tpm2_flushcontext", &["-t"]);
    let door = tpm.door();
    let (parent, pin, _) = sealed(&door);
    assert_eq!((parent.handle, parent.template.as_str()), (0x8100_0001, "rsa-2048"));
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin).is_ok());
    assert_nothing_loaded(&door);
}

#[test]
fn a_software_tpm_is_known_as_one() {
    let tpm = Swtpm::start();
    let status = tpm.door().status().unwrap();
    assert!(status.simulated);
    assert_eq!(status.manufacturer, "IBM SW TPM");
    assert_eq!(status.tcti, tpm.tcti());
}

#[test]
fn what_dead_programs_left_in_the_tpm_is_flushed_when_it_is_in_the_way() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let (parent, pin, _) = sealed(&door);
    door.set_tries(100, 600, 86400).unwrap();
    let proxy = Proxy::before(&tpm);
    proxy.lose_flushes();
    // swtpm holds three objects and three sessions, and has no resource manager: each of these leaves its primary key,
    // its object and, as the PIN is wrong, its session.
    let dying = common::door(&proxy.tcti());
    for _ in 0..2 {
        let _ = dying.unseal(&parent, Lock::Pin(&secret(8)), &pin);
    }
    assert_eq!(tpm.handles("transient"), 3);
    assert!(tpm.handles("loaded-session") >= 1);
    assert!(door.unseal(&parent, Lock::Pin(&secret(7)), &pin).unwrap().ct_eq(&[0x5e; 32]));
    assert_eq!((tpm.handles("transient"), tpm.handles("loaded-session")), (0, 0));
}

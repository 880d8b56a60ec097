//! What a host notices of the agent, which is nothing, and what hosts do to us.
#![allow(unsafe_code, clippy::unwrap_used)]

mod common;

use common::{Swtpm, agents, in_child, secret};
use sealhsm_door::{Door, Error, Lock};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU32, Ordering};

static CHILD_SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: libc::c_int) {
    CHILD_SIGNALS.fetch_add(1, Ordering::SeqCst);
}

fn no_child_shows(flags: i32) {
    // SAFETY: asks for children of this process.
    let found = unsafe { libc::waitpid(-1, std::ptr::null_mut(), flags | libc::WNOHANG) };
    let errno = std::io::Error::last_os_error().raw_os_error();
    assert_eq!((found, errno), (-1, Some(libc::ECHILD)));
}

#[test]
fn the_host_gets_no_signal_and_sees_no_child() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        let handler: extern "C" fn(libc::c_int) = count;
        // SAFETY: a handler that only counts.
        unsafe { libc::signal(libc::SIGCHLD, handler as *const () as libc::sighandler_t) };
        let door = tpm.door();
        for _ in 0..3 {
            door.status().unwrap();
            no_child_shows(0);
            no_child_shows(libc::__WALL);
            door.close();
            common::eventually("the agent ends", || agents(&tpm.tcti()).is_empty());
            no_child_shows(libc::__WALL);
        }
        i32::from(CHILD_SIGNALS.load(Ordering::SeqCst) != 0)
    });
    assert_eq!(code, 0);
}

#[test]
fn it_does_not_matter_how_the_host_treats_signals() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        // SAFETY: ignores and blocks signals in this process.
        unsafe {
            for signal in 1..32 {
                libc::signal(signal, libc::SIG_IGN);
            }
            let mut all = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::sigprocmask(libc::SIG_SETMASK, &all, std::ptr::null_mut());
        }
        let door = tpm.door_within(1000);
        door.status().unwrap();
        // The agent's own deadline works in spite of it.
        tpm.signal(libc::SIGSTOP);
        assert!(matches!(door.status(), Err(Error::Timeout)));
        common::eventually("the agent ends", || agents(&tpm.tcti()).is_empty());
        tpm.signal(libc::SIGCONT);
        door.status().unwrap();
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn a_host_that_reaps_all_children_in_a_loop_disturbs_nothing() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        std::thread::spawn(|| {
            loop {
                // SAFETY: waits for any child of this process.
                unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::__WALL) };
            }
        });
        let door = tpm.door();
        for _ in 0..20 {
            door.status().unwrap();
            door.close();
        }
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn an_agent_has_nothing_of_its_host() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        // SAFETY: a descriptor that is not close-on-exec, and a variable, in a process of one thread.
        unsafe {
            assert!(libc::dup2(2, 700) == 700);
            std::env::set_var("LD_PRELOAD_X", "secret of the host");
        }
        let door = tpm.door();
        door.status().unwrap();
        let [agent] = agents(&tpm.tcti())[..] else { panic!() };
        let proc = |name: &str| std::fs::read(format!("/proc/{agent}/{name}")).unwrap();
        assert_eq!(proc("comm"), b"sealhsm-tpm\n");
        if sealhsm_door::effective_uid() == 0 {
            assert_eq!(proc("environ"), b"TSS2_LOG=all+NONE\0");
            assert_eq!(std::fs::read_link(format!("/proc/{agent}/cwd")).unwrap().to_str(), Some("/"));
            assert_only_the_socket_is_open(agent);
        } else {
            // Its own user cannot look into it: it is not dumpable.
            assert!(std::fs::read(format!("/proc/{agent}/environ")).is_err());
            assert!(std::fs::File::open(format!("/proc/{agent}/mem")).is_err());
        }
        let stat = String::from_utf8(proc("stat")).unwrap();
        let field = |at: usize| stat.rsplit(") ").next().unwrap().split(' ').nth(at - 3).unwrap().parse::<u32>();
        assert_ne!(field(4).unwrap(), std::process::id(), "its parent");
        // SAFETY: asks for our session.
        assert_ne!(field(6).unwrap(), unsafe { libc::getsid(0) } as u32, "its session");
        let status = String::from_utf8(proc("status")).unwrap();
        let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        assert!(locked.trim().trim_end_matches(" kB").parse::<u32>().unwrap() >= 1000, "{locked}");
        let limits = String::from_utf8(proc("limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"));
        0
    });
    assert_eq!(code, 0);
}

fn assert_only_the_socket_is_open(agent: u32) {
    let descriptors = std::fs::read_dir(format!("/proc/{agent}/fd")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read_link(entry.path()).unwrap())
    });
    let descriptors = descriptors.collect::<std::collections::BTreeMap<_, _>>();
    assert_eq!(descriptors.keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    assert!(descriptors["0"].to_str().unwrap().starts_with("socket:"));
    assert_eq!(descriptors["1"].to_str().unwrap(), "/dev/null");
}

#[test]
fn a_secret_that_was_unsealed_is_not_left_in_the_agents_memory() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let parent = door.parent().unwrap();
    let payload: Vec<u8> = (0..32u8).map(|at| 0xc3 ^ at.wrapping_mul(37)).collect();
    let auth: Vec<u8> = (0..32u8).map(|at| 0x9d ^ at.wrapping_mul(53)).collect();
    let (payload, auth) = (sealhsm_secret::Secret::from(payload), sealhsm_secret::Secret::from(auth));
    let blob = door.seal(&parent, Lock::Pin(&auth), &payload).unwrap();
    assert!(door.unseal(&parent, Lock::Pin(&auth), &blob).unwrap().ct_eq(payload.as_ref()));
    let [agent] = agents(&tpm.tcti())[..] else { panic!() };
    if sealhsm_door::effective_uid() != 0 {
        // Only root can look, which is the other half of the promise.
        assert!(std::fs::File::open(format!("/proc/{agent}/mem")).is_err());
        return;
    }
    let copies = || -> Vec<String> {
        let parts = memory_of(agent);
        assert!(parts.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 1 << 20);
        let found = |(what, secret): (&str, &sealhsm_secret::Secret)| {
            let start = secret.as_ref()[..16].to_vec();
            let places = parts.iter().flat_map(|(region, bytes)| {
                let places = bytes.windows(16).enumerate().filter(|(_, window)| *window == start);
                places.map(|(at, _)| format!("{what} at {at:#x} of {region}")).collect::<Vec<_>>()
            });
            places.collect::<Vec<_>>()
        };
        [("payload", &payload), ("authorization", &auth)].into_iter().flat_map(found).collect()
    };
    // It answers first and wipes the answer after.
    let start = std::time::Instant::now();
    while !copies().is_empty() {
        assert!(start.elapsed().as_secs() < 5, "{:#?}", copies());
    }
}

/// Everything writable in a process, by mapping (root may read it; it is not dumpable).
fn memory_of(process: u32) -> Vec<(String, Vec<u8>)> {
    use std::os::unix::fs::FileExt;
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = std::fs::File::open(format!("/proc/{process}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let number = |hex| u64::from_str_radix(hex, 16).unwrap();
        let mut part = vec![0; (number(end) - number(start)) as usize];
        if memory.read_exact_at(&mut part, number(start)).is_ok() {
            all.push((line.to_string(), part));
        }
    }
    all
}

#[test]
fn a_host_may_close_every_descriptor_and_use_the_numbers_again() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        let door = tpm.door();
        door.status().unwrap();
        // SAFETY: this process has no other use for them.
        unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
        assert!(!door.is_open());
        let files: Vec<_> = (0..20).map(|_| std::fs::File::open("/dev/zero").unwrap()).collect();
        door.status().unwrap();
        assert!(door.is_open());
        door.close();
        // None of the host's files was closed for ours.
        assert!(files.iter().all(|file| file.metadata().is_ok_and(|about| about.rdev() != 0)));
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn a_host_without_standard_streams_does_not_write_its_messages_to_the_agent() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        // SAFETY: this process has no other use for them.
        unsafe { libc::close_range(0, 2, 0) };
        let door = tpm.door();
        door.status().unwrap();
        // SAFETY: writes to whatever descriptor 2 is.
        let written = unsafe { libc::write(2, b"message".as_ptr().cast(), 7) };
        let ok = written == -1 && door.status().is_ok();
        i32::from(!ok)
    });
    assert_eq!(code, 0);
}

#[test]
fn a_forked_child_gets_an_agent_of_its_own_and_does_not_disturb_its_parent() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    let parent = door.parent().unwrap();
    let blob = door.seal(&parent, Lock::Machine, &secret(2)).unwrap();
    let before = agents(&tpm.tcti());
    let code = in_child(|| {
        assert!(!door.is_open());
        assert!(door.unseal(&parent, Lock::Machine, &blob).unwrap().ct_eq(&[2; 32]));
        assert_eq!(agents(&tpm.tcti()).len(), 2);
        door.close();
        0
    });
    assert_eq!(code, 0);
    let code = in_child(|| {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let inherited = open();
        door.abandon_in_child();
        assert_eq!(open(), inherited - 1);
        door.abandon_in_child();
        assert_eq!(open(), inherited - 1);
        0
    });
    assert_eq!(code, 0);
    common::eventually("the child's agent ends", || agents(&tpm.tcti()) == before);
    assert!(door.is_open());
    assert!(door.unseal(&parent, Lock::Machine, &blob).unwrap().ct_eq(&[2; 32]));
    assert_eq!(agents(&tpm.tcti()), before);
}

#[test]
fn a_fork_in_the_middle_of_a_request_blocks_neither() {
    let tpm = Swtpm::start();
    let door = tpm.door();
    door.status().unwrap();
    tpm.signal(libc::SIGSTOP);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| door.status());
        std::thread::sleep(std::time::Duration::from_millis(200));
        let code = in_child(|| {
            door.abandon_in_child();
            let other = Door::new(common::settings("swtpm:path=/nonexistent/sock"));
            i32::from(!matches!(other.status(), Err(Error::NoTpm(_))) || door.is_open())
        });
        assert_eq!(code, 0);
        tpm.signal(libc::SIGCONT);
        assert!(asking.join().unwrap().is_ok());
    });
}

#[test]
fn a_host_that_adopts_orphans_is_told_to_use_the_socket() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        // SAFETY: makes this process a subreaper.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) };
        match tpm.door().status() {
            Err(Error::NoAgent(text)) => i32::from(!text.contains("sealhsm-tpm.socket")),
            _ => 2,
        }
    });
    assert_eq!(code, 0);
}

#[test]
fn a_door_leaves_no_descriptor_behind() {
    let tpm = Swtpm::start();
    let code = in_child(|| {
        let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
        let before = open();
        for _ in 0..5 {
            let door = tpm.door();
            door.status().unwrap();
            assert_eq!(open(), before + 1);
        }
        for _ in 0..5 {
            assert!(common::door("swtpm:path=/nonexistent/sock").status().is_err());
        }
        let file = std::fs::File::open("/dev/null").unwrap();
        // SAFETY: asks for the flags of a descriptor.
        let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFD) };
        assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        i32::from(open() != before + 1)
    });
    assert_eq!(code, 0);
}

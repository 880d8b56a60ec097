//! OpenSSH: ssh-keygen, ssh-agent, ssh and sshd.

use crate::docs::follow;
use crate::site::{DOCUMENT, module, pair, sealhsm, token};
use kit::{Client, Env, Running, USER_PIN, isolated, serve};
use std::os::unix::fs::PermissionsExt;

/// A token with an RSA, a P-256 and an Ed25519 pair; the first two are all that every OpenSSH takes from a token.
/// Their public keys in OpenSSH's form are in `rsa.pub` and `ec.pub`.
fn site(env: &Env) {
    token(env);
    for (kind, id) in [("rsa:2048", "01"), ("EC:prime256v1", "02"), ("EC:edwards25519", "03")] {
        pair(env, kind, id, id);
    }
    let ask = env.write("ask", format!("#!/bin/sh\necho \"$@\" >>asked\necho {USER_PIN}\n"));
    std::fs::set_permissions(ask, PermissionsExt::from_mode(0o700)).expect("chmod");
    let listed = ssh(env, "ssh-keygen -e -D").arg(module()).succeeds();
    for (kind, file) in [("ssh-rsa ", "rsa.pub"), ("ecdsa-sha2-nistp256 ", "ec.pub")] {
        let text = listed.text();
        let mut keys = text.lines().filter(|line| line.starts_with(kind));
        env.write(file, format!("{}\n", keys.next().unwrap_or_else(|| panic!("no {kind}: {listed}"))));
        assert_eq!(keys.next(), None, "{listed}");
    }
    assert!(!env.file("asked").exists(), "public keys need no PIN");
}

/// A program of OpenSSH that asks our script for PINs.
fn ssh(env: &Env, words: &str) -> Client {
    let mut words = words.split(' ');
    let client = env.client(words.next().unwrap_or_default()).args(words);
    client.env("SSH_ASKPASS", path(env, "ask")).env("SSH_ASKPASS_REQUIRE", "force")
}

fn path(env: &Env, name: &str) -> String {
    env.file(name).display().to_string()
}

/// An agent that may load our module, which is not where modules usually are.
fn agent(env: &Env) -> Running {
    let start = ssh(env, "ssh-agent -D -P").args([&real_module(), "-a", &path(env, "agent")]);
    start.start(env, "agent.log").makes(&env.file("agent"))
}

fn real_module() -> String {
    std::fs::canonicalize(module()).expect("the module").display().to_string()
}

fn with_agent(env: &Env, words: &str) -> Client {
    ssh(env, words).env("SSH_AUTH_SOCK", path(env, "agent"))
}

/// Whether the agent signs with the key.
fn signs(env: &Env, key: &str) -> bool {
    with_agent(env, "ssh-add -T").arg(key).run().code() == Some(0)
}

/// A key of ssh's own, `NAME` and `NAME.pub`.
fn own_key(env: &Env, name: &str) {
    ssh(env, "ssh-keygen -q -t ed25519").args(["-N", "", "-f", name]).succeeds();
}

#[test]
fn a_certificate_authority_in_the_token_signs_keys_of_users() {
    isolated(|env| {
        site(env);
        for (authority, name) in [("rsa.pub", "RSA"), ("ec.pub", "ECDSA")] {
            let user = format!("user-of-{name}");
            own_key(env, &user);
            let sign = ssh(env, "ssh-keygen -I identity -n somebody -V +1h -s").args([authority, "-D", &module()]);
            sign.arg(format!("{user}.pub")).succeeds();
            let shown = ssh(env, "ssh-keygen -L -f").arg(format!("{user}-cert.pub")).succeeds();
            shown.must_say(&format!("Signing CA: {name}")).must_say("somebody");
        }
    });
}

#[test]
fn an_agent_signs_with_keys_of_the_token() {
    isolated(|env| {
        site(env);
        let _agent = agent(env);
        with_agent(env, "ssh-add -s").arg(module()).succeeds();
        assert!(String::from_utf8_lossy(&env.read("asked")).contains("PKCS#11"));
        for key in ["rsa.pub", "ec.pub"] {
            assert!(signs(env, key), "{key}");
            let sign = with_agent(env, "ssh-keygen -Y sign -n file -f").args([key, "document"]);
            sign.succeeds();
            let allowed = format!("somebody {}", String::from_utf8_lossy(&env.read(key)));
            env.write("allowed", allowed);
            let verify = ssh(env, "ssh-keygen -Y verify -f allowed -I somebody -n file -s document.sig");
            verify.input(DOCUMENT).succeeds().must_say("Good \"file\" signature");
            std::fs::remove_file(env.file("document.sig")).expect("the signature");
        }
    });
}

#[test]
fn a_token_is_added_twice_locked_and_removed_from_an_agent() {
    isolated(|env| {
        site(env);
        let _agent = agent(env);
        let add = || with_agent(env, "ssh-add -s").arg(module());
        add().succeeds();
        // Whether that is an error is OpenSSH's business; the keys stay there, once.
        add().run();
        let listed = with_agent(env, "ssh-add -l").succeeds().text();
        assert_eq!((listed.matches("(RSA)").count(), listed.matches("(ECDSA)").count()), (1, 1), "{listed}");
        assert!(signs(env, "ec.pub"));
        with_agent(env, "ssh-add -x").succeeds();
        assert!(!signs(env, "ec.pub"), "the agent is locked");
        with_agent(env, "ssh-add -X").succeeds();
        assert!(signs(env, "ec.pub"));
        with_agent(env, "ssh-add -e").arg(module()).succeeds();
        assert!(!signs(env, "ec.pub"), "the token was removed");
        add().succeeds();
        assert!(signs(env, "rsa.pub"));
    });
}

#[test]
fn an_agent_with_a_wrong_pin_does_not_sign() {
    isolated(|env| {
        site(env);
        let _agent = agent(env);
        env.write("wrong", "#!/bin/sh\necho not-the-pin\n");
        std::fs::set_permissions(env.file("wrong"), PermissionsExt::from_mode(0o700)).expect("chmod");
        with_agent(env, "ssh-add -s").arg(module()).env("SSH_ASKPASS", path(env, "wrong")).fails();
        assert!(!signs(env, "ec.pub"));
        sealhsm(env, "object list --pin-file pin").succeeds();
    });
}

/// An sshd for whoever runs the test, with these lines in its configuration.
fn sshd(env: &Env, more: &str) -> (Running, u16) {
    // Whether an account is locked, only root and PAM can know.
    let pam = if kit::user::is_root() { "no" } else { "yes" };
    serve(env, "sshd.log", |port| {
        let configuration = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nPidFile none\nStrictModes no\nUsePAM {pam}\nLogLevel VERBOSE\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nAuthorizedKeysFile {}\n{more}\n",
            path(env, "authorized")
        );
        env.write("sshd_config", configuration);
        daemon(env).args(["/usr/sbin/sshd", "-D", "-e", "-f", &path(env, "sshd_config")])
    })
}

/// What starts sshd, whose path and arguments follow. As root it wants an empty directory /run/sshd, which its package
/// does not bring: it gets one in a /run of its own, and where that is not allowed, in the machine's.
fn daemon(env: &Env) -> Client {
    const START: &str = "mkdir -p /run/sshd && exec \"$0\" \"$@\"";
    if !kit::user::is_root() {
        return env.client("env");
    }
    if env.client("unshare").words("--mount mount -t tmpfs tmpfs /run").run().code() == Some(0) {
        return env.client("unshare").words("--mount sh -c").arg(format!("mount -t tmpfs tmpfs /run && {START}"));
    }
    env.client("sh").args(["-c", START])
}

/// ssh to it, without any configuration or key of the user's.
fn log_in(env: &Env, port: u16, words: &str) -> Client {
    let me = env.client("id").arg("-un").succeeds().text();
    let client = with_agent(env, "ssh -F none -o IdentityFile=none -o BatchMode=no -o StrictHostKeyChecking=yes");
    let client = client.args(["-o", &format!("UserKnownHostsFile={}", path(env, "known")), "-p", &port.to_string()]);
    client.words(words).args([&format!("{}@127.0.0.1", me.trim()), "echo logged in"])
}

fn known(env: &Env, key: &str, port: u16) {
    let key = String::from_utf8_lossy(&env.read(key)).into_owned();
    env.write("known", format!("[127.0.0.1]:{port} {key}"));
}

#[test]
fn ssh_logs_in_with_a_key_of_the_token() {
    isolated(|env| {
        site(env);
        own_key(env, "host");
        let (mut server, port) = sshd(env, &format!("HostKey {}", path(env, "host")));
        known(env, "host.pub", port);
        for key in ["rsa.pub", "ec.pub"] {
            env.write("authorized", env.read(key));
            let without_agent = format!("-o IdentityAgent=none -I {}", module());
            log_in(env, port, &without_agent).succeeds().must_say("logged in");
        }
        server.must_say("Accepted publickey");
        let _agent = agent(env);
        with_agent(env, "ssh-add -s").arg(module()).succeeds();
        log_in(env, port, "").succeeds().must_say("logged in");
        own_key(env, "stranger");
        env.write("authorized", env.read("stranger.pub"));
        log_in(env, port, "").fails().must_say("Permission denied");
    });
}

#[test]
fn sshd_proves_itself_by_a_host_key_in_the_token() {
    isolated(|env| {
        site(env);
        own_key(env, "user");
        env.write("authorized", env.read("user.pub"));
        let _agent = agent(env);
        with_agent(env, "ssh-add -s").arg(module()).succeeds();
        let (_server, port) =
            sshd(env, &format!("HostKeyAgent {}\nHostKey {}", path(env, "agent"), path(env, "ec.pub")));
        known(env, "ec.pub", port);
        for _ in 0..3 {
            let identity = format!("-o IdentityAgent=none -i {}", path(env, "user"));
            log_in(env, port, &identity).succeeds().must_say("logged in");
        }
        known(env, "user.pub", port);
        log_in(env, port, "-o IdentityAgent=none").fails().must_say("Host key verification failed");
    });
}

#[test]
fn the_document_for_users_of_openssh_is_followed() {
    isolated(|env| {
        token(env);
        pair(env, "EC:prime256v1", "01", "ssh");
        follow(env, "OpenSSH");
        env.write("allowed", format!("somebody {}", String::from_utf8_lossy(&env.read("ssh.pub"))));
        let verify = ssh(env, "ssh-keygen -Y verify -f allowed -I somebody -n file -s document.sig");
        verify.input(DOCUMENT).succeeds().must_say("Good \"file\" signature");
    });
}

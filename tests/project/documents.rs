//! Documents name what exists: paths, links, tests.

use crate::{read, root, sources};
use std::collections::BTreeSet;

const DOCUMENTS: &[&str] =
    &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/clients.md"];

/// A word that starts so is a path of this repository.
const ROOMS: &[&str] = &["src/", "conf/", "systemd/", "tests/", "swtpm-ci/", "benches/", ".ci/", ".github/"];

/// Words in backticks and, in fenced blocks, everything between spaces; without trailing punctuation.
fn words(document: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut fenced = false;
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            words.extend(line.split_whitespace().map(str::to_owned));
        } else {
            let quoted = line.split('`').skip(1).step_by(2);
            words.extend(quoted.flat_map(str::split_whitespace).map(str::to_owned));
        }
    }
    words.into_iter().map(|word| word.trim_end_matches([',', '.', ':', ';', ')']).to_owned()).collect()
}

/// Targets of links, but for those that lead elsewhere.
fn links(document: &str) -> Vec<&str> {
    let targets = document.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with('#')).collect()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let mut seen = 0;
    for document in DOCUMENTS {
        let text = read(document);
        let paths = words(&text).into_iter().filter(|word| ROOMS.iter().any(|room| word.starts_with(room)));
        for path in paths.chain(links(&text).into_iter().map(str::to_owned)) {
            assert!(root().join(&path).exists(), "{document} names {path}, which does not exist");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} paths found: is the search wrong?");
}

#[test]
fn every_test_that_a_document_names_exists() {
    let code: String = sources().iter().filter(|p| p.extension().is_some_and(|e| e == "rs")).map(read).collect();
    // From an attribute to the body.
    let tests: Vec<&str> = code.split("#[test]\n").skip(1).map(|rest| rest.split('{').next().unwrap_or(rest)).collect();
    for document in DOCUMENTS {
        // A test's name is a sentence: three underscores or more.
        for name in words(&read(document)).iter().filter(|word| word.matches('_').count() >= 3) {
            if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                let is_test = tests.iter().any(|head| head.contains(&format!("fn {name}(")));
                assert!(is_test, "{document} names the test {name}, which does not exist");
            }
        }
    }
}

#[test]
fn every_crate_is_on_the_map() {
    let map = read("ARCHITECTURE.md");
    for path in sources().iter().filter(|path| path.ends_with("Cargo.toml") && path.starts_with("src")) {
        let room = path.parent().expect("src/<room>").display().to_string();
        assert!(map.contains(&room), "ARCHITECTURE.md does not name {room}");
    }
}

#[test]
fn the_formats_in_the_documents_are_those_of_the_code() {
    let text = read("ARCHITECTURE.md");
    let quotes: Vec<&str> = text.split("<!-- from ").skip(1).collect();
    assert!(quotes.len() >= 5, "only {} quotes", quotes.len());
    for quote in quotes {
        let (path, rest) = quote.split_once(" -->\n").expect("a marker ends");
        let (quoted, _) = rest.split_once("<!-- end -->").expect("a quote ends");
        let table: String = read(path)
            .lines()
            .filter_map(|l| l.strip_prefix("//! "))
            .filter(|l| l.starts_with('|'))
            .fold(String::new(), |table, line| table + line + "\n");
        assert_eq!(quoted, table, "ARCHITECTURE.md quotes {path}");
    }
}

//! SealHSM beside bare OpenSSL (the same static copy) and, where they are installed, SoftHSM2 and tpm2-pkcs11, in one
//! run: `cargo bench -p sealhsm-benches --bench compare -- [--quick] [--every] [--case WORD]`; `--every` measures every
//! mechanism in each function that it has, SealHSM beside bare OpenSSL alone, says what is below its limit, and then
//! fails. Every subject is a process of its own; the subjects take turns in short slices, forwards and backwards,
//! because machines are shared and noisy: read ratios.
#![allow(unsafe_code, missing_docs, clippy::print_stdout)]

mod cases;
mod client;
mod every;
mod floor;
mod subjects;

use cases::{Case, Limit, P256, cases};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use subjects::{PIN, Subject};

/// How long one slice of one case on one subject is to take.
const SLICE: Duration = Duration::from_millis(40);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let every = arguments.iter().any(|a| a == "--every");
    let list = if every { every::cases() } else { cases() };
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|at| arguments.get(at + 1));
    if let Some(module) = after("--child") {
        return child(module, &list);
    }
    if let Some(module) = after("--forgotten") {
        return forgotten(module);
    }
    if let Some(module) = after("--first-signature") {
        return first_signature(module);
    }
    if let (Some(module), Some(objects)) = (after("--prepare"), after("--objects")) {
        let objects = objects.parse().expect("a number");
        return subjects::prepare_here(module, objects).iter().for_each(|line| println!("{line}"));
    }
    let quick = arguments.iter().any(|a| a == "--quick");
    let wanted = after("--case").map_or("", String::as_str);
    let (rounds, many) = if quick { (5, 1_000) } else { (21, 10_000) };
    if every {
        return all_mechanisms(&list, wanted, rounds);
    }
    let few = subjects::all(10);
    println!("subjects: {}", few.iter().map(|s| s.name).collect::<Vec<_>>().join(", "));
    for subject in &few {
        subject.missing.iter().for_each(|m| println!("{} lacks {m}", subject.name));
    }
    println!("\nwith 10 more objects; operations per second, and ratios to bare OpenSSL");
    let mut failed = table(&few, &list, wanted, rounds);
    first_signatures(&few, wanted, rounds);
    drop(few);
    let full = subjects::ours(many);
    println!("\nwith {many} more objects");
    let both = [subjects::bare(), full];
    failed.extend(table(&both, &list, wanted, rounds));
    first_signatures(&both, wanted, rounds);
    failed.iter().for_each(|row| println!("{row}"));
}

/// SealHSM beside the floor, and what has none.
fn all_mechanisms(list: &[Case], wanted: &str, rounds: usize) {
    let both = [subjects::bare(), subjects::ours(10)];
    let below = table(&both, list, wanted, rounds);
    let output = command(&both[1], "--forgotten").output().expect("spawn");
    let forgotten = String::from_utf8_lossy(&output.stdout);
    print!("\n{forgotten}");
    below.iter().for_each(|row| println!("{row}"));
    drop(both);
    std::process::exit(i32::from(!below.is_empty() || !forgotten.is_empty()));
}

/// Prints what the mechanisms of a module can do and is not measured.
fn forgotten(module: &str) {
    let found = client::Module::load(module.as_ref()).and_then(|m| every::forgotten(&m.session(PIN)?));
    match found {
        Ok(found) => found.iter().for_each(|what| println!("not measured: {what}")),
        Err(error) => println!("{error}"),
    }
}

/// A subject at work: answers `case iterations` with nanoseconds.
struct Worker {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Worker {
    fn start(subject: &Subject) -> Worker {
        let mut process = command(subject, "--child")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("spawn");
        let (to, from) = (process.stdin.take().expect("piped"), process.stdout.take().expect("piped"));
        Worker { process, to, from: BufReader::new(from) }
    }

    fn run(&mut self, case: usize, iterations: u64) -> Result<f64, String> {
        let mut answer = String::new();
        writeln!(self.to, "{case} {iterations}").map_err(|e| e.to_string())?;
        self.from.read_line(&mut answer).map_err(|e| e.to_string())?;
        answer.trim().parse::<u64>().map(|ns| ns as f64 / iterations as f64).map_err(|_| answer.trim().to_string())
    }
}

impl Worker {
    /// How many calls of a case fill a slice. One to find what does not work; then more and more, because the first
    /// hundred are slower than what is to be measured.
    fn filling(&mut self, case: usize, slice: Duration) -> Result<u64, String> {
        let slice = slice.as_nanos() as f64;
        let mut count = 1;
        loop {
            let each = self.run(case, count)?;
            let fill = ((slice / each) as u64).max(2);
            if count as f64 * each >= slice / 4.0 || count >= fill {
                return Ok(fill);
            }
            count = fill.min(count * 16);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(subject: &Subject, mode: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("own path"));
    // The list of cases is the parent's.
    let list = std::env::args().find(|a| a == "--every");
    command.args(list).args([mode, &subject.module]).envs(subject.environment.iter().cloned());
    command
}

/// Prints the rows, and says which are below their limits or failed.
fn table(subjects: &[Subject], list: &[Case], wanted: &str, rounds: usize) -> Vec<String> {
    let mut below = Vec::new();
    print!("| operation |");
    subjects.iter().for_each(|s| print!(" {} |", s.name));
    println!("\n|---|{}", "--:|".repeat(subjects.len()));
    // The workers inherit it.
    stay();
    let mut workers: Vec<Worker> = subjects.iter().map(Worker::start).collect();
    for (at, case) in list.iter().enumerate().filter(|(_, case)| case.name.contains(wanted)) {
        let iterations: Vec<Result<u64, String>> = workers.iter_mut().map(|w| w.filling(at, SLICE)).collect();
        let mut times: Vec<Vec<Option<f64>>> = vec![Vec::new(); subjects.len()];
        for round in 0..rounds {
            let order: Vec<usize> =
                if round % 2 == 0 { (0..subjects.len()).collect() } else { (0..subjects.len()).rev().collect() };
            for subject in order {
                let count = iterations[subject].as_ref().ok();
                times[subject].push(count.and_then(|count| workers[subject].run(at, *count).ok()));
            }
        }
        print!("| {} |", case.name);
        for subject in 0..subjects.len() {
            let none = subject == 0 && case.bare.is_none();
            print!(" {} |", if none { "–".into() } else { cell(&times, subject) });
        }
        println!();
        let limit = case.limit.map_or(0.0, Limit::ratio);
        for (subject, found) in iterations.iter().enumerate() {
            match (found, ratio(&times, subject)) {
                (Ok(_), _) if times[subject].contains(&None) => below.push(format!("failed later: {}", case.name)),
                (Ok(_), Some(ratio)) if ratio < limit => {
                    below.push(format!("below its limit: {}: {ratio:.2}", case.name));
                }
                (Err(error), _) if subject > 0 || case.bare.is_some() => {
                    below.push(format!("failed: {}: {}: {error}", case.name, subjects[subject].name));
                }
                _ => {}
            }
        }
    }
    below
}

fn first_signatures(subjects: &[Subject], wanted: &str, rounds: usize) {
    if "first signature of a new process".contains(wanted) {
        print!("| first signature of a new process (P-256, ms) |");
        for subject in subjects {
            let mut ms: Vec<f64> = (0..rounds).filter_map(|_| first(subject)).collect();
            print!(" {} |", if ms.is_empty() { "n/a".into() } else { format!("{:.1}", median(&mut ms)) });
        }
        println!();
    }
}

/// Operations per second, and the median over the rounds of the ratio to the first subject.
fn cell(times: &[Vec<Option<f64>>], subject: usize) -> String {
    let mut own: Vec<f64> = times[subject].iter().copied().flatten().collect();
    if own.is_empty() {
        return "n/a".into();
    }
    let rate = rounded(1e9 / median(&mut own));
    if subject == 0 {
        return rate;
    }
    ratio(times, subject).map_or(rate.clone(), |ratio| format!("{rate} ({ratio:.2})"))
}

/// The median over the rounds of the ratio to the first subject.
fn ratio(times: &[Vec<Option<f64>>], subject: usize) -> Option<f64> {
    let both = times[0].iter().zip(&times[subject]);
    let mut ratios: Vec<f64> = both.filter_map(|(floor, own)| Some((*floor)? / (*own)?)).collect();
    if ratios.is_empty() { None } else { Some(median(&mut ratios)) }
}

fn rounded(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.2} M", r / 1e6),
        r if r >= 1e4 => format!("{:.0} k", r / 1e3),
        r => format!("{r:.0}"),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn first(subject: &Subject) -> Option<f64> {
    let output = command(subject, "--first-signature").output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse::<f64>().ok().map(|ns| ns / 1e6)
}

/// Stays on the processor it is on, and so does what it starts: processors of a shared machine are not equally busy,
/// and subjects that take turns can take them on one.
fn stay() {
    // SAFETY: a set of our own, given with its size; only this process is asked about.
    unsafe {
        let mut only: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(libc::sched_getcpu().max(0) as usize, &mut only);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &only);
    }
}

/// The floor of a case, prepared.
fn floor_of(case: &Case) -> Result<floor::Run, String> {
    case.bare.as_ref().ok_or("nothing to compare with")?()
}

fn child(module: &str, list: &[Case]) {
    let session = || -> Result<client::Session, String> {
        // One session per case; C_Initialize and C_Login happen once per process.
        thread_local!(static MODULE: std::cell::OnceCell<client::Module> = const { std::cell::OnceCell::new() });
        MODULE.with(|cell| {
            if cell.get().is_none() {
                let loaded = client::Module::load(module.as_ref())?;
                let _ = cell.set(loaded);
            }
            cell.get().ok_or("unloaded".to_string())?.session(PIN)
        })
    };
    let mut ready: Vec<Option<Result<floor::Run, String>>> = list.iter().map(|_| None).collect();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ').filter_map(|w| w.parse::<u64>().ok());
        let (Some(case), Some(iterations)) = (words.next(), words.next()) else { break };
        let case = case as usize;
        let run = ready[case].get_or_insert_with(|| match module {
            "bare" => floor_of(&list[case]),
            _ => session().and_then(&list[case].module),
        });
        let outcome = run.as_mut().map_err(|e| e.clone()).and_then(|run| {
            let start = Instant::now();
            for _ in 0..iterations {
                run()?;
            }
            Ok(start.elapsed().as_nanos())
        });
        match outcome {
            Ok(ns) => println!("{ns}"),
            Err(error) => println!("{error}"),
        }
    }
}

/// From nothing to a signature: load, initialise, log in, find the key, sign. Bare OpenSSL has no key to find and makes
/// one.
fn first_signature(module: &str) {
    let start = Instant::now();
    let outcome = match module {
        "bare" => floor_of(&cases()[P256]).and_then(|mut run| run()),
        _ => client::Module::load(module.as_ref())
            .and_then(|m| m.session(PIN))
            .and_then(|s| (cases()[P256].module)(s))
            .and_then(|mut run| run()),
    };
    match outcome {
        Ok(()) => println!("{}", start.elapsed().as_nanos()),
        Err(error) => println!("{error}"),
    }
}

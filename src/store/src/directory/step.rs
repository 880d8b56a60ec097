//! The points at which a crash or a full disk can strike. Tests watch them; otherwise there is nothing here.

/// One change of the file system that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A file is made, empty.
    Create,
    /// Bytes are written to a new file, or added to the index.
    Write,
    /// fsync of a file.
    Sync,
    /// fsync of the directory; the name is ".".
    SyncDirectory,
    /// A file gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// A file is cut.
    Truncate,
}

#[cfg(not(test))]
#[inline(always)]
pub fn before(_: Step, _: &str) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub use watched::{before, watch};

#[cfg(test)]
mod watched {
    use super::Step;
    use std::cell::RefCell;
    use std::io;

    type Watcher = Box<dyn FnMut(Step, &str) -> io::Result<()>>;

    thread_local! {
        static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
    }

    pub fn before(step: Step, name: &str) -> io::Result<()> {
        WATCHER.with_borrow_mut(|w| w.as_mut().map_or(Ok(()), |watcher| watcher(step, name)))
    }

    /// Runs `work` with `watcher` called before each step of this thread; its error is the step's.
    pub fn watch<T>(watcher: impl FnMut(Step, &str) -> io::Result<()> + 'static, work: impl FnOnce() -> T) -> T {
        WATCHER.set(Some(Box::new(watcher)));
        let done = work();
        WATCHER.set(None);
        done
    }
}

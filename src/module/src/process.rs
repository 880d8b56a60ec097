//! The application of this process, from C_Initialize to C_Finalize. A call costs two loads and no write to shared
//! memory: every thread keeps a reference of its own, good as long as the generation does not change. A forked
//! child starts anew and takes none of the locks that another thread of its parent may have held.
#![allow(unsafe_code)]

use crate::fork;
use sealhsm_core::{Application, Error, Result};
use std::cell::Cell;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a process knows. Never freed: a child leaves its parent's alone and makes its own.
struct World {
    /// C_Initialize and C_Finalize take turns.
    current: Mutex<Option<Arc<Application>>>,
    /// The same application with a reference of its own, for a child, which cannot wait for the lock.
    seen_by_children: AtomicPtr<Application>,
}

static WORLD: AtomicPtr<World> = AtomicPtr::new(ptr::null_mut());
/// Generations are drawn from here; a child goes on where its parent was, so that none comes twice.
static NEXT: AtomicU64 = AtomicU64::new(1);
/// References from before this generation are those of a parent.
static FIRST_OURS: AtomicU64 = AtomicU64::new(0);

struct Reference {
    generation: u64,
    application: Arc<Application>,
}

thread_local! {
    static MINE: Cell<Option<Reference>> = const { Cell::new(None) };
}

/// Runs `body` with the application; `NotInitialized` without one, and in a forked child. C_Finalize in another
/// thread does not pull it away: the body ends with the reference it began with.
pub fn with<T>(body: impl FnOnce(&Application) -> Result<T>) -> Result<T> {
    // In exit handlers a thread's own memory may be gone already: then each call gets a new reference.
    let mine = MINE.try_with(Cell::take).unwrap_or(None);
    let mine = match mine {
        Some(mine) if mine.generation == generation() => mine,
        stale => renew(stale)?,
    };
    let result = body(&mine.application);
    if mine.generation == generation() {
        // Not kept if the thread is ending.
        let _ = MINE.try_with(|place| place.set(Some(mine)));
    }
    result
}

fn generation() -> u64 {
    fork::mark().generation.load(Ordering::Acquire)
}

#[cold]
fn renew(stale: Option<Reference>) -> Result<Reference> {
    let world = world();
    if let Some(stale) = stale.filter(|stale| stale.generation < FIRST_OURS.load(Ordering::Relaxed)) {
        // The parent's: dropping it could take its locks.
        mem::forget(stale.application);
    }
    let current = lock(&world.current);
    let application = current.as_ref().ok_or(Error::NotInitialized)?.clone();
    Ok(Reference { generation: generation(), application })
}

/// C_Initialize: `AlreadyInitialized`, or what `make` says.
pub fn start(make: impl FnOnce() -> Result<Application>) -> Result<()> {
    let world = world();
    let mut current = lock(&world.current);
    if current.is_some() {
        return Err(Error::AlreadyInitialized);
    }
    let application = Arc::new(make()?);
    world.seen_by_children.store(Arc::into_raw(application.clone()).cast_mut(), Ordering::Release);
    *current = Some(application);
    turn();
    Ok(())
}

/// C_Finalize.
pub fn stop() -> Result<()> {
    let world = world();
    let mut current = lock(&world.current);
    let application = current.take().ok_or(Error::NotInitialized)?;
    turn();
    application.stop();
    let seen = world.seen_by_children.swap(ptr::null_mut(), Ordering::AcqRel);
    if !seen.is_null() {
        // SAFETY: it came from Arc::into_raw in `start`, and whoever swaps it out owns that reference.
        drop(unsafe { Arc::from_raw(seen) });
    }
    Ok(())
}

/// Makes every thread's reference stale.
fn turn() {
    fork::mark().generation.store(NEXT.fetch_add(1, Ordering::Relaxed), Ordering::Release);
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This process's world; the first to ask for it in a new process makes it.
fn world() -> &'static World {
    let mark = fork::mark();
    while mark.generation.load(Ordering::Acquire) == 0 {
        if mark.claimed.swap(true, Ordering::AcqRel) {
            // Another thread is at it, for some microseconds.
            std::thread::yield_now();
        } else {
            begin();
        }
    }
    let world = WORLD.load(Ordering::Acquire);
    // SAFETY: `begin` has run in this process, and worlds are never freed.
    unsafe { &*world }
}

fn begin() {
    fork::arrived();
    let new = World { current: Mutex::new(None), seen_by_children: AtomicPtr::new(ptr::null_mut()) };
    let parents = WORLD.swap(Box::leak(Box::new(new)), Ordering::AcqRel);
    FIRST_OURS.store(NEXT.load(Ordering::Relaxed), Ordering::Relaxed);
    turn();
    if let Some(inherited) = seen(parents) {
        inherited.abandon_in_child();
        inherited.wipe_in_child();
    }
}

/// In every forked child, as the fork ends: lets go of the parent's agent and locks, even if it never calls us again.
/// Waits for nothing and touches nothing of the host's.
pub fn forked() {
    if let Some(inherited) = seen(WORLD.load(Ordering::Acquire)) {
        inherited.abandon_in_child();
    }
}

/// The parent's application in a child. Its reference is never given back there: what the parent's threads were doing
/// with it stays as it is.
fn seen(parents: *const World) -> Option<&'static Application> {
    // SAFETY: worlds are never freed; this one is a copy of the parent's at the moment of the fork.
    let parents = unsafe { parents.as_ref() }?;
    // SAFETY: NULL, or it holds a reference that C_Finalize in the parent had not given back when it forked.
    unsafe { parents.seen_by_children.load(Ordering::Acquire).as_ref() }
}

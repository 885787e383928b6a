//! Invariants 2 and 3 under SIGKILL: what was acknowledged is there, no half turn is a whole one.
//!
//! The test starts itself as children that append and chat in a loop on one SQLite file, and says
//! on standard output what was acknowledged. They are killed at random moments, 200 times; each
//! time the file is opened again, verified, and compared with what was acknowledged.

#[cfg(test)]
mod child;
#[cfg(test)]
mod parent;

#[cfg(test)]
fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("child") {
        child::run(&arguments.collect::<Vec<_>>());
    } else {
        parent::run();
    }
}

//! Invariants 2 and 3 under SIGKILL: what was acknowledged is there, no half turn is a whole one.
//!
//! The test starts itself as children that append and chat in a loop on one SQLite file, and says
//! on standard output what was acknowledged. They are killed at random moments, 200 times; each
//! time the file is opened again, verified, and compared with what was acknowledged. Then the same with
//! tools that write to files, and with mail.

#[cfg(test)]
mod child;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod parent;
#[cfg(test)]
mod tools;

#[cfg(test)]
fn main() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("child") => child::run(&arguments.collect::<Vec<_>>()),
        Some("mail") => mail::run_child(&arguments.collect::<Vec<_>>()),
        Some("tools") => tools::run_child(&arguments.collect::<Vec<_>>()),
        _ => {
            parent::run();
            tools::run_parent();
            mail::run_parent();
            println!("test result: ok. 3 passed; 0 failed");
        }
    }
}

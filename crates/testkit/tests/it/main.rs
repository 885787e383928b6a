//! The memory store against the conformance suite, and the fakes against their promises.

#[cfg(test)]
mod fakes;
#[cfg(test)]
mod memory;

//! What must hold of everything that reads bytes from outside, for a fuzzer to try.
//!
//! A [`Target`] takes bytes and panics when something does not hold; each has a program in `fuzz_targets`.
//! `cargo xtask fuzz` builds and runs them. Inputs are plain: a stream, a table, an archive as they lie in a
//! file, so that what is found can be looked at, and kept as a fixture.
//!
//! | module | holds |
//! |---|---|
//! | [`answer`] | answers of models, in each protocol, cut anywhere |
//! | [`framing`] | streams cut into events and lines |
//! | [`endless`] | answers without end: sizes and memory stay bounded |
//! | [`mask`], [`redact`] | keys taken out of answers and of texts |
//! | [`archive`], [`table`], [`parquet`] | what is imported |
//! | [`codec`] | the stored form |
//! | `laws` | what holds of the events of any answer |
//! | `cuts`, `memory` | where streams are cut, how much is held |
//! | `seeds`, `lines` | what a run begins with, and how its lines are changed |
//! | `world` | an engine in memory |

pub mod answer;
pub mod archive;
pub mod codec;
mod cuts;
pub mod endless;
pub mod framing;
mod laws;
mod lines;
pub mod mask;
mod memory;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod redact;
mod seeds;
pub mod table;
mod world;

pub use self::{lines::mutated, seeds::write_if_asked};

/// Something that reads bytes.
pub trait Target {
    /// Inputs to begin with.
    fn seeds() -> Vec<Vec<u8>>;

    /// Tries `data`.
    ///
    /// # Panics
    ///
    /// When something does not hold.
    fn check(data: &[u8]);
}

/// The program of a target.
#[macro_export]
macro_rules! program {
    ($target:ty) => {
        libfuzzer_sys::fuzz_target!(
            init: $crate::write_if_asked::<$target>(),
            |data: &[u8]| <$target as $crate::Target>::check(data)
        );
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutated(data, size, max_size, seed, libfuzzer_sys::fuzzer_mutate)
        });
    };
}

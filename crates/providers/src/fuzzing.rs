//! What is private and is fuzzed on its own. It is built for the targets in `fuzz` alone, and is no part of the
//! interface.

use std::sync::Arc;

use branchwork_core::{
    provider::{EventStream, ProviderError},
    secret::Secret,
};

use crate::{
    framing::{Frame, Framer, Framing},
    mask::Mask,
};

/// What a stream says in one frame, and whether the server calls it an error.
pub type Said = (Vec<u8>, bool);

/// The server-sent events of a stream that comes in `pieces`.
///
/// # Errors
///
/// [`ProviderError::Malformed`] for one that is too long.
pub fn events(pieces: &[&[u8]]) -> Result<Vec<Said>, ProviderError> {
    frames(Framing::Events, pieces)
}

/// The lines of a stream that comes in `pieces`.
///
/// # Errors
///
/// [`ProviderError::Malformed`] for one that is too long.
pub fn lines(pieces: &[&[u8]]) -> Result<Vec<Said>, ProviderError> {
    frames(Framing::Lines, pieces)
}

fn frames(framing: Framing, pieces: &[&[u8]]) -> Result<Vec<Said>, ProviderError> {
    let (mut framer, mut frames) = (Framer::new(framing), Vec::new());
    let mut sink = |frame: Frame<'_>| {
        frames.push((frame.data.to_vec(), frame.is_error));
        Ok(())
    };
    for piece in pieces {
        framer.push(piece, &mut sink)?;
    }
    framer.finish(&mut sink)?;
    Ok(frames)
}

/// An answer without `keys`.
pub fn masked(keys: &[Secret], events: EventStream) -> EventStream {
    Arc::new(Mask::new(keys)).events(events)
}

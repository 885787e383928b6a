//! An answer that is over is read once more, for keys that came in pieces.

use std::sync::Arc;

use crate::{
    framing::{Framer, Framing},
    mask::Mask,
    reading,
    wire::{Decode, Events, end_stream},
};

/// Reads an answer as its protocol does: a key that a model spells is cut by what stands between the pieces of
/// its text, and is in no place of the body.
#[derive(Debug)]
pub(crate) struct Reread {
    /// The keys that are looked for.
    pub(crate) mask: Arc<Mask>,
    /// How it is cut into frames; `None` when it comes whole.
    pub(crate) framing: Option<Framing>,
    pub(crate) decoder: Box<dyn Decode>,
}

impl Reread {
    /// Whether `body`, or as much of it as can be read, spells a key.
    pub(super) fn finds_key(self, body: &[u8]) -> bool {
        let Self { mask, framing, mut decoder } = self;
        let mut events = Events::new();
        // What is wrong with it, whoever reads it is told.
        let _read = match framing {
            None => reading::decode_whole(body, &mut *decoder, &mut events),
            Some(framing) => {
                let mut framer = Framer::new(framing);
                framer
                    .push(body, |frame| decoder.decode(frame, &mut events))
                    .and_then(|()| end_stream(&mut framer, &mut *decoder, &mut events))
            }
        };
        mask.is_spelt(events)
    }
}

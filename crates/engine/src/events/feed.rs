//! The answer that is being made, for all that follow its branch.

use std::sync::{Arc, Mutex};

use branchwork_core::provider::ProviderEvent;
use tokio::sync::Notify;

use super::EventKind;
use crate::engine::lock;

/// Shared by the handles of one branch in one engine.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    // A std mutex: held to add a piece or to copy what is new.
    live: Mutex<Live>,
    changed: Arc<Notify>,
}

/// What there is of an answer, in the order in which it came. Neighbours of one kind are one piece.
#[derive(Debug, Default)]
struct Live {
    /// The revision of the branch that the answer will follow.
    base: u64,
    /// Counts answers: one that is begun anew has another number.
    number: u64,
    pieces: Vec<EventKind>,
}

/// How much of an answer was heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Heard {
    number: u64,
    /// Pieces that were heard whole.
    pieces: usize,
    /// Bytes of the next one.
    bytes: usize,
}

impl Feed {
    /// An answer begins, behind `base`.
    pub(crate) fn begin(&self, base: u64) {
        let mut live = lock(&self.live);
        *live = Live { base, number: live.number + 1, pieces: Vec::new() };
    }

    /// The model said something.
    pub(crate) fn hear(&self, event: &ProviderEvent) {
        let Some(piece) = piece(event) else { return };
        let mut live = lock(&self.live);
        if matches!(piece, EventKind::Retried(_)) {
            *live = Live { base: live.base, number: live.number + 1, pieces: Vec::new() };
        }
        live.push(piece);
        drop(live);
        self.changed.notify_waiters();
    }

    /// The branch is at `revision` now: there is something to read. What is written of an answer is not kept
    /// here any more.
    pub(crate) fn changed(&self, revision: u64) {
        let mut live = lock(&self.live);
        if live.base < revision {
            live.pieces = Vec::new();
        }
        drop(live);
        self.changed.notify_waiters();
    }

    /// Nobody knows where the branch is.
    pub(crate) fn lost(&self) {
        self.changed.notify_waiters();
    }

    /// What to wait on for the next change.
    pub(super) const fn notify(&self) -> &Arc<Notify> {
        &self.changed
    }

    /// What is new since `heard` of an answer that follows `base`.
    pub(super) fn since(&self, base: u64, heard: &mut Heard) -> Vec<EventKind> {
        let live = lock(&self.live);
        if live.base != base {
            return Vec::new();
        }
        if heard.number != live.number {
            *heard = Heard { number: live.number, ..Heard::default() };
        }
        let mut new = Vec::new();
        for piece in live.pieces.iter().skip(heard.pieces) {
            new.extend(rest_of(piece, heard.bytes));
            (heard.pieces, heard.bytes) = (heard.pieces + 1, 0);
        }
        // The last one may still grow.
        if let Some(text) = live.pieces.last().and_then(text_of) {
            (heard.pieces, heard.bytes) = (live.pieces.len() - 1, text.len());
        }
        new
    }
}

impl Live {
    fn push(&mut self, piece: EventKind) {
        match (self.pieces.last_mut(), &piece) {
            (Some(EventKind::Text(text)), EventKind::Text(more))
            | (Some(EventKind::Reasoning(text)), EventKind::Reasoning(more)) => text.push_str(more),
            (
                Some(EventKind::CallArguments { index, text }),
                EventKind::CallArguments { index: same, text: more },
            ) if index == same => text.push_str(more),
            _ => self.pieces.push(piece),
        }
    }
}

fn piece(event: &ProviderEvent) -> Option<EventKind> {
    Some(match event {
        ProviderEvent::Text(text) => EventKind::Text(text.clone()),
        ProviderEvent::Reasoning(text) => EventKind::Reasoning(text.clone()),
        ProviderEvent::Retried(retried) => EventKind::Retried(retried.clone()),
        ProviderEvent::CallStarted { index, id, function } => {
            EventKind::CallStarted { index: *index, id: id.clone(), function: function.clone() }
        }
        ProviderEvent::CallArguments { index, text } => {
            EventKind::CallArguments { index: *index, text: text.clone() }
        }
        _ => return None,
    })
}

fn text_of(piece: &EventKind) -> Option<&str> {
    match piece {
        EventKind::Text(text)
        | EventKind::Reasoning(text)
        | EventKind::CallArguments { text, .. } => Some(text),
        _ => None,
    }
}

/// What of `piece` comes after its first `bytes`.
fn rest_of(piece: &EventKind, bytes: usize) -> Option<EventKind> {
    let rest = |text: &String| text.get(bytes..).filter(|rest| !rest.is_empty()).map(str::to_owned);
    match piece {
        EventKind::Text(text) => rest(text).map(EventKind::Text),
        EventKind::Reasoning(text) => rest(text).map(EventKind::Reasoning),
        EventKind::CallArguments { index, text } => {
            rest(text).map(|text| EventKind::CallArguments { index: *index, text })
        }
        whole => Some(whole.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use branchwork_core::provider::Retried;

    use super::*;

    fn text(text: &str) -> ProviderEvent {
        ProviderEvent::Text(text.to_owned())
    }

    #[test]
    fn each_reader_hears_every_piece_once_whenever_it_looks() {
        let (feed, mut early, mut late) = (Feed::default(), Heard::default(), Heard::default());
        feed.begin(7);
        assert_eq!(feed.since(7, &mut early), []);
        feed.hear(&text("Ro"));
        assert_eq!(feed.since(7, &mut early), [EventKind::Text("Ro".to_owned())]);
        feed.hear(&text("me"));
        let call = ProviderEvent::CallStarted { index: 0, id: "c".into(), function: "add".into() };
        feed.hear(&call);
        let started = piece(&call).unwrap();
        assert_eq!(feed.since(7, &mut early), [EventKind::Text("me".to_owned()), started.clone()]);
        let more = |text: &str| ProviderEvent::CallArguments { index: 0, text: text.to_owned() };
        feed.hear(&more("{"));
        feed.hear(&more("}"));
        let whole = EventKind::CallArguments { index: 0, text: "{}".to_owned() };
        assert_eq!(feed.since(7, &mut early), std::slice::from_ref(&whole));
        assert_eq!(feed.since(7, &mut early), []);
        let all = [EventKind::Text("Rome".to_owned()), started, whole];
        assert_eq!(feed.since(7, &mut late), all);
        // What came before a call was made anew does not count, also for who comes late.
        let retried = Retried {
            retries: 1,
            wait: Duration::ZERO,
            error_type: "truncated",
            problem: "cut".to_owned(),
        };
        feed.hear(&ProviderEvent::Retried(retried.clone()));
        feed.hear(&text("Ro"));
        let anew = [EventKind::Retried(retried), EventKind::Text("Ro".to_owned())];
        assert_eq!(feed.since(7, &mut early), anew);
        assert_eq!(feed.since(7, &mut Heard::default()), anew);
        // Another answer is not the rest of this one, and not behind where this reader is.
        feed.begin(9);
        feed.hear(&text("Oslo"));
        assert_eq!(feed.since(7, &mut early), []);
        assert_eq!(feed.since(9, &mut early), [EventKind::Text("Oslo".to_owned())]);
    }
}

//! What holds of the events of any answer.

use std::collections::{BTreeMap, BTreeSet};

use branchwork_core::{
    limits::{CALLS_PER_ANSWER_MAX, MESSAGE_BYTES_MAX},
    provider::{Finish, ProviderEvent},
    turn::Answer,
};

/// One answer of a response, as far as it was checked.
#[derive(Default)]
struct Voice {
    /// The places of its calls. One may get its name, and so begin, after one behind it.
    calls: BTreeSet<u32>,
    bytes: usize,
    finish: Option<Finish>,
}

/// Checks the events of one response, of which so many answers were asked for.
///
/// # Panics
///
/// When one is out of place.
pub(crate) fn check(events: &[ProviderEvent], is_whole: bool, choices: u32) {
    let mut voices = BTreeMap::<u32, Voice>::new();
    for (place, event) in events.iter().enumerate() {
        let (number, event) = match event {
            ProviderEvent::Sibling { choice, event } => (*choice, &**event),
            event => (0, event),
        };
        assert!(number < choices, "answer {number} was not asked for");
        let voice = voices.entry(number).or_default();
        assert_eq!(voice.finish, None, "{event:?} comes behind the end of answer {number}");
        match event {
            // Some servers begin anew, and nobody minds.
            ProviderEvent::Started { .. } => {}
            ProviderEvent::Finished(finish) => {
                voice.finish = Some(finish.clone());
                assert!(number > 0 || place + 1 == events.len(), "the end is not the last event");
            }
            event => voice.take(event),
        }
    }
    let ended = voices.get(&0).is_some_and(|voice| voice.finish.is_some());
    assert_eq!(ended, is_whole, "an answer is whole when its end came");
    assert!(
        !is_whole || voices.values().all(|voice| voice.finish.is_some()),
        "an answer beside the first has no end"
    );
}

impl Voice {
    fn take(&mut self, event: &ProviderEvent) {
        match event {
            ProviderEvent::CallStarted { index, id, function } => {
                assert!(self.calls.insert(*index), "call {index} begins twice");
                assert!(!id.is_empty() && !function.is_empty(), "a call has no name: {event:?}");
                assert!(self.calls.len() <= CALLS_PER_ANSWER_MAX, "{} calls", self.calls.len());
            }
            ProviderEvent::CallArguments { index, text } => {
                assert!(self.calls.contains(index), "arguments of a call that has not begun");
                assert!(!text.is_empty(), "a piece without text");
                self.bytes += text.len();
            }
            ProviderEvent::Text(text) | ProviderEvent::Reasoning(text) => {
                assert!(!text.is_empty(), "a piece without text");
                self.bytes += text.len();
            }
            ProviderEvent::Sibling { .. } | ProviderEvent::Retried(_) => {
                panic!("no answer says {event:?}")
            }
            _ => {}
        }
        assert!(self.bytes <= 2 * MESSAGE_BYTES_MAX, "{} bytes were said", self.bytes);
    }
}

/// What is kept of answer `number`.
pub(crate) fn kept<'a>(events: impl IntoIterator<Item = &'a ProviderEvent>, number: u32) -> Answer {
    let mut answer = Answer::default();
    for event in events {
        match event {
            ProviderEvent::Sibling { choice, event } if *choice == number => {
                answer.push((**event).clone());
            }
            ProviderEvent::Sibling { .. } => {}
            event if number == 0 => answer.push(event.clone()),
            _ => {}
        }
    }
    answer
}

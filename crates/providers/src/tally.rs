//! What is counted of one answer while it comes, alike in all protocols: its bytes and its calls.

use branchwork_core::{
    limits::{CALLS_PER_ANSWER_MAX, MESSAGE_BYTES_MAX},
    provider::ProviderEvent,
};

/// What is wrong with a call that cannot be run.
pub(crate) const NAMELESS: &str = "a tool call has no name";

/// What was counted of one answer so far.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Tells the identifiers we make from those of earlier answers of the conversation.
    conversation_len: usize,
    /// Of all that is kept until the answer is whole: what is said, what goes back with it, and what is told
    /// beside it.
    bytes: usize,
    calls: usize,
}

impl Tally {
    /// Nothing yet, in answer to a conversation of that many messages.
    pub(crate) const fn new(conversation_len: usize) -> Self {
        Self { conversation_len, bytes: 0, calls: 0 }
    }

    /// Counts `bytes` more.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more than an answer may have.
    pub(crate) fn count(&mut self, bytes: usize) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MESSAGE_BYTES_MAX {
            return Err(format!("the answer is longer than {MESSAGE_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    /// Counts another call: its place.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more than an answer may have.
    pub(crate) fn call(&mut self) -> Result<u32, String> {
        if self.calls >= CALLS_PER_ANSWER_MAX {
            return Err(format!("the answer has more than {CALLS_PER_ANSWER_MAX} tool calls"));
        }
        let place = u32::try_from(self.calls).unwrap_or(u32::MAX);
        self.calls += 1;
        Ok(place)
    }

    /// That the call at `place` begins, under the identifier of the server or, where it gives none, one of
    /// ours.
    pub(crate) fn started(&self, place: u32, id: Option<&str>, function: &str) -> ProviderEvent {
        let made = || format!("call_{}_{place}", self.conversation_len);
        let id = id.map_or_else(made, str::to_owned);
        ProviderEvent::CallStarted { index: place, id, function: function.to_owned() }
    }

    /// Counts another call, and tells that it begins.
    ///
    /// # Errors
    ///
    /// What is wrong: it has no name, or there are too many.
    pub(crate) fn begin_call(
        &mut self,
        id: Option<&str>,
        function: Option<&str>,
    ) -> Result<(u32, ProviderEvent), String> {
        let function = function.ok_or(NAMELESS)?;
        let place = self.call()?;
        self.count(id.map_or(0, str::len).saturating_add(function.len()))?;
        Ok((place, self.started(place, id, function)))
    }

    /// Whether a tool was called.
    pub(crate) const fn has_calls(&self) -> bool {
        self.calls > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_places_and_identifiers_and_are_only_so_many() {
        let mut tally = Tally::new(3);
        assert!(!tally.has_calls());
        let begun = |id: &str, place| ProviderEvent::CallStarted {
            index: place,
            id: id.to_owned(),
            function: "look".to_owned(),
        };
        assert_eq!(tally.begin_call(Some("a"), Some("look")), Ok((0, begun("a", 0))));
        assert_eq!(tally.begin_call(None, Some("look")), Ok((1, begun("call_3_1", 1))));
        assert_eq!(tally.begin_call(Some("a"), None), Err(NAMELESS.to_owned()));
        assert!(tally.has_calls());
        for place in 2..128 {
            assert_eq!(tally.call(), Ok(place));
        }
        assert_eq!(tally.call(), Err("the answer has more than 128 tool calls".to_owned()));
    }

    #[test]
    fn an_answer_has_only_so_many_bytes_whatever_they_are() {
        let mut tally = Tally::new(0);
        assert_eq!(tally.count(MESSAGE_BYTES_MAX), Ok(()));
        let too_long = "the answer is longer than 67108864 bytes".to_owned();
        assert_eq!(tally.count(1), Err(too_long.clone()));
        assert_eq!(tally.count(usize::MAX), Err(too_long));
        let mut tally = Tally::new(0);
        assert!(tally.begin_call(Some("a"), Some(&"x".repeat(MESSAGE_BYTES_MAX))).is_err());
    }
}

//! Tool calls, put together from the pieces in which servers send them.
//!
//! By the protocol each piece names its call by `index`, and the first piece has the identifier
//! and the name. Servers leave out the index, the identifier or both, give every call the index 0,
//! repeat the name with every piece, or send a call whole.

use std::borrow::Cow;

use branchwork_core::provider::ProviderEvent;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::wire::CallDelta;
use crate::{loose::Text, tally::Tally, wire::Events};

/// The calls of one answer so far.
#[derive(Debug)]
pub(super) struct Calls {
    open: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// Its place in the answer.
    place: u32,
    /// What the server numbers it.
    index: Option<u64>,
    /// The server's identifier; may be empty.
    id: String,
    /// Empty until it came.
    name: String,
    /// Its arguments as far as they came.
    arguments: String,
}

impl Call {
    /// Whether a piece that seems to belong to this call begins another one.
    fn differs_from(&self, id: &str, name: &str) -> bool {
        if name.is_empty() || self.name.is_empty() {
            return false;
        }
        if !id.is_empty() && !self.id.is_empty() {
            return id != self.id;
        }
        name != self.name || self.is_whole()
    }

    /// Whether its arguments are complete. Costs their length, once a piece of a server that
    /// repeats the name and gives no identifier.
    fn is_whole(&self) -> bool {
        self.arguments.trim_end().ends_with('}')
            && serde_json::from_str::<IgnoredAny>(&self.arguments).is_ok()
    }
}

impl Calls {
    /// No calls yet.
    pub(super) const fn new() -> Self {
        Self { open: Vec::new() }
    }

    /// Whether each has its name, without which it cannot be run.
    pub(super) fn are_named(&self) -> bool {
        self.open.iter().all(|call| !call.name.is_empty())
    }

    /// Takes one piece, and counts a call that begins with it.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more calls than an answer may have.
    pub(super) fn push(
        &mut self,
        delta: CallDelta<'_>,
        tally: &mut Tally,
        events: &mut Events,
    ) -> Result<(), String> {
        let function = delta.function.unwrap_or_default();
        let (id, name) = (delta.id.0.as_ref(), function.name.0.as_ref());
        let arguments = function.arguments.map_or(Cow::Borrowed(""), text_of);
        let place = match self.place(delta.index.0, id, name) {
            Some(place) => place,
            None => self.begin(delta.index.0, id, tally)?,
        };
        let Some(call) = self.open.get_mut(place) else { return Ok(()) };
        let index = call.place;
        call.arguments.push_str(&arguments);
        if call.name.is_empty() && name.is_empty() {
            return Ok(());
        }
        let text = if call.name.is_empty() {
            name.clone_into(&mut call.name);
            if call.id.is_empty() {
                id.clone_into(&mut call.id);
            }
            let id = Some(call.id.as_str()).filter(|id| !id.is_empty());
            events.push_back(tally.started(index, id, name));
            call.arguments.clone()
        } else {
            arguments.into_owned()
        };
        if !text.is_empty() {
            events.push_back(ProviderEvent::CallArguments { index, text });
        }
        Ok(())
    }

    /// The call that a piece belongs to; `None` when it begins one.
    fn place(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let by_index = |call: &Call| call.index == index;
        let by_id = |call: &Call| !id.is_empty() && call.id == id;
        let found = if index.is_some() {
            self.open.iter().rposition(by_index)
        } else {
            self.open.iter().rposition(by_id).or_else(|| self.open.len().checked_sub(1))
        };
        found.filter(|place| self.open.get(*place).is_some_and(|call| !call.differs_from(id, name)))
    }

    fn begin(&mut self, index: Option<u64>, id: &str, tally: &mut Tally) -> Result<usize, String> {
        let place = tally.call()?;
        let (id, name, arguments) = (id.to_owned(), String::new(), String::new());
        self.open.push(Call { place, index, id, name, arguments });
        Ok(self.open.len() - 1)
    }
}

/// Arguments as text: a string holds it, anything else is it.
fn text_of(arguments: &RawValue) -> Cow<'_, str> {
    let raw = arguments.get();
    if raw == "null" {
        return Cow::Borrowed("");
    }
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str::<Text<'_>>(raw).unwrap_or_default().0
}

//! Tool calls, put together from the pieces in which servers send them.
//!
//! By the protocol each piece names its call by `index`, and the first piece has the identifier
//! and the name. Servers leave out the index, the identifier or both, give every call the index 0,
//! repeat the name with every piece, or send a call whole.

use branchwork_core::{message::Native, provider::ProviderEvent};

use super::{kept::Kept, object::ObjectEnd, wire::CallDelta};
use crate::{call_fields, chat::PROTOCOL, loose::arguments_of, tally::Tally, wire::Events};

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
    /// What the reader knows it by: that, or one of ours.
    known_by: String,
    /// Empty until it came.
    name: String,
    /// Its arguments as far as they came.
    arguments: String,
    /// What goes back with it, as far as it is not told.
    extras: Kept,
    end: ObjectEnd,
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
        name != self.name || self.end.is_reached()
    }

    fn argue(&mut self, piece: &str) {
        self.arguments.push_str(piece);
        self.end.look(piece, &self.arguments);
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
        (delta, model): (CallDelta<'_>, &str),
        tally: &mut Tally,
        events: &mut Events,
    ) -> Result<(), String> {
        let function = delta.function.unwrap_or_default();
        let (id, name) = (delta.id.0.as_ref(), function.name.0.as_ref());
        let arguments = arguments_of(function.arguments);
        let place = match self.place(delta.index.0, id, name) {
            Some(place) => place,
            None => self.begin(delta.index.0, id, tally)?,
        };
        let Some(call) = self.open.get_mut(place) else { return Ok(()) };
        let index = call.place;
        call.argue(&arguments);
        call.extras.add(delta.extras);
        if call.name.is_empty() && name.is_empty() {
            return Ok(());
        }
        let text = if call.name.is_empty() {
            name.clone_into(&mut call.name);
            if call.id.is_empty() {
                id.clone_into(&mut call.id);
            }
            let id = Some(call.id.as_str()).filter(|id| !id.is_empty());
            let started = tally.started(index, id, name);
            if let ProviderEvent::CallStarted { id, .. } = &started {
                id.clone_into(&mut call.known_by);
            }
            events.push_back(started);
            call.arguments.clone()
        } else {
            arguments.into_owned()
        };
        if !text.is_empty() {
            events.push_back(ProviderEvent::CallArguments { index, text });
        }
        if let Some(fields) = call.extras.take() {
            let block = call_fields::kept(&call.known_by, &fields);
            events.push_back(ProviderEvent::Native(Native::new(PROTOCOL, model, block)));
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
        self.open.push(Call {
            place,
            index,
            id: id.to_owned(),
            known_by: String::new(),
            name: String::new(),
            arguments: String::new(),
            extras: Kept::default(),
            end: ObjectEnd::default(),
        });
        Ok(self.open.len() - 1)
    }
}

//! The items of an answer that comes in events, and how much of each was told.
//!
//! By the protocol each event names its item by `output_index` and by `item_id`. Servers leave out the
//! index, change the identifier with every event, say nothing before an item is done, or say that it is
//! done when others have begun.

use crate::loose::Count;

/// Items of one answer; one with tools that search for long has hundreds.
const ITEMS_MAX: usize = 4096;

/// The items of one answer so far.
#[derive(Debug, Default)]
pub(super) struct Items(Vec<Open>);

/// One item.
#[derive(Debug)]
pub(super) struct Open {
    index: Option<u64>,
    id: String,
    pub(super) kind: Kind,
    /// Bytes of its text, thought or arguments that were told.
    pub(super) said: usize,
    /// The part of it that came last, and bytes of that part that were told.
    part: Option<(bool, u64)>,
    part_said: usize,
    pub(super) has_logprobs: bool,
    pub(super) state: State,
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// More of it may come.
    Open,
    Done,
    /// Done, and what goes back with the thought was told.
    Kept,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Thought,
    /// A call of one of our functions, with its number; `None` before its name is known.
    Call(Option<u32>),
    /// What only the server understands.
    Other,
}

impl Kind {
    /// The kind of items of that type.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "message" => Self::Message,
            "reasoning" => Self::Thought,
            "function_call" => Self::Call(None),
            _ => Self::Other,
        }
    }

    /// Whether both are of one kind, whatever their numbers.
    const fn is_like(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Message, Self::Message)
                | (Self::Thought, Self::Thought)
                | (Self::Call(_), Self::Call(_))
                | (Self::Other, Self::Other)
        )
    }
}

/// How an event names its item.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'a> {
    pub(super) index: Count,
    pub(super) id: &'a str,
    pub(super) kind: Kind,
}

impl Items {
    /// The item of that name; else the newest one of its kind that is not done.
    pub(super) fn find(&self, name: Name<'_>) -> Option<usize> {
        let open = || {
            self.0
                .iter()
                .rposition(|item| item.state == State::Open && item.kind.is_like(name.kind))
        };
        self.named(name).or_else(open)
    }

    /// The newest item of that name.
    pub(super) fn named(&self, name: Name<'_>) -> Option<usize> {
        let by_id = |item: &Open| !name.id.is_empty() && item.id == name.id;
        let by_index = |item: &Open| {
            name.index.0.is_some() && item.index == name.index.0 && item.kind.is_like(name.kind)
        };
        self.0.iter().rposition(by_id).or_else(|| self.0.iter().rposition(by_index))
    }

    /// Whether an item of that identifier, which is not empty, was told of.
    pub(super) fn has(&self, id: &str) -> bool {
        !id.is_empty() && self.0.iter().any(|item| item.id == id)
    }

    /// Begins an item.
    ///
    /// # Errors
    ///
    /// What is wrong, when there are more than an answer may have.
    pub(super) fn begin(&mut self, name: Name<'_>) -> Result<usize, String> {
        if self.0.len() >= ITEMS_MAX {
            return Err(format!("the answer has more than {ITEMS_MAX} items"));
        }
        self.0.push(Open {
            index: name.index.0,
            id: name.id.to_owned(),
            kind: name.kind,
            said: 0,
            part: None,
            part_said: 0,
            has_logprobs: false,
            state: State::Open,
        });
        Ok(self.0.len() - 1)
    }

    /// The item at that place.
    pub(super) fn at(&mut self, place: usize) -> Option<&mut Open> {
        self.0.get_mut(place)
    }

    /// Whether no item began after it.
    pub(super) fn is_newest(&self, place: usize) -> bool {
        place + 1 == self.0.len()
    }

    /// Whether each call has its name, without which it cannot be run.
    pub(super) fn are_named(&self) -> bool {
        self.0.iter().all(|item| item.kind != Kind::Call(None))
    }
}

impl Open {
    /// Turns to the part of that number, in the summary or not; says whether another one came before.
    pub(super) fn turn_to(&mut self, part: (bool, u64)) -> bool {
        let is_same = self.part == Some(part);
        let is_next = self.part.is_some() && !is_same;
        if !is_same {
            self.part = Some(part);
            self.part_said = 0;
        }
        is_next
    }

    /// Counts `bytes` that are told of the part.
    pub(super) const fn tell(&mut self, bytes: usize) {
        self.said += bytes;
        self.part_said += bytes;
    }

    /// What of `all` of the item was not told yet.
    pub(super) fn rest<'t>(&self, all: &'t str) -> &'t str {
        all.get(self.said..).unwrap_or_default()
    }

    /// What of `all` of the part was not told yet.
    pub(super) fn rest_of_part<'t>(&self, all: &'t str) -> &'t str {
        all.get(self.part_said..).unwrap_or_default()
    }
}

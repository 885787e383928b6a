//! What differs between two requests, or two messages, and where.

use std::{collections::BTreeMap, fmt};

use branchwork_core::{
    diff::SettingChange,
    message::{Body, Message, Outcome, Part, ToolCall},
    provider::{ModelRequest, ToolSpec},
};

/// Letters that are shown of a text from where it differs.
const EXCERPT_CHARS: usize = 40;

/// Settings that no request holds: who asks, and the names of tools, which are compared whole.
const NOT_ASKED: [&str; 2] = ["sender", "tools"];

/// What a request differs in from the logged one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Difference {
    /// A setting has another value: the model, the provider, or a parameter.
    Setting(SettingChange),
    /// Other tools are on offer, by their names.
    Tools {
        /// Those that were not offered.
        added: Vec<String>,
        /// Those that are offered no longer.
        removed: Vec<String>,
        /// Those that are described otherwise, or stand elsewhere.
        changed: Vec<String>,
    },
    /// The model may, must or must not call tools, and did not then.
    ToolChoice,
    /// So many answers are wanted.
    Choices {
        /// How many were asked for.
        logged: u32,
        /// How many are.
        asked: u32,
    },
    /// The answer is wanted in one piece and was not, or the other way round.
    Stream,
    /// A message says something else.
    Message {
        /// Which one of the request, from 0.
        index: usize,
        /// Where.
        place: Place,
    },
    /// The request has another number of messages.
    Messages {
        /// How many were asked.
        logged: usize,
        /// How many are.
        asked: usize,
    },
    /// What is stored of it makes the same request, and other bytes were sent: the provider puts it in
    /// other words now, or what is stored was changed since.
    Words {
        /// How many of its messages, from the first, are known to be as they were sent: an earlier call
        /// that holds just them is.
        known: usize,
    },
}

/// Where a message says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// It is of another kind.
    Kind,
    /// It is from somebody else.
    Sender,
    /// It is for somebody else.
    Recipient,
    /// It ended otherwise.
    Status,
    /// Its text, from this byte on.
    Text {
        /// The byte.
        byte: usize,
        /// How the logged text goes on there.
        logged: String,
        /// How this one does.
        now: String,
    },
    /// One of its parts that is no text, from 0: a thought, an attachment, a block of its provider.
    Part(usize),
    /// What the model should know for an instruction.
    Context,
    /// One of its calls of tools, from 0.
    Call(usize),
    /// What came of a call.
    Outcome,
    /// What is kept with it.
    Metadata,
}

/// What `asked` differs in from `logged`, in the order of a request: settings, tools, messages.
pub(super) fn differences(logged: &ModelRequest, asked: &ModelRequest) -> Vec<Difference> {
    let changes = SettingChange::between(&logged.config, &asked.config).into_iter();
    let changes = changes.filter(|change| !NOT_ASKED.contains(&change.name.as_str()));
    let mut found: Vec<_> = changes.map(Difference::Setting).collect();
    found.extend(tools(&logged.tools, &asked.tools));
    if logged.tool_choice != asked.tool_choice {
        found.push(Difference::ToolChoice);
    }
    if logged.choices != asked.choices {
        let (logged, asked) = (logged.choices, asked.choices);
        found.push(Difference::Choices { logged, asked });
    }
    if logged.stream != asked.stream {
        found.push(Difference::Stream);
    }
    let pairs = logged.messages.iter().zip(&asked.messages).enumerate();
    found.extend(pairs.filter_map(|(index, (logged, asked))| {
        place_in_request(logged, asked).map(|place| Difference::Message { index, place })
    }));
    let (logged, asked) = (logged.messages.len(), asked.messages.len());
    if logged != asked {
        found.push(Difference::Messages { logged, asked });
    }
    found
}

/// Whether `asked` differs from `logged` in nothing that [`differences`] tells.
pub(super) fn is_same(logged: &ModelRequest, asked: &ModelRequest) -> bool {
    logged.messages.len() == asked.messages.len() && differences(logged, asked).is_empty()
}

/// How many messages both begin with.
pub(super) fn shared(logged: &ModelRequest, asked: &ModelRequest) -> usize {
    let pairs = logged.messages.iter().zip(&asked.messages);
    pairs.take_while(|(logged, asked)| place_in_request(logged, asked).is_none()).count()
}

/// Where the message that is `now` first differs from the logged one; `None` when it does not.
pub(super) fn place(logged: &Message, now: &Message) -> Option<Place> {
    place_in_request(logged, now).or_else(|| {
        let metadata = || (logged.metadata != now.metadata).then_some(Place::Metadata);
        (logged.recipient != now.recipient).then_some(Place::Recipient).or_else(metadata)
    })
}

/// The same, of what a provider may tell a model.
fn place_in_request(logged: &Message, now: &Message) -> Option<Place> {
    if logged.body.kind() != now.body.kind() {
        return Some(Place::Kind);
    }
    if logged.sender != now.sender {
        return Some(Place::Sender);
    }
    place_in_body(&logged.body, &now.body)
        .or_else(|| (logged.status != now.status).then_some(Place::Status))
}

fn place_in_body(logged: &Body, now: &Body) -> Option<Place> {
    if logged == now {
        return None;
    }
    let text = || text(&logged.text(), &now.text());
    match (logged, now) {
        (
            Body::Instruction { parts, context },
            Body::Instruction { parts: other, context: with },
        ) => {
            let elsewhere = || (context != with).then_some(Place::Context);
            text().or_else(|| part(parts, other)).or_else(elsewhere)
        }
        (Body::Response { parts }, Body::Response { parts: other }) => {
            text().or_else(|| part(parts, other))
        }
        (
            Body::ActionRequest { parts, calls },
            Body::ActionRequest { parts: other, calls: others },
        ) => text().or_else(|| part(parts, other)).or_else(|| call(calls, others)),
        (
            Body::ActionResponse { outcome, call, function },
            Body::ActionResponse { outcome: other, call: id, function: name },
        ) if (call, function) == (id, name) && is_alike(outcome, other) => text(),
        (Body::ActionResponse { .. }, Body::ActionResponse { .. }) => Some(Place::Outcome),
        _ => text(),
    }
}

fn is_alike(logged: &Outcome, now: &Outcome) -> bool {
    std::mem::discriminant(logged) == std::mem::discriminant(now)
}

/// Where two texts differ.
fn text(logged: &str, now: &str) -> Option<Place> {
    if logged == now {
        return None;
    }
    let same = logged.bytes().zip(now.bytes()).take_while(|(one, other)| one == other).count();
    // A letter that differs in its last byte differs from its first on.
    let byte = logged.floor_char_boundary(same).min(now.floor_char_boundary(same));
    let excerpt = |text: &str| {
        let rest = text.get(byte..).unwrap_or_default();
        rest.chars().take(EXCERPT_CHARS).collect()
    };
    Some(Place::Text { byte, logged: excerpt(logged), now: excerpt(now) })
}

fn part(logged: &[Part], now: &[Part]) -> Option<Place> {
    let same = logged.iter().zip(now).take_while(|(one, other)| one == other).count();
    (same < logged.len().max(now.len())).then_some(Place::Part(same))
}

fn call(logged: &[ToolCall], now: &[ToolCall]) -> Option<Place> {
    let same = logged.iter().zip(now).take_while(|(one, other)| one == other).count();
    (same < logged.len().max(now.len())).then_some(Place::Call(same))
}

fn tools(logged: &[ToolSpec], asked: &[ToolSpec]) -> Option<Difference> {
    if logged == asked {
        return None;
    }
    let by_name = |specs: &'_ [ToolSpec]| -> BTreeMap<String, (usize, ToolSpec)> {
        let placed = specs.iter().cloned().enumerate();
        placed.map(|(place, spec)| (spec.name.clone(), (place, spec))).collect()
    };
    let (before, after) = (by_name(logged), by_name(asked));
    let only = |these: &BTreeMap<String, _>, others: &BTreeMap<String, _>| -> Vec<String> {
        these.keys().filter(|name| !others.contains_key(*name)).cloned().collect()
    };
    let (added, removed) = (only(&after, &before), only(&before, &after));
    // Where one came or went, those behind it stand elsewhere, and are the same all the same.
    let is_moved = added.is_empty() && removed.is_empty();
    let is_changed = |name: &&String| match (before.get(*name), after.get(*name)) {
        (Some((was, before)), Some((is, after))) => before != after || (is_moved && was != is),
        _ => false,
    };
    let changed = before.keys().filter(is_changed).cloned().collect();
    Some(Difference::Tools { added, removed, changed })
}

impl fmt::Display for Difference {
    /// One clause, without anything of what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(change) => write!(f, "the setting `{}` is another", change.name),
            Self::Tools { added, removed, changed } => {
                let kinds = [("new", added), ("gone", removed), ("changed", changed)];
                let kinds = kinds.into_iter().filter(|(_, names)| !names.is_empty());
                let kinds = kinds.map(|(kind, names)| format!("`{}` {kind}", names.join("`, `")));
                write!(f, "the tools on offer are others: {}", kinds.collect::<Vec<_>>().join(", "))
            }
            Self::ToolChoice => write!(f, "the choice of tools is another"),
            Self::Choices { logged, asked } => {
                write!(f, "it asks for {asked} answers, and asked for {logged}")
            }
            Self::Stream => write!(f, "it asks for a stream and did not, or no longer does"),
            Self::Message { index, place } => write!(f, "message {index} differs in {place}"),
            Self::Messages { logged, asked } => {
                write!(f, "it has {asked} messages, and had {logged}")
            }
            Self::Words { known: 0 } => write!(f, "other bytes were sent"),
            Self::Words { known } => {
                write!(f, "other bytes were sent, in what follows its first {known} messages")
            }
        }
    }
}

impl fmt::Display for Place {
    /// What differs, without anything of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => write!(f, "its kind"),
            Self::Sender => write!(f, "its sender"),
            Self::Recipient => write!(f, "its recipient"),
            Self::Status => write!(f, "how it ended"),
            Self::Text { byte, .. } => write!(f, "its text, from byte {byte} on"),
            Self::Part(index) => write!(f, "its part {index}"),
            Self::Context => write!(f, "its context"),
            Self::Call(index) => write!(f, "its call {index}"),
            Self::Outcome => write!(f, "what came of the call"),
            Self::Metadata => write!(f, "its metadata"),
        }
    }
}

//! What a protocol is made of: how requests are written, and how answers are read.
//!
//! Both are pure. A conversation is written message by message behind a [`Pen`], so that a longer one
//! begins with the bytes of the shorter one, and need not be written anew as far as that goes.

use std::{collections::VecDeque, fmt, ops::Range, sync::Arc};

use branchwork_core::{
    config::Config,
    message::Message,
    provider::{Adapted, Finish, ModelInfo, ModelRequest, ProviderError, ProviderEvent, ToolSpec},
    secret::Secret,
};
use serde::Serialize;

use crate::{
    call_ids::CallIds,
    errors::Reporter,
    framing::{Frame, Framer, Framing},
    rules::Rule,
};

/// A protocol. An error is a clause that says what is wrong with the request.
pub(crate) trait Wire: fmt::Debug + Send + Sync {
    /// Where a request goes, below the base URL; begins with a slash.
    fn path(&self, request: &ModelRequest) -> String;

    /// Where the list of models is, below the base URL.
    fn models_path(&self) -> &'static str;

    /// The headers that every request has: the one that carries the key, and fixed ones.
    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)>;

    /// The headers that this request has beside them. One that is there already gets the value behind
    /// what it says, after a comma.
    fn request_headers(&self, _request: &ModelRequest) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// What comes before the first message.
    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String>;

    /// Writes one message behind those that were written. Looks at no other message: what must be known of those
    /// before it, the pen knows without their bytes.
    fn message(&self, pen: &mut Pen, message: &Message, place: Place<'_>) -> Result<(), String>;

    /// What comes after the last message.
    fn tail(&self, pen: &mut Pen) -> Result<(), String>;

    /// How many answers a request can ask for.
    fn choices_max(&self) -> u32 {
        1
    }

    /// How many bytes a request may have, where the servers of the protocol agree on that.
    fn request_bytes_max(&self) -> Option<usize> {
        None
    }

    /// How many of the places where branches part the server is told of.
    fn breakpoints_max(&self) -> usize {
        0
    }

    /// How answers are cut into frames when they come as a stream.
    fn framing(&self) -> Framing {
        Framing::Events
    }

    /// What reads the answer to `request`.
    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode>;

    /// Reads the list of models; `None` when the body is none.
    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>>;
}

/// Where a message stands in a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The model that is asked.
    pub(crate) model: &'a str,
    /// The settings of the request.
    pub(crate) config: &'a Config,
    /// The tools on offer.
    pub(crate) tools: &'a [ToolSpec],
    /// Whether the server is told that other branches have the conversation up to this message in common with
    /// this one.
    pub(crate) is_breakpoint: bool,
    /// Whether it is the last one: what is written for it may differ from what is written when another
    /// one follows.
    pub(crate) is_last: bool,
}

/// What was written of a conversation, and what must be known of it to go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pen {
    /// The body so far.
    pub(crate) bytes: Vec<u8>,
    /// The role of the last message of the protocol, where what comes next depends on it: more may be
    /// added to it, or something must come between.
    pub(crate) open: Option<&'static str>,
    /// How many messages of the protocol were begun.
    pub(crate) begun: usize,
    /// What calls were written as.
    pub(crate) calls: CallIds,
    /// What is to be said after the last message; found out on the way.
    pub(crate) after: &'static str,
    /// What was sent otherwise than it is kept.
    pub(crate) adapted: Adapted,
}

impl Pen {
    /// Begins behind `head`.
    pub(crate) fn behind(head: Vec<u8>) -> Self {
        Self { bytes: head, ..Self::default() }
    }

    /// Writes `text` as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes `value` as JSON.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), String> {
        serde_json::to_writer(&mut self.bytes, value).map_err(|error| error.to_string())
    }

    /// Writes `value` as JSON, as the next of the messages of the protocol.
    pub(crate) fn item(&mut self, value: &impl Serialize) -> Result<(), String> {
        if self.begun > 0 {
            self.raw(",");
        }
        self.begun += 1;
        self.json(value)
    }

    /// Ends the messages, and the body with them.
    ///
    /// # Errors
    ///
    /// That none was written, as a clause: servers refuse that, or load the model and call it an answer.
    pub(crate) fn end_messages(&mut self) -> Result<(), String> {
        if self.begun == 0 {
            return Err("there is no message that could be answered".to_owned());
        }
        self.raw("]}");
        Ok(())
    }

    /// Notes that something was sent otherwise than it is kept, by that rule.
    pub(crate) fn adapt(&mut self, rule: Rule) {
        *self.adapted.entry(rule.as_str().into()).or_default() += 1;
    }
}

/// Writes `request` in the words of `wire`.
///
/// # Errors
///
/// What is wrong with the request, as a clause.
pub(crate) fn write(wire: &dyn Wire, request: &ModelRequest) -> Result<Pen, String> {
    check(wire, request)?;
    let mut pen = Pen::behind(wire.head(request)?);
    let messages = (breakpoints(wire, request), 0..request.messages.len());
    write_messages(wire, request, &mut pen, messages)?;
    wire.tail(&mut pen)?;
    Ok(pen)
}

/// Checks what each request must be, whatever its messages are.
///
/// # Errors
///
/// What is wrong with it, as a clause.
pub(crate) fn check(wire: &dyn Wire, request: &ModelRequest) -> Result<(), String> {
    match (request.choices, wire.choices_max()) {
        (0, _) => Err("no answer is asked for".to_owned()),
        (count, most) if count <= most => Ok(()),
        (_, 1) => Err("this protocol gives one answer to a request".to_owned()),
        (count, most) => Err(format!("{count} answers are asked for, {most} are allowed")),
    }
}

/// The last places where branches part that `wire` tells its server of: how many messages are before each.
pub(crate) fn breakpoints<'a>(wire: &dyn Wire, request: &'a ModelRequest) -> &'a [usize] {
    let shared = request.cache.shared.as_slice();
    let first = shared.len().saturating_sub(wire.breakpoints_max());
    shared.get(first..).unwrap_or_default()
}

/// Writes those of the messages of `request` behind those before them.
///
/// # Errors
///
/// What is wrong with one, as a clause.
pub(crate) fn write_messages(
    wire: &dyn Wire,
    request: &ModelRequest,
    pen: &mut Pen,
    (breakpoints, places): (&[usize], Range<usize>),
) -> Result<(), String> {
    let (config, count) = (&request.config, request.messages.len());
    let messages = request.messages.get(places.clone()).unwrap_or_default();
    for (index, message) in places.zip(messages) {
        let place = Place {
            model: config.model.as_deref().unwrap_or_default(),
            config,
            tools: &request.tools,
            is_breakpoint: breakpoints.binary_search(&(index + 1)).is_ok(),
            is_last: index + 1 == count,
        };
        wire.message(pen, message, place)?;
    }
    Ok(())
}

/// Where events go.
pub(crate) type Events = VecDeque<ProviderEvent>;

/// `event` as one of the answer with that number, of several to one request; 0 is the first.
pub(crate) fn of_choice(choice: u32, event: ProviderEvent) -> ProviderEvent {
    match choice {
        0 => event,
        choice => ProviderEvent::Sibling { choice, event: Box::new(event) },
    }
}

/// Why an answer ended. Many servers say that the model was done, or say nothing, where it asks for tools.
pub(crate) fn finish(said: Option<Finish>, has_calls: bool) -> Finish {
    match said {
        Some(Finish::Stop) | None if has_calls => Finish::ToolCalls,
        Some(finish) => finish,
        None => Finish::Other(String::new()),
    }
}

/// A machine from the frames of one answer to its events.
pub(crate) trait Decode: fmt::Debug + Send {
    /// Takes one frame of a stream.
    ///
    /// # Errors
    ///
    /// What the server says went wrong, or [`ProviderError::Malformed`].
    fn decode(&mut self, frame: Frame<'_>, events: &mut Events) -> Result<(), ProviderError>;

    /// Takes a whole answer.
    ///
    /// # Errors
    ///
    /// As for [`decode`](Self::decode).
    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Result<(), ProviderError>;

    /// The stream is over, whole or not.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Truncated`] when the server said neither why the answer ended nor that it did.
    fn end(&mut self, events: &mut Events) -> Result<(), ProviderError>;

    /// Whether the server said why the answer ended; little can come after it.
    fn has_finish(&self) -> bool;

    /// Whether the end mark came: nothing comes after it.
    fn is_done(&self) -> bool;
}

/// The stream is over: what it ended in the middle of is taken, and the answer ends.
///
/// The last frame may lack its end. When it cannot be read it was cut, and that is what [`Decode::end`]
/// finds.
///
/// # Errors
///
/// What the server says went wrong; else as for [`Decode::end`].
pub(crate) fn end_stream(
    framer: &mut Framer,
    decoder: &mut dyn Decode,
    events: &mut Events,
) -> Result<(), ProviderError> {
    match framer.finish(|frame| decoder.decode(frame, events)) {
        Ok(()) | Err(ProviderError::Malformed { .. }) => decoder.end(events),
        Err(error) => Err(error),
    }
}

//! The decoder: a machine from frames to events, without I/O.

use std::sync::Arc;

use branchwork_core::{
    message::Native,
    provider::{Finish, ProviderError, ProviderEvent},
};
use serde_json::{Value, value::RawValue};

use super::{
    event::{Event, Response},
    item::{Item, PART_BREAK, plain_note, said_list},
    items::{Items, Kind, Name, State},
};
use crate::{
    errors::{Reporter, is_error, says_error},
    framing::Frame,
    loose::{Count, text_of, value_of},
    responses::{PROTOCOL, request::is_sealed},
    tally::{NAMELESS, Tally},
    wire::{Decode, Events, finish},
};

/// Reads one answer.
#[derive(Debug)]
pub(in crate::responses) struct Decoder {
    reporter: Arc<Reporter>,
    /// The model that was asked, which blocks are marked with.
    model: String,
    tally: Tally,
    items: Items,
    last: Last,
    finish: Option<Finish>,
    has_started: bool,
    is_done: bool,
}

/// What was told last, with the place of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Text(usize),
    Thought(usize),
    Other,
}

type Decoded = Result<(), ProviderError>;

impl Decoder {
    /// A decoder of the answer of `model` to a conversation of that many messages.
    pub(in crate::responses) fn new(
        reporter: Arc<Reporter>,
        model: String,
        conversation_len: usize,
    ) -> Self {
        Self {
            reporter,
            model,
            tally: Tally::new(conversation_len),
            items: Items::default(),
            last: Last::Other,
            finish: None,
            has_started: false,
            is_done: false,
        }
    }

    fn take(&mut self, event: &Event<'_>, data: &[u8], events: &mut Events) -> Decoded {
        match &*event.kind.0 {
            "response.output_text.delta" | "response.refusal.delta" => {
                self.text(event, &event.delta.0, events)
            }
            "response.output_text.done" => self.whole_text(event, &event.text.0, events),
            "response.refusal.done" => self.whole_text(event, &event.refusal.0, events),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.thought(event, events)
            }
            "response.function_call_arguments.delta" => self.arguments(event, events),
            "response.function_call_arguments.done" => self.whole_arguments(event, events),
            "response.output_item.added" => self.begun_item(event, events),
            "response.output_item.done" => {
                event.item.map_or(Ok(()), |item| self.done_item(item, event.output_index, events))
            }
            "response.created" | "response.queued" | "response.in_progress" => {
                self.start(&response_in(event), events);
                Ok(())
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                let mut response = response_in(event);
                response.error = response.error.or(event.error);
                self.done_answer(response, &event.kind.0, data, events)
            }
            "error" => Err(self.reporter.in_stream(data)),
            "" if is_error(event.error) || says_error(data) => Err(self.reporter.in_stream(data)),
            _ => Ok(()),
        }
    }

    fn start(&mut self, response: &Response<'_>, events: &mut Events) {
        if std::mem::replace(&mut self.has_started, true) {
            return;
        }
        let model = response.model.said().map(str::to_owned);
        let response_id = response.id.said().map(str::to_owned);
        events.push_back(ProviderEvent::Started { model, response_id });
    }

    /// The place of the item that `event` is about, which may not have been told of.
    fn place(
        &mut self,
        event: &Event<'_>,
        kind: Kind,
        events: &mut Events,
    ) -> Result<usize, ProviderError> {
        let name = Name { index: event.output_index, id: &event.item_id.0, kind };
        match self.items.find(name) {
            Some(place) => Ok(place),
            None => self.begin(name, events),
        }
    }

    fn begin(&mut self, name: Name<'_>, events: &mut Events) -> Result<usize, ProviderError> {
        self.start(&Response::default(), events);
        // Some servers say only at the end of the answer that a thought is done.
        if let Last::Thought(_) = self.last {
            events.push_back(ProviderEvent::ReasoningEnded { native: None });
            self.last = Last::Other;
        }
        self.count(name.id.len())?;
        self.items.begin(name).map_err(|problem| self.reporter.malformed(problem, &[]))
    }

    fn text(&mut self, event: &Event<'_>, text: &str, events: &mut Events) -> Decoded {
        let place = self.place(event, Kind::Message, events)?;
        let logprobs = said_list(event.logprobs);
        if let Some(item) = self.items.at(place) {
            item.turn_to((false, event.content_index.0.unwrap_or_default()));
            item.has_logprobs |= logprobs.is_some();
        }
        self.tell_text(place, text, events)?;
        self.tell_logprobs(logprobs, events)
    }

    /// Tells lists of log probabilities, which come behind the text that they belong to.
    fn tell_logprobs<'a>(
        &mut self,
        lists: impl IntoIterator<Item = &'a RawValue>,
        events: &mut Events,
    ) -> Decoded {
        for list in lists {
            self.count(list.get().len())?;
            events.push_back(ProviderEvent::Logprobs(value_of(list)));
        }
        Ok(())
    }

    /// What of the text of a part was not told in pieces.
    fn whole_text(&mut self, event: &Event<'_>, text: &str, events: &mut Events) -> Decoded {
        let place = self.place(event, Kind::Message, events)?;
        let Some(item) = self.items.at(place) else { return Ok(()) };
        item.turn_to((false, event.content_index.0.unwrap_or_default()));
        let rest = item.rest_of_part(text);
        self.tell_text(place, rest, events)
    }

    fn tell_text(&mut self, place: usize, text: &str, events: &mut Events) -> Decoded {
        if text.is_empty() {
            return Ok(());
        }
        // Texts of two messages would run together.
        if matches!(self.last, Last::Text(before) if before != place) {
            events.push_back(ProviderEvent::Native(self.native(plain_note())));
        }
        if let Some(item) = self.items.at(place) {
            item.tell(text.len());
        }
        self.last = Last::Text(place);
        events.push_back(ProviderEvent::Text(text.to_owned()));
        self.count(text.len())
    }

    fn thought(&mut self, event: &Event<'_>, events: &mut Events) -> Decoded {
        let place = self.place(event, Kind::Thought, events)?;
        let Some(item) = self.items.at(place) else { return Ok(()) };
        let is_summary = event.summary_index.0.is_some();
        let index = event.summary_index.0.or(event.content_index.0).unwrap_or_default();
        let is_next = item.turn_to((is_summary, index));
        if is_next {
            self.tell_thought(place, PART_BREAK, events)?;
        }
        self.tell_thought(place, &event.delta.0, events)
    }

    fn tell_thought(&mut self, place: usize, text: &str, events: &mut Events) -> Decoded {
        if text.is_empty() {
            return Ok(());
        }
        if let Some(item) = self.items.at(place) {
            item.tell(text.len());
        }
        self.last = Last::Thought(place);
        events.push_back(ProviderEvent::Reasoning(text.to_owned()));
        self.count(text.len())
    }

    fn arguments(&mut self, event: &Event<'_>, events: &mut Events) -> Decoded {
        let place = self.place(event, Kind::Call(None), events)?;
        self.tell_arguments(place, &event.delta.0, events)
    }

    fn whole_arguments(&mut self, event: &Event<'_>, events: &mut Events) -> Decoded {
        let place = self.place(event, Kind::Call(None), events)?;
        let Some(item) = self.items.at(place) else { return Ok(()) };
        let rest = item.rest(&event.arguments.0);
        self.tell_arguments(place, rest, events)
    }

    /// Arguments of a call without a name are not told: they come again with it.
    fn tell_arguments(&mut self, place: usize, text: &str, events: &mut Events) -> Decoded {
        let Some(item) = self.items.at(place) else { return Ok(()) };
        if let (Kind::Call(Some(index)), false) = (item.kind, text.is_empty()) {
            item.tell(text.len());
            events.push_back(ProviderEvent::CallArguments { index, text: text.to_owned() });
        }
        self.count(text.len())
    }

    fn begun_item(&mut self, event: &Event<'_>, events: &mut Events) -> Decoded {
        let Some(raw) = event.item else { return Ok(()) };
        let item = Item::read(raw);
        let kind = Kind::of(&item.kind.0);
        // Some proxies tell of an item twice.
        if self.items.has(&item.id.0) {
            return Ok(());
        }
        let place = self.begin(Name { index: event.output_index, id: &item.id.0, kind }, events)?;
        self.begin_call(place, &item, events)
    }

    /// Tells of a call as soon as its name is known.
    fn begin_call(&mut self, place: usize, item: &Item<'_>, events: &mut Events) -> Decoded {
        let Some(open) = self.items.at(place) else { return Ok(()) };
        if (open.kind, item.name.said().is_some()) != (Kind::Call(None), true) {
            return Ok(());
        }
        let id = item.call_id.said().or(item.id.said());
        let begun = self.tally.begin_call(id, item.name.said());
        let (index, started) = begun.map_err(|problem| self.reporter.malformed(problem, &[]))?;
        open.kind = Kind::Call(Some(index));
        self.last = Last::Other;
        events.push_back(started);
        Ok(())
    }

    /// Takes an item as it is when it is done.
    fn done_item(&mut self, raw: &RawValue, index: Count, events: &mut Events) -> Decoded {
        let item = Item::read(raw);
        let name = Name { index, id: &item.id.0, kind: Kind::of(&item.kind.0) };
        let place = match self.items.find(name) {
            Some(place) => place,
            None => self.begin(name, events)?,
        };
        let Some(open) = self.items.at(place) else { return Ok(()) };
        if std::mem::replace(&mut open.state, State::Done) != State::Open {
            return Ok(());
        }
        match open.kind {
            Kind::Message => self.done_message(place, &item, events),
            Kind::Thought => self.done_thought(place, &item, raw, events),
            Kind::Call(_) => {
                self.begin_call(place, &item, events)?;
                let all = item.arguments();
                let rest = self.items.at(place).map(|open| open.rest(&all)).unwrap_or_default();
                self.tell_arguments(place, rest, events)
            }
            Kind::Other => self.tell_block(raw, events),
        }
    }

    fn done_message(&mut self, place: usize, item: &Item<'_>, events: &mut Events) -> Decoded {
        let Some(open) = self.items.at(place) else { return Ok(()) };
        let text = item.text();
        let (rest, has_logprobs) = (open.rest(&text).to_owned(), open.has_logprobs);
        self.tell_text(place, &rest, events)?;
        if !has_logprobs {
            self.tell_logprobs(item.logprobs(), events)?;
        }
        if let (Some(note), Last::Text(last)) = (item.note(), self.last)
            && last == place
        {
            self.last = Last::Other;
            self.count(note.to_string().len())?;
            events.push_back(ProviderEvent::Native(self.native(note)));
        }
        Ok(())
    }

    /// What goes back with a thought ends it, or is told later where others came before.
    fn done_thought(
        &mut self,
        place: usize,
        item: &Item<'_>,
        raw: &RawValue,
        events: &mut Events,
    ) -> Decoded {
        let text = item.thought();
        let Some(open) = self.items.at(place) else { return Ok(()) };
        let rest =
            if self.last == Last::Thought(place) || open.said == 0 { open.rest(&text) } else { "" };
        self.tell_thought(place, rest, events)?;
        let native = self.thought_block(place, raw)?;
        if self.last == Last::Thought(place) || self.items.is_newest(place) {
            self.last = Last::Other;
            events.push_back(ProviderEvent::ReasoningEnded { native });
        } else {
            let detail = native.map(Native::into_detail);
            events.extend(detail.map(ProviderEvent::ReasoningDetail));
        }
        Ok(())
    }

    /// The block of a thought, if it holds what a server without a store could read.
    fn thought_block(
        &mut self,
        place: usize,
        raw: &RawValue,
    ) -> Result<Option<Native>, ProviderError> {
        let block = value_of(raw);
        let is_open = block.get("content").and_then(Value::as_array).is_some_and(|c| !c.is_empty());
        if !is_open && !is_sealed(&block) {
            return Ok(None);
        }
        if let Some(open) = self.items.at(place) {
            open.state = State::Kept;
        }
        self.count(raw.get().len())?;
        Ok(Some(self.native(block)))
    }

    fn tell_block(&mut self, raw: &RawValue, events: &mut Events) -> Decoded {
        self.last = Last::Other;
        events.push_back(ProviderEvent::Native(self.native(value_of(raw))));
        self.count(raw.get().len())
    }

    fn native(&self, block: Value) -> Native {
        Native::new(PROTOCOL, self.model.clone(), block)
    }

    /// The answer is over; what of it was not told yet is in it.
    fn done_answer(
        &mut self,
        response: Response<'_>,
        kind: &str,
        data: &[u8],
        events: &mut Events,
    ) -> Decoded {
        if is_error(response.error) {
            let error = response.error.map_or(data, |error| error.get().as_bytes());
            return Err(self.reporter.in_stream(error));
        }
        let said = kind.strip_prefix("response.").unwrap_or(kind);
        let status = response.status.said().unwrap_or(said);
        let reason = response.incomplete_details.as_ref().and_then(|details| details.reason.said());
        let finish = match status {
            "completed" => Finish::Stop,
            "incomplete" => incomplete(reason.unwrap_or(status)),
            "failed" | "cancelled" => return Err(self.reporter.failed_in_stream()),
            other => {
                let problem = format!("the answer ends as `{other}`");
                return Err(self.reporter.malformed(problem, &[]));
            }
        };
        self.start(&response, events);
        for (index, item) in response.output.unwrap_or_default().into_iter().enumerate() {
            self.missed(index, item, events)?;
        }
        events.extend(response.usage.map(|usage| ProviderEvent::Usage(usage.into())));
        self.finish = Some(finish);
        self.is_done = true;
        Ok(())
    }

    /// Takes an item of the whole answer that was not done before, and what goes back with a thought that
    /// was told without it.
    fn missed(&mut self, index: usize, raw: &RawValue, events: &mut Events) -> Decoded {
        let item = Item::read(raw);
        let number = Count(u64::try_from(index).ok());
        let name = Name { index: number, id: &item.id.0, kind: Kind::of(&item.kind.0) };
        let known = self.items.named(name).or_else(|| self.items.at(index).map(|_| index));
        let Some(place) = known else { return self.done_item(raw, number, events) };
        let Some(open) = self.items.at(place) else { return Ok(()) };
        if open.state == State::Open {
            return self.done_item(raw, number, events);
        }
        let is_thought = open.kind == Kind::Thought && name.kind == Kind::Thought;
        if is_thought && open.state == State::Done {
            let native = self.thought_block(place, raw)?;
            events.extend(native.map(Native::into_detail).map(ProviderEvent::ReasoningDetail));
        }
        Ok(())
    }

    fn count(&mut self, bytes: usize) -> Decoded {
        self.tally.count(bytes).map_err(|problem| self.reporter.malformed(problem, &[]))
    }
}

impl Decode for Decoder {
    fn has_finish(&self) -> bool {
        self.finish.is_some()
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn decode(&mut self, frame: Frame<'_>, events: &mut Events) -> Decoded {
        let data = frame.data.trim_ascii();
        if self.is_done || data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        if frame.is_error {
            return Err(self.reporter.in_stream(data));
        }
        let text = text_of(data);
        match serde_json::from_str::<Event<'_>>(&text) {
            Ok(event) => self.take(&event, data, events),
            Err(error) => Err(self.reporter.malformed(error, data)),
        }
    }

    fn decode_whole(&mut self, body: &[u8], events: &mut Events) -> Decoded {
        let text = text_of(body);
        let response = serde_json::from_str::<Response<'_>>(&text);
        let response = response.map_err(|error| self.reporter.malformed(error, body))?;
        if response.output.is_none() && !is_error(response.error) {
            let is_error = says_error(body) || response.status.said() == Some("failed");
            return Err(if is_error {
                self.reporter.in_stream(body)
            } else {
                self.reporter.malformed("the answer has no output", body)
            });
        }
        self.done_answer(response, "completed", body, events)?;
        self.end(events)
    }

    fn end(&mut self, events: &mut Events) -> Decoded {
        let said = self.finish.take().ok_or(ProviderError::Truncated { source: None })?;
        if !self.items.are_named() {
            return Err(self.reporter.malformed(NAMELESS, &[]));
        }
        events.push_back(ProviderEvent::Finished(finish(Some(said), self.tally.has_calls())));
        Ok(())
    }
}

/// The answer that an event tells of; nothing of one that has another form.
fn response_in<'a>(event: &Event<'a>) -> Response<'a> {
    let raw = event.response.map_or("{}", RawValue::get);
    serde_json::from_str(raw).unwrap_or_default()
}

fn incomplete(reason: &str) -> Finish {
    match reason {
        "max_output_tokens" => Finish::Length,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

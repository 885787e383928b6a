//! What providers refuse in a history, whatever else a request says.
//!
//! The rules are those that a wire format cannot mend: which messages there are, and in which order.
//!
//! | provider | rule | source |
//! |---|---|---|
//! | OpenAI | an answer with `tool_calls` is followed by tool messages that answer each `tool_call_id` | the 400 "must be followed by tool messages" |
//! | OpenAI | a message of role `tool` answers a call of the answer before it | the 400 "must be a response to a preceding message with 'tool_calls'" |
//! | Anthropic | the results of an answer's `tool_use` blocks are in the next message, each once | the 400s "without `tool_result` blocks immediately after", "multiple `tool_result` blocks" |
//! | Anthropic | the ids of the `tool_use` blocks of an answer are unique | the 400 "`tool_use` ids must be unique" |
//! | Gemini | there are as many function responses as function calls, in their order | the 400 "number of function response parts is equal to the number of function call parts" |
//! | Gemini | a turn of function calls comes after one of the user or of function responses | the 400 "function call turn comes immediately after a user turn" |

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::message::{Body, CallId, Message, Role};

/// What in `messages`, in their order, some provider would refuse; empty when all take it.
pub fn breaches(messages: &[Arc<Message>]) -> Vec<String> {
    let mut history = History { asked: Vec::new(), told: Vec::new(), breaches: Vec::new() };
    let mut before: Option<&Message> = None;
    for message in messages {
        history.message(message, before);
        before = Some(message);
    }
    history.end_group();
    history.breaches
}

/// A history as far as it was read.
struct History {
    /// The calls of the answer that stands last.
    asked: Vec<CallId>,
    /// Those of them that have their result, in its order.
    told: Vec<CallId>,
    breaches: Vec<String>,
}

impl History {
    fn message(&mut self, message: &Message, before: Option<&Message>) {
        if let Body::ActionResponse { call, .. } = &message.body {
            self.result(call);
            return;
        }
        self.end_group();
        if let Body::ActionRequest { calls, .. } = &message.body {
            self.calls(calls.iter().map(|call| call.id.clone()).collect(), before);
        }
    }

    fn calls(&mut self, calls: Vec<CallId>, before: Option<&Message>) {
        if calls.is_empty() {
            self.breaches.push("OpenAI: an answer with no tool calls has `tool_calls`".to_owned());
        }
        if calls.iter().collect::<BTreeSet<_>>().len() < calls.len() {
            self.breaches.push("Anthropic: ids of one answer are not unique".to_owned());
        }
        if before.is_some_and(|before| before.role() == Role::Assistant) {
            self.breaches.push("Gemini: calls follow an answer".to_owned());
        }
        self.asked = calls;
    }

    fn result(&mut self, call: &CallId) {
        if !self.asked.contains(call) {
            self.breaches.push(format!("OpenAI: the result of {call} answers no call before it"));
        }
        if self.told.contains(call) {
            self.breaches.push(format!("Anthropic: there are several results of {call}"));
        }
        self.told.push(call.clone());
    }

    /// What comes next is no result.
    fn end_group(&mut self) {
        let (asked, told) = (std::mem::take(&mut self.asked), std::mem::take(&mut self.told));
        for call in asked.iter().filter(|call| !told.contains(call)) {
            self.breaches.push(format!("OpenAI: no tool message follows for {call}"));
        }
        if told.len() == asked.len() && told != asked {
            self.breaches.push("Gemini: responses are in another order than calls".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use branchwork_core::{
        clock::Timestamp,
        id::{MessageId, StretchId},
        message::{Draft, Outcome, Status, ToolCall},
    };
    use serde_json::Map;

    use super::*;

    fn asks(ids: &[&str]) -> Body {
        let call = |id: &&str| {
            let (function, arguments) = ("add".to_owned(), "{}".to_owned());
            ToolCall { id: CallId::new(*id), function, arguments }
        };
        Body::ActionRequest { parts: Vec::new(), calls: ids.iter().map(call).collect() }
    }

    fn tells(id: &str) -> Body {
        Draft::result(CallId::new(id), "add", Outcome::Succeeded(1.into())).body
    }

    fn breaches_of(bodies: impl IntoIterator<Item = Body>) -> Vec<String> {
        let stretch = StretchId::from_bits(1 << 64);
        let message = |(body, place): (Body, u32)| {
            Arc::new(Message {
                id: MessageId::from(stretch.op(place)),
                at: Timestamp::default(),
                sender: String::new(),
                recipient: None,
                body,
                metadata: Map::new(),
                status: Status::Complete,
                edited: None,
                origin: None,
            })
        };
        breaches(&bodies.into_iter().zip(0..).map(message).collect::<Vec<_>>())
    }

    #[test]
    fn what_some_provider_refuses_is_found() {
        let user = || Body::instruction("q");
        for (bodies, found) in [
            (vec![user(), asks(&["a"])], "OpenAI: no tool message follows for a"),
            (
                vec![user(), asks(&["a", "b"]), tells("a"), user()],
                "OpenAI: no tool message follows for b",
            ),
            (vec![user(), tells("a")], "OpenAI: the result of a answers no call before it"),
            (
                vec![user(), asks(&["a"]), user(), tells("a")],
                "OpenAI: the result of a answers no call before it",
            ),
            (
                vec![user(), asks(&["a"]), tells("a"), tells("a")],
                "Anthropic: there are several results of a",
            ),
            (
                vec![user(), asks(&["a", "a"]), tells("a")],
                "Anthropic: ids of one answer are not unique",
            ),
            (
                vec![user(), asks(&["a", "b"]), tells("b"), tells("a")],
                "Gemini: responses are in another order than calls",
            ),
            (
                vec![user(), Body::response("x"), asks(&["a"]), tells("a")],
                "Gemini: calls follow an answer",
            ),
            (vec![user(), asks(&[])], "OpenAI: an answer with no tool calls has `tool_calls`"),
        ] {
            let breaches = breaches_of(bodies);
            assert!(breaches.iter().any(|breach| breach == found), "{found}: {breaches:?}");
        }
    }

    #[test]
    fn what_all_take_has_no_breach() {
        let bodies = [
            Body::instruction("q"),
            asks(&["a", "b"]),
            tells("a"),
            tells("b"),
            asks(&["a"]),
            tells("a"),
            Body::response("done"),
            Body::instruction("r"),
        ];
        assert_eq!(breaches_of(bodies), Vec::<String>::new());
    }
}

//! Answers of models: the same events wherever the bytes are cut, and lawful ones.

use std::sync::Arc;

use branchwork_core::{
    config::Config,
    graph::{Op, OpKind, Step},
    id::OpId,
    message::Draft,
    provider::{ModelRequest, ProviderEvent},
};
use branchwork_providers::{Parser, Protocol};

use crate::{Target, codec, cuts, laws, memory, seeds};

/// What reading may hold for each byte that came: values of JSON take many times their text.
const HELD_PER_BYTE: usize = 256;

/// What it may hold beside.
const HELD_ALWAYS: usize = 256 * 1024;

/// Levels of values in seeds: around those that JSON is read to.
const DEPTHS: [usize; 8] = [90, 110, 114, 117, 119, 121, 123, 125];

/// What came of an answer.
#[derive(Debug, PartialEq)]
struct Heard {
    events: Vec<ProviderEvent>,
    /// Why it failed, as text: errors are not compared otherwise.
    ended: Result<(), String>,
}

/// A protocol in which answers are read.
pub trait Spoken {
    /// The protocol.
    const PROTOCOL: Protocol;

    /// Where its recorded answers are, below the fixtures.
    const RECORDED: &'static [&'static str];

    /// What says more of an answer.
    const MORE: &'static str;

    /// What ends an answer.
    const END: &'static str;

    /// What comes before and after a value that is kept as it comes.
    const KEPT: (&'static str, &'static str);

    /// How many answers may be asked for.
    const CHOICES: &'static [u32] = &[1];
}

/// OpenAI Chat Completions.
pub struct Chat;
/// OpenAI Responses.
pub struct Responses;
/// Anthropic Messages.
pub struct Anthropic;
/// Gemini.
pub struct Gemini;
/// Ollama.
pub struct Ollama;

impl Spoken for Chat {
    const PROTOCOL: Protocol = Protocol::ALL[0];
    const RECORDED: &'static [&'static str] = &[""];
    const MORE: &'static str = "data: {\"choices\":[{\"delta\":{\"content\":\"more\"}}]}\n\n";
    const END: &'static str = "data: [DONE]\n\n";
    const KEPT: (&'static str, &'static str) =
        ("data: {\"choices\":[{\"delta\":{\"reasoning_details\":[", "]}}]}\n\n");
    const CHOICES: &'static [u32] = &[1, 3];
}

impl Spoken for Responses {
    const PROTOCOL: Protocol = Protocol::ALL[1];
    const RECORDED: &'static [&'static str] = &["responses"];
    const MORE: &'static str = "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\
        \"content_index\":0,\"delta\":\"more\"}\n\n";
    const END: &'static str =
        "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}\n\n";
    const KEPT: (&'static str, &'static str) = (
        "data: {\"type\":\"response.output_item.done\",\"output_index\":0,\"item\":{\"type\":\"other\",\"x\":",
        "}}\n\n",
    );
}

impl Spoken for Anthropic {
    const PROTOCOL: Protocol = Protocol::ALL[2];
    const RECORDED: &'static [&'static str] = &["anthropic"];
    const MORE: &'static str = "data: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\"more\"}}\n\n";
    const END: &'static str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    const KEPT: (&'static str, &'static str) = (
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"other\",\"x\":",
        "}}\n\n",
    );
}

impl Spoken for Gemini {
    const PROTOCOL: Protocol = Protocol::ALL[3];
    const RECORDED: &'static [&'static str] = &["gemini"];
    const MORE: &'static str =
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"more\"}]}}]}\n\n";
    const END: &'static str = "data: [DONE]\n\n";
    const KEPT: (&'static str, &'static str) =
        ("data: {\"candidates\":[{\"content\":{\"parts\":[{\"executableCode\":", "}]}}]}\n\n");
    const CHOICES: &'static [u32] = &[1, 3];
}

impl Spoken for Ollama {
    const PROTOCOL: Protocol = Protocol::ALL[4];
    const RECORDED: &'static [&'static str] = &["ollama"];
    const MORE: &'static str = "{\"model\":\"m\",\"message\":{\"content\":\"more\"}}\n";
    const END: &'static str = "{\"model\":\"m\",\"done\":true}\n";
    const KEPT: (&'static str, &'static str) =
        ("{\"model\":\"m\",\"message\":{\"images\":[", "]}}\n");
}

impl<S: Spoken> Target for S {
    fn seeds() -> Vec<Vec<u8>> {
        let (before, after) = Self::KEPT;
        let deep = |depth: usize| {
            [before, &"[".repeat(depth), &"]".repeat(depth), after, Self::END].concat()
        };
        let made = DEPTHS.into_iter().map(deep).chain([[Self::MORE, Self::END].concat()]);
        seeds::recorded(Self::RECORDED).into_iter().chain(made.map(String::into_bytes)).collect()
    }

    fn check(data: &[u8]) {
        for choices in Self::CHOICES {
            let (whole, held) = memory::measured(|| heard::<Self>(&[data], *choices));
            let bound = data.len() * HELD_PER_BYTE + HELD_ALWAYS;
            assert!(held <= bound, "{held} bytes are held for {} that came", data.len());
            for pieces in cuts::ways(data) {
                let cut = heard::<Self>(&pieces, *choices);
                assert_eq!(cut, whole, "cut into {}", pieces.len());
            }
            check_lawful(&whole, *choices);
            check_end::<Self>(data, *choices);
            check_lawful(&read_whole::<Self>(data, *choices), *choices);
        }
    }
}

/// What reads the answer to a request for so many.
pub(crate) fn parser(protocol: Protocol, choices: u32) -> Parser {
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    let mut request = ModelRequest::new(Vec::new(), config);
    request.choices = choices;
    Parser::new(protocol, &request)
}

/// What comes of a stream in those pieces.
fn heard<S: Spoken>(pieces: &[&[u8]], choices: u32) -> Heard {
    let mut parser = parser(S::PROTOCOL, choices);
    let mut events = Vec::new();
    let mut ended = pieces.iter().try_for_each(|piece| {
        let pushed = parser.push(piece);
        events.extend(parser.by_ref());
        pushed
    });
    if ended.is_ok() {
        ended = parser.finish();
    }
    events.extend(parser);
    Heard { events, ended: ended.map_err(|error| format!("{error:?}")) }
}

fn read_whole<S: Spoken>(body: &[u8], choices: u32) -> Heard {
    let mut parser = parser(S::PROTOCOL, choices);
    let ended = parser.read_whole(body).map_err(|error| format!("{error:?}"));
    Heard { events: parser.collect(), ended }
}

/// Nothing that comes behind the end changes what was heard.
fn check_end<S: Spoken>(data: &[u8], choices: u32) {
    let ended = [data, b"\n\n", S::END.as_bytes()].concat();
    let heard_with = |more: &str| heard::<S>(&[&ended, more.as_bytes()], choices);
    let before = heard_with("");
    for more in [S::MORE, "data: {\"error\":{\"message\":\"no\"}}\n\n", "data: {\n\n"] {
        assert_eq!(heard_with(more), before, "more comes behind the end");
    }
}

/// The events are lawful, and what a whole answer says can be stored and read.
fn check_lawful(heard: &Heard, choices: u32) {
    laws::check(&heard.events, heard.ended.is_ok(), choices);
    if heard.ended.is_err() {
        return;
    }
    for number in 0..choices {
        let draft = Draft::new(laws::kept(&heard.events, number).body());
        if let Err(error) = draft.check() {
            panic!("an answer cannot be kept: {error}: {draft:?}");
        }
        let message = Arc::new(draft.preview());
        codec::check_op(&Op {
            id: OpId::from_bits(0),
            parent: None,
            at: message.at,
            step: Step::Alone,
            standing: 1,
            author: None,
            kind: OpKind::Message(message),
        });
    }
}

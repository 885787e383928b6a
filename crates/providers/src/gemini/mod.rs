//! The Gemini protocol of Google: `generateContent`, and `streamGenerateContent` with server-sent events.
//!
//! [`request`] writes what is asked, [`answer`] reads what comes; [`native`] says how blocks that only
//! Gemini understands are kept. The model is a part of the path, see [`model`].
//!
//! What a request says otherwise than the history, by the names of the rules:
//!
//! | rule | what is sent instead | why |
//! |---|---|---|
//! | `turns_joined` | a turn goes on where two of one side follow each other | turns of calls must come after one of the user: the 400 "function call turn comes immediately after a user turn" |
//! | `first_message_asked` | a full stop as the user's turn before a history that begins with an answer | the same 400 |
//! | `asked_to_go_on` | a full stop as the user's turn behind an answer at the end | the 400 "Requests ending with a model turn are not supported" |
//! | `nothing_asked` | a full stop as the user's turn where there is no other | as before |
//! | `blank_put_in` | a full stop for an instruction that says nothing | a content needs a part, and a text part some text |
//! | `blank_text_left_out` | nothing for a text without a letter | a text part needs some text |
//! | `empty_answer_left_out` | nothing for an answer in which nothing is said | a content needs a part |
//! | `system_as_user` | a system message behind the first turn as what the user says | `systemInstruction` comes before all turns, and what was sent must stay as it was |
//! | `signature_put_in` | the documented stand-in [`request::SIGNATURE`] at the first call of an answer | Gemini 3 refuses unsigned calls: the 400 "missing a `thought_signature`" |
//! | `signature_left_out` | text and blocks without their signature, when another model is asked or the text was edited | the 400 "Corrupted thought signature" |
//! | `thought_left_out` | nothing for a thought of another model or protocol, nor any for Gemma | as before; Gemma refuses thoughts |
//! | `native_left_out` | nothing for a block of another protocol | it means nothing to Gemini |
//! | `source_left_out` | nothing for what a server told about its sources: grounding, citations | only answers have it |
//! | `arguments_wrapped` | arguments that are no JSON object, in one | `args` is an object |
//! | `call_name_remade` | `_` for what a name of a function cannot have | names have letters, digits, `_.:-`, at most 128, and begin with a letter or `_` |
//! | `attachment_left_out` | nothing for a picture or a file of an answer | answers of others had them; Gemini's own are native blocks |
//! | `image_detail_left_out` | a picture without how closely to look at it | `mediaResolution` of a part is for Gemini 3, whose words are `low`, `medium`, `high` and `ultra_high` |
//!
//! Several answers to one request are asked for whole: nothing says that a stream holds all of them. Gemini 3
//! gives one only: the 400 "Multiple candidates is not enabled for this model" (googleapis/js-genai 1609).
//!
//! Results are a turn of their own: text in the same turn makes Gemini 3 answer nothing. Only Gemini 3
//! is sent identifiers of calls: older models refuse them.
//!
//! Sources, of November 2026 where not said otherwise: the types of `google-genai` 3.6.1 on `PyPI`; the
//! pages "Thought signatures", "Function calling", "File input methods" and "Media resolution" of
//! ai.google.dev; for the errors, issues of 2026 of google-gemini/gemini-cli (26486, 26956),
//! NousResearch/hermes-agent (68863, 80683), pipecat-ai/pipecat (5821), decolua/9router
//! (2480) and earendil-works/pi (471).

mod answer;
mod model;
mod models;
mod native;
mod request;

use std::sync::Arc;

use branchwork_core::{
    message::Message,
    provider::{ModelInfo, ModelRequest},
    secret::Secret,
};

use self::{answer::Decoder, model::Model};
use crate::{
    errors::Reporter,
    wire::{Decode, Pen, Place, Wire},
};

/// The name of the protocol, which blocks carry.
const PROTOCOL: &str = "gemini";

/// Answers to one request: Gemini 2.5 gives no more.
const CANDIDATES_MAX: u32 = 8;

/// The protocol.
#[derive(Debug)]
pub(crate) struct Gemini;

impl Wire for Gemini {
    fn path(&self, request: &ModelRequest) -> String {
        let model = Model::of(&request.config);
        let is_streamed = request.stream && request.choices == 1;
        let method = if is_streamed { "streamGenerateContent?alt=sse" } else { "generateContent" };
        format!("{}:{method}", model.path())
    }

    fn models_path(&self) -> &'static str {
        models::PATH
    }

    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
        key.map(|key| ("x-goog-api-key", key.clone())).into_iter().collect()
    }

    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        request::head(request)
    }

    fn message(&self, pen: &mut Pen, message: &Message, place: Place<'_>) -> Result<(), String> {
        request::message(pen, &message.body, Model::named(place.model))
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        request::tail(pen)
    }

    fn choices_max(&self) -> u32 {
        CANDIDATES_MAX
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        Box::new(Decoder::new(request, Arc::clone(reporter)))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        models::read(body)
    }
}

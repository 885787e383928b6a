//! Ollama's own protocol: `/api/chat`, with a line of JSON for each piece of an answer.
//!
//! Next to the OpenAI protocol, which Ollama speaks too, it takes the size of the context
//! (`options.num_ctx`) and how long a model stays loaded (`keep_alive`), tells thoughts apart from text
//! and gives arguments as objects.
//!
//! A server shortens a conversation that does not fit, and answers as if nothing were missing. So each
//! request has `"truncate": false` and `"shift": false`, unless the extras say otherwise: then it is the
//! error that says so.
//!
//! What a request says otherwise than the history, by the names of the rules:
//!
//! | rule | what is sent instead | why |
//! |---|---|---|
//! | `empty_answer_left_out` | nothing for an answer without text and calls | templates write an empty turn |
//! | `arguments_wrapped` | arguments that are no JSON object, in one | the server reads `arguments` as an object |
//! | `thought_left_out` | nothing for a thought that another provider signed or coded | it is not for other models |
//! | `native_left_out` | nothing for a block of another protocol | it means nothing to Ollama |
//! | `attachment_left_out` | nothing for a picture or a file of an answer | models are shown pictures of users only |
//!
//! There is no way to say which tool must be called: a request that asks for that is refused. One that
//! forbids calls offers no tools.
//!
//! Sources: `api/types.go`, `server/thinking.go`, `envconfig/config.go` and the pages "Thinking", "Tool
//! calling", "Errors" and "Authentication" of ollama/ollama, 2026; for what is shortened, its pull requests 17944
//! and 18399.

mod answer;
mod host;
mod models;
mod request;

use std::sync::Arc;

use branchwork_core::{
    message::Message,
    provider::{ModelInfo, ModelRequest},
    secret::Secret,
};

use self::answer::Decoder;
pub(crate) use self::host::completed;
use crate::{
    errors::Reporter,
    framing::Framing,
    wire::{Decode, Pen, Place, Wire},
};

/// The name of the protocol, which blocks carry.
const PROTOCOL: &str = "ollama";

/// The protocol.
#[derive(Debug)]
pub(crate) struct Ollama;

impl Wire for Ollama {
    fn path(&self, _request: &ModelRequest) -> String {
        "/api/chat".to_owned()
    }

    fn models_path(&self) -> &'static str {
        "/api/tags"
    }

    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
        let bearer = |key: &Secret| Secret::new(format!("Bearer {}", key.reveal()));
        key.map(|key| ("authorization", bearer(key))).into_iter().collect()
    }

    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        request::head(request)
    }

    fn message(&self, pen: &mut Pen, message: &Message, _place: Place<'_>) -> Result<(), String> {
        request::message(pen, &message.body)
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        pen.end_messages()
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        Box::new(Decoder::new(request, Arc::clone(reporter)))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        models::read(body)
    }
}

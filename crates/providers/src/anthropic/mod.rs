//! The Anthropic Messages protocol.
//!
//! [`request`] writes what is asked, [`answer`] reads what comes; [`model`] knows what differs between
//! generations of models. The facts are those of the API's documentation and of the types of its SDK for
//! Python, 2.12 (2026-11); what the documentation leaves open is said with its source below.
//!
//! # What is sent otherwise than it is kept
//!
//! | rule | what is sent | because |
//! |---|---|---|
//! | `arguments_wrapped` | arguments that are no JSON object as `{"_malformed": "…"}` | `input` is an object |
//! | `asked_to_go_on` | "Go on." after an answer at the end | an answer at the end is a prefill, which models since 4.6 refuse ([prefill not supported](https://platform.claude.com/docs/en/api/errors)) |
//! | `attachment_left_out` | pictures and files of an answer: nothing | only the user has them |
//! | `blank_instruction_left_out`, `blank_text_left_out` | nothing | "text content blocks must contain non-whitespace text" |
//! | `call_id_remade` | an identifier of legal letters that no other call has | `^[a-zA-Z0-9_-]+$`; "`tool_use` ids must be unique", in the whole conversation |
//! | `call_name_remade` | the name of a tool in legal letters | `^[a-zA-Z0-9_-]{1,128}$` |
//! | `citations_left_out` | a text without citations that were made by other models, or of another text | the server made them |
//! | `displaced_thought_left_out` | a thought that would stand right behind another because what was between them is left out: nothing | "blocks in the latest assistant message cannot be modified" ([measured](https://github.com/Yeachan-Heo/gajae-code/issues/4416)) |
//! | `empty_answer_left_out` | an answer without blocks: nothing | a message has content |
//! | `first_message_asked` | "Go on." before an answer at the beginning | the first message is the user's |
//! | `image_detail_left_out` | a picture without how closely to look | the API has no word for it |
//! | `native_left_out` | blocks of other protocols, or of a model of another maker: nothing | they mean nothing here |
//! | `no_tools_declared` | a tool that cannot be called | "Requests which include `tool_use` or `tool_result` blocks must define tools" |
//! | `nothing_asked` | "Go on." where there is nothing else | a request has a message |
//! | `text_put_before_calls` | what was said after the last call before it | an answer that ends with a text is a prefill |
//! | `thought_at_end_left_out` | a thought that nothing follows: nothing | "the final block in an assistant message cannot be `thinking`" |
//! | `thought_left_out`, `thought_of_other_model_left_out` | thoughts without a signature, or of another model: nothing | signatures are checked: "Invalid `signature` in `thinking` block" |
//! | `unpaired_native_left_out` | calls of the server's tools without a result, and results without a call: nothing | the API refuses both; a call at the end of the conversation stays: a request that ends so lets the server run it (`pause_turn`); turns of the engine end there |
//!
//! System messages are the system prompt, wherever they stand. Neighbours of one role are one message, so
//! that all results of an answer are in the one after it. Nothing is trimmed: no answer is ever the last,
//! where white space at its end would be refused. Thoughts, and blocks of the server's tools, go back at their
//! places, each text of theirs byte for byte. On models since 5.1 the API checks that nothing changed before a thought
//! ([preserved thinking](https://platform.claude.com/docs/en/build-with-claude/preserved-thinking)); here
//! histories are edited, merged and given other tools, so those thoughts are dropped by the API instead of
//! refused, which wants a header of its own.
//!
//! # The prompt cache
//!
//! At most four breakpoints:
//!
//! - the tail, by `cache_control` at the top of the request: the API moves that one along, so no byte of a
//!   message changes when the conversation grows;
//! - the end of the system prompt, or of our tools when there is none: what different sessions share;
//! - the last two points where branches part ([`Place::is_breakpoint`]): the first request of a fork reads
//!   what its parent wrote there, however far the parent has gone on since.
//!
//! All say the same, because longer ones must come before shorter ones: `{"type": "ephemeral"}`, or what
//! the extra parameter `cache_control` says; `null` there takes all of them away, for servers that do not
//! know the top one. Where breakpoints are is no part of what the API compares
//! ([prompt caching](https://platform.claude.com/docs/en/build-with-claude/prompt-caching)).
//!
//! # Settings
//!
//! `reasoning_effort` is told in [`request::thinking`], a schema for the answer in [`request::schema`].
//! `max_tokens` is wanted by the API: 64 000 when it is not said, 8 192 for models before 4.6 and of
//! others. `temperature` and `top_p` go from 0 to 1. There are no seed, penalties and log probabilities.
//! `metadata` and all else that only this API knows are extra parameters; the extra parameter `tools` is a
//! list of tools that the server runs. Features in beta want `anthropic-beta`, by
//! [`HttpOptions::with_header`](crate::HttpOptions::with_header).

mod answer;
mod model;
mod request;

use std::sync::Arc;

use branchwork_core::{
    message::Message,
    provider::{ModelInfo, ModelRequest},
    secret::Secret,
};

use self::answer::Decoder;
use crate::{
    errors::Reporter,
    model_list,
    wire::{Decode, Pen, Place, Wire},
};

/// What its blocks are known by.
const NAME: &str = "anthropic";

/// The version of the API.
const VERSION: &str = "2023-06-01";

/// What lets a request say what becomes of thoughts that no longer fit.
const BINDING_CONTROLS: &str = "thinking-binding-controls-2026-08-01";

/// Bytes of a request. The API takes as many.
const REQUEST_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The protocol.
#[derive(Debug)]
pub(crate) struct Anthropic;

impl Wire for Anthropic {
    fn path(&self, _request: &ModelRequest) -> String {
        "/v1/messages".to_owned()
    }

    fn models_path(&self) -> &'static str {
        "/v1/models?limit=1000"
    }

    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
        let key = key.map(|key| ("x-api-key", key.clone()));
        key.into_iter().chain([("anthropic-version", Secret::new(VERSION))]).collect()
    }

    fn request_headers(&self, request: &ModelRequest) -> Vec<(&'static str, &'static str)> {
        let model = request.config.model.as_deref().unwrap_or_default();
        let binds = model::binds_thoughts(model);
        binds.then_some(("anthropic-beta", BINDING_CONTROLS)).into_iter().collect()
    }

    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        request::head(request)
    }

    fn message(&self, pen: &mut Pen, message: &Message, place: Place<'_>) -> Result<(), String> {
        request::message(pen, message, place)
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        request::tail(pen)
    }

    fn request_bytes_max(&self) -> Option<usize> {
        Some(REQUEST_BYTES_MAX)
    }

    fn breakpoints_max(&self) -> usize {
        request::FORKS_MAX
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        Box::new(Decoder::new(Arc::clone(reporter), request))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        model_list::read(body)
    }
}

//! The OpenAI Chat Completions protocol, against any server that speaks it.
//!
//! [`request`] writes what is asked, [`answer`] reads what comes. What differs between servers is in
//! [`dialect`].
//!
//! What a request says otherwise than the history, by the names of the rules:
//!
//! | rule | what is sent instead | why |
//! |---|---|---|
//! | `answer_put_in` | a few words between results and what the user says next, to Mistral | "Unexpected role 'user' after role 'tool'" ([goose 5998], [zed 37021]) |
//! | `arguments_wrapped` | arguments that are no JSON object, in one | servers parse them, and templates of chats want an object |
//! | `attachment_left_out` | nothing for a picture, a file or a sound of an answer | messages of the assistant hold text |
//! | `call_id_remade` | an identifier of the form of the server | [`CallIds`](dialect::CallIds); `OpenAI`: "string too long. Expected a string with maximum length 40" ([camel 2215], [opencode 12653]) |
//! | `call_name_remade` | letters, digits, `_` and `-`, 64 at most | "string does not match pattern" ([mcp-use 90]) |
//! | `empty_answer_left_out` | nothing for an answer without text and calls | servers refuse an empty one |
//! | `native_left_out`, `native_of_other_model_left_out` | nothing for a block of another protocol, or of another model | it means nothing there; what came beside a call goes back with it ([securo 884]) |
//! | `thought_left_out` | nothing for a thought, where the dialect never sends any back | [`ReasoningBack`](dialect::ReasoningBack) |
//! | `thought_of_other_model_left_out` | nothing for a thought with details of another model, where they are sent back | they may be signed: "Invalid `signature` in `thinking` block" ([forgecode 2363]) |
//!
//! [forgecode 2363]: https://github.com/tailcallhq/forgecode/pull/2363
//! [camel 2215]: https://github.com/camel-ai/camel/issues/2215
//! [goose 5998]: https://github.com/aaif-goose/goose/issues/5998
//! [mcp-use 90]: https://github.com/mcp-use/mcp-use/issues/90
//! [opencode 12653]: https://github.com/anomalyco/opencode/issues/12653
//! [securo 884]: https://github.com/securo-finance/securo/issues/884
//! [zed 37021]: https://github.com/zed-industries/zed/issues/37021

mod answer;
pub mod dialect;
mod request;

use std::sync::Arc;

use branchwork_core::{
    message::Message,
    provider::{ModelInfo, ModelRequest},
    secret::Secret,
};

use self::{answer::Decoder, dialect::Dialect};
use crate::{
    errors::Reporter,
    model_list,
    wire::{Decode, Pen, Place, Wire},
};

/// What blocks of answers are marked with.
const PROTOCOL: &str = "chat";

/// Answers to one request: `OpenAI` gives no more.
const CHOICES_MAX: u32 = 128;

/// The protocol, in the dialect of one server.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) dialect: Dialect,
}

impl Wire for Chat {
    fn path(&self, _request: &ModelRequest) -> String {
        "/chat/completions".to_owned()
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
        key.map(|key| self.dialect.key_header.of(key)).into_iter().collect()
    }

    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        request::head(request, self.dialect)
    }

    fn message(&self, pen: &mut Pen, message: &Message, place: Place<'_>) -> Result<(), String> {
        request::message(pen, &message.body, (self.dialect, place.model))
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        pen.end_messages()
    }

    fn choices_max(&self) -> u32 {
        CHOICES_MAX
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        let conversation = (request.messages.len(), request.choices);
        let model = request.config.model.as_deref().unwrap_or_default();
        Box::new(Decoder::new(Arc::clone(reporter), model, conversation))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        model_list::read(body)
    }
}

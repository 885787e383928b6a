//! The OpenAI Chat Completions protocol, against any server that speaks it.
//!
//! [`request`] writes what is asked, [`answer`] reads what comes. What differs between servers is in
//! [`dialect`].
//!
//! # What is sent otherwise than it is kept
//!
//! | rule | what is sent | why |
//! |---|---|---|
//! | `empty_answer_left_out` | nothing for an answer without text | servers refuse one |
//! | `thought_left_out` | no thought, where the server has no field for it | a field that it does not know is refused |
//! | `native_left_out` | no block of another protocol | the server does not know it |
//! | `attachment_left_out` | no picture, file or sound of an answer | messages of the assistant hold text |
//! | `call_id_remade` | identifiers of the form of the server | `OpenAI`: "string too long. Expected a string with maximum length 40" ([camel 2215], [opencode 12653]); Mistral: nine letters and digits |
//! | `call_name_remade` | letters, digits, `_` and `-`, 64 at most | "string does not match pattern" ([mcp-use 90]) |
//! | `arguments_wrapped` | arguments that are no JSON, in an object | servers parse them |
//! | `answer_put_in` | a few words between results and what the user says next, to Mistral | "Unexpected role 'user' after role 'tool'" ([goose 5998], [zed 37021]) |
//!
//! [camel 2215]: https://github.com/camel-ai/camel/issues/2215
//! [goose 5998]: https://github.com/aaif-goose/goose/issues/5998
//! [mcp-use 90]: https://github.com/mcp-use/mcp-use/issues/90
//! [opencode 12653]: https://github.com/anomalyco/opencode/issues/12653
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

    fn message(&self, pen: &mut Pen, message: &Message, _place: Place<'_>) -> Result<(), String> {
        request::message(pen, &message.body, self.dialect)
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        pen.raw("]}");
        Ok(())
    }

    fn gives_choices(&self) -> bool {
        true
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        let conversation = (request.messages.len(), request.choices);
        Box::new(Decoder::new(Arc::clone(reporter), conversation))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        model_list::read(body)
    }
}

//! The OpenAI Responses protocol, against any server that speaks it.
//!
//! [`request`] writes what is asked, [`answer`] reads what comes. Nothing is kept on the server
//! (`store: false`), and no earlier answer is pointed at: every request holds the whole conversation, as
//! items in a list.
//!
//! # What is sent otherwise than it is kept
//!
//! | rule | what is sent | why |
//! |---|---|---|
//! | `empty_answer_left_out` | nothing for an answer that said nothing | an item holds something |
//! | `thought_left_out` | no thought of another protocol, or without what the server wants back | only sealed or open reasoning items are read ([vercel/ai 13234]) |
//! | `thought_of_other_model_left_out` | no thought of another model | `invalid_encrypted_content`, "could not be decrypted" ([codex 17541], [litellm 41785]) |
//! | `thought_at_end_left_out` | no thought that nothing follows in its answer | "'reasoning' was provided without its required following item" ([openai-node 1567]) |
//! | `thought_id_left_out` | a sealed thought without `id` and `status` | an id is looked up among stored items and not found ([hermes 10217], [pi 3369], Azure: [vercel/ai 12687]), is refused when it comes twice; "Unknown parameter: 'input\[1\].status'" ([openai-python 3008]) |
//! | `native_left_out` | no block of another protocol | the server does not know it |
//! | `native_of_other_model_left_out` | no sealed block of another model (`compaction`) | as for thoughts ([codex 17541]) |
//! | `container_call_left_out` | no call that ran in a container | "Expected `container_id`" for ever once the container is gone, after 20 minutes ([pydantic-ai 7461]) |
//! | `unpaired_native_left_out` | no call that waits for an output of ours, no output without its call | "No tool output found for … call" ([OmniRoute 8946]), "No tool call found for … output" |
//! | `citations_left_out` | text without what its annotations cite | text goes back as a string: text in parts is refused without the id and status of its message ([codex 12669]) |
//! | `attachment_left_out` | no picture, file or sound of an answer | messages of the assistant hold text |
//! | `call_id_remade` | 64 letters, digits, `_` and `-` at most | "string too long. Expected a string with maximum length 64" ([aether 829]) |
//! | `call_name_remade` | letters, digits, `_` and `-`, 64 at most | "string does not match pattern" ([hermes 31666]) |
//! | `arguments_wrapped` | arguments that are no JSON object, in one | servers parse them, and templates of chats want an object |
//!
//! So a pairing that servers demand is kept by each message alone: a thought goes with what follows it, a
//! call of a hosted tool with its output; calls of functions and their results are paired by the history.
//! Without ids of stored items there is nothing more to pair. Calls of hosted tools keep theirs, which is
//! taken without `store` and without the thought before them (recorded in [vercel/ai 22343]).
//!
//! A sealed thought of another organisation is refused, too; a history does not know organisations.
//!
//! # What stands where
//!
//! System text is an item of role `system` at its place, not `instructions`: one that comes late changes
//! nothing before it, and every server knows the role (of `developer`, chat templates of open models do
//! not). Servers demand no alternation of roles, and take an instruction without text. What
//! [`Joined`](crate::joined::Joined) makes of text and data is one string; attachments make a list.
//!
//! Blocks of the message items of an answer that its text does not say, `phase` and annotations, are kept
//! as a block `{"type":"message", …}` after that text; the phase goes back ("dropping it can degrade
//! performance", API reference).
//!
//! # Settings
//!
//! `stop`, `seed` and both penalties are refused, and a limit below 16 tokens: this protocol has none of
//! them. Sealed thoughts are asked for unless the name of the model is one that never thinks, which would
//! be refused ("Encrypted content is not supported with this model"). Extras:
//!
//! - `include` takes the place of what is asked for by itself: `[]` asks for nothing.
//! - `reasoning` and `text` are joined with what settings say of them: `{"summary": "auto"}`.
//! - `tools` are tools that the server runs, after the functions on offer.
//!
//! [vercel/ai 12687]: https://github.com/vercel/ai/issues/12687
//! [vercel/ai 13234]: https://github.com/vercel/ai/pull/13234
//! [vercel/ai 22343]: https://github.com/vercel/ai/issues/22343
//! [codex 12669]: https://github.com/openai/codex/issues/12669
//! [codex 17541]: https://github.com/openai/codex/issues/17541
//! [litellm 41785]: https://github.com/BerriAI/litellm/pull/41785
//! [openai-node 1567]: https://github.com/openai/openai-node/issues/1567
//! [openai-python 3008]: https://github.com/openai/openai-python/issues/3008
//! [hermes 10217]: https://github.com/NousResearch/hermes-agent/pull/10217
//! [hermes 31666]: https://github.com/NousResearch/hermes-agent/issues/31666
//! [pi 3369]: https://github.com/earendil-works/pi/issues/3369
//! [pydantic-ai 7461]: https://github.com/pydantic/pydantic-ai/issues/7461
//! [OmniRoute 8946]: https://github.com/diegosouzapw/OmniRoute/issues/8946
//! [aether 829]: https://github.com/fawney19/Aether/pull/829

mod answer;
mod request;

use std::sync::Arc;

use branchwork_core::{
    message::Message,
    provider::{ModelInfo, ModelRequest},
    secret::Secret,
};

use self::answer::Decoder;
use crate::{
    dialect::KeyHeader,
    errors::Reporter,
    model_list,
    wire::{Decode, Pen, Place, Wire},
};

/// The name of the protocol, as blocks of its answers are marked with it.
const PROTOCOL: &str = "responses";

/// The protocol, with the key in the header that the server wants.
#[derive(Debug)]
pub(crate) struct Responses {
    pub(crate) key_header: KeyHeader,
}

impl Wire for Responses {
    fn path(&self, _request: &ModelRequest) -> String {
        "/responses".to_owned()
    }

    fn models_path(&self) -> &'static str {
        "/models"
    }

    fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
        key.map(|key| self.key_header.of(key)).into_iter().collect()
    }

    fn head(&self, request: &ModelRequest) -> Result<Vec<u8>, String> {
        request::head(request)
    }

    fn message(&self, pen: &mut Pen, message: &Message, place: Place<'_>) -> Result<(), String> {
        request::message(pen, &message.body, place.model)
    }

    fn tail(&self, pen: &mut Pen) -> Result<(), String> {
        pen.end_messages()
    }

    fn decoder(&self, request: &ModelRequest, reporter: &Arc<Reporter>) -> Box<dyn Decode> {
        let model = request.config.model.clone().unwrap_or_default();
        Box::new(Decoder::new(Arc::clone(reporter), model, request.messages.len()))
    }

    fn models(&self, body: &[u8]) -> Option<Vec<ModelInfo>> {
        model_list::read(body)
    }
}

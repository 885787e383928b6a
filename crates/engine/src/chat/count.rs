//! How many tokens a request has.

use std::sync::Arc;

use branchwork_core::{
    call::ModelCall,
    config::Config,
    graph::View,
    message::{Message, Role},
    provider::ToolSpec,
    tokens::{Gauge, Measured, TokenCount},
};

use super::{Chat, Options};
use crate::{branch::Branch, error::Result};

/// Answers that are looked at for one whose request the provider measured: the last ones may have failed,
/// or come from another model.
const ANSWERS_LOOKED_AT: usize = 8;

impl Chat {
    /// How many tokens the first request of this chat would have. Asks nobody, and writes nothing.
    ///
    /// What the provider measured of an earlier request that this one begins as counts as it was; the rest
    /// is counted by the [tokenizer](crate::Engine::register_tokenizer) of the model, or estimated from its
    /// letters. The answer says which.
    ///
    /// # Errors
    ///
    /// [`Error::NoModel`](crate::Error::NoModel), [`Error::NotFound`](crate::Error::NotFound) for a tool,
    /// [`Error::Store`](crate::Error::Store).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::tokens::Basis};
    ///
    /// let session = Engine::in_memory().session("trip").model("local:tiny").create().await?;
    /// let count = session.default_branch().chat("Where is it warm?").count_tokens().await?;
    /// assert_eq!((count.tokens, count.basis), (9, Basis::Estimated));
    /// # Ok(()) }
    /// ```
    pub async fn count_tokens(self) -> Result<TokenCount> {
        let Self { branch, ask, options } = self;
        let view = branch.view().await?;
        let config = view.config().patched(&options.config);
        let offer = branch.tools().offer(&options.tools, &config)?;
        let gauge = branch.gauge(&view, &config, (&offer.specs, &options)).await?;
        let schema = config.response_schema.as_ref();
        Ok(gauge.count(&options.preview(&view, &ask), (&offer.specs, schema)))
    }
}

/// Whether what the provider counted of `call` is one request and one answer: what was tried several times was
/// counted several times, and so are several answers.
pub(super) const fn is_measured(call: &ModelCall) -> bool {
    call.retries == 0 && call.request.choices <= 1
}

impl Branch {
    /// What counts the tokens of requests to the model of `config` that begin as `view`.
    pub(super) async fn gauge(
        &self,
        view: &View,
        config: &Config,
        (specs, options): (&[ToolSpec], &Options),
    ) -> Result<Gauge> {
        let model = config.model.as_deref().ok_or(crate::Error::NoModel)?;
        let tokenizer = self.engine().tokenizer(model);
        if options.results_kept.is_some() {
            // What was measured had results in it that are left out now.
            return Ok(Gauge::new(None, tokenizer));
        }
        let is_answer = |message: &&Arc<Message>| message.role() == Role::Assistant;
        for answer in view.messages().rev().filter(is_answer).take(ANSWERS_LOOKED_AT) {
            if let Some(measured) = self.measured(view, config, (specs, answer)).await? {
                return Ok(Gauge::new(Some(measured), tokenizer));
            }
        }
        Ok(Gauge::new(None, tokenizer))
    }

    /// What the provider measured for `answer`, when that was asked of the model of `config` in the way in
    /// which it is asked now.
    async fn measured(
        &self,
        view: &View,
        config: &Config,
        (specs, answer): (&[ToolSpec], &Message),
    ) -> Result<Option<Measured>> {
        // The answer that comes first in its stretch has no op before it to look behind.
        let Some(before) = answer.id.op().previous() else { return Ok(None) };
        let calls = self.engine().store().calls(self.session_id(), Some(before.into()), 1).await?;
        let Some(call) = calls.into_iter().find(|call| call.answer == answer.id) else {
            return Ok(None);
        };
        if !is_measured(&call.call) {
            return Ok(None);
        }
        let request = call.call.request;
        let is_same = Some(&request.model) == config.model.as_ref()
            && request.provider == config.provider.as_deref().unwrap_or_default()
            && request.shown.is_none()
            && request.results_kept.is_none();
        let (true, Some(usage)) = (is_same, call.call.usage) else { return Ok(None) };
        let Ok(sent) = view.at(request.head) else { return Ok(None) };
        let messages = sent.messages().map(Arc::clone);
        let asked = request.config_of(sent.config());
        let asked = (request.tools.as_slice(), asked.response_schema.as_ref());
        let is_same = asked == (specs, config.response_schema.as_ref());
        Ok(Measured::new(messages, answer.id, asked, usage).filter(|_| is_same))
    }
}

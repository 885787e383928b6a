//! What is noted of a call of a model while it goes on, for the call log.

use std::time::Duration;

use branchwork_core::{
    call::{CallFailure, CallRequest, ModelCall, RequestHash, Timings},
    clock::Timestamp,
    config::ConfigPatch,
    graph::View,
    provider::{
        Finish, ModelRequest, PriceBook, ProviderError, ProviderEvent, RenderedRequest, Rerouted,
    },
    turn::Answer,
};

/// A call that goes on.
#[derive(Debug)]
pub(super) struct Meter {
    request: CallRequest,
    wished: Timestamp,
    asked: Timestamp,
    first: Option<Timestamp>,
    retries: u32,
    rerouted: Option<Rerouted>,
}

impl Meter {
    /// Notes that `rendered` is sent now; it was wished for at `wished`.
    pub(super) fn start(
        request: &ModelRequest,
        rendered: &RenderedRequest,
        view: &View,
        (config, results_kept): (ConfigPatch, Option<u32>),
        (wished, asked): (Timestamp, Timestamp),
    ) -> Self {
        let is_all = request.messages.len() == view.len();
        let shown = || request.messages.iter().map(|message| message.id).collect();
        let request = CallRequest {
            head: view.head(),
            shown: (!is_all).then(shown),
            results_kept,
            provider: request.config.provider.clone().unwrap_or_default(),
            model: request.config.model.clone().unwrap_or_default(),
            config: (!config.is_empty()).then(|| Box::new(config)),
            tools: request.tools.clone(),
            tool_choice: request.tool_choice.clone(),
            stream: request.stream,
            choices: request.choices,
            hash: hash(rendered),
            adapted: rendered.adapted.clone(),
        };
        Self { request, wished, asked, first: None, retries: 0, rerouted: None }
    }

    /// Notes what the model said.
    pub(super) fn hear(&mut self, event: &ProviderEvent, now: impl FnOnce() -> Timestamp) {
        match event {
            ProviderEvent::Retried(retried) => (self.retries, self.first) = (retried.retries, None),
            ProviderEvent::Rerouted(rerouted) => self.rerouted = Some(rerouted.clone()),
            _ => {}
        }
        let says = matches!(
            event,
            ProviderEvent::Text(_)
                | ProviderEvent::Reasoning(_)
                | ProviderEvent::CallStarted { .. }
        );
        if says && self.first.is_none() {
            self.first = Some(now());
        }
    }

    /// What is kept of it, when it ended so.
    pub(super) fn finish(
        self,
        answer: &Answer,
        error: Option<&ProviderError>,
        prices: &PriceBook,
        now: Timestamp,
    ) -> ModelCall {
        let failure = error.map(|error| CallFailure {
            problem: error.to_string(),
            detail: error.detail().to_owned(),
        });
        let mut call = ModelCall {
            rerouted: self.rerouted,
            model: answer.model().map(str::to_owned),
            finish: answer.finish().map(Finish::as_str).map(str::to_owned),
            usage: answer.usage(),
            cost_usd: None,
            timings: Timings {
                queued: between(self.wished, self.asked),
                first: self.first.map(|first| between(self.asked, first)),
                total: between(self.asked, now),
            },
            retries: self.retries,
            failure,
            request: self.request,
        };
        let (provider, model) = call.billed();
        let tariff = prices.tariff(provider, model, answer.model(), self.asked);
        call.cost_usd = call.usage.and_then(|usage| tariff?.usd(&usage));
        call
    }
}

/// SHA-256 of the body of a request.
pub(crate) fn hash(rendered: &RenderedRequest) -> RequestHash {
    RequestHash(rendered.body.sha256())
}

/// How long it was from one moment to a later one; nothing when the clock went back.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    let micros = to.as_micros().saturating_sub(from.as_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

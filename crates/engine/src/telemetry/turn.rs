//! The span of a turn.

use branchwork_core::{
    config::Config,
    graph::View,
    id::OpId,
    message::Draft,
    provider::{Finish, Usage},
    turn::Limit,
};
use serde_json::{Value, json};
use tracing::{
    Span,
    field::{Empty, display},
    info_span,
};

use super::{
    TRACEPARENT_KEY, Telemetry,
    failure::{fail, fail_with},
    int,
    names::{attribute, error_type, provider_name, span},
    operation::Operation,
};
use crate::{
    branch::Branch,
    chat::{Reply, last_instruction},
    error::Error,
};

/// The span of a turn. Clones are one span; it ends with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct TurnSpan(Span);

impl TurnSpan {
    /// Of no turn.
    pub(crate) const fn none() -> Self {
        Self(Span::none())
    }

    /// Begins.
    pub(crate) fn begin(branch: &Branch, kind: &'static str) -> Self {
        Self(info_span!(
            span::INVOKE_AGENT,
            { attribute::OPERATION_NAME } = span::INVOKE_AGENT,
            { attribute::CONVERSATION_ID } = %branch.session_id(),
            { attribute::AGENT_ID } = %branch.id(),
            { attribute::BRANCH_ID } = %branch.id(),
            { attribute::TURN_KIND } = kind,
            { attribute::OTEL_NAME } = Empty,
            { attribute::AGENT_NAME } = Empty,
            { attribute::PROVIDER_NAME } = Empty,
            { attribute::REQUEST_MODEL } = Empty,
            { attribute::TURN_LINK } = Empty,
            { attribute::PARENT_NODE_ID } = Empty,
            { attribute::NODE_ID } = Empty,
            { attribute::TURN_ROUNDS } = Empty,
            { attribute::TURN_LIMIT } = Empty,
            { attribute::TURN_PARKED } = Empty,
            { attribute::RESPONSE_FINISH_REASONS } = Empty,
            { attribute::USAGE_INPUT_TOKENS } = Empty,
            { attribute::USAGE_OUTPUT_TOKENS } = Empty,
            { attribute::USAGE_CACHE_READ_INPUT_TOKENS } = Empty,
            { attribute::USAGE_CACHE_WRITE_INPUT_TOKENS } = Empty,
            { attribute::USAGE_REASONING_OUTPUT_TOKENS } = Empty,
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = Empty,
        ))
    }

    /// What is done in the turn is done in it.
    pub(crate) const fn span(&self) -> &Span {
        &self.0
    }

    /// Says who asks whom. Reads the name of the branch when somebody wants to know.
    pub(crate) async fn describe(&self, branch: &Branch, config: &Config) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record(attribute::PROVIDER_NAME, provider_name(config.provider.as_deref()));
        self.0.record(attribute::REQUEST_MODEL, config.model.as_deref());
        // A branch that cannot be read fails the turn elsewhere.
        if let Ok(record) = branch.record().await {
            self.0.record(attribute::AGENT_NAME, record.name.as_str());
            let name = format!("{} {}", span::INVOKE_AGENT, record.name);
            self.0.record(attribute::OTEL_NAME, name);
        }
    }

    /// Says from where it goes on, and from which turn, when that is not the last one of its branch: the branch is
    /// a fork, or was moved. `tip` is the newest op of the stretch of the branch. A turn that asks nothing new goes on
    /// from the one that did.
    pub(crate) fn link(&self, view: &View, tip: Option<OpId>, is_new: bool) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record(attribute::PARENT_NODE_ID, view.head().map(display));
        let Some(last) = last_instruction(view) else { return };
        let is_there = tip.is_some() && tip == view.head();
        let is_own = tip.is_some_and(|tip| tip.stretch() == last.id.op().stretch());
        if is_new && is_there && is_own {
            return;
        }
        let traceparent = last.metadata.get(TRACEPARENT_KEY).and_then(Value::as_str);
        self.0.record(attribute::TURN_LINK, traceparent);
    }

    /// Keeps with `draft`, which is said in this turn, how the turn is found.
    pub(crate) fn mark(&self, telemetry: &Telemetry, draft: &mut Draft) {
        if !self.0.is_disabled() {
            telemetry.mark(&self.0, draft);
        }
    }

    /// Says that it ended so.
    pub(crate) fn completed(&self, reply: &Reply) {
        if self.0.is_disabled() {
            return;
        }
        self.0.record(attribute::NODE_ID, display(reply.head));
        self.0.record(attribute::TURN_ROUNDS, int(reply.rounds));
        self.0.record(attribute::TURN_LIMIT, reply.limit.map(limit_name));
        self.0.record(attribute::RESPONSE_FINISH_REASONS, finish_reasons(reply.finish.iter()));
        record_usage(&self.0, reply.usage);
    }

    /// Says that it failed, or is parked. To wait for approval is no failure.
    pub(crate) fn failed(&self, error: &Error) {
        if matches!(error, Error::Parked { .. } | Error::OverBudget { is_parked: true, .. }) {
            self.0.record(attribute::TURN_PARKED, true);
        }
        if !matches!(error, Error::Parked { .. }) {
            fail_with(&self.0, error);
        }
    }

    /// Says that whoever waited for it went away, or stopped it.
    pub(crate) fn cancelled(&self) {
        fail(&self.0, error_type::CANCELLED);
    }

    /// What says that it was cancelled when it is dropped before the turn can begin.
    pub(crate) fn waiting(&self) -> Operation {
        Operation::of(self.0.clone())
    }
}

/// Why a model stopped, of each answer, as JSON.
pub(super) fn finish_reasons<'a>(all: impl Iterator<Item = &'a Finish>) -> Option<String> {
    let reasons: Vec<&str> = all.map(Finish::as_str).collect();
    (!reasons.is_empty()).then(|| json!(reasons).to_string())
}

/// What was used, as far as it was counted.
pub(super) fn record_usage(span: &Span, usage: Option<Usage>) {
    let Some(usage) = usage else { return };
    let Usage { input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens } =
        usage;
    for (name, tokens) in [
        (attribute::USAGE_INPUT_TOKENS, input_tokens),
        (attribute::USAGE_OUTPUT_TOKENS, output_tokens),
        (attribute::USAGE_CACHE_READ_INPUT_TOKENS, cached_tokens),
        (attribute::USAGE_CACHE_WRITE_INPUT_TOKENS, cache_write_tokens),
        (attribute::USAGE_REASONING_OUTPUT_TOKENS, reasoning_tokens),
    ] {
        span.record(name, tokens.and_then(int));
    }
}

const fn limit_name(limit: Limit) -> &'static str {
    match limit {
        Limit::Rounds(_) => "rounds",
        Limit::Calls(_) => "calls",
        Limit::Tokens(_) => "tokens",
        Limit::TokensUnknown(_) => "tokens_unknown",
        Limit::Context { .. } => "context",
        Limit::Cost(_) => "cost",
        Limit::CostUnknown(_) => "cost_unknown",
        Limit::Time(_) => "time",
        _ => "other",
    }
}

//! A model call as a row.

use branchwork_core::{
    call::CallRecord,
    config::Config,
    provider::{ToolChoice, Usage},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Column, Kind, Tabular};
use crate::{error::Result, session::Session, time::rfc3339};

/// A call of a model as a row of a table: what was asked, what came of it, what it used. What is not
/// known is empty, never 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CallRow {
    /// The message that the model gave.
    pub answer: String,
    /// When that was appended: RFC 3339, UTC.
    pub timestamp: String,
    /// The session.
    pub session: String,
    /// The branch that is billed.
    pub branch: String,
    /// The op whose view was sent.
    pub head: Option<String>,
    /// The provider, by the name it was registered under.
    pub provider: String,
    /// The model that was asked for.
    pub model: String,
    /// The model that answered, as the server names it.
    pub answered_by: Option<String>,
    /// The provider and the model that were asked in the end, where that is another provider: `far:large`.
    pub rerouted_to: Option<String>,
    /// The settings that held for this call only, as JSON.
    pub config: String,
    /// The names of the tools on offer, as JSON.
    pub tools: String,
    /// Whether they may, must or must not be called.
    pub tool_choice: String,
    /// Why the model stopped.
    pub finish: Option<String>,
    /// Tokens read, the cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written, the reasoning ones included.
    pub output_tokens: Option<u64>,
    /// Tokens read from a cache.
    pub cached_tokens: Option<u64>,
    /// Tokens that the provider put into its cache.
    pub cache_write_tokens: Option<u64>,
    /// Tokens that the model thought.
    pub reasoning_tokens: Option<u64>,
    /// What it cost in US dollars.
    pub cost_usd: Option<f64>,
    /// Microseconds from the wish to the call.
    pub queued_us: u64,
    /// Microseconds from the call to the first thing the model said.
    pub first_us: Option<u64>,
    /// Microseconds from the call to its end.
    pub total_us: u64,
    /// How often it was tried again.
    pub retries: u32,
    /// Why it failed.
    pub failure: Option<String>,
    /// What the server said of that.
    pub failure_detail: Option<String>,
    /// SHA-256 of the bytes that were sent.
    pub request_sha256: String,
}

impl Tabular for CallRow {
    const COLUMNS: &'static [Column] = &[
        Column::text("answer"),
        Column::text("timestamp"),
        Column::text("session"),
        Column::text("branch"),
        Column::new("head", Kind::OptionalText),
        Column::text("provider"),
        Column::text("model"),
        Column::new("answered_by", Kind::OptionalText),
        Column::new("rerouted_to", Kind::OptionalText),
        Column::text("config"),
        Column::text("tools"),
        Column::text("tool_choice"),
        Column::new("finish", Kind::OptionalText),
        Column::new("input_tokens", Kind::OptionalWhole),
        Column::new("output_tokens", Kind::OptionalWhole),
        Column::new("cached_tokens", Kind::OptionalWhole),
        Column::new("cache_write_tokens", Kind::OptionalWhole),
        Column::new("reasoning_tokens", Kind::OptionalWhole),
        Column::new("cost_usd", Kind::OptionalNumber),
        Column::new("queued_us", Kind::Whole),
        Column::new("first_us", Kind::OptionalWhole),
        Column::new("total_us", Kind::Whole),
        Column::new("retries", Kind::Whole),
        Column::new("failure", Kind::OptionalText),
        Column::new("failure_detail", Kind::OptionalText),
        Column::text("request_sha256"),
    ];
}

impl CallRow {
    /// The row that tells `kept`.
    pub fn of(kept: &CallRecord) -> Self {
        let (call, request) = (&kept.call, &kept.call.request);
        let Usage {
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
        } = call.usage.unwrap_or_default();
        let names: Vec<_> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        let config = request.config.as_deref();
        let config = config.map(|config| Config::default().patched(config).settings());
        let micros =
            |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            answer: kept.answer.to_string(),
            timestamp: rfc3339(kept.at),
            session: kept.session.to_string(),
            branch: kept.branch.to_string(),
            head: request.head.map(|head| head.to_string()),
            provider: request.provider.clone(),
            model: request.model.clone(),
            answered_by: call.model.clone(),
            rerouted_to: call.rerouted.as_ref().map(|to| format!("{}:{}", to.provider, to.model)),
            config: Value::Object(config.unwrap_or_default()).to_string(),
            tools: json!(names).to_string(),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => "auto".to_owned(),
                ToolChoice::None => "none".to_owned(),
                ToolChoice::Required => "required".to_owned(),
                ToolChoice::Named(name) => format!("named:{name}"),
                _ => "other".to_owned(),
            },
            finish: call.finish.clone(),
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_usd: call.cost_usd,
            queued_us: micros(call.timings.queued),
            first_us: call.timings.first.map(micros),
            total_us: micros(call.timings.total),
            retries: call.retries,
            failure: call.failure.as_ref().map(|failure| failure.problem.clone()),
            failure_detail: call.failure.as_ref().map(|failure| failure.detail.clone()),
            request_sha256: request.hash.to_string(),
        }
    }
}

impl Session {
    /// The call log as rows, in the order in which the answers were appended.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store).
    pub async fn call_rows(&self) -> Result<Vec<CallRow>> {
        Ok(self.calls().await?.iter().map(CallRow::of).collect())
    }
}

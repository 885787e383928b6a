//! The stored form of a call of a model.

use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{config::StoredPatch, head::StoredId};
use crate::{
    call::{CallFailure, CallRequest, ModelCall, RequestHash, Timings},
    config::ConfigPatch,
    id::{MessageId, OpId},
    provider::{Adapted, Rerouted, ToolChoice, ToolSpec, Usage},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredCall {
    request: StoredRequest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rerouted: Option<StoredRerouted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    finish: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<StoredUsage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    /// Microseconds; so are the two below.
    queued: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<u64>,
    total: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    retries: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<StoredFailure>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<StoredId<OpId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<Vec<StoredId<MessageId>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    results_kept: Option<u32>,
    provider: String,
    model: String,
    #[serde(default, skip_serializing_if = "StoredPatch::is_empty")]
    config: StoredPatch,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tools: Vec<StoredTool>,
    #[serde(default, skip_serializing_if = "is_auto")]
    tool_choice: StoredChoice,
    stream: bool,
    #[serde(default = "one", skip_serializing_if = "is_one")]
    choices: u32,
    /// SHA-256 in lower-case hexadecimal digits.
    sha256: String,
    #[serde(default, skip_serializing_if = "Adapted::is_empty")]
    adapted: Adapted,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTool {
    name: String,
    description: String,
    parameters: Value,
}

#[derive(Serialize, Deserialize, Default, PartialEq)]
#[serde(rename_all = "snake_case")]
enum StoredChoice {
    #[default]
    Auto,
    None,
    Required,
    Named(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredUsage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cached: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cache_write: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reasoning: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRerouted {
    provider: String,
    model: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredFailure {
    problem: String,
    detail: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}

fn is_auto(choice: &StoredChoice) -> bool {
    *choice == StoredChoice::Auto
}

impl From<&ModelCall> for StoredCall {
    fn from(call: &ModelCall) -> Self {
        let ModelCall {
            request,
            rerouted,
            model,
            finish,
            usage,
            cost_usd,
            timings,
            retries,
            failure,
        } = call;
        Self {
            request: request.into(),
            rerouted: rerouted.as_ref().map(|Rerouted { provider, model }| StoredRerouted {
                provider: provider.clone(),
                model: model.clone(),
            }),
            model: model.clone(),
            finish: finish.clone(),
            usage: usage.map(|usage| StoredUsage {
                input: usage.input_tokens,
                output: usage.output_tokens,
                cached: usage.cached_tokens,
                cache_write: usage.cache_write_tokens,
                reasoning: usage.reasoning_tokens,
            }),
            cost_usd: *cost_usd,
            queued: micros(timings.queued),
            first: timings.first.map(micros),
            total: micros(timings.total),
            retries: *retries,
            failure: failure.as_ref().map(|CallFailure { problem, detail }| StoredFailure {
                problem: problem.clone(),
                detail: detail.clone(),
            }),
        }
    }
}

impl From<&CallRequest> for StoredRequest {
    fn from(request: &CallRequest) -> Self {
        let tool = |ToolSpec { name, description, parameters }: &ToolSpec| StoredTool {
            name: name.clone(),
            description: description.clone(),
            parameters: parameters.clone(),
        };
        let shown = |shown: &Vec<MessageId>| shown.iter().copied().map(StoredId).collect();
        Self {
            head: request.head.map(StoredId),
            shown: request.shown.as_ref().map(shown),
            results_kept: request.results_kept,
            provider: request.provider.clone(),
            model: request.model.clone(),
            config: request.config.as_deref().unwrap_or(&ConfigPatch::default()).into(),
            tools: request.tools.iter().map(tool).collect(),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => StoredChoice::Auto,
                ToolChoice::None => StoredChoice::None,
                ToolChoice::Required => StoredChoice::Required,
                ToolChoice::Named(name) => StoredChoice::Named(name.clone()),
            },
            stream: request.stream,
            choices: request.choices,
            sha256: request.hash.to_string(),
            adapted: request.adapted.clone(),
        }
    }
}

impl StoredCall {
    /// The call; an error says what is wrong with it.
    pub(super) fn into_call(self) -> Result<ModelCall, Cow<'static, str>> {
        let rerouted =
            self.rerouted.map(|StoredRerouted { provider, model }| Rerouted { provider, model });
        let failure =
            self.failure.map(|StoredFailure { problem, detail }| CallFailure { problem, detail });
        Ok(ModelCall {
            request: self.request.into_request()?,
            rerouted,
            model: self.model,
            finish: self.finish,
            usage: self.usage.map(|usage| Usage {
                input_tokens: usage.input,
                output_tokens: usage.output,
                cached_tokens: usage.cached,
                cache_write_tokens: usage.cache_write,
                reasoning_tokens: usage.reasoning,
            }),
            cost_usd: self.cost_usd,
            timings: Timings {
                queued: Duration::from_micros(self.queued),
                first: self.first.map(Duration::from_micros),
                total: Duration::from_micros(self.total),
            },
            retries: self.retries,
            failure,
        })
    }
}

impl StoredRequest {
    fn into_request(self) -> Result<CallRequest, Cow<'static, str>> {
        let tool = |StoredTool { name, description, parameters }| ToolSpec {
            name,
            description,
            parameters,
        };
        let shown = |shown: Vec<StoredId<MessageId>>| shown.into_iter().map(|id| id.0).collect();
        Ok(CallRequest {
            head: self.head.map(|head| head.0),
            shown: self.shown.map(shown),
            results_kept: self.results_kept,
            provider: self.provider,
            model: self.model,
            config: Some(self.config)
                .filter(|config| !config.is_empty())
                .map(|config| Box::new(config.into())),
            tools: self.tools.into_iter().map(tool).collect(),
            tool_choice: match self.tool_choice {
                StoredChoice::Auto => ToolChoice::Auto,
                StoredChoice::None => ToolChoice::None,
                StoredChoice::Required => ToolChoice::Required,
                StoredChoice::Named(name) => ToolChoice::Named(name),
            },
            stream: self.stream,
            choices: self.choices,
            adapted: self.adapted,
            hash: RequestHash::parse(&self.sha256).ok_or("the hash is not one of SHA-256")?,
        })
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

//! The span of a call of a model: one, however often the provider had to try.

use branchwork_core::{
    call::ModelCall,
    provider::{ModelRequest, ProviderError, ProviderEvent, RenderedRequest, Retried},
    turn::Answer,
};
use serde_json::json;
use tracing::{Level, Span, field::Empty, info_span};

use super::{
    content,
    failure::{describe, fail},
    int,
    names::{attribute, error_type, event, provider_name, server, span},
    turn::{finish_reasons, record_usage},
};
use crate::branch::Branch;

/// The span of a call of a model.
#[derive(Debug)]
pub(crate) struct ChatSpan {
    span: Span,
    has_content: bool,
}

impl ChatSpan {
    /// Of no call.
    pub(crate) const fn none() -> Self {
        Self { span: Span::none(), has_content: false }
    }

    /// Begins: `rendered` is sent now.
    pub(crate) fn begin(
        branch: &Branch,
        request: &ModelRequest,
        rendered: &RenderedRequest,
    ) -> Self {
        let has_content = branch.engine().telemetry().has_content();
        let chat = Self { span: new(branch, request), has_content };
        if chat.span.is_disabled() {
            return chat;
        }
        let (span, config) = (&chat.span, &request.config);
        if let Some((address, port)) = server(&rendered.url) {
            span.record(attribute::SERVER_ADDRESS, address);
            span.record(attribute::SERVER_PORT, i64::from(port));
        }
        if config.response_schema.is_some() {
            span.record(attribute::OUTPUT_TYPE, "json");
        }
        let stop = config.stop.as_ref().map(|stop| json!(stop).to_string());
        span.record(attribute::REQUEST_STOP_SEQUENCES, stop);
        if has_content {
            let instructions = content::instructions(&request.messages);
            span.record(attribute::SYSTEM_INSTRUCTIONS, instructions.map(|all| all.to_string()));
            let messages = content::messages(&request.messages).to_string();
            span.record(attribute::INPUT_MESSAGES, messages);
            let tools = content::tools(&request.tools);
            span.record(attribute::TOOL_DEFINITIONS, tools.map(|tools| tools.to_string()));
        }
        chat
    }

    /// Does `work` in it: what does not await.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        self.span.in_scope(work)
    }

    /// Notes what the model said.
    pub(crate) fn hear(&self, event: &ProviderEvent) {
        if self.span.is_disabled() {
            return;
        }
        match event {
            ProviderEvent::Started { response_id: Some(id), .. } => {
                self.span.record(attribute::RESPONSE_ID, id.as_str());
            }
            ProviderEvent::Retried(retried) => self.tell_retried(retried),
            said if is_piece(said) => {
                tracing::event!(name: event::CHUNK, parent: &self.span, Level::TRACE, {});
            }
            _ => {}
        }
    }

    /// Says that the call is made anew; not what the server said, which may hold what was said to it.
    fn tell_retried(&self, Retried { retries, wait, error_type, .. }: &Retried) {
        tracing::event!(
            name: event::RETRY,
            parent: &self.span,
            Level::INFO,
            { attribute::RETRIES } = int(*retries),
            { attribute::RETRY_WAIT } = wait.as_secs_f64(),
            { attribute::ERROR_TYPE } = *error_type,
        );
    }

    /// Ends it: it came to this. `others` are the answers beside the first, when several were asked for.
    pub(crate) fn end<'a>(
        &mut self,
        call: &ModelCall,
        (answer, others): (&'a Answer, impl Iterator<Item = &'a Answer> + Clone),
        error: Option<&ProviderError>,
    ) {
        let span = std::mem::replace(&mut self.span, Span::none());
        if span.is_disabled() {
            return;
        }
        span.record(attribute::RESPONSE_MODEL, call.model.as_deref());
        let all = std::iter::once(answer).chain(others);
        let finishes = all.clone().filter_map(Answer::finish);
        span.record(attribute::RESPONSE_FINISH_REASONS, finish_reasons(finishes));
        let first = call.timings.first.filter(|_| call.request.stream);
        let first = first.map(|first| first.as_secs_f64());
        span.record(attribute::RESPONSE_TIME_TO_FIRST_CHUNK, first);
        span.record(attribute::RETRIES, int(call.retries));
        span.record(attribute::COST_USD, call.cost_usd);
        record_usage(&span, call.usage);
        if self.has_content {
            let said = content::answers(all).to_string();
            span.record(attribute::OUTPUT_MESSAGES, said);
        }
        match error {
            Some(error) => {
                fail(&span, error.error_type());
                describe(&span, error);
            }
            None if answer.finish().is_none() => fail(&span, error_type::CANCELLED),
            None => {}
        }
    }
}

/// Whether it is a piece of an answer, of any of them.
fn is_piece(event: &ProviderEvent) -> bool {
    match event {
        ProviderEvent::Text(_)
        | ProviderEvent::Reasoning(_)
        | ProviderEvent::CallStarted { .. }
        | ProviderEvent::CallArguments { .. } => true,
        ProviderEvent::Sibling { event, .. } => is_piece(event),
        _ => false,
    }
}

fn new(branch: &Branch, request: &ModelRequest) -> Span {
    let config = &request.config;
    let top_k = || config.extras.get("top_k").and_then(serde_json::Value::as_i64);
    info_span!(
        span::CHAT,
        { attribute::OTEL_NAME } =
            %format_args!("{} {}", span::CHAT, config.model.as_deref().unwrap_or_default()),
        { attribute::OTEL_KIND } = "client",
        { attribute::OPERATION_NAME } = span::CHAT,
        { attribute::PROVIDER_NAME } = provider_name(config.provider.as_deref()),
        { attribute::REQUEST_MODEL } = config.model.as_deref(),
        { attribute::CONVERSATION_ID } = %branch.session_id(),
        { attribute::BRANCH_ID } = %branch.id(),
        { attribute::REQUEST_CHOICE_COUNT } =
            (request.choices != 1).then_some(i64::from(request.choices)),
        { attribute::REQUEST_STREAM } = request.stream,
        { attribute::REQUEST_TEMPERATURE } = config.temperature,
        { attribute::REQUEST_TOP_P } = config.top_p,
        { attribute::REQUEST_TOP_K } = top_k(),
        { attribute::REQUEST_MAX_TOKENS } = config.max_tokens.map(i64::from),
        { attribute::REQUEST_FREQUENCY_PENALTY } = config.frequency_penalty,
        { attribute::REQUEST_PRESENCE_PENALTY } = config.presence_penalty,
        { attribute::REQUEST_SEED } = config.seed,
        { attribute::REQUEST_REASONING_LEVEL } = config.reasoning_effort.as_deref(),
        { attribute::REQUEST_STOP_SEQUENCES } = Empty,
        { attribute::OUTPUT_TYPE } = Empty,
        { attribute::SERVER_ADDRESS } = Empty,
        { attribute::SERVER_PORT } = Empty,
        { attribute::RESPONSE_ID } = Empty,
        { attribute::RESPONSE_MODEL } = Empty,
        { attribute::RESPONSE_FINISH_REASONS } = Empty,
        { attribute::RESPONSE_TIME_TO_FIRST_CHUNK } = Empty,
        { attribute::USAGE_INPUT_TOKENS } = Empty,
        { attribute::USAGE_OUTPUT_TOKENS } = Empty,
        { attribute::USAGE_CACHE_READ_INPUT_TOKENS } = Empty,
        { attribute::USAGE_CACHE_WRITE_INPUT_TOKENS } = Empty,
        { attribute::USAGE_REASONING_OUTPUT_TOKENS } = Empty,
        { attribute::RETRIES } = Empty,
        { attribute::COST_USD } = Empty,
        { attribute::SYSTEM_INSTRUCTIONS } = Empty,
        { attribute::INPUT_MESSAGES } = Empty,
        { attribute::OUTPUT_MESSAGES } = Empty,
        { attribute::TOOL_DEFINITIONS } = Empty,
        { attribute::ERROR_TYPE } = Empty,
        { attribute::OTEL_STATUS_CODE } = Empty,
        { attribute::OTEL_STATUS_DESCRIPTION } = Empty,
    )
}

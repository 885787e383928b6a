//! What observers are told of calls for vectors. Those for answers are told of by who asks for them.

use branchwork_core::{
    provider::{EmbedRequest, Embeddings, ProviderError},
    telemetry::{attribute, error_type, provider_name, server, span},
};
use tracing::{
    Instrument as _, Span,
    field::{Empty, display},
    info_span,
};

use crate::presets::preset_at;

/// The span of a call. Dropped before it is told how that ended, it says that it was cancelled.
#[derive(Debug)]
pub(crate) struct EmbedSpan(Span);

impl EmbedSpan {
    /// Begins.
    pub(crate) fn begin(base_url: &str, request: &EmbedRequest) -> Self {
        let name = || preset_at(base_url).map(|preset| preset.name);
        let place = || server(base_url);
        Self(info_span!(
            span::EMBEDDINGS,
            { attribute::OTEL_NAME } = %format_args!("{} {}", span::EMBEDDINGS, request.model),
            { attribute::OTEL_KIND } = "client",
            { attribute::OPERATION_NAME } = span::EMBEDDINGS,
            { attribute::PROVIDER_NAME } = provider_name(name()),
            { attribute::REQUEST_MODEL } = request.model.as_str(),
            { attribute::EMBEDDINGS_DIMENSION_COUNT } = request.dimensions.map(i64::from),
            { attribute::SERVER_ADDRESS } = place().map(|(host, _)| host),
            { attribute::SERVER_PORT } = place().map(|(_, port)| i64::from(port)),
            { attribute::RESPONSE_MODEL } = Empty,
            { attribute::USAGE_INPUT_TOKENS } = Empty,
            { attribute::ERROR_TYPE } = Empty,
            { attribute::OTEL_STATUS_CODE } = Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = Empty,
        ))
    }

    /// Does `work` in it.
    pub(crate) fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        work.instrument(self.0.clone())
    }

    /// Ends it: it came to this.
    pub(crate) fn end(mut self, made: &Result<Embeddings, ProviderError>) {
        if !self.0.is_disabled() {
            match made {
                Ok(made) => {
                    let tokens = made.usage.and_then(|usage| usage.input_tokens);
                    let tokens = tokens.and_then(|tokens| i64::try_from(tokens).ok());
                    self.0.record(attribute::RESPONSE_MODEL, made.model.as_deref());
                    self.0.record(attribute::USAGE_INPUT_TOKENS, tokens);
                }
                Err(error) => {
                    self.fail(error.error_type());
                    self.0.record(attribute::OTEL_STATUS_DESCRIPTION, display(error));
                }
            }
        }
        self.0 = Span::none();
    }

    fn fail(&self, kind: &str) {
        if !self.0.is_disabled() {
            self.0.record(attribute::ERROR_TYPE, kind);
            self.0.record(attribute::OTEL_STATUS_CODE, "error");
        }
    }
}

impl Drop for EmbedSpan {
    fn drop(&mut self) {
        self.fail(error_type::CANCELLED);
    }
}

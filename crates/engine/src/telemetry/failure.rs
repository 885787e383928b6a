//! Why something failed, in one word that does not vary.

use branchwork_core::provider::ProviderError;
use tracing::Span;

use super::names::{attribute, error_type};
use crate::error::Error;

/// Says that what `span` is of failed.
pub(super) fn fail(span: &Span, kind: &str) {
    if !span.is_disabled() {
        span.record(attribute::ERROR_TYPE, kind);
        span.record(attribute::OTEL_STATUS_CODE, "error");
    }
}

/// Says that what `span` is of failed with `error`. Only of providers it says more: what other errors say
/// may hold what somebody said.
pub(super) fn fail_with(span: &Span, error: &Error) {
    fail(span, type_of(error));
    if let Error::Provider(error) = error {
        describe(span, error);
    }
}

/// Says what is wrong with a provider, without what it said.
pub(super) fn describe(span: &Span, error: &ProviderError) {
    if !span.is_disabled() {
        span.record(attribute::OTEL_STATUS_DESCRIPTION, tracing::field::display(error));
    }
}

const fn type_of(error: &Error) -> &'static str {
    match error {
        Error::Provider(error) => error.error_type(),
        Error::Interrupted => error_type::CANCELLED,
        Error::OutOfTime { .. } => error_type::TIMEOUT,
        Error::TooLong { .. } => error_type::TOO_LONG,
        Error::OverBudget { .. } => error_type::OVER_BUDGET,
        Error::EmptyAnswer => error_type::EMPTY_ANSWER,
        Error::NoModel | Error::NoProvider { .. } => error_type::NOT_SET_UP,
        Error::Store(_) => error_type::STORE,
        Error::Conflict(_) | Error::MovedMeanwhile { .. } | Error::MovedSince { .. } => {
            error_type::CONFLICT
        }
        Error::NotFound { .. } => error_type::NOT_FOUND,
        _ => error_type::OTHER,
    }
}

//! Errors of the transport and of servers, made into [`ProviderError`]s without keys.

use std::{error::Error, fmt::Display, time::Duration};

use branchwork_core::{
    provider::ProviderError,
    secret::{Secret, begun, detail, redact},
};
use reqwest::header::{DATE, HeaderMap, LOCATION};

use super::fault::Fault;
use crate::retry_after::retry_after;

/// Letters of unreadable data that are shown.
const EXCERPT_CHARS: usize = 120;

/// Bytes of unreadable data that are looked at for them. Looking for keys in all of it would take long.
const EXCERPT_BYTES_MAX: usize = 64 * 1024;

/// Makes errors, and knows the keys that must not be in them.
#[derive(Debug)]
pub(crate) struct Reporter {
    secrets: Vec<Secret>,
    /// Where the server is, for errors of the transport.
    address: String,
}

impl Reporter {
    pub(crate) const fn new(secrets: Vec<Secret>, address: String) -> Self {
        Self { secrets, address }
    }

    /// The server answered with an error.
    ///
    /// An account without money or quota is [`ProviderError::Auth`], whatever the status: waiting
    /// does not help, another key does.
    pub(crate) fn status(&self, status: u16, headers: &HeaderMap, body: &[u8]) -> ProviderError {
        let mut fault = Fault::read(body);
        if (300..400).contains(&status) {
            let target = headers.get(LOCATION).and_then(|target| target.to_str().ok());
            fault.message = format!("a redirect to {}", target.unwrap_or("nowhere"));
        }
        if fault.message.is_empty() {
            fault.message = format!("status {status} from {}", self.address);
        }
        // What is in the body has no date, and moments count from that.
        let mut told = std::mem::take(&mut fault.headers);
        told.extend(headers.get(DATE).map(|date| (DATE, date.clone())));
        let wait = retry_after(status, headers).or_else(|| retry_after(status, &told));
        self.classify(&fault, Some(status), wait)
    }

    /// The server says in the middle of its answer that it failed.
    pub(crate) fn in_stream(&self, data: &[u8]) -> ProviderError {
        let fault = Fault::read(data);
        let status = fault.status.or_else(|| status_of_kind(&fault));
        self.classify(&fault, status, None)
    }

    /// The server says that it failed, and nothing more.
    pub(crate) fn failed_in_stream(&self) -> ProviderError {
        let message = "the server ended the answer with an error".to_owned();
        self.classify(&Fault { message, ..Fault::default() }, None, None)
    }

    fn classify(
        &self,
        fault: &Fault,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> ProviderError {
        let detail = self.detail(&fault.message);
        let retry_after = retry_after.or(fault.retry_after);
        let is_refusal = !matches!(status, Some(401 | 403 | 429));
        match status {
            Some(413) => ProviderError::TooLong { detail },
            _ if is_refusal && fault.is_too_long() => ProviderError::TooLong { detail },
            Some(400) if fault.is_bad_key() => ProviderError::Auth { status, detail },
            Some(403) if fault.is_flagged => ProviderError::InvalidRequest { status, detail },
            Some(401..=403) => ProviderError::Auth { status, detail },
            Some(400 | 429) if fault.is_quota() => ProviderError::Auth { status, detail },
            Some(429) => ProviderError::RateLimited { retry_after, detail },
            // 501 and 505 are no outage: the server will never do this.
            Some(408 | 409 | 425 | 500 | 502..=504 | 506..) | None => {
                ProviderError::Unavailable { status, retry_after, detail, source: None }
            }
            Some(_) => ProviderError::InvalidRequest { status, detail },
        }
    }

    /// No answer came.
    pub(crate) fn transport(&self, error: reqwest::Error) -> ProviderError {
        let error = error.without_url();
        let mut root: &dyn Error = &error;
        while let Some(source) = root.source() {
            root = source;
        }
        let detail = self.detail(&format!("{}: {root}", self.address));
        if error.is_builder() {
            return ProviderError::InvalidRequest { status: None, detail };
        }
        let source = Some(error.into());
        ProviderError::Unavailable { status: None, retry_after: None, detail, source }
    }

    /// The answer broke off.
    pub(crate) fn cut(error: reqwest::Error) -> ProviderError {
        ProviderError::Truncated { source: Some(error.without_url().into()) }
    }

    /// The server sent what cannot be read: `problem`, with the beginning of `data`.
    pub(crate) fn malformed(&self, problem: impl Display, data: &[u8]) -> ProviderError {
        let (beginning, rest) = data.split_at_checked(EXCERPT_BYTES_MAX).unwrap_or((data, &[]));
        // The cut comes after the keys are taken out: no half of one stays.
        let mut said = redact(&String::from_utf8_lossy(beginning), &self.secrets);
        if !rest.is_empty() {
            said.truncate(said.len() - begun(&said, &self.secrets));
        }
        let excerpt: String = said.chars().take(EXCERPT_CHARS).collect();
        let colon = if excerpt.is_empty() { "" } else { ": " };
        ProviderError::Malformed { detail: self.detail(&format!("{problem}{colon}{excerpt}")) }
    }

    /// The request cannot be sent.
    pub(crate) fn invalid(&self, problem: &str) -> ProviderError {
        ProviderError::InvalidRequest { status: None, detail: self.detail(problem) }
    }

    fn detail(&self, message: &str) -> String {
        detail(message, &self.secrets)
    }
}

/// What the Responses protocol calls faults of the input that only its answer tells of.
const INPUT_FAULTS: [&str; 17] = [
    "bio_policy",
    "data_residency_mismatch",
    "empty_image_file",
    "failed_to_download_image",
    "image_content_policy_violation",
    "image_file_not_found",
    "image_file_too_large",
    "image_parse_error",
    "image_too_large",
    "image_too_small",
    "invalid_base64_image",
    "invalid_image",
    "invalid_image_format",
    "invalid_image_url",
    "invalid_prompt",
    "misalignment_policy_violation",
    "unsupported_image_media_type",
];

/// The status that goes with the server's name for a fault, where it gives no number.
fn status_of_kind(fault: &Fault) -> Option<u16> {
    let kinds = [fault.code.as_str(), fault.kind.as_str()];
    kinds.into_iter().find_map(|kind| match kind {
        "invalid_request_error"
        | "content_filter"
        | "BadRequestError"
        | "INVALID_ARGUMENT"
        | "FAILED_PRECONDITION" => Some(400),
        "authentication_error" | "invalid_api_key" | "UNAUTHENTICATED" => Some(401),
        "insufficient_quota" | "billing_error" => Some(402),
        "permission_error" | "PERMISSION_DENIED" => Some(403),
        "not_found_error" | "model_not_found" | "NOT_FOUND" => Some(404),
        "request_too_large" => Some(413),
        "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" => Some(429),
        "api_error" => Some(500),
        "timeout_error" => Some(504),
        "overloaded_error" => Some(529),
        kind if INPUT_FAULTS.contains(&kind) => Some(400),
        _ => None,
    })
}

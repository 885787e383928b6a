//! What a server says went wrong, in the many shapes in which servers say it.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// What a server says went wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// For a person; empty when the server says nothing.
    pub(super) message: String,
    /// Its name for this kind of fault.
    pub(super) code: String,
    /// Its name for a wider kind.
    pub(super) kind: String,
    /// The HTTP status, where the server repeats it or could not set it any more.
    pub(super) status: Option<u16>,
    /// Whether a filter found fault with what was asked.
    pub(super) is_flagged: bool,
    /// How long it asks to wait, where it says so in the body.
    pub(super) retry_after: Option<Duration>,
    /// Headers that it puts into the body: OpenRouter does so with those of limits.
    pub(super) headers: HeaderMap,
}

/// What servers call a conversation that is too long; in lower case.
///
/// Few have a code for it, so their words must do.
const TOO_LONG: [&str; 14] = [
    "context_length_exceeded",
    "exceed_context_size",
    "maximum context length",
    "maximum prompt length",
    "context length exceeded",
    "exceeds the context",
    "exceed context window",
    "context window",
    "available context size",
    "prompt is too long",
    "context the overflows",
    // Gemini, then Ollama.
    "exceeds the maximum number of tokens",
    "longer than the context length",
    "exceed context limit",
];

/// What servers call a budget that is used up; in lower case.
const QUOTA: [&str; 6] = [
    "insufficient_quota",
    "insufficient quota",
    "insufficient balance",
    "billing_hard_limit",
    "spend_limit_reached",
    "credit balance is too low",
];

impl Fault {
    /// Reads the body of an error, or an error in a stream.
    pub(super) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::from_json(&value),
            Err(_not_json) => Self::from_text(&String::from_utf8_lossy(body)),
        }
    }

    fn from_text(text: &str) -> Self {
        let text = text.trim();
        let is_page = text.starts_with('<');
        let message = if is_page { page_title(text) } else { text.to_owned() };
        Self { message, ..Self::default() }
    }

    fn from_json(value: &Value) -> Self {
        // Google wraps the object in a list.
        let value = value.get(0).unwrap_or(value);
        // `{"error": {…}}` by the protocol; flat, as a string or as a `detail` elsewhere.
        let inner = match value.get("error") {
            Some(inner) if !inner.is_null() => inner,
            _ => value,
        };
        let message = [Some(inner), inner.get("message"), inner.get("detail")];
        let message = message.into_iter().flatten().find_map(spoken).unwrap_or_default();
        let word = |name: &str| inner.get(name).and_then(spoken).unwrap_or_default();
        let number = |name: &str| status_of(inner.get(name)?);
        let metadata = inner.get("metadata");
        let details = inner.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let kind = word("type");
        // OpenRouter puts what the provider behind it said beside its own words.
        let raw = metadata.and_then(|metadata| metadata.get("raw")).and_then(spoken);
        // Anthropic puts its code below the rest.
        let code = inner.get("code").or_else(|| inner.get("details")?.get("error_code"));
        Self {
            message: raw.map(|raw| format!("{message}: {raw}")).unwrap_or(message),
            code: google_reason(details).or_else(|| code.and_then(spoken)).unwrap_or_default(),
            kind: if kind.is_empty() { word("status") } else { kind },
            status: number("status").or_else(|| number("code")),
            is_flagged: metadata.is_some_and(|metadata| metadata.get("flagged_input").is_some()),
            retry_after: google_delay(details),
            headers: metadata.map(headers_in).unwrap_or_default(),
        }
    }

    /// Whether the conversation does not fit.
    pub(super) fn is_too_long(&self) -> bool {
        self.mentions(&TOO_LONG)
    }

    /// Whether the account has no more money or quota: waiting does not help.
    pub(super) fn is_quota(&self) -> bool {
        self.mentions(&QUOTA)
    }

    /// Whether the key is wrong, though the status calls the request so: Google does.
    pub(super) fn is_bad_key(&self) -> bool {
        self.code == "API_KEY_INVALID"
    }

    fn mentions(&self, words: &[&str]) -> bool {
        let said = [&self.code, &self.kind, &self.message].map(|text| text.to_lowercase());
        said.iter().any(|text| words.iter().any(|word| text.contains(word)))
    }
}

/// Google's name for a fault, from the details of it: `google.rpc.ErrorInfo`.
fn google_reason(details: &[Value]) -> Option<String> {
    details.iter().find_map(|detail| Some(detail.get("reason")?.as_str()?.to_owned()))
}

/// The headers that `metadata` holds, as far as they are some.
fn headers_in(metadata: &Value) -> HeaderMap {
    let fields = metadata.get("headers").and_then(Value::as_object);
    let header = |(name, value): (&String, &Value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(spoken(value)?).ok()?))
    };
    fields.into_iter().flatten().filter_map(header).collect()
}

/// How long Google asks to wait, from the details of a fault: `google.rpc.RetryInfo`, `"34.07s"`.
fn google_delay(details: &[Value]) -> Option<Duration> {
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

/// A value for a person: text and numbers as they are, the first complaint of a list.
fn spoken(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => items.first().map(|item| match item {
            Value::String(text) => text.clone(),
            item => item.to_string(),
        }),
        Value::Object(fields) => fields.get("detail").and_then(spoken),
        Value::Null | Value::Bool(_) => None,
    }
}

fn status_of(value: &Value) -> Option<u16> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u16::try_from(number).ok().filter(|status| (400..600).contains(status))
}

fn page_title(page: &str) -> String {
    let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    match title {
        Some((title, _)) => format!("an HTML page: {}", title.trim()),
        None => "an HTML page".to_owned(),
    }
}

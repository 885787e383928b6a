//! Errors of servers, and what to do about them.

use std::{fs, time::Duration};

use branchwork_core::{provider::ProviderError, secret::Secret};
use reqwest::header::{DATE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};

use super::Reporter;

fn reporter() -> Reporter {
    Reporter::new(vec![Secret::new("sk-secret")], "http://test/v1".to_owned())
}

/// The variant, its status, its wait and its detail.
fn show(error: &ProviderError) -> String {
    let wait = error.retry_after().map(|wait| format!(" after {wait:?}")).unwrap_or_default();
    let (name, status) = match error {
        ProviderError::Auth { status, .. } => ("auth", *status),
        ProviderError::InvalidRequest { status, .. } => ("invalid", *status),
        ProviderError::TooLong { .. } => ("too long", None),
        ProviderError::RateLimited { .. } => ("limited", None),
        ProviderError::Unavailable { status, .. } => ("unavailable", *status),
        other => return format!("{other:?}"),
    };
    let status = status.map(|status| format!(" {status}")).unwrap_or_default();
    format!("{name}{status}{wait}: {}", error.detail())
}

fn check(status: u16, body: &str, expected: &str) {
    let error = reporter().status(status, &HeaderMap::new(), body.as_bytes());
    assert_eq!(show(&error), expected, "{status} {body}");
}

#[test]
fn recorded_errors_are_told_by_what_to_do() {
    let recorded = |name: &str| {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
        fs::read_to_string(format!("{directory}/{name}")).expect("the fixture is there")
    };
    check(
        404,
        &recorded("error_404_model.json"),
        "invalid 404: The model `this-model-does-not-exist` does not exist or you do not have \
         access to it.",
    );
    check(
        401,
        &recorded("error_401.json"),
        "auth 401: Access denied due to invalid subscription key or wrong API endpoint. Make sure \
         to provide a valid key for an active subscription and use a correct regional API \
         endpoint for your resource.",
    );
    check(
        400,
        &recorded("error_400_image.json"),
        "invalid 400: Error while downloading https://source.unsplash.com/8xznAGy4HcY/800x400.",
    );
}

#[test]
fn statuses_are_told_by_what_to_do() {
    let body = r#"{"error":{"message":"m"}}"#;
    for (status, expected) in [
        (400, "invalid 400"),
        (401, "auth 401"),
        (402, "auth 402"),
        (403, "auth 403"),
        (404, "invalid 404"),
        (408, "unavailable 408"),
        (409, "unavailable 409"),
        (413, "too long"),
        (422, "invalid 422"),
        (425, "unavailable 425"),
        (429, "limited"),
        (500, "unavailable 500"),
        (501, "invalid 501"),
        (503, "unavailable 503"),
        (529, "unavailable 529"),
    ] {
        check(status, body, &format!("{expected}: m"));
    }
}

#[test]
fn a_conversation_that_is_too_long_is_told_in_every_shape() {
    for (status, body) in [
        (400, r#"{"error":{"message":"m","code":"context_length_exceeded"}}"#),
        (400, r#"{"error":{"message":"m","code":400,"type":"exceed_context_size_error"}}"#),
        (400, r#"{"object":"error","message":"This model's maximum context length is 8 tokens"}"#),
        (500, r#"{"error":"the request exceeds the available context size"}"#),
        (422, r#"{"detail":"Prompt is too long"}"#),
        (400, r#"{"error":"the prompt is longer than the context length currently available"}"#),
    ] {
        let error = reporter().status(status, &HeaderMap::new(), body.as_bytes());
        assert!(matches!(error, ProviderError::TooLong { .. }), "{body}: {error:?}");
    }
    // The words alone do not make it so where the status says otherwise.
    let limited = r#"{"error":{"message":"too many tokens for the context window of your plan"}}"#;
    let error = reporter().status(429, &HeaderMap::new(), limited.as_bytes());
    assert!(matches!(error, ProviderError::RateLimited { .. }), "{error:?}");
}

#[test]
fn messages_are_found_in_every_shape() {
    check(400, r#"{"error":{"message":"m","param":null}}"#, "invalid 400: m");
    check(400, r#"{"error":"m"}"#, "invalid 400: m");
    check(400, r#"[{"error":{"message":"m"}}]"#, "invalid 400: m");
    check(400, r#"{"object":"error","message":"m","code":400}"#, "invalid 400: m");
    check(
        422,
        r#"{"detail":[{"loc":["body"],"msg":"m"}]}"#,
        r#"invalid 422: {"loc":["body"],"msg":"m"}"#,
    );
    check(
        422,
        r#"{"object":"error","message":{"detail":[{"msg":"m"}]}}"#,
        r#"invalid 422: {"msg":"m"}"#,
    );
    check(
        502,
        r#"{"error":{"message":"m","code":502,"metadata":{"raw":"behind it"}}}"#,
        "unavailable 502: m: behind it",
    );
    check(
        403,
        r#"{"error":{"message":"flagged","metadata":{"flagged_input":"x"}}}"#,
        "invalid 403: flagged",
    );
    check(500, "Internal\nServer Error", "unavailable 500: Internal Server Error");
    check(502, "<html><title> Bad gateway </title>", "unavailable 502: an HTML page: Bad gateway");
    check(503, "", "unavailable 503: status 503 from http://test/v1");
    check(404, "{}", "invalid 404: status 404 from http://test/v1");
    let loading = r#"{"error":{"message":"Loading model","type":"unavailable_error","code":503}}"#;
    check(503, loading, "unavailable 503: Loading model");
}

#[test]
fn an_account_without_money_is_told_from_a_limit_of_rate() {
    check(
        429,
        r#"{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}"#,
        "auth 429: You exceeded your current quota",
    );
    check(402, r#"{"error":{"message":"Insufficient Balance"}}"#, "auth 402: Insufficient Balance");
}

#[test]
fn google_says_in_details_what_is_wrong_and_how_long_to_wait() {
    let limited = r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED",
        "details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36.5s"}]}}]"#;
    check(429, limited, "limited after 36.5s: slow down");
    let in_stream = reporter().in_stream(limited.as_bytes());
    assert_eq!(show(&in_stream), "limited after 36.5s: slow down");
    // A wrong key has the status of a wrong request.
    let key = r#"{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT",
        "details":[{"reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#;
    check(400, key, "auth 400: API key not valid");
    let long = r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","message":
        "The input token count (9) exceeds the maximum number of tokens allowed (8)."}}"#;
    let error = reporter().status(400, &HeaderMap::new(), long.as_bytes());
    assert!(matches!(error, ProviderError::TooLong { .. }), "{error:?}");
    // Where only the name of the kind is said, it gives the status.
    for (kind, expected) in [
        ("INVALID_ARGUMENT", "invalid 400: m"),
        ("UNAUTHENTICATED", "auth 401: m"),
        ("PERMISSION_DENIED", "auth 403: m"),
        ("NOT_FOUND", "invalid 404: m"),
        ("RESOURCE_EXHAUSTED", "limited: m"),
        ("UNAVAILABLE", "unavailable: m"),
    ] {
        let body = format!(r#"{{"error":{{"message":"m","status":"{kind}"}}}}"#);
        assert_eq!(show(&reporter().in_stream(body.as_bytes())), expected);
    }
    for nonsense in [r#""soon""#, r#""-3s""#, "7", r#""1e99s""#] {
        let body =
            format!(r#"{{"error":{{"message":"m","details":[{{"retryDelay":{nonsense}}}]}}}}"#);
        check(429, &body, "limited: m");
    }
}

#[test]
fn errors_of_anthropic_are_told_by_what_to_do() {
    let error = |kind: &str, message: &str, details: &str| {
        format!(
            r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"{details}}},"request_id":"req_1"}}"#
        )
    };
    for (status, kind, expected) in [
        (400, "invalid_request_error", "invalid 400: m"),
        (401, "authentication_error", "auth 401: m"),
        (402, "billing_error", "auth 402: m"),
        (403, "permission_error", "auth 403: m"),
        (404, "not_found_error", "invalid 404: m"),
        (413, "request_too_large", "too long: m"),
        (429, "rate_limit_error", "limited: m"),
        (500, "api_error", "unavailable 500: m"),
        (504, "timeout_error", "unavailable 504: m"),
        (529, "overloaded_error", "unavailable 529: m"),
    ] {
        let body = error(kind, "m", "");
        check(status, &body, expected);
        let in_stream = reporter().in_stream(body.as_bytes());
        assert_eq!(show(&in_stream), expected, "{kind} in a stream");
    }
    let too_long = "prompt is too long: 209000 tokens > 200000 maximum";
    let body = error("invalid_request_error", too_long, "");
    check(400, &body, &format!("too long: {too_long}"));
    let over = "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000";
    let body = error("invalid_request_error", over, "");
    check(400, &body, &format!("too long: {over}"));
    // Neither waiting nor another request helps an account without money.
    let poor = "Your credit balance is too low to access the Anthropic API.";
    check(400, &error("invalid_request_error", poor, ""), &format!("auth 400: {poor}"));
    let spent = r#","details":{"error_code":"enforced_spend_limit_reached"}"#;
    check(429, &error("rate_limit_error", "m", spent), "auth 429: m");
}

#[test]
fn waits_are_kept_and_redirects_are_named() {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
    let limited = reporter().status(429, &headers, b"{}");
    assert_eq!(limited.retry_after(), Some(Duration::from_secs(2)));
    let down = reporter().status(503, &headers, b"");
    assert_eq!(down.retry_after(), Some(Duration::from_secs(2)));
    let told = br#"{"error":{"message":"m","code":429,"metadata":{"headers":{
        "X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1741305600000"}}}}"#;
    assert_eq!(reporter().status(429, &HeaderMap::new(), told).retry_after(), None);
    let date = HeaderValue::from_static("Thu, 06 Mar 2025 23:59:30 GMT");
    let dated = HeaderMap::from_iter([(DATE, date)]);
    let limited = reporter().status(429, &dated, told);
    assert_eq!(limited.retry_after(), Some(Duration::from_secs(30)), "OpenRouter tells it so");
    headers.insert(LOCATION, HeaderValue::from_static("https://elsewhere/?k=sk-secret"));
    let moved = reporter().status(308, &headers, b"");
    assert_eq!(show(&moved), "invalid 308: a redirect to https://elsewhere/?k=***");
}

#[test]
fn keys_are_taken_out_of_everything_a_server_says() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-secret.","code":"invalid_api_key"}}"#;
    let error = reporter().status(401, &HeaderMap::new(), body.as_bytes());
    assert_eq!(show(&error), "auth 401: Incorrect API key provided: ***.");
    for text in [format!("{error}"), format!("{error:?}"), format!("{:?}", reporter())] {
        assert!(!text.contains("sk-secret"), "{text}");
    }
    let error = reporter().malformed("odd", b"{\"echo\":\"sk-secret\"");
    assert_eq!(error.detail(), "odd: {\"echo\":\"***\"");
    // Nor a half of one, where the excerpt ends.
    for before in 100..130 {
        let data = format!("{}sk-secret", "x".repeat(before));
        let detail = reporter().malformed("odd", data.as_bytes()).detail().to_owned();
        assert!(!detail.contains('s') && !detail.contains('-'), "{detail}");
    }
}

#[test]
fn of_much_unreadable_data_little_is_looked_at_and_no_half_of_a_key_is_shown() {
    let key = format!("sk-{}", "0123456789".repeat(200));
    let reporter = Reporter::new(vec![Secret::new(key.clone())], "http://test".to_owned());
    // The last of these keys is cut where no more is looked at.
    let detail = reporter.malformed("odd", key.repeat(40).as_bytes()).detail().to_owned();
    assert!(detail.starts_with("odd: ***") && !detail.contains("sk-"), "{detail}");
    let huge = vec![b'x'; 64 * 1024 * 1024];
    assert_eq!(reporter.malformed("odd", &huge).detail().len(), "odd: ".len() + 120);
}

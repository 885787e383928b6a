//! Servers that fail, in every way we have seen.

use std::time::Duration;

use branchwork_core::{
    limits::STREAM_EVENT_BYTES_MAX,
    provider::{Provider as _, ProviderError},
};
use branchwork_providers::{HttpOptions, HttpProvider, Secret};
use tokio::net::TcpListener;

use super::{
    calls::{HEAD, options},
    listener::{SHORT, failure},
    server::{Reply, Server},
};

const KEY: &str = "sk-secret-key";

/// What became of a call that is answered so.
async fn failure_by(reply: Reply) -> (String, ProviderError) {
    let server = Server::start([reply]).await;
    failure(options(&server).with_key(Secret::new(KEY))).await
}

/// The same for a caller who waits for a [`SHORT`] while only.
async fn failure_by_silence(reply: Reply) -> (String, ProviderError) {
    let server = Server::start([reply]).await;
    failure(options(&server).with_idle_timeout(SHORT)).await
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_its_text_and_is_no_success() {
    let cut = Reply::stream(HEAD).send("data: {\"choices\":[{\"delta\":{\"con").cut();
    let (text, error) = failure_by(cut).await;
    assert_eq!(text, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");

    let (text, error) = failure_by(Reply::stream(HEAD)).await;
    assert_eq!(text, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: None }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_goes_silent_is_given_up() {
    let (text, error) = failure_by_silence(Reply::stream(HEAD).stall()).await;
    assert_eq!(text, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");

    let (_, error) = failure_by_silence(Reply::hold()).await;
    assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_limit_of_rate_says_how_long_to_wait() {
    let body = r#"{"error":{"message":"slow down","type":"rate_limit_error"}}"#;
    let (_, error) = failure_by(Reply::json(429, body).with("retry-after", "7")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(error.detail(), "slow down");
    let (_, error) = failure_by(Reply::json(429, body).with("retry-after-ms", "250")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
    let dated = Reply::json(429, body)
        .with("date", "Tue, 24 Nov 2026 12:00:00 GMT")
        .with("retry-after", "Tue, 24 Nov 2026 12:00:09 GMT");
    let (_, error) = failure_by(dated).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_in_no_error() {
    let body = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY}"}}}}"#);
    let (_, error) = failure_by(Reply::json(401, &body)).await;
    assert!(matches!(error, ProviderError::Auth { status: Some(401), .. }), "{error:?}");
    assert_eq!(error.detail(), "Incorrect API key: ***");
    assert!(!format!("{error} {error:?}").contains(KEY));

    let echoed = format!("data: {{\"error\":{{\"message\":\"{KEY}\"}}}}\n\n");
    let (_, error) = failure_by(Reply::stream(&echoed)).await;
    assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
}

#[tokio::test]
async fn errors_of_the_server_are_told_by_what_to_do() {
    let (_, error) = failure_by(Reply::new(500, "text/plain").send("Internal Server Error")).await;
    assert!(matches!(error, ProviderError::Unavailable { status: Some(500), .. }), "{error:?}");
    let (_, error) = failure_by(Reply::new(502, "text/html").send("<html>").cut()).await;
    assert!(matches!(error, ProviderError::Unavailable { status: Some(502), .. }), "{error:?}");
    let moved = Reply::new(307, "text/plain").with("location", "http://127.0.0.1:9/v1");
    let (_, error) = failure_by(moved).await;
    assert_eq!(error.detail(), "a redirect to http://127.0.0.1:9/v1");
    let overflow = r#"{"error":{"type":"exceed_context_size_error","message":"too long"}}"#;
    let (_, error) = failure_by(Reply::json(400, overflow)).await;
    assert!(matches!(error, ProviderError::TooLong { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    let long = format!("data: {}", "x".repeat(STREAM_EVENT_BYTES_MAX + 1));
    for reply in [
        Reply::stream(&format!("{HEAD}data: {{\"choices\":[{{\n\n")),
        Reply::stream(&format!("{HEAD}data: not json\n\n")),
        Reply::stream(&format!("{HEAD}{long}")),
        Reply::json(200, "not json"),
        Reply::json(200, "{}"),
        Reply::new(200, "text/html; charset=utf-8").send("<html>Log in</html>"),
    ] {
        let (_, error) = failure_by(reply).await;
        assert!(matches!(error, ProviderError::Malformed { .. }), "{error:?}");
        assert!(error.detail().chars().count() <= 500);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    for scheme in ["http", "https"] {
        let options = HttpOptions::chat(&format!("{scheme}://{address}")).expect("good");
        let (_, error) = failure(options).await;
        assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
        assert!(error.detail().contains("refused"), "{}", error.detail());
    }
}

#[tokio::test]
async fn a_server_without_tls_is_no_https_server() {
    let server = Server::start([]).await;
    let secure = server.base_url.replace("http://", "https://");
    let options = HttpOptions::chat(&secure).expect("the address is good");
    let (_, error) = failure(options).await;
    assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_does_not_come_about_is_given_up() {
    // The system takes the connection, and nobody there speaks TLS or anything else.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let options = HttpOptions::chat(&format!("https://{address}")).expect("good");
    let (_, error) = failure(options.with_connect_timeout(SHORT)).await;
    assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
    assert!(error.detail().contains("timed out"), "{}", error.detail());
}

#[tokio::test]
async fn a_probe_of_a_silent_port_is_short() {
    let server = Server::start([Reply::hold()]).await;
    let options = options(&server).with_probe_timeout(SHORT);
    let provider = HttpProvider::new(options).expect("the options are good");
    let error = provider.models().await.expect_err("it does not answer");
    assert!(matches!(error, ProviderError::Unavailable { status: None, .. }), "{error:?}");
}

#[tokio::test]
async fn keys_and_headers_that_cannot_be_sent_are_refused() {
    let options = || HttpOptions::chat("localhost:1").expect("the address is good");
    let error =
        HttpProvider::new(options().with_key(Secret::new("sk\nsecret"))).expect_err("no header");
    assert!(matches!(error, ProviderError::Auth { status: None, .. }), "{error:?}");
    let odd = options().with_header("no name", Secret::new("x"));
    let error = HttpProvider::new(odd).expect_err("no header");
    assert_eq!(error.detail(), "the header `no name` cannot be sent");
}

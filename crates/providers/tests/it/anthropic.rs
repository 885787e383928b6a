//! Servers of the Anthropic Messages protocol.

use std::time::Duration;

use branchwork_core::provider::{Finish, Provider as _, ProviderError, ProviderEvent};
use branchwork_providers::{HttpOptions, HttpProvider, Secret};
use futures_util::StreamExt as _;

use super::{
    listener::{SHORT, provider, request},
    server::{Reply, Server},
};

const KEY: &str = "sk-ant-secret";

/// The beginning of an answer, up to some text.
const HEAD: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",",
    "\"model\":\"tiny-1\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
    "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"Rome \"}}\n\n",
);

/// The rest of it.
const TAIL: &str = concat!(
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
    "\"delta\":{\"type\":\"text_delta\",\"text\":\"it is\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":",
    "\"end_turn\"},\"usage\":{\"output_tokens\":4}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn options(server: &Server) -> HttpOptions {
    let options = HttpOptions::anthropic(&server.base_url).expect("the address is good");
    options.with_key(Secret::new(KEY))
}

/// What is said, and how it ended.
async fn heard(provider: &HttpProvider) -> (String, Result<Finish, ProviderError>) {
    let mut events = match provider.call(&request()).await {
        Ok(events) => events,
        Err(error) => return (String::new(), Err(error)),
    };
    let (mut text, mut finish) = (String::new(), None);
    while let Some(event) = events.next().await {
        match event {
            Ok(ProviderEvent::Text(more)) => text.push_str(&more),
            Ok(ProviderEvent::Finished(reason)) => finish = Some(reason),
            Ok(_) => {}
            Err(error) => return (text, Err(error)),
        }
    }
    (text, Ok(finish.expect("an answer does not just end")))
}

async fn heard_of(reply: Reply) -> (String, Result<Finish, ProviderError>) {
    let server = Server::start([reply]).await;
    heard(&provider(options(&server))).await
}

/// The error that a reply is.
async fn failure(reply: Reply) -> ProviderError {
    heard_of(reply).await.1.expect_err("it is an error")
}

#[tokio::test]
async fn events_come_while_the_server_still_writes() {
    let mut server = Server::start([Reply::stream(HEAD).wait().send(TAIL)]).await;
    let provider = provider(options(&server));
    assert!(!format!("{provider:?}").contains(KEY));
    let mut events = provider.call(&request()).await.expect("it is accepted");
    let mut next = async || events.next().await.map(|event| event.expect("it is no error"));
    let started = next().await;
    assert!(
        matches!(&started, Some(ProviderEvent::Started { model: Some(model), .. }) if model == "tiny-1")
    );
    assert!(matches!(next().await, Some(ProviderEvent::Usage(_))));
    assert_eq!(next().await, Some(ProviderEvent::Text("Rome ".to_owned())));
    server.release();
    assert_eq!(next().await, Some(ProviderEvent::Text("it is".to_owned())));
    let Some(ProviderEvent::Usage(usage)) = next().await else { panic!("tokens are counted") };
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(3), Some(4)));
    assert_eq!(next().await, Some(ProviderEvent::Finished(Finish::Stop)));
    assert_eq!(next().await, None);

    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /v1/messages");
    assert_eq!(seen.header("x-api-key"), KEY);
    assert_eq!(seen.authorization, "", "the key is sent once");
    assert_eq!(seen.header("anthropic-version"), "2023-06-01");
    assert_eq!(seen.header("anthropic-beta"), "");
    assert_eq!(seen.header("accept"), "text/event-stream");
    assert_eq!(seen.body, provider.render(&request()).expect("it renders").body.to_string());
}

#[tokio::test]
async fn features_in_beta_that_the_caller_wants_stand_beside_ours() {
    let whole = format!("{HEAD}{TAIL}");
    let mut server = Server::start([Reply::stream(&whole), Reply::stream(&whole)]).await;
    let options = options(&server)
        .with_header("anthropic-beta", Secret::new("files-api-2025-04-14"))
        .with_header("anthropic-version", Secret::new("2027-01-01"));
    let provider = HttpProvider::new(options).expect("the options are good");
    let mut request = request();
    let mut betas = Vec::new();
    for model in ["claude-opus-5", "claude-fable-5-1"] {
        request.config.model = Some(model.to_owned());
        drop(provider.call(&request).await.expect("it is accepted"));
        let seen = server.seen().await;
        assert_eq!(seen.header("anthropic-version"), "2027-01-01");
        betas.push(seen.header("anthropic-beta").to_owned());
    }
    let ours = "files-api-2025-04-14,thinking-binding-controls-2026-08-01";
    assert_eq!(betas, ["files-api-2025-04-14", ours]);
}

#[tokio::test]
async fn a_whole_answer_that_says_when_to_ask_again_is_no_error() {
    let body = include_str!("../fixtures/anthropic/structured.json");
    let mut server = Server::start([Reply::json(200, body).with("retry-after", "59")]).await;
    let provider = provider(options(&server));
    let (text, finish) = heard(&provider).await;
    assert!(text.starts_with('{'), "{text}");
    assert_eq!(finish.ok(), Some(Finish::Stop));
    let mut unstreamed = request();
    unstreamed.stream = false;
    let rendered = provider.render(&unstreamed).expect("it renders");
    let body = rendered.body.to_string();
    assert!(body.contains("\"stream\":false"), "{body}");
    assert_eq!(server.seen().await.line, "POST /v1/messages");
    let streamed = Reply::stream(&format!("{HEAD}{TAIL}")).with("retry-after", "59");
    let (text, finish) = heard_of(streamed).await;
    assert_eq!((text.as_str(), finish.ok()), ("Rome it is", Some(Finish::Stop)));
}

#[tokio::test]
async fn errors_are_told_by_what_to_do() {
    let reply = |status, kind: &str, message: &str| {
        let error = format!(r#"{{"type":"{kind}","message":"{message}"}}"#);
        Reply::json(status, &format!(r#"{{"type":"error","error":{error},"request_id":"req_1"}}"#))
    };
    let limited = reply(429, "rate_limit_error", "slow down").with("retry-after", "7");
    let error = failure(limited).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = failure(reply(529, "overloaded_error", "Overloaded")).await;
    assert!(matches!(error, ProviderError::Unavailable { status: Some(529), .. }), "{error:?}");
    assert!(error.is_retryable());
    let error = failure(reply(500, "api_error", "Internal server error")).await;
    assert!(matches!(error, ProviderError::Unavailable { status: Some(500), .. }), "{error:?}");
    let error = failure(reply(413, "request_too_large", "Request too large")).await;
    assert!(matches!(error, ProviderError::TooLong { .. }), "{error:?}");
    let long = "prompt is too long: 209000 tokens > 200000 maximum";
    let error = failure(reply(400, "invalid_request_error", long)).await;
    assert!(matches!(error, ProviderError::TooLong { .. }), "{error:?}");
    let error = failure(reply(400, "invalid_request_error", "max_tokens: required")).await;
    assert!(matches!(error, ProviderError::InvalidRequest { status: Some(400), .. }), "{error:?}");
    // A key that the server repeats is in no error.
    let error = failure(reply(401, "authentication_error", &format!("no such key: {KEY}"))).await;
    assert!(matches!(error, ProviderError::Auth { status: Some(401), .. }), "{error:?}");
    assert_eq!(error.detail(), "no such key: ***");
    assert!(!format!("{error} {error:?}").contains(KEY));
}

#[tokio::test]
async fn an_error_in_the_stream_keeps_the_text_before_it() {
    let error = concat!(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",",
        "\"message\":\"Overloaded\"}}\n\n",
    );
    let (text, ended) = heard_of(Reply::stream(HEAD).send(error)).await;
    assert_eq!(text, "Rome ");
    let error = ended.expect_err("it is an error");
    assert!(matches!(error, ProviderError::Unavailable { status: Some(529), .. }), "{error:?}");
    assert_eq!(error.detail(), "Overloaded");
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_goes_silent_is_no_success() {
    let half = "event: content_block_delta\ndata: {\"type\":\"content_bl";
    for reply in [Reply::stream(HEAD).send(half).cut(), Reply::stream(HEAD)] {
        let (text, ended) = heard_of(reply).await;
        assert_eq!(text, "Rome ");
        assert!(matches!(ended, Err(ProviderError::Truncated { .. })), "{ended:?}");
    }
    let server = Server::start([Reply::stream(HEAD).stall()]).await;
    let options = options(&server).with_idle_timeout(SHORT);
    let (text, ended) = heard(&HttpProvider::new(options).expect("the options are good")).await;
    assert_eq!(text, "Rome ");
    assert!(matches!(ended, Err(ProviderError::Truncated { source: Some(_) })), "{ended:?}");
}

#[tokio::test]
async fn models_are_listed() {
    let list = concat!(
        r#"{"data":[{"type":"model","id":"claude-opus-5","display_name":"Claude Opus 5","#,
        r#""created_at":"2026-02-04T00:00:00Z","max_input_tokens":1000000}],"#,
        r#""has_more":false,"first_id":"claude-opus-5","last_id":"claude-opus-5"}"#,
    );
    let mut server = Server::start([Reply::json(200, list)]).await;
    let models = provider(options(&server)).models().await.expect("they are listed");
    let found = (models[0].id.as_str(), models[0].context_tokens);
    assert_eq!(found, ("claude-opus-5", Some(1_000_000)));
    let seen = server.seen().await;
    assert_eq!((seen.line.as_str(), seen.header("x-api-key")), ("GET /v1/models", KEY));
    assert_eq!(seen.header("anthropic-version"), "2023-06-01");
}

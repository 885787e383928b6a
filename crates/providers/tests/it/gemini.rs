//! Servers of the Gemini protocol.

use std::time::Duration;

use branchwork_core::provider::{Finish, Provider as _, ProviderError, ProviderEvent, Remedy};
use branchwork_providers::{HttpOptions, Protocol, Secret};
use futures_util::StreamExt as _;

use super::{
    listener::{SHORT, failure, next, provider, request, text},
    server::{Reply, Server},
};

const KEY: &str = "AIza-secret-key";
const HEAD: &str =
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Rome \"}]}}]}\r\n\r\n";
const TAIL: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"it is\"}]},\
    \"finishReason\":\"STOP\"}]}\r\n\r\n";
fn options(server: &Server) -> HttpOptions {
    let options = HttpOptions::gemini(&server.base_url).expect("the address is good");
    options.with_key(Secret::new(KEY))
}

#[tokio::test]
async fn events_come_while_the_server_still_writes_and_the_key_is_in_its_header_only() {
    let mut server = Server::start([Reply::stream(HEAD).wait().send(TAIL)]).await;
    let provider = provider(options(&server));
    assert_eq!(provider.protocol(), Protocol::Gemini);
    assert!(!format!("{provider:?}").contains(KEY));
    let mut events = provider.call(&request()).await.expect("it is accepted");
    let started = ProviderEvent::Started { model: None, response_id: None };
    assert_eq!(next(&mut events).await, started);
    assert_eq!(next(&mut events).await, text("Rome "));
    server.release();
    assert_eq!(next(&mut events).await, text("it is"));
    assert_eq!(next(&mut events).await, ProviderEvent::Finished(Finish::Stop));
    assert!(events.next().await.is_none());

    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /v1/models/tiny:streamGenerateContent");
    assert_eq!((seen.query.as_str(), seen.google_key.as_str()), ("alt=sse", KEY));
    assert_eq!(seen.authorization, "");
    let rendered = provider.render(&request()).expect("it renders");
    assert_eq!(seen.body, rendered.body.to_string());
    assert!(!rendered.url.contains(KEY), "{}", rendered.url);
}

#[tokio::test]
async fn a_whole_answer_is_asked_for_without_a_stream() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"Rome"}]},"finishReason":"STOP"}]}"#;
    let mut server = Server::start([Reply::json(200, body)]).await;
    let provider = provider(options(&server));
    let events = provider.call(&request().without_stream()).await.expect("it is accepted");
    let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
    assert_eq!(events.get(1), Some(&text("Rome")));
    assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Stop)));
    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /v1/models/tiny:generateContent");
    assert_eq!(seen.query, "");
}

#[tokio::test]
async fn a_model_from_outside_changes_no_path() {
    let mut server = Server::start([Reply::stream(&format!("{HEAD}{TAIL}"))]).await;
    let mut request = request();
    request.config.model = Some("../files/x?key=y#z".to_owned());
    let events = provider(options(&server)).call(&request).await.expect("it is accepted");
    drop(events);
    let seen = server.seen().await;
    let path = "POST /v1/models/..%2Ffiles%2Fx%3Fkey%3Dy%23z:streamGenerateContent";
    assert_eq!((seen.line.as_str(), seen.query.as_str()), (path, "alt=sse"));
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    let whole = format!("{HEAD}{TAIL}");
    let mut server = Server::start([Reply::stream(&whole), Reply::stream(&whole)]).await;
    let provider = provider(options(&server));
    for _ in 0..2 {
        let events = provider.call(&request()).await.expect("it is accepted");
        assert_eq!(events.collect::<Vec<_>>().await.len(), 4);
        assert_eq!(server.seen().await.connection, 0);
    }
}

#[tokio::test]
async fn answers_that_break_off_or_go_silent_are_no_success() {
    let cut = Reply::stream(HEAD).send("data: {\"candidates\":[{\"con").cut();
    let server = Server::start([cut, Reply::stream(HEAD)]).await;
    for _ in 0..2 {
        let (said, error) = failure(options(&server)).await;
        assert_eq!(said, "Rome ");
        assert!(matches!(error, ProviderError::Truncated { .. }), "{error:?}");
    }
    let server = Server::start([Reply::stream(HEAD).stall()]).await;
    let patient = options(&server).with_idle_timeout(SHORT);
    let (said, error) = failure(patient).await;
    assert_eq!(said, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");
}

#[tokio::test]
async fn errors_of_the_server_are_told_by_what_to_do_and_hold_no_key() {
    let error = |code: u16, status: &str, message: &str, details: &str| {
        let body = format!(
            r#"[{{"error":{{"code":{code},"message":"{message}","status":"{status}","details":[{details}]}}}}]"#
        );
        Reply::json(code, &body)
    };
    let wait = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"36.4s"}"#;
    let bad_key =
        r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}"#;
    let long = "The input token count (9) exceeds the maximum number of tokens allowed (8).";
    let replies = [
        (
            error(429, "RESOURCE_EXHAUSTED", "slow", wait),
            Remedy::Retry(Some(Duration::from_millis(36_400))),
        ),
        (error(503, "UNAVAILABLE", "overloaded", ""), Remedy::Retry(None)),
        (error(400, "INVALID_ARGUMENT", KEY, bad_key), Remedy::Authenticate),
        (error(403, "PERMISSION_DENIED", KEY, ""), Remedy::Authenticate),
        (error(400, "INVALID_ARGUMENT", long, ""), Remedy::Shorten),
        (error(404, "NOT_FOUND", "no such model", ""), Remedy::FixInput),
    ];
    let server = Server::start(replies.iter().map(|(reply, _)| reply.clone())).await;
    for (_, remedy) in replies {
        let (_, error) = failure(options(&server)).await;
        assert_eq!(error.remedy(), remedy, "{error:?}");
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
    }
}

#[tokio::test]
async fn models_are_listed() {
    let list = r#"{"models":[{"name":"models/gemini-3-flash","inputTokenLimit":1048576,
        "supportedGenerationMethods":["generateContent"]}]}"#;
    let mut server = Server::start([Reply::json(200, list), Reply::json(200, "{}")]).await;
    let provider = provider(options(&server));
    let models = provider.models().await.expect("they are listed");
    let listed = (models[0].id.as_str(), models[0].context_tokens);
    assert_eq!(listed, ("gemini-3-flash", Some(1_048_576)));
    let seen = server.seen().await;
    assert_eq!((seen.line.as_str(), seen.query.as_str()), ("GET /v1/models", "pageSize=1000"));
    assert_eq!(seen.google_key, KEY);
    let odd = provider.models().await.expect_err("it is no list");
    assert_eq!(odd.detail(), "the answer is no list of models: {}");
}

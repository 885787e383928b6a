//! Servers of the Responses protocol.

use branchwork_core::provider::{Finish, Provider as _, ProviderError, ProviderEvent, Remedy};
use branchwork_providers::{HttpOptions, HttpProvider, Protocol, Secret, dialect::KeyHeader};
use futures_util::StreamExt as _;

use super::{
    listener::{SHORT, failure, next, provider, request, text},
    server::{Reply, Server},
};

const KEY: &str = "sk-secret-key";
const HEAD: &str = "event: response.output_text.delta\n\
    data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"Rome \"}\n\n";
const TAIL: &str = "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"it is\"}\n\n\
    data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\
    \"usage\":{\"input_tokens\":3,\"output_tokens\":2}}}\n\n";
fn options(server: &Server) -> HttpOptions {
    let options = HttpOptions::responses(&server.base_url).expect("the address is good");
    options.with_key(Secret::new(KEY))
}

async fn failure_by(reply: Reply) -> (String, ProviderError) {
    let server = Server::start([reply]).await;
    failure(options(&server)).await
}

#[tokio::test]
async fn events_come_while_the_server_still_writes() {
    let mut server = Server::start([Reply::stream(HEAD).wait().send(TAIL).stall()]).await;
    let provider = provider(options(&server));
    assert!(!format!("{provider:?}").contains(KEY));
    let mut events = provider.call(&request()).await.expect("it is accepted");
    let started = ProviderEvent::Started { model: None, response_id: None };
    assert_eq!(next(&mut events).await, started);
    assert_eq!(next(&mut events).await, text("Rome "));
    server.release();
    assert_eq!(next(&mut events).await, text("it is"));
    assert!(
        matches!(next(&mut events).await, ProviderEvent::Usage(usage) if usage.input_tokens == Some(3))
    );
    // The end of the answer is its end, though the server keeps the connection.
    assert_eq!(next(&mut events).await, ProviderEvent::Finished(Finish::Stop));
    assert!(events.next().await.is_none());

    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /v1/responses");
    assert_eq!((seen.authorization, seen.api_key), (format!("Bearer {KEY}"), String::new()));
    assert_eq!(seen.body, provider.render(&request()).expect("it renders").body.to_string());
    assert!(!seen.body.contains(KEY));
}

#[tokio::test]
async fn azure_is_given_the_key_in_a_header_of_its_own() {
    let list = r#"{"data":[{"id":"deployed","object":"model"}]}"#;
    let mut server = Server::start([Reply::json(200, list), Reply::json(200, list)]).await;
    for protocol in [
        Protocol::Responses(KeyHeader::ApiKey),
        HttpOptions::chat("https://me.openai.azure.com").expect("an address").protocol(),
    ] {
        let options = HttpOptions::new(protocol, &server.base_url).expect("the address is good");
        let provider = HttpProvider::new(options.with_key(Secret::new(KEY))).expect("good options");
        assert!(!format!("{provider:?}").contains(KEY));
        let models = provider.models().await.expect("they are listed");
        assert_eq!(models[0].id, "deployed");
        let seen = server.seen().await;
        assert_eq!(seen.line, "GET /v1/models");
        assert_eq!((seen.authorization, seen.api_key), (String::new(), KEY.to_owned()));
    }
}

#[tokio::test]
async fn a_whole_answer_is_read() {
    let json = r#"{"object":"response","status":"completed","model":"tiny-1","id":"resp_1","output":[
        {"type":"message","content":[{"type":"output_text","text":"Rome"}]}]}"#;
    let server = Server::start([Reply::json(200, json), Reply::json(200, json)]).await;
    for request in [request().without_stream(), request()] {
        let events = provider(options(&server)).call(&request).await.expect("it is accepted");
        let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
        let (model, response_id) = (Some("tiny-1".to_owned()), Some("resp_1".to_owned()));
        let started = ProviderEvent::Started { model, response_id };
        assert_eq!(events, [started, text("Rome"), ProviderEvent::Finished(Finish::Stop)]);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_its_text_and_is_no_success() {
    let (said, error) = failure_by(Reply::stream(HEAD).send("data: {\"type\":\"resp").cut()).await;
    assert_eq!(said, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");
    let (said, error) = failure_by(Reply::stream(HEAD)).await;
    assert_eq!(said, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: None }), "{error:?}");

    let server = Server::start([Reply::stream(HEAD).stall()]).await;
    let (said, error) = failure(options(&server).with_idle_timeout(SHORT)).await;
    assert_eq!(said, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");
}

#[tokio::test]
async fn errors_are_told_by_what_to_do() {
    let error = |message: &str, kind: &str, code: &str| {
        format!(
            r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#
        )
    };
    for (status, body, remedy, detail) in [
        (
            401,
            error(&format!("Incorrect API key: {KEY}"), "invalid_request_error", "invalid_api_key"),
            Remedy::Authenticate,
            "Incorrect API key: ***",
        ),
        (
            400,
            error(
                "The encrypted content could not be verified.",
                "invalid_request_error",
                "invalid_encrypted_content",
            ),
            Remedy::FixInput,
            "The encrypted content could not be verified.",
        ),
        (
            400,
            error("too long", "invalid_request_error", "context_length_exceeded"),
            Remedy::Shorten,
            "too long",
        ),
        (
            429,
            error("slow down", "requests", "rate_limit_exceeded"),
            Remedy::Retry(None),
            "slow down",
        ),
        (
            429,
            error("pay", "insufficient_quota", "insufficient_quota"),
            Remedy::Authenticate,
            "pay",
        ),
        (500, error("boom", "server_error", ""), Remedy::Retry(None), "boom"),
        (503, String::new(), Remedy::Retry(None), ""),
    ] {
        let (_, error) = failure_by(Reply::json(status, &body)).await;
        assert_eq!(error.remedy(), remedy, "{status} {body}: {error:?}");
        assert!(error.detail().starts_with(detail), "{}", error.detail());
        assert!(!format!("{error} {error:?}").contains(KEY));
    }
    let failed = format!(
        "{HEAD}event: response.failed\ndata: {{\"type\":\"response.failed\",\
        \"response\":{{\"status\":\"failed\",\"error\":{{\"code\":\"server_error\",\"message\":\"{KEY}\"}}}}}}\n\n"
    );
    let (said, error) = failure_by(Reply::stream(&failed)).await;
    assert_eq!((said.as_str(), error.detail()), ("Rome ", "***"));
    assert!(error.is_retryable() && !format!("{error} {error:?}").contains(KEY));
}

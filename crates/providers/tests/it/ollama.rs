//! Servers of Ollama's own protocol.

use std::time::Duration;

use branchwork_core::provider::{
    EmbedRequest, Embedder as _, Finish, Provider as _, ProviderError, ProviderEvent, Remedy,
};
use branchwork_providers::{HttpOptions, Protocol, Secret};
use futures_util::StreamExt as _;

use super::{
    listener::{SHORT, failure, next, provider, request, text},
    server::{Reply, Server},
};

const KEY: &str = "ollama-secret-key";
const HEAD: &str = "{\"model\":\"tiny\",\"message\":{\"content\":\"Rome \"},\"done\":false}\n";
const TAIL: &str = "{\"message\":{\"content\":\"it is\"},\"done\":false}\n\
    {\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\"}\n";
/// A stream of lines.
fn lines(text: &str) -> Reply {
    Reply::new(200, "application/x-ndjson").send(text)
}

fn options(server: &Server) -> HttpOptions {
    let options = HttpOptions::ollama(&server.base_url).expect("the address is good");
    options.with_key(Secret::new(KEY))
}

#[tokio::test]
async fn events_come_while_the_server_still_writes() {
    let mut server = Server::start([lines(HEAD).wait().send(TAIL)]).await;
    let provider = provider(options(&server));
    assert_eq!(provider.protocol(), Protocol::Ollama);
    assert!(!format!("{provider:?}").contains(KEY));
    let mut events = provider.call(&request()).await.expect("it is accepted");
    let started = ProviderEvent::Started { model: Some("tiny".to_owned()), response_id: None };
    assert_eq!(next(&mut events).await, started);
    assert_eq!(next(&mut events).await, text("Rome "));
    server.release();
    assert_eq!(next(&mut events).await, text("it is"));
    assert_eq!(next(&mut events).await, ProviderEvent::Finished(Finish::Stop));
    assert!(events.next().await.is_none());

    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /api/chat");
    assert_eq!(seen.authorization, format!("Bearer {KEY}"));
    assert_eq!(seen.body, provider.render(&request()).expect("it renders").body.to_string());
}

#[tokio::test]
async fn answers_come_in_the_form_the_server_chooses() {
    let whole = r#"{"model":"tiny","message":{"content":"Rome"},"done":true,"done_reason":"stop"}"#;
    let stream = format!("{HEAD}{TAIL}");
    let replies = [
        Reply::json(200, whole),
        Reply::json(200, whole),
        lines(&stream),
        Reply::json(200, &stream),
    ];
    let server = Server::start(replies).await;
    let provider = provider(options(&server));
    let unstreamed = request().without_stream();
    let mut counts = Vec::new();
    for request in [&unstreamed, &request(), &unstreamed, &request()] {
        let events = provider.call(request).await.expect("it is accepted");
        let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
        assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Stop)));
        counts.push(events.len());
    }
    assert_eq!(counts, [3, 3, 4, 4]);
}

#[tokio::test]
async fn a_connection_is_used_again_when_the_caller_stops_at_the_last_event() {
    let whole = format!("{HEAD}{TAIL}");
    let mut server = Server::start([lines(&whole), lines(&whole)]).await;
    let provider = provider(options(&server));
    for _ in 0..2 {
        let mut events = provider.call(&request()).await.expect("it is accepted");
        while next(&mut events).await != ProviderEvent::Finished(Finish::Stop) {}
        drop(events);
        assert_eq!(server.seen().await.connection, 0);
    }
}

#[tokio::test]
async fn answers_that_break_off_or_go_silent_are_no_success() {
    let server = Server::start([lines(HEAD).send("{\"message\":{\"con").cut(), lines(HEAD)]).await;
    for _ in 0..2 {
        let (said, error) = failure(options(&server)).await;
        assert_eq!(said, "Rome ");
        assert!(matches!(error, ProviderError::Truncated { .. }), "{error:?}");
    }
    let server = Server::start([lines(HEAD).stall()]).await;
    let patient = options(&server).with_idle_timeout(SHORT);
    let (said, error) = failure(patient).await;
    assert_eq!(said, "Rome ");
    assert!(matches!(error, ProviderError::Truncated { source: Some(_) }), "{error:?}");
}

#[tokio::test]
async fn errors_of_the_server_are_told_by_what_to_do_and_hold_no_key() {
    let error =
        |status: u16, message: &str| Reply::json(status, &format!(r#"{{"error":"{message}"}}"#));
    let long = "the prompt is longer than the context length currently available to the model";
    let replies = [
        (error(404, "model 'tiny' not found"), Remedy::FixInput),
        (error(400, "invalid think value: \\\"x\\\""), Remedy::FixInput),
        (error(400, long), Remedy::Shorten),
        (error(401, KEY), Remedy::Authenticate),
        (error(429, "slow").with("retry-after", "3"), Remedy::Retry(Some(Duration::from_secs(3)))),
        (error(500, "the runner stopped"), Remedy::Retry(None)),
        (lines(&format!("{HEAD}{{\"error\":\"the runner stopped\"}}\n")), Remedy::Retry(None)),
    ];
    let server = Server::start(replies.iter().map(|(reply, _)| reply.clone())).await;
    for (_, remedy) in replies {
        let (_, error) = failure(options(&server)).await;
        assert_eq!(error.remedy(), remedy, "{error:?}");
        assert!(!format!("{error} {error:?}").contains(KEY), "{error:?}");
    }
}

#[tokio::test]
async fn models_are_listed_and_texts_become_vectors() {
    let list = r#"{"models":[{"name":"tiny:latest","model":"tiny:latest"}]}"#;
    let vectors = r#"{"model":"tiny","embeddings":[[1,0]]}"#;
    let replies = [Reply::json(200, list), Reply::json(200, "{}"), Reply::json(200, vectors)];
    let mut server = Server::start(replies).await;
    let provider = provider(options(&server));
    let models = provider.models().await.expect("they are listed");
    assert_eq!(models[0].id, "tiny:latest");
    assert_eq!(server.seen().await.line, "GET /api/tags");
    let odd = provider.models().await.expect_err("it is no list");
    assert_eq!(odd.detail(), "the answer is no list of models: {}");
    assert_eq!(server.seen().await.line, "GET /api/tags");
    let made = provider.embed(&EmbedRequest::new("tiny", ["a"])).await.expect("they are made");
    assert_eq!(made.vectors, [[1.0, 0.0]]);
    assert_eq!(server.seen().await.line, "POST /api/embed");
}

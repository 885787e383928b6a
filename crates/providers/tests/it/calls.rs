//! Calls that go well, and calls that are dropped.

use std::time::Duration;

use branchwork_core::provider::{
    EmbedRequest, Embedder as _, Finish, Provider as _, ProviderError, ProviderEvent,
};
use branchwork_providers::{HttpOptions, Secret};
use futures_util::StreamExt as _;

use super::{
    listener::{next, provider, request, text},
    server::{Reply, Seen, Server},
};

pub(crate) const HEAD: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"Rome \"}}]}\n\n";
const TAIL: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"it is\"},\
    \"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

pub(crate) fn options(server: &Server) -> HttpOptions {
    HttpOptions::chat(&server.base_url).expect("the address is good")
}

fn started() -> ProviderEvent {
    ProviderEvent::Started { model: None, response_id: None }
}

#[tokio::test]
async fn events_come_while_the_server_still_writes() {
    let mut server = Server::start([Reply::stream(HEAD).wait().send(TAIL)]).await;
    let key = Secret::new("sk-secret");
    let keyed = options(&server).with_key(key).with_header("X-Title", Secret::new("trip"));
    let provider = provider(keyed);
    assert!(!format!("{provider:?}").contains("sk-secret"));
    let mut events = provider.call(&request()).await.expect("it is accepted");
    assert_eq!(next(&mut events).await, started());
    assert_eq!(next(&mut events).await, text("Rome "));
    server.release();
    assert_eq!(next(&mut events).await, text("it is"));
    assert_eq!(next(&mut events).await, ProviderEvent::Finished(Finish::Stop));
    assert!(events.next().await.is_none());

    let seen = server.seen().await;
    assert_eq!(seen.line, "POST /v1/chat/completions");
    assert_eq!(seen.authorization, "Bearer sk-secret");
    assert_eq!(seen.title, "trip");
    assert_eq!(seen.agent, concat!("branchwork/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.body, provider.render(&request()).expect("it renders").body.to_string());
}

#[tokio::test]
async fn each_header_is_sent_once_and_that_of_the_caller_counts() {
    let whole = format!("{HEAD}{TAIL}");
    let vectors = r#"{"data":[{"embedding":[1,0]}]}"#;
    let replies = [Reply::stream(&whole), Reply::stream(&whole), Reply::json(200, vectors)];
    let mut server = Server::start(replies).await;
    let (accepted, sent) = ("text/event-stream;q=1", "application/json; charset=utf-8");
    let own = options(&server)
        .with_header("Accept", Secret::new(accepted))
        .with_header("Content-Type", Secret::new(sent));
    let own = provider(own);
    let plain = provider(options(&server));
    let is_once = |seen: &Seen| {
        ["accept", "content-type"].map(|name| seen.headers.get_all(name).iter().count()) == [1, 1]
    };
    drop(plain.call(&request()).await.expect("it is accepted"));
    let seen = server.seen().await;
    assert!(is_once(&seen), "{:?}", seen.headers);
    assert_eq!(seen.header("accept"), "text/event-stream");
    assert_eq!(seen.header("content-type"), "application/json");
    drop(own.call(&request()).await.expect("it is accepted"));
    own.embed(&EmbedRequest::new("tiny", ["a"])).await.expect("it is made");
    for _ in 0..2 {
        let seen = server.seen().await;
        assert!(is_once(&seen), "{:?}", seen.headers);
        assert_eq!((seen.header("accept"), seen.header("content-type")), (accepted, sent));
    }
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
async fn a_connection_is_used_again_when_the_caller_stops_at_the_last_event() {
    let whole = format!("{HEAD}{TAIL}");
    let mut server = Server::start([Reply::stream(&whole), Reply::stream(&whole)]).await;
    let provider = provider(options(&server));
    for _ in 0..2 {
        let mut events = provider.call(&request()).await.expect("it is accepted");
        while next(&mut events).await != ProviderEvent::Finished(Finish::Stop) {}
        drop(events);
        assert_eq!(server.seen().await.connection, 0);
    }
}

#[tokio::test]
async fn a_server_that_never_ends_its_answer_does_not_hold_up_the_caller() {
    let mut server = Server::start([Reply::stream(HEAD).send(TAIL).stall()]).await;
    let events = provider(options(&server)).call(&request()).await.expect("it is accepted");
    assert_eq!(events.collect::<Vec<_>>().await.len(), 4);
    server.hung_up().await;
}

#[tokio::test]
async fn dropping_the_stream_hangs_up() {
    let mut server = Server::start([Reply::stream(HEAD).stall()]).await;
    let mut events = provider(options(&server)).call(&request()).await.expect("it is accepted");
    assert_eq!(next(&mut events).await, started());
    drop(events);
    server.hung_up().await;
}

#[tokio::test]
async fn dropping_the_call_before_the_server_answers_hangs_up() {
    let mut server = Server::start([Reply::hold()]).await;
    let provider = provider(options(&server));
    let asked = request();
    {
        let call = provider.call(&asked);
        tokio::select! {
            _ = call => panic!("the server does not answer"),
            _ = server.seen() => {}
        }
    }
    server.hung_up().await;
}

#[tokio::test]
async fn answers_come_in_the_form_the_server_chooses() {
    let json = r#"{"choices":[{"message":{"content":"Rome"},"finish_reason":"stop"}]}"#;
    let whole = format!("{HEAD}{TAIL}");
    let replies = [
        Reply::json(200, json),
        Reply::json(200, json),
        Reply::stream(&whole),
        Reply::json(200, &whole),
    ];
    let server = Server::start(replies).await;
    let provider = provider(options(&server));
    let unstreamed = request().without_stream();
    let short = [started(), text("Rome"), ProviderEvent::Finished(Finish::Stop)];
    let mut texts = Vec::new();
    for request in [&unstreamed, &request(), &unstreamed, &request()] {
        let events = provider.call(request).await.expect("it is accepted");
        let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
        texts.push(events);
    }
    assert_eq!(texts[0], short);
    assert_eq!(texts[1], short);
    assert_eq!(texts[2].len(), 4);
    assert_eq!(texts[3], texts[2], "a stream under the name of JSON");
}

#[tokio::test]
async fn a_stream_under_the_name_of_json_is_known_by_its_first_line() {
    let whole = format!("{HEAD}{TAIL}");
    let cut = format!("{HEAD}data: {{\"choices\":[{{\"del");
    let beginnings = ["event: chunk\n", ": ping\n\n", "\u{feff}id: 1\n"];
    let replies = beginnings.map(|beginning| Reply::json(200, &(beginning.to_owned() + &whole)));
    let server = Server::start(replies.into_iter().chain([Reply::json(200, &cut)])).await;
    let provider = provider(options(&server));
    for beginning in beginnings {
        let events = provider.call(&request()).await.expect("it is accepted");
        let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
        assert_eq!(events.get(1), Some(&text("Rome ")), "{beginning}");
        assert_eq!(events.last(), Some(&ProviderEvent::Finished(Finish::Stop)), "{beginning}");
    }
    // One that ends in the middle of an event is cut, as it is under its own name.
    let error = provider.call(&request()).await.err().expect("it is no answer");
    assert!(matches!(error, ProviderError::Truncated { source: None }), "{error:?}");
}

#[tokio::test]
async fn models_are_listed() {
    let list = r#"{"data":[{"id":"tiny","owned_by":"me","context_length":512}]}"#;
    let mut server = Server::start([Reply::json(200, list), Reply::json(200, "{}")]).await;
    let provider = provider(options(&server));
    let models = provider.models().await.expect("they are listed");
    assert_eq!((models[0].id.as_str(), models[0].context_tokens), ("tiny", Some(512)));
    assert_eq!(server.seen().await.line, "GET /v1/models");
    let odd = provider.models().await.expect_err("it is no list");
    assert_eq!(odd.detail(), "the answer is no list of models: {}");
}

#[tokio::test]
async fn texts_become_vectors() {
    let answer = r#"{"data":[{"index":0,"embedding":[1,0]},{"index":1,"embedding":[0,1]}]}"#;
    let limited = Reply::json(429, r#"{"error":{"message":"slow down"}}"#).with("retry-after", "2");
    let mut server = Server::start([Reply::json(200, answer), limited]).await;
    let provider = provider(options(&server));
    let request = EmbedRequest::new("tiny", ["a", "b"]);
    let made = provider.embed(&request).await.expect("they are made");
    assert_eq!(made.vectors, [[1.0, 0.0], [0.0, 1.0]]);
    assert_eq!(server.seen().await.line, "POST /v1/embeddings");
    let refused = provider.embed(&request).await.expect_err("the rate is limited");
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(2)));
}

#[tokio::test]
async fn public_headers_are_no_keys_and_others_may_be() {
    let (beta, token) = ("context-management-2025-06-27", "token-0123456789-0123456789");
    let body = format!(
        "{{\"choices\":[{{\"message\":{{\"content\":\"{beta} {token}\"}},\"finish_reason\":\"stop\"}}]}}"
    );
    let refusal = format!("{{\"error\":{{\"message\":\"odd: {beta} {token}\"}}}}");
    let replies = [Reply::json(200, &body), Reply::json(400, &refusal)];
    let server = Server::start(replies).await;
    let headed = options(&server)
        .with_header("Anthropic-Beta", Secret::new(beta))
        .with_header("X-Gateway", Secret::new(token));
    let provider = provider(headed);
    let events = provider.call(&request()).await.expect("it is accepted");
    let events: Vec<_> = events.map(|event| event.expect("it is no error")).collect().await;
    assert!(events.contains(&text(&format!("{beta} ***"))), "{events:?}");
    let error = provider.call(&request()).await.err().expect("it is refused");
    assert_eq!(error.detail(), format!("odd: {beta} ***"));
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_in_no_answer_and_in_no_list() {
    const KEY: &str = "sk-planted/0123456789";
    let (left, right) = KEY.split_at(9);
    let pieces = [&format!("You are {left}"), right, ", Rome."];
    let chunk = |piece: &&str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n")
    };
    let stream = pieces.map(|piece| chunk(&piece)).concat() + TAIL;
    let whole = format!(
        "{{\"choices\":[{{\"message\":{{\"content\":\"{KEY}\"}},\"finish_reason\":\"stop\"}}]}}"
    );
    let list = format!("{{\"data\":[{{\"id\":\"{KEY}\",\"owned_by\":\"{KEY}\"}}]}}");
    let replies = [Reply::stream(&stream), Reply::json(200, &whole), Reply::json(200, &list)];
    let server = Server::start(replies).await;
    let provider = provider(options(&server).with_key(Secret::new(KEY)));
    let mut said = String::new();
    for request in [request(), request().without_stream()] {
        let events: Vec<_> = provider.call(&request).await.expect("it is accepted").collect().await;
        said += &format!("{events:?}");
    }
    said += &format!("{:?}", provider.models().await.expect("they are listed"));
    assert!(!said.contains(right), "{said}");
    assert_eq!(said.matches("***").count(), 4, "{said}");
}

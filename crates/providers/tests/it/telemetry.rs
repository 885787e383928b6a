//! What observers are told of calls for vectors.

use std::time::Duration;

use branchwork_core::{
    provider::{EmbedRequest, Embedder as _},
    telemetry::{ATTRIBUTES, span},
};
use branchwork_providers::Secret;
use branchwork_testkit::Spans;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    calls::options,
    listener::provider,
    server::{Reply, Server},
};

const KEY: &str = "sk-planted/0123456789";

#[tokio::test]
async fn a_call_for_vectors_is_a_span_without_the_texts_and_the_key() {
    let answer = format!(
        r#"{{"data":[{{"embedding":[1,0]}}],"model":"m-{KEY}","usage":{{"prompt_tokens":7}}}}"#
    );
    let limited = Reply::json(429, r#"{"error":{"message":"you said: Where is it warm?"}}"#);
    let server = Server::start([Reply::json(200, &answer), limited, Reply::new(200, "").stall()]);
    let server = server.await;
    let spans = Spans::watch();
    let provider = provider(options(&server).with_key(Secret::new(KEY)));
    let request = EmbedRequest::new("tiny", ["Where is it warm?"]).with_dimensions(2);
    provider.embed(&request).await.expect("they are made");
    provider.embed(&request).await.expect_err("the rate is limited");
    timeout(Duration::from_millis(20), provider.embed(&request)).await.expect_err("it stalls");
    provider.embed(&EmbedRequest::new("tiny", [""])).await.expect_err("it is empty");

    let all = spans.named(span::EMBEDDINGS);
    let kinds: Vec<Value> = all.iter().map(|call| call.get("error.type")).collect();
    assert_eq!(
        kinds,
        [json!(null), json!("rate_limited"), json!("cancelled"), json!("invalid_request")]
    );
    let port: u16 = server.base_url.split([':', '/']).nth(4).expect("a port").parse().expect("one");
    let expected = json!({
        "otel.name": "embeddings tiny",
        "otel.kind": "client",
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "_OTHER",
        "gen_ai.request.model": "tiny",
        "gen_ai.response.model": "m-***",
        "gen_ai.embeddings.dimension.count": 2,
        "gen_ai.usage.input_tokens": 7,
        "server.address": "127.0.0.1",
        "server.port": port,
    });
    assert_eq!(json!(all[0].fields), expected);
    for call in &all {
        assert!(call.is_closed);
        let listed = ATTRIBUTES.iter().filter(|one| one.spans.contains(&span::EMBEDDINGS));
        let (mut listed, mut declared): (Vec<_>, _) =
            (listed.map(|one| one.name).collect(), call.declared.clone());
        listed.sort_unstable();
        declared.sort_unstable();
        assert_eq!(declared, listed);
    }
    assert!(!spans.say("warm") && !spans.say(KEY), "{all:#?}");
}

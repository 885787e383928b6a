//! Turns with a peer of another make, whose model calls tools as no model should.

use std::sync::Arc;

use branchwork::{
    Engine,
    core::tool::ToolSelection,
    providers::{
        HttpOptions, HttpProvider,
        wrap::{RetryOptions, Stack},
    },
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Peer, Verdict};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Place {
    city: String,
}

#[tokio::test]
async fn a_model_that_calls_badly_is_told_and_answers_all_the_same() {
    let peer = Peer::start(&["--port", "0"]);
    let options = HttpOptions::chat(peer.url()).unwrap();
    let provider = Stack::over(Arc::new(HttpProvider::new(options).unwrap()))
        .with_retry(RetryOptions::new())
        .build();
    let engine = Engine::in_memory();
    let session = engine.session("trip").provider("peer", provider).model("gpt-4o");
    let session = session.create().await.unwrap();
    let weather = async |place: Place| Ok::<_, ToolError>(format!("It rains in {}.", place.city));
    session.register(FunctionTool::new("weather", "Tells the weather.", weather)).unwrap();
    for (kind, problem) in [
        ("malformed_arguments", "failed: the arguments are not JSON"),
        ("unknown_tool", "failed: there is no tool `llmock_unknown_tool`"),
    ] {
        peer.reset().await;
        peer.behave(json!([{ "type": "tool_fault", "kind": kind }])).await;
        let branch = session.default_branch().fork(kind).await.unwrap();
        let chat = branch.chat("How is the weather in Rome?").with_tools(ToolSelection::All);
        let reply = chat.await.unwrap();
        assert_ne!(reply.text, "");
        let results: Vec<String> = reply.results.iter().map(|result| result.text()).collect();
        assert!(results.len() == 1 && results[0].starts_with(problem), "{kind}: {results:?}");
        // That the model makes no sense is no failure of the provider: nothing is asked twice.
        let good = Verdict { calls: 2, attempts: 2, faults: 0, findings: Vec::new() };
        assert_eq!(peer.verdict().await, good, "{kind}");
        assert_eq!(branch.view().await.unwrap().len(), 4);
    }
}

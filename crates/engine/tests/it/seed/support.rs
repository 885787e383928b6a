//! The fixtures of the scenarios: F5, and the tools.

use std::{sync::Arc, time::Duration};

use branchwork::{
    Branch, Session,
    core::{
        message::{Body, CallId, Draft, Outcome, Part, ToolCall},
        store::MemoryStore,
        turn::TurnLimits,
    },
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{ScriptedProvider, TestClock};
use serde::Deserialize;
use serde_json::{Value, json};

/// One minute.
const MINUTE: Duration = Duration::from_mins(1);

/// Five messages, a minute apart: system, user, assistant, a request, its result.
pub(super) struct F5 {
    pub(super) session: Session,
    pub(super) branch: Branch,
    pub(super) provider: Arc<ScriptedProvider>,
}

/// The five messages of F5, without their times.
pub(super) fn five() -> Vec<Draft> {
    let requested = Body::ActionRequest {
        parts: vec![Part::text("Action request")],
        calls: vec![ToolCall {
            id: CallId::new("c1"),
            function: "act".to_owned(),
            arguments: "{}".to_owned(),
        }],
    };
    let result = Outcome::Succeeded(json!("Action response"));
    vec![
        Draft::new(Body::System { text: "System message".to_owned() }),
        Draft::new(Body::instruction("User message")).with_sender("user1"),
        Draft::new(Body::response("Assistant response")),
        Draft::new(requested).with_sender("action_request"),
        Draft::result(CallId::new("c1"), "act", result).with_sender("action_response"),
    ]
}

pub(super) async fn f5() -> F5 {
    let provider = Arc::new(ScriptedProvider::new());
    let clock = Arc::new(TestClock::default());
    let engine = branchwork::Engine::builder()
        .store(Arc::new(MemoryStore::new()))
        .clock(Arc::clone(&clock) as _)
        .build();
    let builder = engine.session("trip").provider("local", Arc::clone(&provider) as _);
    let session = builder.model("tiny").create().await.unwrap();
    let branch = session.default_branch();
    for draft in five() {
        branch.append(draft).await.unwrap();
        clock.advance(MINUTE);
    }
    F5 { session, branch, provider }
}

/// Two numbers.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Pair {
    /// The first number.
    pub(super) a: i64,
    /// The second number; 1 when left out.
    #[serde(default = "one")]
    pub(super) b: i64,
}

const fn one() -> i64 {
    1
}

/// Nothing.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Nothing {}

pub(crate) fn add() -> FunctionTool {
    FunctionTool::new("add", "Adds two numbers.", async |pair: Pair| {
        Ok::<_, ToolError>(pair.a + pair.b)
    })
}

pub(super) fn multiply() -> FunctionTool {
    FunctionTool::blocking("multiply", "Multiplies two numbers.", |pair: Pair| Ok(pair.a * pair.b))
}

pub(super) fn lst() -> FunctionTool {
    FunctionTool::new("lst", "Gives a list.", async |_: Nothing| Ok::<_, ToolError>([1, 2]))
}

pub(super) fn nul() -> FunctionTool {
    FunctionTool::new("nul", "Gives nothing.", async |_: Nothing| Ok::<_, ToolError>(Value::Null))
}

pub(super) fn boom() -> FunctionTool {
    FunctionTool::new("boom", "Fails.", async |_: Nothing| {
        Err::<(), _>(ToolError::because(std::io::Error::other("the disk is on fire")))
    })
}

/// A turn whose results the model is not shown.
pub(super) fn once() -> TurnLimits {
    TurnLimits::new().with_rounds(1)
}

/// What came of each call of a reply.
pub(super) fn outcomes(reply: &branchwork::Reply) -> Vec<(String, Outcome)> {
    let outcome = |message: &Arc<branchwork::core::message::Message>| match &message.body {
        Body::ActionResponse { call, outcome, .. } => (call.to_string(), outcome.clone()),
        other => panic!("expected a result, got {:?}", other.kind()),
    };
    reply.results.iter().map(outcome).collect()
}

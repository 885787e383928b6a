//! The attribute `tool`: what a function becomes.

use std::{sync::Arc, time::Duration};

use branchwork::{
    Branch,
    core::tool::{Tool as _, ToolEffect, ToolSelection},
    tool,
    tools::{FunctionTool, ToolContext, ToolError},
};
use branchwork_testkit::Script;
use serde_json::json;

use crate::support::{session, texts};

const fn one() -> i64 {
    1
}

/// Adds two numbers.
///
/// Both are whole.
#[tool(effect = Pure)]
async fn add(
    /// The first number.
    a: i64,
    /// The second one; 1 when left out.
    #[serde(default = "one")]
    b: i64,
) -> Result<i64, ToolError> {
    tokio::task::yield_now().await;
    Ok(a + b)
}

/// Says which call it is, with a word.
#[tool(name = "which", serial, timeout = Duration::from_secs(9))]
async fn tell(
    #[given] word: Arc<str>,
    context: ToolContext,
    mut times: usize,
) -> Result<String, ToolError> {
    tokio::task::yield_now().await;
    times *= 2;
    Ok(format!("{} {}", word.repeat(times), context.call))
}

/// Counts down, on a thread that may block.
#[tool(effect = Idempotent)]
fn count_down(from: u32, context: ToolContext) -> Result<String, ToolError> {
    match from {
        0 => Ok(format!("done with {}", context.call)),
        // The name is still that of the function itself.
        from => count_down(from - 1, context),
    }
}

/// Does what it is told.
#[tool]
async fn obey() -> Result<(), ToolError> {
    tokio::task::yield_now().await;
    Ok(())
}

#[test]
fn comments_types_and_options_are_the_tool() {
    let tool = add();
    assert_eq!((tool.spec().name.as_str(), tool.effect()), ("add", ToolEffect::Pure));
    assert_eq!(tool.spec().description, "Adds two numbers.\n\nBoth are whole.");
    let schema = json!({
        "type": "object",
        "properties": {
            "a": {"type": "integer", "format": "int64", "description": "The first number."},
            "b": {
                "type": "integer",
                "format": "int64",
                "description": "The second one; 1 when left out.",
                "default": 1,
            },
        },
        "required": ["a"],
        "additionalProperties": false,
    });
    assert_eq!(tool.spec().parameters, schema);
    let tool = tell("x".into());
    assert_eq!((tool.spec().name.as_str(), tool.is_serial()), ("which", true));
    assert_eq!(
        (tool.timeout(), tool.effect()),
        (Some(Duration::from_secs(9)), ToolEffect::AtMostOnce)
    );
    let properties = &tool.spec().parameters["properties"];
    assert_eq!(properties.as_object().unwrap().keys().collect::<Vec<_>>(), ["times"]);
    assert_eq!(count_down().effect(), ToolEffect::Idempotent);
    assert_eq!((obey().timeout(), obey().is_serial()), (None, false));
    assert_eq!(obey().spec().parameters["properties"], json!({}));
}

/// What each of `calls` gives on a branch with all tools.
async fn outcomes<const N: usize>(calls: [(&str, &str, &str); N]) -> Vec<String> {
    let (session, _) = session([Script::calls(calls), Script::text("done")]).await;
    let main: Branch = session.default_branch();
    let tools: [FunctionTool; 4] = [add(), tell("ha".into()), count_down(), obey()];
    for tool in tools {
        main.register(tool).unwrap();
    }
    main.chat("go").with_tools(ToolSelection::All).await.unwrap();
    texts(&main).await[2..2 + N].to_vec()
}

#[tokio::test]
async fn arguments_what_was_given_and_the_context_arrive() {
    let calls = [
        ("c1", "add", "{\"a\":2,\"b\":3}"),
        ("c2", "add", "{\"a\":2}"),
        ("c3", "which", "{\"times\":1}"),
        ("c4", "count_down", "{\"from\":3}"),
        ("c5", "obey", "{}"),
    ];
    let expected = ["5", "3", "haha c3", "done with c4", "null"];
    assert_eq!(outcomes(calls).await, expected);
}

#[tokio::test]
async fn an_argument_that_no_parameter_has_is_refused() {
    let outcomes = outcomes([("c1", "add", "{\"a\":2,\"c\":3}")]).await;
    assert!(outcomes[0].starts_with("failed: the arguments do not fit"), "{outcomes:?}");
    assert!(outcomes[0].contains("'c'"), "it is named: {outcomes:?}");
}

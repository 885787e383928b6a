//! What was said is told only when that is asked for.

use branchwork::{
    Session,
    core::{provider::Finish, tool::ToolSelection},
    telemetry::{Telemetry, names::ATTRIBUTES},
    tools::{FunctionTool, ToolSpec},
};
use branchwork_testkit::{Script, SeenSpan, Spans};
use serde_json::{Value, json};

use super::told;

/// A turn in which a tool is called.
async fn talk(telemetry: Telemetry) -> (Spans, Session) {
    let spans = Spans::watch();
    let calls = Script::new()
        .with_start()
        .with_text("Let me see.")
        .with_call(0, ("c1", "look", r#"{"at":"Rome"}"#))
        .with_end(Finish::ToolCalls);
    let session = told(telemetry, [calls, Script::text("It is warm.")]).await;
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: "Looks.".to_owned(),
        parameters: json!({ "type": "object" }),
    };
    let look = |_, _| std::future::ready(Ok(json!({ "degrees": 30 })));
    session.register(FunctionTool::dynamic(spec, look)).unwrap();
    let main = session.default_branch();
    let chat = main.chat("Where is it warm?").with_system("Be brief.").with_sender("ada");
    chat.with_context(json!({ "month": 5 })).with_tools(ToolSelection::All).await.unwrap();
    (spans, session)
}

#[tokio::test]
async fn nothing_that_was_said_is_told_unless_it_is_asked_for() {
    let (spans, _session) = talk(Telemetry::new()).await;
    let content: Vec<&str> =
        ATTRIBUTES.iter().filter(|one| one.is_content).map(|one| one.name).collect();
    assert_eq!(content.len(), 6);
    for span in spans.all() {
        let told = content.iter().find(|name| span.fields.contains_key(*name));
        assert_eq!(told, None, "{}", span.name);
    }
    for said in ["warm", "brief", "see", "Rome", "degrees", "month"] {
        assert!(!spans.say(said), "{said}");
    }
}

#[tokio::test]
async fn what_was_said_is_told_in_the_form_that_observers_know() {
    let (spans, _session) = talk(Telemetry::new().with_content()).await;
    let chats = spans.named("chat");
    let json_of = |span: &SeenSpan, name: &str| match span.get(name) {
        Value::String(text) => serde_json::from_str(&text).unwrap(),
        other => other,
    };
    let of = |place: usize, name: &str| json_of(&chats[place], name);
    let text = |text: &str| json!({ "type": "text", "content": text });
    assert_eq!(of(0, "gen_ai.system_instructions"), json!([text("Be brief.")]));
    let asked = json!({
        "role": "user",
        "name": "ada",
        "parts": [text("Where is it warm?"), text(r#"{"month":5}"#)],
    });
    assert_eq!(of(0, "gen_ai.input.messages"), json!([asked]));
    let call =
        json!({ "type": "tool_call", "id": "c1", "name": "look", "arguments": { "at": "Rome" } });
    let parts = json!([text("Let me see."), call]);
    let called = json!([{ "role": "assistant", "parts": parts, "finish_reason": "tool_call" }]);
    assert_eq!(of(0, "gen_ai.output.messages"), called);
    let definition = json!([{
        "type": "function",
        "name": "look",
        "description": "Looks.",
        "parameters": { "type": "object" },
    }]);
    assert_eq!(of(0, "gen_ai.tool.definitions"), definition);

    let response =
        json!({ "type": "tool_call_response", "id": "c1", "response": { "degrees": 30 } });
    let shown = json!([
        asked,
        { "role": "assistant", "parts": parts },
        { "role": "tool", "parts": [response] },
    ]);
    assert_eq!(of(1, "gen_ai.input.messages"), shown);
    let parts = json!([text("It is warm.")]);
    let said = json!([{ "role": "assistant", "parts": parts, "finish_reason": "stop" }]);
    assert_eq!(of(1, "gen_ai.output.messages"), said);

    let tool = spans.one("execute_tool");
    assert_eq!(json_of(&tool, "gen_ai.tool.call.arguments"), json!({ "at": "Rome" }));
    assert_eq!(json_of(&tool, "gen_ai.tool.call.result"), json!({ "degrees": 30 }));
}

//! Tools on offer, and the choice among them.

use branchwork_core::{
    message::Body,
    provider::{ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::{Value, json};

use super::{offered, render, request, sent, tool};

fn choose(choice: ToolChoice) -> ModelRequest {
    offered(vec![Body::instruction("hi")]).with_tools(vec![tool("look"), tool("go")], choice)
}

#[test]
fn tools_are_said_before_the_messages() {
    let look = ToolSpec { description: "Looks".to_owned(), ..tool("look") };
    let go = ToolSpec { parameters: json!({}), ..tool("go") };
    let request = request(vec![Body::instruction("hi")]);
    let rendered = render(&request.with_tools(vec![look, go], ToolChoice::Named("go".into())));
    let expected = concat!(
        r#""tools":[{"name":"look","description":"Looks","input_schema":{"type":"object"}},"#,
        r#"{"name":"go","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],"#,
        r#""tool_choice":{"name":"go","type":"tool"},"messages":["#,
    );
    let rendered = rendered.expect("a good request");
    assert!(rendered.contains(expected), "{rendered}");
}

#[test]
fn the_choice_is_said_where_it_is_not_what_the_api_does_by_itself() {
    let check = |choice, expected: Option<Value>| {
        assert_eq!(sent(&choose(choice)).get("tool_choice"), expected.as_ref());
    };
    check(ToolChoice::Auto, None);
    check(ToolChoice::None, Some(json!({"type": "none"})));
    check(ToolChoice::Required, Some(json!({"type": "any"})));
    check(ToolChoice::Named("look".into()), Some(json!({"type": "tool", "name": "look"})));
    let without = request(vec![]).with_tools(vec![], ToolChoice::None);
    assert_eq!(sent(&without).get("tool_choice"), None);
}

#[test]
fn tools_that_cannot_be_offered_or_chosen_are_refused() {
    let refused = |request: &ModelRequest, expected: &str| {
        assert_eq!(render(request), Err(expected.to_owned()));
    };
    refused(
        &request(vec![]).with_tools(vec![tool("fs.read")], ToolChoice::Auto),
        "the tool `fs.read` has a name that this protocol does not take: 1 to 128 letters, digits, _ \
         and - are",
    );
    refused(
        &choose(ToolChoice::Named("fly".into())),
        "the tool `fly` is required and not on offer",
    );
    let mut none = request(vec![]).with_tools(vec![], ToolChoice::Required);
    refused(&none, "a tool is required and none is on offer");
    none.config.extras.insert("tools".to_owned(), json!([{"type": "bash_20250124"}]));
    assert_eq!(sent(&none)["tool_choice"], json!({"type": "any"}));
    // With a budget to think with, no tool can be required; models that decide themselves allow it.
    for choice in [ToolChoice::Required, ToolChoice::Named("look".into())] {
        let mut thinks = choose(choice);
        thinks.config.reasoning_effort = Some("low".to_owned());
        refused(&thinks, "a tool cannot be required while the model thinks");
        thinks.config.model = Some("claude-opus-5".to_owned());
        assert!(render(&thinks).is_ok());
    }
}

//! Settings, tools and extras.

use branchwork_core::provider::{ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Value, json};

use super::{NEW, OLD, ask, sent};
use crate::{gemini::Gemini, wire::Wire as _};

fn tool(name: &str, parameters: Value) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: String::new(), parameters }
}

/// The body for a request that `change` changed, without its turns.
fn head(model: &str, change: impl FnOnce(&mut ModelRequest)) -> Result<Value, String> {
    let mut request = ask(model, vec![]);
    change(&mut request);
    let mut body = sent(&request)?;
    body.as_object_mut().expect("an object").remove("contents");
    Ok(body)
}

#[test]
fn how_much_a_model_thinks_is_said_as_its_generation_takes_it() {
    let check = |model: &str, effort: &str, expected: Result<Value, &str>| {
        let head = head(model, |request| request.config.reasoning_effort = Some(effort.to_owned()));
        let expected =
            expected.map(|thinking| json!({ "generationConfig": { "thinkingConfig": thinking } }));
        assert_eq!(head, expected.map_err(str::to_owned), "{model} {effort}");
    };
    let budget =
        |tokens: i32| Ok(json!({ "thinkingBudget": tokens, "includeThoughts": tokens != 0 }));
    check(NEW, "low", Ok(json!({ "thinkingLevel": "low", "includeThoughts": true })));
    check(NEW, "2048", budget(2048));
    check(OLD, "none", budget(0));
    check(OLD, "Low", budget(1024));
    check(OLD, "high", budget(24576));
    check(OLD, "-1", budget(-1));
    check("gemma-4-31b-it", "high", Ok(json!({ "thinkingLevel": "high" })));
    let refused = "`reasoning_effort` is `xhigh`, this model takes none, minimal, low, medium, \
                   high or a number of tokens";
    check(OLD, "xhigh", Err(refused));
}

#[test]
fn tools_are_offered_with_their_schema_and_chosen_from() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "integer" } } });
    let offered = vec![tool("look", schema.clone()), tool("go", json!({}))];
    let declared = json!([{ "functionDeclarations": [
        { "name": "look", "parametersJsonSchema": schema }, { "name": "go" },
    ] }]);
    for (choice, config) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::None, json!({ "mode": "NONE" })),
        (ToolChoice::Required, json!({ "mode": "ANY" })),
        (
            ToolChoice::Named("go".to_owned()),
            json!({ "mode": "ANY", "allowedFunctionNames": ["go"] }),
        ),
    ] {
        let head = head(NEW, |request| {
            request.tools.clone_from(&offered);
            request.tool_choice = choice;
        });
        let head = head.expect("a good request");
        assert_eq!(head["tools"], declared);
        assert_eq!(head["toolConfig"]["functionCallingConfig"], config);
        assert_eq!(head.get("toolConfig").is_some(), !config.is_null());
    }
    let bare = head(NEW, |request| request.tool_choice = ToolChoice::None);
    assert_eq!(bare, Ok(json!({})), "there is nothing to forbid");
}

#[test]
fn several_answers_are_asked_for_at_once_and_only_so_many() {
    let config = |choices| head(OLD, |request| request.choices = choices);
    assert_eq!(config(1), Ok(json!({})));
    assert_eq!(config(8), Ok(json!({ "generationConfig": { "candidateCount": 8 } })));
    assert_eq!(config(9), Err("9 answers are asked for, 8 are allowed".to_owned()));
    let path = |choices| Gemini.path(&ask(OLD, vec![]).with_choices(choices));
    assert!(path(1).ends_with(":streamGenerateContent?alt=sse"), "{}", path(1));
    assert!(path(2).ends_with(":generateContent"), "{}", path(2));
}

#[test]
fn extras_go_where_gemini_looks_for_them() {
    let head = head(NEW, |request| {
        request.config.temperature = Some(0.5);
        request.tools = vec![tool("look", json!({}))];
        request.tool_choice = ToolChoice::Required;
        for (name, value) in [
            ("generation_config", json!({ "topK": 4 })),
            ("safetySettings", json!([])),
            ("tools", json!([{ "googleSearch": {} }])),
            ("toolConfig", json!({ "includeServerSideToolInvocations": true })),
        ] {
            request.config.extras.insert(name.to_owned(), value);
        }
    });
    let expected = json!({
        "generationConfig": { "temperature": 0.5, "topK": 4 },
        "safetySettings": [],
        "tools": [{ "functionDeclarations": [{ "name": "look" }] }, { "googleSearch": {} }],
        "toolConfig": {
            "functionCallingConfig": { "mode": "ANY" },
            "includeServerSideToolInvocations": true,
        },
    });
    assert_eq!(head, Ok(expected));
}

#[test]
fn what_cannot_be_sent_is_refused_with_a_reason() {
    let check = |change: &dyn Fn(&mut ModelRequest), expected: &str| {
        assert_eq!(head(NEW, change), Err(expected.to_owned()));
    };
    check(&|request| request.config.model = None, "no model is chosen");
    check(&|request| request.config.model = Some(" ".to_owned()), "no model is chosen");
    check(
        &|request| request.config.temperature = Some(f64::INFINITY),
        "`temperature` is inf, which JSON cannot say",
    );
    check(
        &|request| request.config.seed = Some(1 << 40),
        "`seed` is 1099511627776, this protocol takes 32 bits",
    );
    check(
        &|request| request.config.stop = Some(vec!["x".to_owned(); 6]),
        "`stop` has 6 texts, this protocol takes 5",
    );
    check(
        &|request| request.config.logprobs = Some(21),
        "`logprobs` is 21, this protocol takes 20 at most",
    );
    check(
        &|request| request.tools = vec![tool("9", json!({}))],
        "the tool `9` cannot be on offer here: a name begins with a letter or `_` and has letters, \
         digits and `_.:-` only, 128 at most",
    );
    check(
        &|request| request.tool_choice = ToolChoice::Required,
        "a tool is required and none is on offer",
    );
    let extra = |name: &'static str, value: Value| {
        move |request: &mut ModelRequest| {
            request.config.seed = Some(1);
            request.config.extras.insert(name.to_owned(), value.clone());
        }
    };
    check(&extra("contents", json!([])), "`contents` cannot be an extra parameter");
    check(
        &extra("system_instruction", json!("x")),
        "`system_instruction` cannot be an extra parameter",
    );
    check(&extra("tools", json!({})), "the extra parameter `tools` is no list");
    check(
        &extra("generationConfig", json!(1)),
        "the extra parameter `generationConfig` is no object",
    );
    check(
        &extra("generationConfig", json!({ "seed": 2 })),
        "the extra parameter `generationConfig.seed` is already said by a setting",
    );
    check(
        &extra("generationConfig", json!({ "candidateCount": 2 })),
        "`generationConfig.candidateCount` cannot be an extra parameter",
    );
    let twice = |request: &mut ModelRequest| {
        for name in ["cachedContent", "cached_content"] {
            request.config.extras.insert(name.to_owned(), json!("x"));
        }
    };
    check(&twice, "the extra parameter `cached_content` is given under two names");
}

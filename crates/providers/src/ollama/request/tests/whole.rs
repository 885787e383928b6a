//! Whole requests.

use branchwork_core::{
    message::{Body, Outcome, Part},
    provider::{ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::{Value, json};

use super::{asked, calls, message, request, result, sent, thought};
use crate::{ollama::Ollama, testing::render};

fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, description: &str, parameters: Value| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters,
    };
    vec![
        tool("look", "Looks", json!({ "type": "object", "properties": { "a": {} } })),
        tool("go", "", json!({})),
    ]
}

fn full_request() -> ModelRequest {
    let mut request = request(vec![Body::instruction("hi")]);
    let config = &mut request.config;
    config.temperature = Some(0.0);
    config.top_p = Some(0.9);
    config.max_tokens = Some(16);
    config.stop = Some(vec!["END".to_owned()]);
    config.seed = Some(0);
    config.presence_penalty = Some(0.5);
    config.frequency_penalty = Some(-0.5);
    config.reasoning_effort = Some("low".to_owned());
    config.response_schema = Some(json!({ "type": "object" }));
    config.logprobs = Some(2);
    config.extras.insert("options".to_owned(), json!({ "num_ctx": 8192 }));
    config.extras.insert("keep_alive".to_owned(), json!("10m"));
    request.with_tools(tools(), ToolChoice::Auto)
}

#[test]
fn every_setting_has_its_place_and_messages_are_last() {
    let expected = concat!(
        r#"{"model":"tiny","format":{"type":"object"},"think":"low","logprobs":true,"#,
        r#""top_logprobs":2,"options":{"frequency_penalty":-0.5,"num_ctx":8192,"num_predict":16,"#,
        r#""presence_penalty":0.5,"seed":0,"stop":["END"],"temperature":0.0,"top_p":0.9},"#,
        r#""keep_alive":"10m","truncate":false,"shift":false,"stream":true,"#,
        r#""tools":[{"function":{"description":"Looks","name":"look","parameters":"#,
        r#"{"properties":{"a":{}},"type":"object"}},"type":"function"},"#,
        r#"{"function":{"name":"go","parameters":{"properties":{},"type":"object"}},"#,
        r#""type":"function"}],"messages":[{"role":"user","content":"hi"}]}"#,
    );
    assert_eq!(render(&Ollama, &full_request()).as_deref(), Ok(expected));
}

#[test]
fn a_request_in_which_only_a_model_is_set_says_nothing_else() {
    let request = request(vec![Body::instruction("hi")]);
    let expected = |stream: bool| {
        json!({
            "model": "tiny", "messages": [{ "role": "user", "content": "hi" }],
            "truncate": false, "shift": false, "stream": stream,
        })
    };
    assert_eq!(sent(&request), Ok(expected(true)));
    assert_eq!(sent(&request.without_stream()), Ok(expected(false)));
}

#[test]
fn settings_and_extras_go_where_ollama_looks_for_them() {
    let check = |change: &dyn Fn(&mut ModelRequest), name: &str, expected: Option<Value>| {
        let mut request =
            request(vec![Body::instruction("hi")]).with_tools(tools(), ToolChoice::Auto);
        change(&mut request);
        let body = sent(&request).expect("a good request");
        assert_eq!(body.get(name), expected.as_ref(), "{name}");
    };
    for (effort, think) in [
        ("high", json!("high")),
        ("true", json!(true)),
        ("false", json!(false)),
        ("none", json!(false)),
    ] {
        let think_so = |request: &mut ModelRequest| {
            request.config.reasoning_effort = Some(effort.to_owned());
        };
        check(&think_so, "think", Some(think));
    }
    let extra = |name: &'static str, value: Value| {
        move |request: &mut ModelRequest| {
            request.config.extras.insert(name.to_owned(), value.clone());
        }
    };
    check(&extra("truncate", json!(true)), "truncate", Some(json!(true)));
    check(&extra("format", json!("json")), "format", Some(json!("json")));
    check(&|request| request.config.logprobs = Some(0), "logprobs", Some(json!(true)));
    check(&|request| request.config.logprobs = Some(0), "top_logprobs", None);
    check(&|request| request.tool_choice = ToolChoice::None, "tools", None);
}

#[test]
fn what_cannot_be_sent_is_refused_with_a_reason() {
    let check = |change: &dyn Fn(&mut ModelRequest), expected: &str| {
        let mut request = full_request();
        change(&mut request);
        assert_eq!(sent(&request), Err(expected.to_owned()));
    };
    let must = "this protocol cannot say that a tool must be called, the model chooses";
    check(&|request| request.tool_choice = ToolChoice::Required, must);
    check(&|request| request.tool_choice = ToolChoice::Named("go".to_owned()), must);
    check(&|request| request.config.model = None, "no model is chosen");
    check(
        &|request| request.config.top_p = Some(f64::NAN),
        "`top_p` is NaN, which JSON cannot say",
    );
    check(
        &|request| request.config.logprobs = Some(21),
        "`logprobs` is 21, this protocol takes 20 at most",
    );
    let extra = |name: &'static str, value: Value| {
        move |request: &mut ModelRequest| {
            request.config.extras.insert(name.to_owned(), value.clone());
        }
    };
    check(&extra("messages", json!([])), "`messages` cannot be an extra parameter");
    check(&extra("think", json!(true)), "the extra parameter `think` is already said by a setting");
    check(
        &extra("options", json!({ "seed": 1 })),
        "the extra parameter `options.seed` is already said by a setting",
    );
    check(&extra("options", json!([])), "the extra parameter `options` is no object");
    let nothing = "there is no message that could be answered";
    check(&|request| request.messages.clear(), nothing);
    check(&|request| request.messages = vec![message(Body::response(""))], nothing);
}

/// Invariant 10: the request of a longer conversation begins with that of the shorter one.
#[test]
fn invariant_10_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
    let bodies = [
        Body::System { text: "Be brief".to_owned() },
        Body::instruction("look"),
        calls(vec![thought("hm", None)], "{\"a\":"),
        result(Outcome::Unknown),
        Body::response(""),
        Body::Response { parts: vec![thought("ah", None), Part::text("done")] },
        asked(vec![Part::text("and?")], Some(json!({ "z": 1, "a": 2 }))),
    ];
    let mut request = full_request();
    let mut prefix = String::new();
    for len in 1..=bodies.len() {
        request.messages = bodies.iter().take(len).cloned().map(message).collect();
        let rendered = render(&Ollama, &request).expect("good");
        assert_eq!(render(&Ollama, &request).as_ref(), Ok(&rendered));
        assert!(!rendered.contains("msg_") && !rendered.contains("ada"), "{rendered}");
        let open = rendered.strip_suffix("]}").expect("messages are last");
        assert!(open.starts_with(&prefix), "at {len}: {prefix} {open}");
        open.clone_into(&mut prefix);
    }
}

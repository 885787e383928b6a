//! Whole requests.

use branchwork_core::{
    message::{Body, Outcome, Part},
    provider::{CacheHints, ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::{Value, json};

use super::{asked, calls, dialect, message, render, request, result, thought};
use crate::{
    Protocol,
    dialect::{Dialect, StreamUsage},
};

fn full_request() -> ModelRequest {
    let closed = json!({"type": "object", "properties": {}, "required": [],
        "additionalProperties": false});
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
    config.response_schema = Some(closed);
    config.logprobs = Some(2);
    config.extras.insert("top_k".to_owned(), json!(4));
    let tools = vec![
        ToolSpec {
            name: "look".to_owned(),
            description: "Looks".to_owned(),
            parameters: json!({"type": "object"}),
        },
        ToolSpec { name: "go".to_owned(), description: String::new(), parameters: json!({}) },
    ];
    request.with_tools(tools, ToolChoice::Named("go".to_owned()))
}

#[test]
fn every_setting_has_its_place_and_messages_are_last() {
    let expected = concat!(
        r#"{"model":"tiny","temperature":0.0,"top_p":0.9,"max_tokens":16,"stop":["END"],"seed":0,"#,
        r#""presence_penalty":0.5,"frequency_penalty":-0.5,"reasoning_effort":"low","#,
        r#""response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":true,"#,
        r#""schema":{"additionalProperties":false,"properties":{},"required":[],"type":"object"}}},"#,
        r#""logprobs":true,"top_logprobs":2,"top_k":4,"#,
        r#""stream":true,"stream_options":{"include_usage":true},"#,
        r#""tools":[{"type":"function","function":{"name":"look","description":"Looks","#,
        r#""parameters":{"type":"object"}}},"#,
        r#"{"type":"function","function":{"name":"go","#,
        r#""parameters":{"type":"object","properties":{}}}}],"#,
        r#""tool_choice":{"type":"function","function":{"name":"go"}},"#,
        r#""messages":[{"role":"user","content":"hi"}]}"#,
    );
    assert_eq!(render(&full_request(), Dialect::default()).as_deref(), Ok(expected));
}

/// The fields of what is sent.
fn sent(request: &ModelRequest, dialect: Dialect) -> Value {
    serde_json::from_str(&render(request, dialect).expect("good")).expect("JSON")
}

#[test]
fn s183_a_request_in_which_only_a_model_is_set_says_nothing_else() {
    let messages = json!([{ "role": "user", "content": "hi" }]);
    let plain = request(vec![Body::instruction("hi")]);
    let streamed = json!({
        "model": "tiny",
        "messages": messages,
        "stream": true,
        "stream_options": { "include_usage": true }
    });
    let whole = json!({ "model": "tiny", "messages": messages, "stream": false });
    assert_eq!(sent(&plain, Dialect::default()), streamed);
    assert_eq!(sent(&plain.clone().without_stream(), Dialect::default()), whole);
    for preset in crate::presets() {
        let Protocol::Chat(dialect) = preset.protocol else { continue };
        let mut expected = streamed.clone();
        if dialect.stream_usage != StreamUsage::Asked {
            expected.as_object_mut().expect("an object").remove("stream_options");
        }
        assert_eq!(sent(&plain, dialect), expected, "{}", preset.name);
        let unstreamed = plain.clone().without_stream();
        assert_eq!(sent(&unstreamed, dialect), whole, "{}", preset.name);
    }
}

#[test]
fn s157_that_no_tool_may_be_called_a_seed_of_0_and_one_token_are_sent() {
    let spec = ToolSpec {
        name: "look".to_owned(),
        description: String::new(),
        parameters: json!({ "type": "object" }),
    };
    let mut request =
        request(vec![Body::instruction("hi")]).with_tools(vec![spec.clone()], ToolChoice::None);
    request.config.seed = Some(0);
    request.config.max_tokens = Some(1);
    for (dialect, limit) in
        [(Dialect::default(), "max_tokens"), (dialect("openai"), "max_completion_tokens")]
    {
        let body = sent(&request, dialect);
        assert_eq!(body["tool_choice"], "none");
        assert_eq!(body["tools"][0]["function"]["name"], "look", "they stay on offer");
        assert_eq!((&body["seed"], &body[limit]), (&json!(0), &json!(1)));
    }
    // What servers do by themselves is not said.
    let auto = request.with_tools(vec![spec], ToolChoice::Auto);
    assert_eq!(sent(&auto, Dialect::default()).get("tool_choice"), None);
}

#[test]
fn several_answers_are_asked_for_up_to_a_limit() {
    let many = |choices| request(vec![Body::instruction("hi")]).with_choices(choices);
    assert_eq!(sent(&many(3), Dialect::default())["n"], 3);
    assert_eq!(sent(&many(1), Dialect::default()).get("n"), None);
    let refused = |choices| render(&many(choices), Dialect::default());
    assert_eq!(refused(0), Err("no answer is asked for".to_owned()));
    assert_eq!(refused(129), Err("129 answers are asked for, 128 are allowed".to_owned()));
}

#[test]
fn dialects_change_the_names_they_are_known_for() {
    let has = |name: &str, field: &str| {
        let mut request = full_request();
        if name == "deepseek" {
            request.config.response_schema = None;
        }
        let body = render(&request, dialect(name)).expect("good");
        serde_json::from_str::<Value>(&body).expect("JSON").get(field).is_some()
    };
    assert!(has("openai", "max_completion_tokens") && !has("openai", "max_tokens"));
    assert!(has("mistral", "random_seed") && !has("mistral", "seed"));
    assert!(!has("mistral", "stream_options") && has("deepseek", "stream_options"));
    let refused = render(&full_request(), dialect("deepseek"));
    assert_eq!(refused, Err("this server takes no JSON Schema for the answer".to_owned()));
}

#[test]
fn the_key_of_a_cache_is_told_to_servers_that_know_it() {
    let cache = CacheHints { key: Some("trip".to_owned()), shared: Vec::new() };
    let mut request = request(vec![Body::instruction("hi")]).with_cache(cache);
    for (name, key) in [("openai", json!("trip")), ("azure", json!("trip")), ("groq", Value::Null)]
    {
        assert_eq!(sent(&request, dialect(name))["prompt_cache_key"], key, "{name}");
    }
    assert_eq!(sent(&request, Dialect::default()).get("prompt_cache_key"), None);
    request.config.extras.insert("prompt_cache_key".to_owned(), json!("mine"));
    assert_eq!(sent(&request, dialect("openai"))["prompt_cache_key"], "mine");
}

#[test]
fn what_cannot_be_sent_is_refused_with_a_reason() {
    let check = |change: &dyn Fn(&mut ModelRequest), expected: &str| {
        let mut request = full_request();
        change(&mut request);
        assert_eq!(render(&request, Dialect::default()), Err(expected.to_owned()));
    };
    check(&|request| request.config.model = None, "no model is chosen");
    check(&|request| request.config.model = Some(" ".to_owned()), "no model is chosen");
    check(
        &|request| request.config.top_p = Some(f64::NAN),
        "`top_p` is NaN, which JSON cannot say",
    );
    let extra = |name: &'static str| {
        move |request: &mut ModelRequest| {
            request.config.extras.insert(name.to_owned(), json!(1));
        }
    };
    check(&extra("n"), "`n` cannot be an extra parameter");
    check(&extra("messages"), "`messages` cannot be an extra parameter");
    check(&extra("seed"), "the extra parameter `seed` is already said by a setting");
    check(
        &|request| request.tool_choice = ToolChoice::Named("fly".to_owned()),
        "the tool `fly` is required and not on offer",
    );
    check(
        &|request| {
            request.tools.clear();
            request.tool_choice = ToolChoice::Required;
        },
        "a tool is required and none is on offer",
    );
}

/// Invariant 10: the request of a longer conversation begins with that of the shorter one.
#[test]
fn invariant_10_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
    let bodies = [
        Body::System { text: "Be brief".to_owned() },
        Body::instruction("look"),
        calls(vec![thought("hm", Some(json!([{"type": "reasoning.text"}])))], "{\"a\":"),
        result(Outcome::Unknown),
        Body::response(""),
        Body::Response { parts: vec![thought("ah", None), Part::text("done")] },
        asked(vec![Part::text("and?")], Some(json!({"z": 1, "a": 2}))),
    ];
    for preset in crate::presets() {
        let Protocol::Chat(dialect) = preset.protocol else { continue };
        let mut request = full_request();
        request.config.response_schema = None;
        let mut prefix = None;
        for len in 1..=bodies.len() {
            request.messages = bodies.iter().take(len).cloned().map(message).collect();
            let rendered = render(&request, dialect).expect("good");
            assert_eq!(render(&request, dialect).as_ref(), Ok(&rendered));
            assert!(!rendered.contains("msg_") && !rendered.contains("ada"), "{rendered}");
            let open = rendered.strip_suffix("]}").expect("messages are last").to_owned();
            if let Some(prefix) = &prefix {
                assert!(open.starts_with(prefix), "{} at {len}: {prefix} {open}", preset.name);
            }
            prefix = Some(open);
        }
    }
}

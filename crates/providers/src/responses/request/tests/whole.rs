//! Whole requests.

use branchwork_core::{
    message::{Body, Outcome, Part},
    provider::{CacheHints, ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::{Value, json};

use super::{asked, block, calls, kept, message, render, request, result, sent, thought};

fn tool(name: &str, description: &str, parameters: Value) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters }
}

fn closed() -> Value {
    json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false })
}

fn full_request() -> ModelRequest {
    let mut request = request(vec![Body::instruction("hi")]);
    let config = &mut request.config;
    config.temperature = Some(0.0);
    config.top_p = Some(0.9);
    config.max_tokens = Some(16);
    config.reasoning_effort = Some("low".to_owned());
    config.response_schema = Some(closed());
    config.logprobs = Some(2);
    config.extras.insert("reasoning".to_owned(), json!({ "summary": "auto" }));
    config.extras.insert("text".to_owned(), json!({ "verbosity": "low" }));
    config.extras.insert("parallel_tool_calls".to_owned(), json!(false));
    config.extras.insert("tools".to_owned(), json!([{ "type": "web_search" }]));
    let tools = vec![
        tool("look", "Looks", json!({ "type": "object" })),
        tool("go", "", json!({})),
        tool("end", "", closed()),
    ];
    let cache = CacheHints { key: Some("trip".to_owned()), shared: Vec::new() };
    request.with_tools(tools, ToolChoice::Named("go".to_owned())).with_cache(cache)
}

#[test]
fn every_setting_has_its_place_and_items_are_last() {
    let expected = concat!(
        r#"{"model":"tiny","temperature":0.0,"top_p":0.9,"max_output_tokens":16,"#,
        r#""reasoning":{"effort":"low","summary":"auto"},"#,
        r#""text":{"format":{"name":"answer","#,
        r#""schema":{"additionalProperties":false,"properties":{},"required":[],"type":"object"},"#,
        r#""strict":true,"type":"json_schema"},"verbosity":"low"},"#,
        r#""top_logprobs":2,"#,
        r#""include":["reasoning.encrypted_content","message.output_text.logprobs"],"#,
        r#""store":false,"prompt_cache_key":"trip","parallel_tool_calls":false,"stream":true,"#,
        r#""tools":[{"type":"function","name":"look","description":"Looks","#,
        r#""parameters":{"type":"object"},"strict":false},"#,
        r#"{"type":"function","name":"go","#,
        r#""parameters":{"type":"object","properties":{}},"strict":false},"#,
        r#"{"type":"function","name":"end","#,
        r#""parameters":{"additionalProperties":false,"properties":{},"required":[],"type":"object"},"#,
        r#""strict":true},{"type":"web_search"}],"#,
        r#""tool_choice":{"type":"function","name":"go"},"#,
        r#""input":[{"type":"message","role":"user","content":"hi"}]}"#,
    );
    assert_eq!(render(&full_request()).as_deref(), Ok(expected));
}

#[test]
fn a_request_in_which_only_a_model_is_set_says_nothing_else() {
    let input = json!([{ "type": "message", "role": "user", "content": "hi" }]);
    let plain = request(vec![Body::instruction("hi")]);
    let expected = json!({
        "model": "tiny", "store": false, "include": ["reasoning.encrypted_content"],
        "stream": true, "input": input,
    });
    assert_eq!(sent(&plain), expected);
    assert_eq!(sent(&plain.without_stream())["stream"], false);
}

#[test]
fn sealed_thoughts_are_asked_for_where_the_model_may_think() {
    let include = |model: &str, extra: Option<Value>, logprobs: Option<u8>| {
        let mut request = request(vec![Body::instruction("hi")]);
        request.config.model = Some(model.to_owned());
        request.config.logprobs = logprobs;
        request.config.extras.extend(extra.map(|extra| ("include".to_owned(), extra)));
        sent(&request)["include"].take()
    };
    let (seals, logprobs) = ("reasoning.encrypted_content", "message.output_text.logprobs");
    for thinker in ["gpt-5", "o4-mini", "gpt-6-astra", "qwen3"] {
        assert_eq!(include(thinker, None, None), json!([seals]), "{thinker}");
    }
    for other in ["gpt-4o", "ft:gpt-4.1-mini:me", "openai/gpt-3.5-turbo", "gpt-5-chat-latest"] {
        assert_eq!(include(other, None, None), Value::Null, "{other}");
        assert_eq!(include(other, None, Some(0)), json!([logprobs]), "{other}");
    }
    assert_eq!(include("gpt-5", Some(json!([])), None), Value::Null);
    let sources = "web_search_call.action.sources";
    assert_eq!(include("gpt-5", Some(json!([sources])), Some(1)), json!([sources, logprobs]));
    assert_eq!(include("gpt-5", Some(json!([logprobs])), Some(1)), json!([logprobs]));
}

#[test]
fn choices_of_tools_are_said_in_the_words_of_the_protocol() {
    let choice = |choice: ToolChoice| {
        let tools = vec![tool("look", "", json!({}))];
        sent(&request(vec![Body::instruction("hi")]).with_tools(tools, choice))["tool_choice"]
            .take()
    };
    assert_eq!(choice(ToolChoice::Auto), Value::Null);
    assert_eq!(choice(ToolChoice::None), "none");
    assert_eq!(choice(ToolChoice::Required), "required");
    let named = json!({ "type": "function", "name": "look" });
    assert_eq!(choice(ToolChoice::Named("look".to_owned())), named);
    // A tool of the server is one that can be required.
    let mut hosted =
        request(vec![Body::instruction("hi")]).with_tools(vec![], ToolChoice::Required);
    hosted.config.extras.insert("tools".to_owned(), json!([{ "type": "web_search" }]));
    assert_eq!(sent(&hosted)["tool_choice"], "required");
}

#[test]
fn keys_of_caches_are_sent_within_the_limit() {
    let key = |key: &str| {
        let cache = CacheHints { key: Some(key.to_owned()), shared: Vec::new() };
        request(vec![Body::instruction("hi")]).with_cache(cache)
    };
    assert_eq!(sent(&key("trip"))["prompt_cache_key"], "trip");
    let long = sent(&key(&"x".repeat(65)))["prompt_cache_key"].take();
    assert_eq!(long.as_str().map(str::len), Some(64));
    let mut own = key("trip");
    own.config.extras.insert("prompt_cache_key".to_owned(), json!("mine"));
    assert_eq!(sent(&own)["prompt_cache_key"], "mine");
}

#[test]
fn what_cannot_be_sent_is_refused_with_a_reason() {
    let check = |change: &dyn Fn(&mut ModelRequest), expected: &str| {
        let mut request = full_request();
        change(&mut request);
        assert_eq!(render(&request), Err(expected.to_owned()));
    };
    check(&|request| request.config.model = None, "no model is chosen");
    check(&|request| request.config.model = Some(" ".to_owned()), "no model is chosen");
    check(
        &|request| request.config.top_p = Some(f64::NAN),
        "`top_p` is NaN, which JSON cannot say",
    );
    check(
        &|request| request.config.max_tokens = Some(15),
        "`max_tokens` is 15, this protocol takes 16 or more",
    );
    let unsaid = |name: &str| format!("this protocol has no `{name}`");
    check(&|request| request.config.stop = Some(vec!["END".to_owned()]), &unsaid("stop"));
    check(&|request| request.config.seed = Some(0), &unsaid("seed"));
    check(&|request| request.config.presence_penalty = Some(0.5), &unsaid("presence_penalty"));
    check(&|request| request.config.frequency_penalty = Some(0.5), &unsaid("frequency_penalty"));
    check(
        &|request| request.config.logprobs = Some(21),
        "`logprobs` is 21, this protocol takes 20 at most",
    );
    let extra = |name: &'static str, value: Value| {
        move |request: &mut ModelRequest| {
            request.config.extras.insert(name.to_owned(), value.clone());
        }
    };
    for reserved in ["input", "store", "previous_response_id", "conversation", "background"] {
        check(&extra(reserved, json!(1)), &format!("`{reserved}` cannot be an extra parameter"));
    }
    check(
        &extra("top_logprobs", json!(1)),
        "the extra parameter `top_logprobs` is already said by a setting",
    );
    check(
        &extra("reasoning", json!({ "effort": "high" })),
        "the extra parameter `reasoning.effort` is already said by a setting",
    );
    check(&extra("text", json!("short")), "the extra parameter `text` is no object");
    check(&extra("include", json!([1])), "the extra parameter `include` is no list of texts");
    check(&extra("tools", json!({})), "the extra parameter `tools` is no list");
    check(
        &|request| request.tool_choice = ToolChoice::Named("fly".to_owned()),
        "the tool `fly` is required and not on offer",
    );
    check(
        &|request| {
            request.tools.clear();
            request.config.extras.clear();
            request.tool_choice = ToolChoice::Required;
        },
        "a tool is required and none is on offer",
    );
    let mut none = full_request();
    none.config.stop = Some(Vec::new());
    assert!(render(&none).is_ok(), "no text to stop at");
}

/// Invariant 10: the request of a longer conversation begins with that of the shorter one.
#[test]
fn invariant_10_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
    let sealed = json!({ "type": "reasoning", "id": "rs_1", "encrypted_content": "seal" });
    let bodies = [
        Body::System { text: "Be brief".to_owned() },
        Body::instruction("look"),
        calls(vec![kept("hm", "tiny", sealed.clone()), Part::Call(0)], "{\"a\":"),
        result(Outcome::Unknown),
        Body::response(""),
        Body::Response {
            parts: vec![thought("ah", None), Part::text("done"), kept("", "tiny", sealed)],
        },
        Body::System { text: "Be long".to_owned() },
        Body::Response { parts: vec![block(json!({ "type": "web_search_call", "id": "ws_1" }))] },
        asked(vec![Part::text("and?")], Some(json!({"z": 1, "a": 2}))),
    ];
    let mut request = full_request();
    let mut prefix = String::new();
    for len in 1..=bodies.len() {
        request.messages = bodies.iter().take(len).cloned().map(message).collect();
        let rendered = render(&request).expect("good");
        assert_eq!(render(&request).as_ref(), Ok(&rendered));
        assert!(!rendered.contains("msg_") && !rendered.contains("ada"), "{rendered}");
        let open = rendered.strip_suffix("]}").expect("items are last");
        assert!(open.starts_with(&prefix), "at {len}: {prefix} {open}");
        open.clone_into(&mut prefix);
    }
}

//! Every setting: said in its place, or refused.

use branchwork_core::{message::Body, provider::ModelRequest};
use serde_json::{Value, json};

use super::{render, request, sent, tool};

fn plain(model: &str) -> ModelRequest {
    let mut request = request(vec![Body::instruction("hi")]);
    request.config.model = Some(model.to_owned());
    request
}

fn with_extra(name: &str, value: Value) -> ModelRequest {
    let mut request = plain("claude-opus-5");
    request.config.extras.insert(name.to_owned(), value);
    request
}

#[test]
fn a_request_in_which_only_a_model_is_set_says_what_the_api_wants() {
    let expected = concat!(
        r#"{"model":"tiny","max_tokens":8192,"stream":true,"cache_control":{"type":"ephemeral"},"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#,
    );
    assert_eq!(render(&plain("tiny")).as_deref(), Ok(expected));
    let unstreamed = plain("claude-opus-5").without_stream();
    let expected = expected.replace("tiny", "claude-opus-5").replace("8192", "64000");
    let expected = expected.replace("true", "false");
    assert_eq!(render(&unstreamed), Ok(expected));
}

#[test]
fn every_setting_has_its_place() {
    let mut request = plain("tiny");
    let config = &mut request.config;
    config.temperature = Some(0.0);
    config.top_p = Some(1.0);
    config.max_tokens = Some(16);
    config.stop = Some(vec!["END".to_owned(), "\n#".to_owned()]);
    config.response_schema = Some(json!({"type": "object", "properties": {"a": {"minimum": 1}}}));
    config.extras.insert("top_k".to_owned(), json!(4));
    config.extras.insert("metadata".to_owned(), json!({"user_id": "u"}));
    config.extras.insert("output_config".to_owned(), json!({"effort": "low"}));
    let expected = concat!(
        r#"{"model":"tiny","max_tokens":16,"temperature":0.0,"top_p":1.0,"#,
        r##""stop_sequences":["END","\n#"],"output_config":{"effort":"low","format":{"##,
        r#""schema":{"additionalProperties":false,"properties":"#,
        r#"{"a":{"description":"{minimum: 1}"}},"type":"object"},"type":"json_schema"}},"#,
        r#""metadata":{"user_id":"u"},"top_k":4,"#,
        r#""stream":true,"cache_control":{"type":"ephemeral"},"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#,
    );
    assert_eq!(render(&request).as_deref(), Ok(expected));
    request.config.stop = Some(Vec::new());
    assert_eq!(sent(&request).get("stop_sequences"), None);
}

#[test]
fn how_much_is_thought_is_said_in_the_words_of_the_model() {
    let mut adaptive = plain("claude-opus-5");
    adaptive.config.reasoning_effort = Some("high".to_owned());
    let body = sent(&adaptive);
    assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!(body["output_config"], json!({"effort": "high"}));
    let mut budget = plain("claude-opus-4-5");
    budget.config.reasoning_effort = Some("low".to_owned());
    budget.config.temperature = Some(1.0);
    let body = sent(&budget);
    assert_eq!(body["thinking"], json!({"type": "enabled", "budget_tokens": 2048}));
    assert_eq!(body["max_tokens"], 10_240);
    // What the program says itself counts; the effort stays.
    let own = json!({"type": "adaptive", "display": "omitted"});
    adaptive.config.extras.insert("thinking".to_owned(), own.clone());
    let body = sent(&adaptive);
    assert_eq!((&body["thinking"], &body["output_config"]["effort"]), (&own, &json!("high")));
    let bound = sent(&plain("claude-fable-5-1"));
    assert_eq!(bound["thinking"]["block_binding"]["prefix_mismatch_behavior"], "drop_block");
}

#[test]
fn settings_that_the_protocol_cannot_say_are_refused() {
    let check = |change: &dyn Fn(&mut ModelRequest), expected: &str| {
        let mut request = plain("claude-opus-5");
        change(&mut request);
        assert_eq!(render(&request), Err(expected.to_owned()));
    };
    check(&|request| request.config.model = None, "no model is chosen");
    check(&|request| request.config.model = Some(" ".to_owned()), "no model is chosen");
    check(&|request| request.config.seed = Some(0), "this protocol has no `seed`");
    let penalty = "this protocol has no `presence_penalty`";
    check(&|request| request.config.presence_penalty = Some(0.0), penalty);
    let penalty = "this protocol has no `frequency_penalty`";
    check(&|request| request.config.frequency_penalty = Some(0.0), penalty);
    check(&|request| request.config.logprobs = Some(0), "this protocol has no `logprobs`");
    let range = "`temperature` is 1.5, and this protocol takes 0 to 1";
    check(&|request| request.config.temperature = Some(1.5), range);
    let range = "`top_p` is NaN, and this protocol takes 0 to 1";
    check(&|request| request.config.top_p = Some(f64::NAN), range);
    let blank = "a text to stop at is blank, which this protocol does not take";
    check(&|request| request.config.stop = Some(vec!["\n".to_owned()]), blank);
    let map = "this protocol takes no schema of an object whose fields have no names, such as a map, \
               for the answer";
    check(&|request| request.config.response_schema = Some(json!({"type": "object"})), map);
    let thinks = |request: &mut ModelRequest| {
        request.config.reasoning_effort = Some("high".to_owned());
    };
    check(
        &|request| {
            thinks(request);
            request.config.temperature = Some(0.5);
        },
        "`temperature` is 0.5, and a model that thinks takes 1 only",
    );
    check(
        &|request| {
            thinks(request);
            request.config.top_p = Some(0.5);
        },
        "`top_p` is 0.5, and a model that thinks takes 0.95 to 1",
    );
}

#[test]
fn extra_parameters_are_sent_or_refused() {
    let refused = |name: &str, value: Value, expected: &str| {
        assert_eq!(render(&with_extra(name, value)), Err(expected.to_owned()));
    };
    for name in ["model", "max_tokens", "messages", "stream", "system", "tool_choice"] {
        refused(name, json!(1), &format!("`{name}` cannot be an extra parameter"));
    }
    refused("tools", json!({}), "the extra parameter `tools` is no list");
    refused("output_config", json!(7), "the extra parameter `output_config` is no object");
    let no_object = "the extra parameter `cache_control` is neither an object nor null";
    refused("cache_control", json!("1h"), no_object);
    let mut twice = with_extra("temperature", json!(1));
    twice.config.temperature = Some(1.0);
    let said = "the extra parameter `temperature` is already said by a setting";
    assert_eq!(render(&twice), Err(said.to_owned()));
    let mut twice = with_extra("output_config", json!({"effort": "low"}));
    twice.config.reasoning_effort = Some("low".to_owned());
    let said = "the extra parameter `output_config.effort` is already said by a setting";
    assert_eq!(render(&twice), Err(said.to_owned()));
    assert_eq!(sent(&with_extra("speed", json!("fast")))["speed"], "fast");
    let server_tool = json!({"type": "web_search_20260209", "name": "web_search"});
    let mut both = with_extra("tools", json!([server_tool]));
    both.tools.push(tool("look"));
    assert_eq!(sent(&both)["tools"][1], server_tool);
}

//! Whole requests.

use branchwork_core::{
    message::{Body, CallId, Outcome, Part},
    provider::{ModelRequest, ToolChoice, ToolSpec},
};
use serde_json::json;

use super::{NEW, OLD, ask, asked, call, message, sent, thought};
use crate::{
    gemini::{Gemini, native},
    testing::render,
    wire::Wire as _,
};

fn full_request() -> ModelRequest {
    let mut request = ask(NEW, vec![Body::System { text: "Be brief".to_owned() }]);
    request.messages.push(message(Body::instruction("hi")));
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
    config.extras.insert("serviceTier".to_owned(), json!("flex"));
    let tools = vec![ToolSpec {
        name: "look".to_owned(),
        description: "Looks".to_owned(),
        parameters: json!({ "type": "object", "properties": {} }),
    }];
    request.with_tools(tools, ToolChoice::None)
}

#[test]
fn every_setting_has_its_place_and_turns_are_last() {
    let expected = concat!(
        r#"{"generationConfig":{"frequencyPenalty":-0.5,"logprobs":2,"maxOutputTokens":16,"#,
        r#""presencePenalty":0.5,"responseJsonSchema":{"type":"object"},"responseLogprobs":true,"#,
        r#""responseMimeType":"application/json","seed":0,"stopSequences":["END"],"#,
        r#""temperature":0.0,"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"low"},"#,
        r#""topP":0.9},"serviceTier":"flex","tools":[{"functionDeclarations":[{"description":"#,
        r#""Looks","name":"look","parametersJsonSchema":{"properties":{},"type":"object"}}]}],"#,
        r#""toolConfig":{"functionCallingConfig":{"mode":"NONE"}},"#,
        r#""systemInstruction":{"parts":[{"text":"Be brief"}]},"#,
        r#""contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
    );
    assert_eq!(render(&Gemini, &full_request()).as_deref(), Ok(expected));
}

#[test]
fn a_request_in_which_only_a_model_is_set_says_nothing_else() {
    let request = ask(NEW, vec![Body::instruction("hi")]);
    let expected = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] });
    assert_eq!(sent(&request), Ok(expected));
    assert_eq!(Gemini.path(&request), "/models/gemini-3-pro:streamGenerateContent?alt=sse");
    let whole = request.without_stream();
    assert_eq!(Gemini.path(&whole), "/models/gemini-3-pro:generateContent");
}

/// Invariant 10: the request of a longer conversation begins with that of the shorter one.
#[test]
fn invariant_10_a_longer_conversation_begins_with_the_bytes_of_the_shorter_one() {
    let result = |id: &str| Body::ActionResponse {
        call: CallId::new(id),
        function: "look".to_owned(),
        outcome: Outcome::Unknown,
    };
    let signed = Part::Native(native::native(NEW, json!({ "thoughtSignature": "s" })));
    let bodies = [
        Body::System { text: "Be brief".to_owned() },
        Body::System { text: "and kind".to_owned() },
        Body::response("first"),
        Body::instruction("look"),
        Body::instruction("there"),
        Body::ActionRequest {
            parts: vec![signed, thought("hm", None)],
            calls: vec![call("a", "{\"a\":"), call("b", "{}")],
        },
        result("a"),
        result("b"),
        Body::response(""),
        asked(vec![Part::text("and?")], Some(json!({ "z": 1, "a": 2 }))),
        Body::response("done"),
        Body::System { text: "late".to_owned() },
    ];
    for model in [NEW, OLD] {
        let mut request = full_request();
        request.config.model = Some(model.to_owned());
        let mut prefix = String::new();
        for len in 1..=bodies.len() {
            request.messages = bodies.iter().take(len).cloned().map(message).collect();
            let rendered = render(&Gemini, &request).expect("good");
            assert_eq!(render(&Gemini, &request).as_ref(), Ok(&rendered));
            assert!(!rendered.contains("msg_") && !rendered.contains("ada"), "{rendered}");
            let whole = rendered.trim_end_matches(['}', ']']);
            let open =
                whole.strip_suffix(r#"]},{"role":"user","parts":[{"text":".""#).unwrap_or(whole);
            let open = open
                .strip_suffix(r#"]},"contents":[{"role":"user","parts":[{"text":".""#)
                .unwrap_or(open);
            let open = open.trim_end_matches(['}', ']']);
            assert!(open.starts_with(&prefix), "{model} at {len}: {prefix}\n{open}");
            open.clone_into(&mut prefix);
        }
    }
}

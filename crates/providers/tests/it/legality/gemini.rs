//! What Gemini refuses, and what must not get lost on the way to it.

use std::sync::Arc;

use branchwork_core::{
    message::{Body, Message, Native, Outcome, Part},
    provider::Provider as _,
};
use branchwork_providers::{HttpOptions, HttpProvider};
use branchwork_testkit::histories::histories;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{cases, request, that};

/// A model whose calls must be signed; the histories hold blocks of it.
const NEW: &str = "tiny";
/// One before them.
const OLD: &str = "gemini-2.5-flash";

const STAND_IN: &str = "skip_thought_signature_validator";
const OWN_SIGNATURE: &str = "c2lnbmVk";

/// What a part can hold; one of them.
const CONTENTS: [&str; 9] = [
    "text",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

/// What may stand beside it.
const BESIDE: [&str; 4] = ["thought", "thoughtSignature", "partMetadata", "mediaResolution"];

/// Parts of an answer of `tiny`, as they are kept.
fn own() -> impl Strategy<Value = Vec<Part>> {
    let native = |block: Value| Part::Native(Native::new("gemini", NEW, block));
    let thought = |text: &str, block: Value| Part::Reasoning {
        text: text.to_owned(),
        detail: Some(Native::new("gemini", NEW, block).into_detail()),
    };
    let signed = json!({ "thoughtSignature": OWN_SIGNATURE });
    let pieces = json!({ "texts": [
        { "bytes": 2, "thoughtSignature": OWN_SIGNATURE }, { "bytes": 1 },
        { "bytes": 0, "thoughtSignature": OWN_SIGNATURE },
    ] });
    let code = json!({
        "executableCode": { "code": "1" }, "thoughtSignature": OWN_SIGNATURE,
    });
    let late = json!({ "text": "", "thoughtSignature": OWN_SIGNATURE });
    prop_oneof![
        3 => Just(vec![native(signed.clone())]),
        1 => Just(vec![native(json!({}))]),
        3 => Just(vec![Part::text("abc"), native(pieces.clone())]),
        1 => Just(vec![Part::text("abcd"), native(pieces.clone())]),
        1 => Just(vec![native(pieces)]),
        2 => Just(vec![native(code)]),
        1 => Just(vec![native(late)]),
        1 => Just(vec![native(json!({ "groundingMetadata": {} }))]),
        2 => Just(vec![thought("hm", json!({}))]),
        2 => Just(vec![thought("", signed)]),
    ]
}

fn render(model: &str, history: &[Arc<Message>]) -> String {
    let options = HttpOptions::gemini("http://127.0.0.1:1").expect("the address is good");
    let provider = HttpProvider::new(options).expect("the options are good");
    provider.render(&request(model, history)).expect("all of it can be said").body.to_string()
}

type Check = fn(&str, &[&Value]) -> Result<(), String>;

/// Every rule, by its name.
const RULES: [(&str, Check); 9] = [
    ("a content has a role and parts", contents),
    ("the user begins and ends", ends),
    ("turns take turns, and results stand alone", turns),
    ("results answer the calls before them", pairs),
    ("a part holds one thing, and text is not empty", parts),
    ("calls have legal names and objects", calls),
    ("results are an object of output or error", results),
    ("calls are signed where that is checked", signatures),
    ("thoughts are the model's own", thoughts),
];

fn parts_of(content: &Value) -> &[Value] {
    content["parts"].as_array().map_or(&[], Vec::as_slice)
}

fn has(content: &Value, field: &str) -> bool {
    parts_of(content).iter().any(|part| part.get(field).is_some())
}

fn contents(_: &str, contents: &[&Value]) -> Result<(), String> {
    contents.iter().try_for_each(|content| {
        let role = content["role"].as_str().unwrap_or_default();
        let fields = content.as_object().map_or(0, Map::len);
        that(["user", "model"].contains(&role) && fields == 2, content)?;
        that(!parts_of(content).is_empty(), content)
    })
}

fn ends(_: &str, contents: &[&Value]) -> Result<(), String> {
    let ends = [contents.first(), contents.last()];
    that(ends.iter().all(|end| end.is_some_and(|end| end["role"] == "user")), "it does not")
}

fn turns(_: &str, contents: &[&Value]) -> Result<(), String> {
    for content in contents.iter().filter(|content| has(content, "functionResponse")) {
        let is_alone = |part: &Value| part.get("functionResponse").is_some();
        that(parts_of(content).iter().all(is_alone) && content["role"] == "user", content)?;
    }
    contents.windows(2).try_for_each(|pair| {
        let [before, after] = pair else { return Ok(()) };
        let goes_on = before["role"] == after["role"];
        let is_after_results = has(before, "functionResponse") && !has(after, "functionResponse");
        that(!goes_on || is_after_results, after)
    })
}

fn pairs(model: &str, contents: &[&Value]) -> Result<(), String> {
    let of = |content: Option<&&Value>, field: &str| -> Vec<(Value, Value)> {
        let parts = content.map_or(&[][..], |content| parts_of(content));
        let named = parts.iter().filter_map(|part| part.get(field));
        named.map(|named| (named["name"].clone(), named["id"].clone())).collect()
    };
    for place in 0..=contents.len() {
        let asked = of(place.checked_sub(1).and_then(|place| contents.get(place)), "functionCall");
        let told = of(contents.get(place), "functionResponse");
        that(asked == told, &format!("{asked:?} {told:?}"))?;
        that(told.iter().all(|(_, id)| id.is_string() == (model == NEW)), &format!("{told:?}"))?;
    }
    Ok(())
}

fn parts(_: &str, contents: &[&Value]) -> Result<(), String> {
    contents.iter().flat_map(|content| parts_of(content)).try_for_each(|part| {
        let fields: Vec<_> = part.as_object().into_iter().flat_map(Map::keys).collect();
        let held = fields.iter().filter(|field| CONTENTS.contains(&field.as_str())).count();
        let beside = fields.iter().filter(|field| BESIDE.contains(&field.as_str())).count();
        that(held == 1 && held + beside == fields.len(), part)?;
        let is_empty = part.get("text").is_some_and(|text| text == "");
        that(!is_empty || part.get("thoughtSignature").is_some(), part)?;
        let content = part.get("inlineData").map(|blob| (&blob["mimeType"], &blob["data"]));
        let is_bare = |(kind, data): (&Value, &Value)| {
            kind.is_string() && data.as_str().is_some_and(|data| !data.contains(':'))
        };
        that(content.is_none_or(is_bare), part)?;
        that(part.get("fileData").is_none_or(|file| file["fileUri"].is_string()), part)
    })
}

fn calls(_: &str, contents: &[&Value]) -> Result<(), String> {
    let calls = contents.iter().flat_map(|content| parts_of(content));
    calls.filter_map(|part| part.get("functionCall")).try_for_each(|call| {
        let name = call["name"].as_str().unwrap_or_default();
        let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        that(begins_well && name.len() <= 128 && name.chars().all(is_legal), call)?;
        that(call["args"].is_object(), call)
    })
}

fn results(_: &str, contents: &[&Value]) -> Result<(), String> {
    let results = contents.iter().flat_map(|content| parts_of(content));
    results.filter_map(|part| part.get("functionResponse")).try_for_each(|result| {
        let response = result["response"].as_object();
        let is_one = |response: &Map<String, Value>| {
            let is_error = response.get("error").is_some_and(Value::is_string);
            response.len() == 1 && (is_error || response.contains_key("output"))
        };
        that(response.is_some_and(is_one), result)
    })
}

fn signatures(model: &str, contents: &[&Value]) -> Result<(), String> {
    for content in contents {
        let mut calls = parts_of(content).iter().filter(|part| part.get("functionCall").is_some());
        let first = calls.next().map(|part| part.get("thoughtSignature").is_some());
        that(first.is_none_or(|is_signed| is_signed == (model == NEW)), content)?;
    }
    let known = if model == NEW { &[OWN_SIGNATURE, STAND_IN][..] } else { &[] };
    contents.iter().flat_map(|content| parts_of(content)).try_for_each(|part| {
        let signature = part.get("thoughtSignature").map(|signature| signature.as_str());
        that(signature.is_none_or(|signature| signature.is_some_and(|s| known.contains(&s))), part)
    })
}

fn thoughts(model: &str, contents: &[&Value]) -> Result<(), String> {
    contents.iter().try_for_each(|content| {
        let may_think = content["role"] == "model" && model == NEW;
        that(may_think || !has(content, "thought"), content)
    })
}

/// What of `history` must be found in a request, whatever the protocol wants otherwise.
fn kept(history: &[Arc<Message>], contents: &[&Value]) -> Result<(), String> {
    let said: Vec<_> = contents
        .iter()
        .flat_map(|content| parts_of(content))
        .filter_map(|part| part.get("text")?.as_str())
        .collect();
    let said = said.concat();
    for part in history.iter().flat_map(|message| parts_in(message)) {
        if let Part::Text(text) = part {
            that(said.contains(text.as_str()), &format!("{text:?} is lost"))?;
        }
    }
    let wire = || contents.iter().flat_map(|content| parts_of(content));
    let sent = wire().filter(|part| part.get("functionCall").is_some()).count();
    let errors = wire().filter(|part| part["functionResponse"]["response"].get("error").is_some());
    let kept = |count: fn(&Body) -> usize| history.iter().map(|message| count(&message.body)).sum();
    let called = kept(|body| match body {
        Body::ActionRequest { calls, .. } => calls.len(),
        _ => 0,
    });
    let failed = kept(|body| match body {
        Body::ActionResponse { outcome: Outcome::Succeeded(_), .. } => 0,
        Body::ActionResponse { .. } => 1,
        _ => 0,
    });
    that((sent, errors.count()) == (called, failed), &format!("{called} calls, {failed} failed"))
}

fn parts_in(message: &Message) -> &[Part] {
    match &message.body {
        Body::Instruction { parts, .. }
        | Body::Response { parts }
        | Body::ActionRequest { parts, .. } => parts,
        _ => &[],
    }
}

/// The body without what comes after the last message.
fn open(body: &str) -> &str {
    let blank = r#"{"role":"user","parts":[{"text":"."}]}]}"#;
    let after_answer = format!("]}},{blank}");
    let alone = format!(r#""contents":[{blank}"#);
    let body =
        body.strip_suffix(&after_answer).or_else(|| body.strip_suffix(&alone)).unwrap_or(body);
    body.strip_suffix("]}]}").unwrap_or(body).trim_end_matches([',', ']', '}'])
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn what_gemini_is_sent_is_legal_and_whole(history in histories(own())) {
        for model in [NEW, OLD] {
            let body = render(model, &history);
            let value: Value = serde_json::from_str(&body).expect("it is JSON");
            let contents: Vec<_> = value["contents"].as_array().into_iter().flatten().collect();
            for (rule, check) in RULES {
                let checked = check(model, &contents);
                prop_assert!(checked.is_ok(), "{model}: {rule}: {checked:?}\n{body}");
            }
            let kept = kept(&history, &contents);
            prop_assert!(kept.is_ok(), "{model}: {kept:?}\n{body}");
            let system = value.get("systemInstruction").map(parts_of);
            prop_assert!(system.is_none_or(|parts| {
                !parts.is_empty() && parts.iter().all(|part| part["text"] != "")
            }), "{body}");
        }
    }

    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter_one(history in histories(own())) {
        let mut before = String::new();
        for len in 1..=history.len() {
            let body = render(NEW, &history[..len]);
            prop_assert!(body.starts_with(open(&before)), "{len}:\n{before}\n{body}");
            before = body;
        }
    }
}

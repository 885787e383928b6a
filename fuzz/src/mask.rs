//! Keys taken out of answers: what is kept of an answer is what would be kept, without keys.
//!
//! An input is an event a line: which one by its first letter, then its text. A line that begins with `1` is
//! an event of another answer.

use branchwork_core::{
    message::{Body, CallId, Native, Part},
    provider::{Finish, ProviderEvent, Usage},
    secret::{Secret, redact},
};
use branchwork_providers::fuzzing;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::Value;

use crate::{Target, laws};

/// One that is found letter by letter, and one as servers make them.
const KEYS: [&str; 2] = ["aaaabaaaabaaaabaaaab", "sk-planted/0123456789+abc"];

/// Answers that may hold keys.
pub struct Answers;

impl Target for Answers {
    fn seeds() -> Vec<Vec<u8>> {
        [
            "tIt is sk-planted/\nt0123456789+abc.\nf",
            "tsk-planted%2f\nu\nl0123\nt0123456789%2Babc\nl+abc\nf",
            "raaaabaaa\nd1\nrabaaaabaaaab\ne2\ntaaaab\nf",
            "cf\na0{\"k\":\"sk-planted\ncg\na1aaaabaaaab\na0\\/0123456789+abc\"}\na1aaaabaaaab\nf",
            "tsk-planted/\n1tsk-planted/\nt0123456789+abc\n1t0123456789+abc\n1f\nf",
            "cf\ntaaaabaaaab\na0x\ntaaaabaaaab\nnaaaabaaaabaaaabaaaab\nf",
        ]
        .map(|seed| seed.as_bytes().to_vec())
        .to_vec()
    }

    fn check(data: &[u8]) {
        let said = events(&String::from_utf8_lossy(data));
        let secrets = KEYS.map(Secret::new);
        let heard = Box::pin(stream::iter(said.clone().into_iter().map(Ok)));
        let heard = fuzzing::masked(&secrets, heard).map(|event| event.expect("there is no error"));
        let heard: Vec<_> = heard.collect().now_or_never().expect("nothing waits");
        for number in 0..2 {
            let (before, after) = (laws::kept(&said, number), laws::kept(&heard, number));
            let expected = without_keys(before.body(), &secrets);
            assert_eq!(without_ids(after.body()), without_ids(expected), "of {heard:?}");
            assert_eq!(after.usage(), before.usage());
            assert_eq!(after.finish(), before.finish());
            let spelt: String = after.logprobs().iter().map(Value::to_string).collect();
            assert_eq!(redact(&spelt, &secrets), spelt, "log probabilities hold a key");
        }
        assert_eq!(order(&heard), order(&said), "an event is lost or comes elsewhere");
        for event in &heard {
            let shown = format!("{event:?}");
            assert!(KEYS.iter().all(|key| !shown.contains(key)), "{shown}");
        }
    }
}

/// The events that `script` tells, as a server may send them.
fn events(script: &str) -> Vec<ProviderEvent> {
    let mut events = Vec::new();
    let (mut calls, mut is_over, mut has_thought) = ([0, 0], [false; 2], [false; 2]);
    for line in script.lines() {
        let (number, line) = match line.strip_prefix('1') {
            Some(line) => (1, line),
            None => (0, line),
        };
        let mut letters = line.chars();
        let Some(kind) = letters.next().filter(|_| !is_over[number]) else { continue };
        has_thought[number] |= kind == 'r' && !letters.as_str().is_empty();
        // Servers tell such of a thought. Without one it would be a thought of its own, between two texts.
        if kind == 'd' && !has_thought[number] {
            continue;
        }
        let Some(event) = event(kind, letters.as_str(), &mut calls[number]) else { continue };
        is_over[number] = matches!(event, ProviderEvent::Finished(_));
        events.push(match number {
            0 => event,
            _ => ProviderEvent::Sibling { choice: 1, event: Box::new(event) },
        });
        if is_over[0] {
            break;
        }
    }
    events
}

/// The event of that kind; `calls` is how many calls began.
fn event(kind: char, text: &str, calls: &mut u32) -> Option<ProviderEvent> {
    let value = || Value::from(text);
    let owned = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let native = || Native::new("p", "m", value());
    Some(match kind {
        't' => ProviderEvent::Text(owned(text)?),
        'r' => ProviderEvent::Reasoning(owned(text)?),
        'c' => {
            let (index, function) = (*calls, owned(text)?);
            *calls += 1;
            ProviderEvent::CallStarted { index, id: format!("call-{index}"), function }
        }
        'a' => {
            let (index, text) = text.split_at_checked(1)?;
            let index = index.parse().ok().filter(|index: &u32| *index < *calls)?;
            ProviderEvent::CallArguments { index, text: owned(text)? }
        }
        'd' => ProviderEvent::ReasoningDetail(value()),
        'e' => ProviderEvent::ReasoningEnded { native: Some(native()) },
        'n' => ProviderEvent::Native(native()),
        'l' => ProviderEvent::Logprobs(value()),
        'u' => {
            let input_tokens = Some(text.len() as u64);
            ProviderEvent::Usage(Usage { input_tokens, ..Usage::default() })
        }
        'f' => ProviderEvent::Finished(Finish::Stop),
        _ => return None,
    })
}

/// What `body` says without keys.
fn without_keys(mut body: Body, secrets: &[Secret]) -> Body {
    let clean = |text: &mut String| *text = redact(text, secrets);
    if let Body::ActionRequest { calls, .. } = &mut body {
        for call in calls {
            clean(&mut call.function);
            clean(&mut call.arguments);
        }
    }
    if let Body::Response { parts } | Body::ActionRequest { parts, .. } = &mut body {
        for part in parts {
            match part {
                Part::Text(text) => clean(text),
                Part::Reasoning { text, detail } => {
                    clean(text);
                    detail.iter_mut().for_each(|detail| clean_value(detail, secrets));
                }
                Part::Native(native) => clean_value(&mut native.block, secrets),
                _ => {}
            }
        }
    }
    body
}

fn clean_value(value: &mut Value, secrets: &[Secret]) {
    match value {
        Value::String(text) => *text = redact(text, secrets),
        Value::Array(items) => items.iter_mut().for_each(|item| clean_value(item, secrets)),
        Value::Object(fields) => fields.values_mut().for_each(|field| clean_value(field, secrets)),
        _ => {}
    }
}

/// `body` with calls that are not told apart by what they are known by.
fn without_ids(mut body: Body) -> Body {
    if let Body::ActionRequest { calls, .. } = &mut body {
        calls.iter_mut().for_each(|call| call.id = CallId::new(""));
    }
    body
}

/// The order of events that have a place in an answer and are no pieces of a text, as a letter each: of the
/// first answer and of the second.
fn order(events: &[ProviderEvent]) -> [String; 2] {
    let mut orders = [String::new(), String::new()];
    for event in events {
        let (number, event) = match event {
            ProviderEvent::Sibling { event, .. } => (1, &**event),
            event => (0, event),
        };
        orders[number].push_str(match event {
            ProviderEvent::CallStarted { .. } => "c",
            ProviderEvent::ReasoningDetail(_) => "d",
            ProviderEvent::ReasoningEnded { .. } => "e",
            ProviderEvent::Native(_) => "n",
            ProviderEvent::Finished(_) => "f",
            _ => "",
        });
    }
    orders
}

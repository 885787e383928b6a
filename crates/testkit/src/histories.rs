//! Random histories that are legal, for the projections of providers: what a view can hold, odd as it
//! may be, and whoever wrote it.
//!
//! Groups of turns are whole ([`breaches`](crate::legal::breaches) finds nothing); all else is open: an
//! answer may come first, say nothing, follow another one, have been made by another model, or call a
//! tool that does not exist with arguments that are no JSON.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    id::{MessageId, StretchId},
    message::{Body, CallId, FileSource, Message, Native, Outcome, Part, Status, ToolCall},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};

/// Turns of one history.
const TURNS_MAX: usize = 6;

/// A strategy of histories. `own` gives parts that stand together in an answer and that the protocol
/// under test made itself, with the model `"tiny"`; those of others are made here.
pub fn histories(
    own: impl Strategy<Value = Vec<Part>> + 'static,
) -> impl Strategy<Value = Vec<Arc<Message>>> {
    let system = vec("[a-z ]{0,6}".prop_map(|text| Body::System { text }), 0..=2);
    let turns = vec(turn(own.boxed()), 0..=TURNS_MAX);
    (system, turns).prop_map(|(system, turns)| {
        let mut bodies = system;
        for turn in turns {
            // Calls that follow an answer are no history that a branch can have.
            let after_answer = matches!(bodies.last(), Some(Body::Response { .. }));
            if after_answer && matches!(turn.first(), Some(Body::ActionRequest { .. })) {
                bodies.push(Body::instruction("go on"));
            }
            bodies.extend(turn);
        }
        number_calls(&mut bodies);
        bodies.into_iter().zip(0..).map(message).collect()
    })
}

fn message((body, place): (Body, u32)) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId::from(StretchId::from_bits(1 << 64).op(place)),
        at: Timestamp::default(),
        sender: body.role().as_str().to_owned(),
        recipient: None,
        body,
        metadata: Map::new(),
        status: Status::Complete,
        edited: None,
        origin: None,
    })
}

/// Makes the identifiers of the calls of one answer distinct, as a branch does.
fn number_calls(bodies: &mut [Body]) {
    let mut renamed = Vec::new();
    for body in bodies {
        match body {
            Body::ActionRequest { calls, .. } => {
                renamed = renumbered(calls);
                renamed.reverse();
            }
            Body::ActionResponse { call, .. } => {
                if let Some(id) = renamed.pop() {
                    *call = id;
                }
            }
            _ => {}
        }
    }
}

/// Makes the identifiers of `calls` distinct, and answers them.
fn renumbered(calls: &mut [ToolCall]) -> Vec<CallId> {
    let mut renamed = Vec::new();
    for (index, call) in calls.iter_mut().enumerate() {
        if renamed.contains(&call.id) {
            call.id = CallId::new(format!("{}#{index}", call.id));
        }
        renamed.push(call.id.clone());
    }
    renamed
}

/// Perhaps an instruction, rounds of calls with their results, perhaps answers.
fn turn(own: BoxedStrategy<Vec<Part>>) -> impl Strategy<Value = Vec<Body>> {
    let instructions = vec(instruction(), 0..=2);
    let rounds = vec(round(own.clone()), 0..=2);
    let answers = vec(answer_parts(own).prop_map(|parts| Body::Response { parts }), 0..=2);
    (instructions, rounds, answers).prop_map(|(instructions, rounds, answers)| {
        let rounds = rounds.into_iter().flatten();
        instructions.into_iter().chain(rounds).chain(answers).collect()
    })
}

fn instruction() -> impl Strategy<Value = Body> {
    let part = prop_oneof![
        4 => text().prop_map(Part::Text),
        1 => Just(Part::Image { url: "data:image/png;base64,iVBORw0KGgo=".into(), detail: None }),
        1 => Just(Part::Image { url: "https://example.com/a.png".into(), detail: None }),
        1 => Just(Part::File {
            name: Some("a.pdf".into()),
            source: FileSource::Url("data:application/pdf;base64,JVBERi0=".into()),
        }),
        1 => Just(Part::Data(json!({ "b": 1, "a": [null] }))),
    ];
    let context =
        prop_oneof![3 => Just(None), 1 => Just(Some(json!(""))), 1 => Just(Some(json!([1])))];
    (vec(part, 0..=3), context).prop_map(|(parts, context)| Body::Instruction { parts, context })
}

/// An answer with calls, and the result of each.
fn round(own: BoxedStrategy<Vec<Part>>) -> impl Strategy<Value = Vec<Body>> {
    let calls = vec((call(), outcome()), 1..=3);
    (answer_parts(own), calls, any::<bool>()).prop_map(|(mut parts, calls, are_placed)| {
        if are_placed {
            // Each call at a place of its own, in their order, what is left behind the last of them.
            for place in 0..calls.len() {
                let at = parts.len().min(place * 2);
                parts.insert(at, Part::Call(u32::try_from(place).expect("there are few")));
            }
        }
        let results = calls.iter().map(|(call, outcome)| Body::ActionResponse {
            call: call.id.clone(),
            function: call.function.clone(),
            outcome: outcome.clone(),
        });
        let results: Vec<_> = results.collect();
        let calls = calls.into_iter().map(|(call, _)| call).collect();
        std::iter::once(Body::ActionRequest { parts, calls }).chain(results).collect()
    })
}

fn call() -> impl Strategy<Value = ToolCall> {
    let long = "x".repeat(80);
    let ids = ["call_1", "toolu_01AbC", "D681PevKs", "functions.look:0", "call_0_0", "ü w", &long];
    let functions = ["look", "look_up-2", "look.up", "no such tool", &long];
    let arguments = ["{}", "{\"at\": 1}", "", "{broken", "[1]", "\"text\"", "null", " {\"a\":{}} "];
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    (select(owned(&ids)), select(owned(&functions)), select(owned(&arguments)))
        .prop_map(|(id, function, arguments)| ToolCall { id: CallId::new(id), function, arguments })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Succeeded(json!("18 C"))),
        Just(Outcome::Succeeded(json!(""))),
        Just(Outcome::Succeeded(Value::Null)),
        Just(Outcome::Succeeded(json!({ "t": 18 }))),
        Just(Outcome::Failed("no sun".into())),
        Just(Outcome::Cancelled("stopped".into())),
        Just(Outcome::Denied("no".into())),
        Just(Outcome::Unknown),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zäß ]{1,8}",
        1 => Just(String::new()),
        1 => Just("  \n".to_owned()),
        1 => Just("ends with space \n".to_owned()),
    ]
}

fn answer_parts(own: BoxedStrategy<Vec<Part>>) -> impl Strategy<Value = Vec<Part>> {
    let piece = prop_oneof![
        4 => text().prop_map(|text| vec![Part::Text(text)]),
        2 => thought().prop_map(|part| vec![part]),
        1 => foreign().prop_map(|native| vec![Part::Native(native)]),
        3 => own,
        1 => Just(vec![Part::Image { url: "data:image/png;base64,iVBORw0KGgo=".into(), detail: None }]),
        1 => Just(vec![Part::Data(json!(7))]),
    ];
    vec(piece, 0..=4).prop_map(|pieces| pieces.into_iter().flatten().collect())
}

/// A thought of a server that signs none, of one that does, or of another protocol.
fn thought() -> impl Strategy<Value = Part> {
    let detail = prop_oneof![
        Just(None),
        Just(Some(
            json!([{ "type": "reasoning.text", "index": 0, "text": "hm", "signature": "s=" }])
        )),
        foreign().prop_map(|native| Some(native.into_detail())),
    ];
    ("[a-z ]{0,6}", detail).prop_map(|(text, detail)| Part::Reasoning { text, detail })
}

/// A block that no protocol knows, or of a model that is not the one that is asked.
fn foreign() -> impl Strategy<Value = Native> {
    let protocol = select(vec!["anthropic", "responses", "gemini", "nobody"]);
    protocol.prop_map(|protocol| {
        Native::new(protocol, "another-model", json!({ "type": "unheard_of", "data": "x=" }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::legal::breaches;

    proptest! {
        #[test]
        fn each_is_one_that_a_branch_can_have(history in histories(Just(vec![Part::text("own")]))) {
            prop_assert_eq!(breaches(&history), Vec::<String>::new());
            for message in &history {
                let draft = branchwork_core::message::Draft::new(message.body.clone());
                prop_assert_eq!(draft.check(), Ok(()));
            }
        }
    }
}

//! Writing the parts of a random step.

use branchwork_core::{
    config::ConfigPatch,
    graph::{ApplyError, CallResult, StepResult, StepWriter},
    message::{Body, CallId, Draft, Outcome, ToolCall},
};
use serde_json::json;

use super::{Piece, choose};

/// Writes one piece; what cannot be written now is left out.
pub(super) fn write(writer: &mut StepWriter<'_>, piece: &Piece) {
    let messages: Vec<_> = writer.view().messages().map(|message| message.id).collect();
    let result = match piece {
        Piece::Say(text) => {
            let draft = Draft::new(Body::instruction(text_of(*text)));
            writer.message(draft).map(drop)
        }
        Piece::Answer(text) => writer.message(Draft::new(Body::response(text_of(*text)))).map(drop),
        Piece::Call(count) => {
            let call = |number: u8| ToolCall {
                id: CallId::new(format!("call-{number}")),
                function: "look".to_owned(),
                arguments: "{}".to_owned(),
            };
            let calls = (0..=count % 3).map(call).collect();
            writer.message(Draft::new(Body::ActionRequest { parts: Vec::new(), calls })).map(drop)
        }
        Piece::Result(text) => match writer.view().open_calls().first().cloned() {
            None => Ok(()),
            Some(call) => {
                let outcome = outcome(*text);
                writer.message(Draft::result(call.id, call.function, outcome)).map(drop)
            }
        },
        Piece::Note(text) => match writer.view().open_calls().last().cloned() {
            None => Ok(()),
            Some(call) => writer.note(CallResult {
                call: call.id,
                function: call.function,
                outcome: outcome(*text),
            }),
        },
        Piece::System(text) => writer.set_system(text_of(*text)),
        Piece::Edit(message, text) => match choose(&messages, *message) {
            None => Ok(()),
            Some(id) => writer.edit(*id, Body::instruction(text_of(*text))),
        },
        Piece::Remove(message) => match choose(&messages, *message) {
            None => Ok(()),
            Some(id) => writer.remove(*id),
        },
        Piece::Fold(first, last) => match (choose(&messages, *first), choose(&messages, *last)) {
            (Some(from), Some(to)) => writer.fold(*from, *to, text_of(*last)).map(drop),
            _ => Ok(()),
        },
        Piece::Unfold(message) => match choose(&messages, *message) {
            None => Ok(()),
            Some(id) => writer.unfold(*id),
        },
        Piece::Ask => match writer.view().open_calls().last().cloned() {
            None => Ok(()),
            Some(call) => writer.ask_approval(vec![call.id]),
        },
        Piece::Answered(number) => answer(writer, *number),
        Piece::Done(number) => {
            let (flow, step) = ("flow".to_owned(), (number % 8).to_string());
            match writer.view().done(&flow, &step) {
                Some(_) => Ok(()),
                None => writer.done(StepResult { flow, step, value: text_of(*number).into() }),
            }
        }
        Piece::Configure(number) => {
            writer.configure(ConfigPatch::default().with_model(None, format!("model {number}")))
        }
    };
    // An edit of another kind of message and a removal from an open group are refused.
    drop(result);
}

fn answer(writer: &mut StepWriter<'_>, number: u8) -> Result<(), ApplyError> {
    let waiting = writer.view().waiting_calls().next().map(|call| call.id.clone());
    match (waiting, number % 3) {
        (None, _) => writer.use_approvals(),
        (Some(call), 0) => writer.approve(&call, None),
        (Some(call), 1) => writer.approve(&call, Some("{}".to_owned())),
        (Some(call), _) => writer.deny(&call, text_of(number)),
    }
}

fn outcome(number: u8) -> Outcome {
    match number % 5 {
        0 => Outcome::Succeeded(json!({"plan": number})),
        1 => Outcome::Failed(text_of(number)),
        2 => Outcome::Cancelled(text_of(number)),
        3 => Outcome::Denied(text_of(number)),
        _ => Outcome::Unknown,
    }
}

fn text_of(number: u8) -> String {
    match number % 8 {
        0 => "Plan a day".to_owned(),
        1 => "été \"quoted\" \\ \n".to_owned(),
        2 => "hay stack ".repeat(2_000),
        3 => "hay stack ".repeat(500),
        4 => String::new(),
        _ => format!("number {number}"),
    }
}

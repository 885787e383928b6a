//! Messages, projected into what the protocol can say.
//!
//! No rule looks at another message, so a longer conversation renders to the same bytes as far as the
//! shorter one goes; what was written before is known from the pen. Messages of one role that follow each
//! other are one message of the protocol, which the next one of another role closes.

use branchwork_core::message::{Body, Message};

use super::{
    answer,
    block::Block,
    cache::mark_last,
    instruction,
    names::call_id,
    tools::{NO_TOOLS, has_tools},
};
use crate::{
    rules::Rule,
    wire::{Pen, Place},
};

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

/// What is asked where the API wants something asked and nothing is.
const GO_ON: &str = "Go on.";

/// Writes what is sent for `message`, if anything is. The system prompt was written before.
///
/// # Errors
///
/// What the protocol cannot say and nobody should miss, as a clause.
pub(in crate::anthropic) fn message(
    pen: &mut Pen,
    message: &Message,
    place: Place<'_>,
) -> Result<(), String> {
    match &message.body {
        Body::Instruction { parts, context } => {
            let blocks = instruction::blocks(pen, parts, context.as_ref())?;
            if blocks.is_empty() {
                pen.adapt(Rule::BlankInstructionLeftOut);
            }
            write(pen, USER, &blocks, place)
        }
        Body::Response { parts } => {
            let blocks = answer::blocks(pen, parts, &[], place);
            if blocks.is_empty() {
                pen.adapt(Rule::EmptyAnswerLeftOut);
            }
            write(pen, ASSISTANT, &blocks, place)?;
            if place.is_last && answer::is_paused(&blocks) {
                close(pen);
            }
            Ok(())
        }
        Body::ActionRequest { parts, calls } => {
            pen.calls.next_answer();
            let blocks = answer::blocks(pen, parts, calls, place);
            if !has_tools(place) {
                pen.after = NO_TOOLS;
            }
            write(pen, ASSISTANT, &blocks, place)
        }
        Body::ActionResponse { call, outcome, .. } => {
            let id = call.as_str();
            let id = pen.calls.result(id).map_or_else(|| call_id(id).into_owned(), str::to_owned);
            write(pen, USER, &[Block::result(id, outcome)], place)
        }
        _ => Ok(()),
    }
}

/// Writes what comes after the last message.
///
/// # Errors
///
/// None: it is JSON.
pub(in crate::anthropic) fn tail(pen: &mut Pen) -> Result<(), String> {
    if pen.open == Some(ASSISTANT) {
        pen.adapt(Rule::AskedToGoOn);
        go_on(pen)?;
    } else if pen.begun == 0 {
        pen.adapt(Rule::NothingAsked);
        go_on(pen)?;
    }
    if pen.after == NO_TOOLS {
        pen.adapt(Rule::NoToolsDeclared);
    }
    close(pen);
    pen.raw("]");
    pen.raw(pen.after);
    pen.raw("}");
    Ok(())
}

/// Writes `blocks` into the message of `role`, and makes the last that can be one a breakpoint of the
/// cache, where the conversation up to here is worth it.
fn write(
    pen: &mut Pen,
    role: &'static str,
    blocks: &[Block<'_>],
    place: Place<'_>,
) -> Result<(), String> {
    let marked = place.is_breakpoint.then(|| blocks.iter().rposition(Block::is_cacheable));
    for (index, block) in blocks.iter().enumerate() {
        begin_block(pen, role)?;
        block.write(pen)?;
        if marked == Some(Some(index)) {
            mark_last(pen, place.config)?;
        }
    }
    Ok(())
}

/// Writes what comes before a block of `role`. The first message must be of the user.
fn begin_block(pen: &mut Pen, role: &'static str) -> Result<(), String> {
    if pen.begun == 0 && role == ASSISTANT {
        pen.adapt(Rule::FirstMessageAsked);
        go_on(pen)?;
    }
    if pen.open == Some(role) {
        pen.raw(",");
        return Ok(());
    }
    close(pen);
    pen.raw(if pen.begun == 0 { "{\"role\":" } else { ",{\"role\":" });
    pen.begun += 1;
    pen.json(&role)?;
    pen.raw(",\"content\":[");
    pen.open = Some(role);
    Ok(())
}

fn go_on(pen: &mut Pen) -> Result<(), String> {
    begin_block(pen, USER)?;
    Block::text(GO_ON).map_or(Ok(()), |block| block.write(pen))
}

fn close(pen: &mut Pen) {
    if pen.open.take().is_some() {
        pen.raw("]}");
    }
}

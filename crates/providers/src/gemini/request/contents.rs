//! Turns, one behind the other: whose they are, and where one ends.

use serde::Serialize;

use super::parts::WirePart;
use crate::{rules::Rule, wire::Pen};

/// What stands for a turn of the user that must be there and is not, or says nothing.
const BLANK: &str = ".";

/// Whose turn it is. Results are the user's too, but nothing else may be among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// No turn, but the instructions before all of them.
    System,
    User,
    Model,
    Results,
}

impl Turn {
    /// What a [`Pen`] knows it by while more may be added to it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Model => "model",
            Self::Results => "results",
        }
    }

    const fn role(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::System | Self::User | Self::Results => "user",
        }
    }
}

/// Writes `parts` as a turn, or behind the parts of one that is not over.
pub(super) fn write(pen: &mut Pen, turn: Turn, parts: &[impl Serialize]) -> Result<(), String> {
    if parts.is_empty() {
        return Ok(());
    }
    if pen.open == Some(turn.as_str()) {
        if matches!(turn, Turn::User | Turn::Model) {
            pen.adapt(Rule::TurnsJoined);
        }
        pen.raw(",");
    } else {
        begin(pen, turn)?;
    }
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            pen.raw(",");
        }
        pen.json(part)?;
    }
    Ok(())
}

/// Writes the blank that stands for what the user did not say.
pub(super) fn blank(pen: &mut Pen, rule: Rule) -> Result<(), String> {
    pen.adapt(rule);
    write(pen, Turn::User, &[WirePart::text(BLANK)])
}

/// Ends the body. A request ends with the user, so that there is something to answer.
pub(in crate::gemini) fn tail(pen: &mut Pen) -> Result<(), String> {
    if pen.begun == 0 {
        blank(pen, Rule::NothingAsked)?;
    } else if pen.open == Some(Turn::Model.as_str()) {
        blank(pen, Rule::AskedToGoOn)?;
    }
    close(pen);
    pen.raw("]}");
    Ok(())
}

fn begin(pen: &mut Pen, turn: Turn) -> Result<(), String> {
    if turn == Turn::Model && pen.begun == 0 {
        blank(pen, Rule::FirstMessageAsked)?;
    }
    close(pen);
    if turn == Turn::System {
        pen.raw("\"systemInstruction\":{\"parts\":[");
    } else {
        if pen.begun == 0 {
            pen.raw("\"contents\":[");
        } else {
            pen.raw(",");
        }
        pen.begun += 1;
        pen.raw(&format!("{{\"role\":\"{}\",\"parts\":[", turn.role()));
    }
    pen.open = Some(turn.as_str());
    Ok(())
}

fn close(pen: &mut Pen) {
    match pen.open.take() {
        None => {}
        // The turns follow.
        Some(open) if open == Turn::System.as_str() => pen.raw("]},"),
        Some(_) => pen.raw("]}"),
    }
}

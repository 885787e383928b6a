//! A diff, for people.

use std::fmt;

use branchwork_core::{
    message::{Body, Message},
    provider::shown_usd,
};
use serde_json::Value;

use super::{Delta, Diff, Edit, Mark, SettingChange, Side, Unit, Words};

/// One line of a diff: what branch it is of, and its text.
///
/// The text of a line of both branches can have pieces of one only: then it is a word diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Of which branch it is.
    pub mark: Mark,
    /// Its text.
    pub text: Words,
}

impl Diff {
    /// It as lines: what each branch changed, then what was said on both, instruction by instruction.
    /// Answers in the same place are one line, word by word.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = vec![Line::plain(Mark::Both, &shared(self))];
        let sides = [(Mark::Left, &self.left), (Mark::Right, &self.right)];
        for (mark, side) in sides {
            lines.push(Line::plain(mark, &title(side)));
        }
        for (mark, side) in sides {
            let Delta { settings, tools, edits, .. } = &side.delta;
            lines.extend(settings.iter().map(|change| Line::plain(mark, &setting(change))));
            if !tools.is_empty() {
                let added = tools.added.iter().map(|name| format!(" +{name}"));
                let all = added.chain(tools.removed.iter().map(|name| format!(" -{name}")));
                lines.push(Line::plain(mark, &format!("tools:{}", all.collect::<String>())));
            }
            lines.extend(edits.iter().map(|edit| Line::plain(mark, &edited(edit))));
        }
        let (mut left, mut right) = (self.left.units().into_iter(), self.right.units().into_iter());
        loop {
            match (left.next(), right.next()) {
                (Some(left), Some(right)) => both(&left, &right, &mut lines),
                (Some(left), None) => one(Mark::Left, &left, &mut lines),
                (None, Some(right)) => one(Mark::Right, &right, &mut lines),
                (None, None) => return lines,
            }
        }
    }
}

impl Line {
    fn plain(mark: Mark, text: &str) -> Self {
        Self { mark, text: Words::same(text) }
    }

    /// The sign that it begins with: `-` of the left branch, `+` of the right one, `~` where both differ.
    pub fn sign(&self) -> char {
        match self.mark {
            Mark::Left => '-',
            Mark::Right => '+',
            Mark::Both if self.text.is_same() => ' ',
            Mark::Both => '~',
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sign(), self.text.to_string().replace('\n', "\n  "))
    }
}

impl fmt::Display for Diff {
    /// Its lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn shared(diff: &Diff) -> String {
    match diff.ancestor {
        Some(ancestor) => format!("{} shared, up to {ancestor}", count(diff.shared, "message")),
        None => "nothing shared".to_owned(),
    }
}

fn title(side: &Side) -> String {
    let mut parts = vec![count(side.delta.messages().count(), "new message")];
    if !side.delta.edits.is_empty() {
        parts.push(count(side.delta.edits.len(), "edit"));
    }
    let tokens = side.usage.input_tokens + side.usage.output_tokens;
    if tokens > 0 {
        parts.push(format!("{tokens} tokens"));
    }
    parts.extend(side.usage.cost_usd.map(shown_usd));
    format!("{}: {}", side.name, parts.join(", "))
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn setting(change: &SettingChange) -> String {
    let value =
        |value: &Option<Value>| value.as_ref().map_or("not set".to_owned(), Value::to_string);
    format!("{}: {} → {}", change.name, value(&change.before), value(&change.after))
}

fn edited(edit: &Edit) -> String {
    let text = |message: &Option<_>| message.as_deref().map(said);
    let (before, after) = (text(&edit.before), text(&edit.after));
    let words = match (&before, &after) {
        (Some(before), Some(after)) => Words::between(before, after).to_string(),
        (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_default(),
    };
    format!("{} {}: {words}", edit.message, edit.kind.as_str())
}

fn both(left: &Unit, right: &Unit, lines: &mut Vec<Line>) {
    match (&left.instruction, &right.instruction) {
        (Some(one), Some(other)) if one.body == other.body => {
            lines.push(Line::plain(Mark::Both, &said(one)));
        }
        (one, other) => {
            lines.extend(one.iter().map(|one| Line::plain(Mark::Left, &said(one))));
            lines.extend(other.iter().map(|other| Line::plain(Mark::Right, &said(other))));
        }
    }
    let pair = left.answer().zip(right.answer());
    for (mark, unit) in [(Mark::Left, left), (Mark::Right, right)] {
        let is_paired = |message: &Message| {
            pair.is_some_and(|(left, right)| [left.id, right.id].contains(&message.id))
        };
        let apart = unit.answers.iter().filter(|message| !is_paired(message));
        lines.extend(apart.map(|message| Line::plain(mark, &said(message))));
    }
    lines.extend(pair.map(|(left, right)| Line {
        mark: Mark::Both,
        text: Words::between(&said(left), &said(right)),
    }));
}

fn one(mark: Mark, unit: &Unit, lines: &mut Vec<Line>) {
    let all = unit.instruction.iter().chain(&unit.answers);
    lines.extend(all.map(|message| Line::plain(mark, &said(message))));
}

/// What a message says, and whose voice it is in.
fn said(message: &Message) -> String {
    let text = message.text();
    match &message.body {
        Body::ActionRequest { calls, .. } => {
            let calls = calls.iter().map(|call| format!("{}({})", call.function, call.arguments));
            let calls = calls.collect::<Vec<_>>().join(", ");
            format!("{}: {text}{}→ {calls}", message.role(), if text.is_empty() { "" } else { " " })
        }
        Body::ActionResponse { function, .. } => {
            format!("{}: ← {function}: {text}", message.role())
        }
        _ => format!("{}: {text}", message.role()),
    }
}

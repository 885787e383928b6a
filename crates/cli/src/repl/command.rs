//! The commands of a talk.

use crate::exit::Failure;

/// What `/help` prints.
pub(super) const HELP: &str = "\
/fork [NAME]             fork here, and go on there
/switch BRANCH           go on on another branch
/tree                    show the branches
/log [N]                 show the last messages
/rewind [N | MESSAGE]    take messages off; 2 when no number is given
/diff BRANCH             show how another branch differs from this one
/merge BRANCH            bring in what is new on another branch
/undo, /redo             take the last step back, do it again
/retry                   ask the last question again
/edit TEXT               change the last question, and ask it again
/mail                    show the mail that waits for this branch
/receive                 take it in
/model [MODEL]           show or change the model of this branch
/system [TEXT]           show or change what holds for the whole conversation
/exit                    leave; Ctrl-D too";

/// Every command's name, for what was meant by a misspelled one.
const NAMES: [&str; 17] = [
    "fork", "switch", "tree", "log", "rewind", "diff", "merge", "undo", "redo", "retry", "edit",
    "mail", "receive", "model", "system", "help", "exit",
];

/// A command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Fork(Option<String>),
    Switch(String),
    Tree,
    Log(usize),
    Rewind(Option<String>),
    Diff(String),
    Merge(String),
    Undo,
    Redo,
    Retry,
    Edit(String),
    Mail,
    Receive,
    Model(Option<String>),
    System(Option<String>),
    Help,
    Exit,
}

impl Command {
    /// The command that `line` is; `None` when it is something to say.
    pub(super) fn parse(line: &str) -> Option<Result<Self, Failure>> {
        let rest = line.strip_prefix('/')?;
        let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let argument = Some(argument.trim()).filter(|argument| !argument.is_empty());
        Some(Self::named(name, argument.map(str::to_owned)))
    }

    fn named(name: &str, argument: Option<String>) -> Result<Self, Failure> {
        let takes_none = matches!(
            name,
            "tree" | "undo" | "redo" | "retry" | "mail" | "receive" | "help" | "exit" | "quit"
        );
        if let (true, Some(argument)) = (takes_none, &argument) {
            return Err(Failure::usage(format!("/{name} takes nothing, not `{argument}`")));
        }
        let wanted = |what: &str| Failure::usage(format!("/{name} wants {what}"));
        Ok(match name {
            "fork" => Self::Fork(argument),
            "switch" => Self::Switch(argument.ok_or_else(|| wanted("the name of a branch"))?),
            "tree" => Self::Tree,
            "log" => Self::Log(match argument {
                Some(count) => count.parse().map_err(|_number| wanted("a number"))?,
                None => 10,
            }),
            "rewind" => Self::Rewind(argument),
            "diff" => Self::Diff(argument.ok_or_else(|| wanted("the name of a branch"))?),
            "merge" => Self::Merge(argument.ok_or_else(|| wanted("the name of a branch"))?),
            "undo" => Self::Undo,
            "redo" => Self::Redo,
            "retry" => Self::Retry,
            "edit" => Self::Edit(argument.ok_or_else(|| wanted("the new text"))?),
            "mail" => Self::Mail,
            "receive" => Self::Receive,
            "model" => Self::Model(argument),
            "system" => Self::System(argument),
            "help" | "?" => Self::Help,
            "exit" | "quit" => Self::Exit,
            _ => return Err(unknown(name)),
        })
    }
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::usage(format!("there is no command /{name}"));
    let shares =
        |known: &&&str| known.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    match NAMES.iter().max_by_key(shares).filter(|known| shares(known) > 0) {
        Some(near) => failure.with_hint(format!("did you mean /{near}? /help lists them")),
        None => failure.with_hint("/help lists them"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_commands() {
        let parse = |line| Command::parse(line).map(Result::ok);
        assert_eq!(parse("hello /fork"), None);
        assert_eq!(parse("/fork"), Some(Some(Command::Fork(None))));
        assert_eq!(parse("/fork  rainy "), Some(Some(Command::Fork(Some("rainy".to_owned())))));
        assert_eq!(parse("/log 3"), Some(Some(Command::Log(3))));
        for line in
            ["/frok", "/", "/switch", "/undo now", "/receive all", "/log x", "/edit", "/merge"]
        {
            assert_eq!(parse(line), Some(None), "{line}");
        }
    }
}

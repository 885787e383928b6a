//! Letting a model tell of a branch.

use branchwork_core::{config::ConfigPatch, graph::View, id::MessageId};

use crate::{
    branch::Branch,
    error::{Error, Result},
    flows::ask_for_summary,
};

/// Letters of the message that are quoted where the summary shall begin.
const QUOTED_CHARS_MAX: usize = 200;

/// What is wanted of the summary, behind where it shall begin.
const WANTED: &str = "It is for somebody who knows what was said before that, and nothing of what came since. \
                      Keep what was decided, what is known, what is open, and names, numbers and identifiers \
                      as they are. Answer with the summary only.";

/// Asks the model of `from` for a summary of `brought`, on a fork that is deleted afterwards.
pub(super) async fn ask(
    from: &Branch,
    view: &View,
    brought: &[MessageId],
    config: &ConfigPatch,
) -> Result<String> {
    let last = view.last().map(|last| last.id).ok_or(Error::NothingToRetry)?;
    ask_for_summary(from, view, last, (prompt(view, brought), config.clone())).await
}

fn prompt(view: &View, brought: &[MessageId]) -> String {
    let texts = brought.iter().filter_map(|message| view.stands_as(*message));
    let first = texts.map(|message| message.text()).find(|text| !text.trim().is_empty());
    let Some(first) = first else { return format!("Summarize this conversation. {WANTED}") };
    let quoted: String = first.chars().take(QUOTED_CHARS_MAX).collect();
    format!("Summarize this conversation from the message that begins with «{quoted}» on. {WANTED}")
}

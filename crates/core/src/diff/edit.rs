//! What became of messages that both branches had.

use std::sync::Arc;

use crate::{graph::View, id::MessageId, message::Message};

/// What became of a message that was there before.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The message.
    pub message: MessageId,
    /// What was done to it.
    pub kind: EditKind,
    /// How it stood, or the summary that stood for it.
    pub before: Option<Arc<Message>>,
    /// How it stands, or the summary that stands for it; `None` when it was taken out.
    pub after: Option<Arc<Message>>,
}

/// What can be done to a message that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EditKind {
    /// It says something else.
    Edited,
    /// It was taken out.
    Removed,
    /// A summary stands for it, or another one than before.
    Folded,
    /// It stands again, where a summary stood for it.
    Unfolded,
}

impl EditKind {
    /// The lower-case name, as files and the command line spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Removed => "removed",
            Self::Folded => "folded",
            Self::Unfolded => "unfolded",
        }
    }
}

/// What became in `view` of the messages of `base`.
pub(crate) fn between(base: &View, view: &View) -> Vec<Edit> {
    let touched = view.touched_since(base.lineage().depth());
    touched.into_iter().filter_map(|message| edit(base, view, message)).collect()
}

fn edit(base: &View, view: &View, message: MessageId) -> Option<Edit> {
    let (was_folded, is_folded) = (base.summary_of(message), view.summary_of(message));
    let before = was_folded.or_else(|| base.message(message));
    let after = is_folded.or_else(|| view.message(message));
    let kind = match (before, after) {
        (before, Some(after)) if is_folded.is_some() => {
            let is_other = before.is_none_or(|before| before.body != after.body);
            Some(EditKind::Folded).filter(|_| is_other)
        }
        (_, Some(_)) if was_folded.is_some() => Some(EditKind::Unfolded),
        (Some(before), Some(after)) => Some(EditKind::Edited).filter(|_| before.body != after.body),
        (Some(_), None) => Some(EditKind::Removed),
        (None, _) => None,
    };
    let (before, after) = (before.map(Arc::clone), after.map(Arc::clone));
    kind.map(|kind| Edit { message, kind, before, after })
}

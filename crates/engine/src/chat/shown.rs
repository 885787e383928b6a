//! What of a branch a model is shown.

use std::{collections::BTreeSet, sync::Arc};

use branchwork_core::{
    filter::leave_results_out,
    graph::View,
    id::MessageId,
    message::{Draft, Message},
};

use super::Options;

impl Options {
    /// What the model is shown of `view`: what is selected, the turn that begins with `instruction` as a
    /// whole, and no more results of tools than are kept.
    pub(super) fn shown(&self, view: &View, instruction: Option<MessageId>) -> Vec<Arc<Message>> {
        let mut messages: Vec<_> = match &self.shown {
            None => view.messages().map(Arc::clone).collect(),
            Some(filter) => {
                let begins = |message: &&Arc<Message>| Some(message.id) == instruction;
                let own = || view.messages().skip_while(move |message| !begins(message));
                let is_own: BTreeSet<_> = own().map(|message| message.id).collect();
                let shown = view.select_groups(filter).filter(|shown| !is_own.contains(&shown.id));
                shown.chain(own()).map(Arc::clone).collect()
            }
        };
        if let Some(kept) = self.results_kept {
            leave_results_out(&mut messages, kept as usize);
        }
        messages
    }

    /// As [`shown`](Self::shown), with an instruction that is not written yet.
    pub(super) fn shown_with(&self, view: &View, draft: &Draft) -> Vec<Arc<Message>> {
        let mut messages = self.shown(view, None);
        messages.push(Arc::new(draft.preview()));
        messages
    }
}

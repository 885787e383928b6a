//! What flows share that ask on forks.

use branchwork_core::config::ConfigPatch;
use serde_json::Value;

use crate::{
    branch::{Branch, Fork},
    chat::Chat,
    reference::ModelReference,
};

/// How many are asked at the same time unless it is said otherwise.
pub(super) const CONCURRENCY: usize = 8;

/// What holds for each chat.
pub(super) type Each = dyn Fn(Chat) -> Chat + Send + Sync;

/// Models by what people call them.
pub(super) fn references<T: Into<String>>(
    models: impl IntoIterator<Item = T>,
) -> Vec<ModelReference> {
    models.into_iter().map(|model| ModelReference::divide(&model.into())).collect()
}

/// A fork whose model is `model`, or that of its parent.
pub(super) fn fork_for(fork: Fork, model: Option<ModelReference>) -> Fork {
    match model {
        None => fork,
        Some(ModelReference { provider, model }) => {
            fork.config(ConfigPatch::new().with_model(provider, model))
        }
    }
}

/// What is asked on `branch`.
pub(super) fn question(branch: &Branch, instruction: &str, context: Option<&Value>) -> Chat {
    let chat = branch.chat(instruction);
    match context {
        Some(context) => chat.with_context(context.clone()),
        None => chat,
    }
}

//! How models are asked: what is done when that fails, and how much it may use.

use clap::Args;

use super::{BudgetArgs, Resilience};
use crate::exit::Failure;

/// How models are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(crate) resilience: Resilience,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
}

impl CallArgs {
    /// The same without a cache, which would give one answer several times where `option` asks for several.
    pub(crate) fn without_cache(mut self, option: &str) -> Result<Self, Failure> {
        if self.resilience.cache == Some(true) {
            let message = format!("--cache gives one answer again, and {option} asks for several");
            return Err(Failure::usage(message).with_hint("leave one of them out"));
        }
        self.resilience.cache = Some(false);
        Ok(self)
    }
}

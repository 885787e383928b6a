//! What calls of models may use together.

use branchwork::core::provider::{micro_usd, shown_micro_usd};
use clap::{Args, ValueEnum, builder::PossibleValue};

/// What calls of models may use together, what was used before included.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(next_help_heading = "Budgets")]
pub(crate) struct BudgetArgs {
    /// Let calls cost so many US dollars together, what was used before included; only models whose prices
    /// are known are asked then.
    #[arg(long = "budget-usd", value_name = "USD", value_parser = dollars)]
    pub(crate) micro_usd: Option<u64>,
    /// Let models read and write so many tokens together, what was used before included.
    #[arg(long = "budget-tokens", value_name = "COUNT", value_parser = tokens)]
    pub(crate) tokens: Option<u64>,
    /// Whose calls the budget is for; the session's when not said.
    #[arg(long = "budget-scope", value_name = "SCOPE")]
    pub(crate) scope: Option<Scope>,
    /// What becomes of a turn that would use more; it is closed when not said.
    #[arg(long = "budget-over", value_name = "WHAT")]
    pub(crate) over: Option<Over>,
}

/// Whose calls a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Scope {
    /// All of the session.
    #[default]
    Session,
    /// Those of the branch; where it is asked on forks, theirs too.
    Branch,
    /// Those of the branch, and of all that were forked from it or from its forks.
    Tree,
}

/// What becomes of a turn that would use more than there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Over {
    /// It is closed with what had come of it.
    #[default]
    Stop,
    /// It waits: `resume` goes on with a larger budget.
    Park,
}

impl BudgetArgs {
    /// What is said here, and for the rest `file`.
    pub(crate) fn or(&self, file: &Self) -> Self {
        Self {
            micro_usd: self.micro_usd.or(file.micro_usd),
            tokens: self.tokens.or(file.tokens),
            scope: self.scope.or(file.scope),
            over: self.over.or(file.over),
        }
    }

    /// What is said, as `config show` tells it.
    pub(crate) fn said(&self) -> Vec<(&'static str, String)> {
        let name = |value: Option<PossibleValue>| Some(value?.get_name().to_owned());
        let scope = self.scope.as_ref().and_then(Scope::to_possible_value);
        let over = self.over.as_ref().and_then(Over::to_possible_value);
        let fields = [
            ("usd", self.micro_usd.map(shown_micro_usd)),
            ("tokens", self.tokens.map(|tokens| tokens.to_string())),
            ("scope", name(scope)),
            ("over", name(over)),
        ];
        fields.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    /// Whether anything is limited.
    pub(crate) const fn limits(&self) -> bool {
        self.micro_usd.is_some() || self.tokens.is_some()
    }
}

/// Millionths of a dollar in what a person writes.
pub(crate) fn dollars(text: &str) -> Result<u64, String> {
    micro_usd(text).filter(|micro_usd| *micro_usd > 0).ok_or_else(|| {
        "write US dollars, more than 0 and no finer than 0.000001: `2.50`".to_owned()
    })
}

fn tokens(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "write a whole number, at least 1".to_owned())
}

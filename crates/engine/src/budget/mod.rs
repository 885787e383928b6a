//! Budgets: what calls of models may use in a session, on a branch, or in a tree of forks.
//!
//! What a call may use is reserved before it is made and settled when it ended, so that calls side by side do
//! not use more than there is together. What was used before counts: it is read from the call log when a
//! budget is set. A budget holds from the next request on, also within turns that go on; a request that is
//! being answered when it is set counts when it ends. It lives as long as the engine, as tools and providers do,
//! and knows the calls of this engine; those of other processes when it is set anew. What was estimated, since
//! the provider did not count it, is not in the log: it counts until the budget is taken away.

mod accounts;
mod reservation;
mod scope;
mod set;

use branchwork_core::provider::shown_micro_usd;

pub use self::scope::BudgetScope;
pub(crate) use self::{
    accounts::{Accounts, Amount},
    reservation::Reservation,
};

/// How much calls of models may use together.
///
/// ```
/// use branchwork::budget::Budget;
///
/// // A hundred thousand tokens, and two dollars; then turns wait for more.
/// let budget = Budget::new().with_tokens(100_000).with_cost(2_000_000).parking();
/// # let _ = budget;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Budget {
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Millionths of a US dollar.
    pub micro_usd: Option<u64>,
    /// Whether a turn that would use more waits for a larger budget, to be
    /// [resumed](crate::Branch::resume), instead of being closed.
    pub parks: bool,
}

impl Budget {
    /// Nothing is limited.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets so many tokens be read and written.
    #[must_use]
    pub const fn with_tokens(mut self, tokens: u64) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Lets calls cost so many millionths of a US dollar. Models whose prices are
    /// [not known](crate::Engine::set_prices) are not asked then.
    #[must_use]
    pub const fn with_cost(mut self, micro_usd: u64) -> Self {
        self.micro_usd = Some(micro_usd);
        self
    }

    /// Leaves a turn that would use more as it is, so that it can be [resumed](crate::Branch::resume) with a
    /// larger budget. Without it, such a turn is closed with what had come of it.
    #[must_use]
    pub const fn parking(mut self) -> Self {
        self.parks = true;
        self
    }
}

/// A budget, and what is used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetState {
    /// The budget.
    pub budget: Budget,
    /// Tokens that were used.
    pub tokens: u64,
    /// What is known of the cost, in trillionths of a US dollar.
    pub pico_usd: u64,
    /// Tokens that are reserved for calls that go on.
    pub tokens_reserved: u64,
    /// What is reserved for the cost of calls that go on, in trillionths of a US dollar.
    pub pico_usd_reserved: u64,
}

impl BudgetState {
    /// Nothing is used of `budget`.
    const fn new(budget: Budget) -> Self {
        Self { budget, tokens: 0, pico_usd: 0, tokens_reserved: 0, pico_usd_reserved: 0 }
    }
}

/// Why a budget does not allow a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverBudget {
    /// It may use more tokens than are left.
    #[error("the call may use {wanted} tokens, {left} of {max} are left")]
    Tokens {
        /// How many it may use.
        wanted: u64,
        /// How many are left.
        left: u64,
        /// How many there were.
        max: u64,
    },
    /// It may cost more than is left. In millionths of a US dollar.
    #[error(
        "the call may cost ${}, ${} of ${} are left",
        shown_micro_usd(*.wanted), shown_micro_usd(*.left), shown_micro_usd(*.max)
    )]
    Cost {
        /// What it may cost, rounded up.
        wanted: u64,
        /// What is left.
        left: u64,
        /// What there was.
        max: u64,
    },
    /// The cost is limited, and nobody knows what the model costs.
    #[error("the cost is limited, and what the model costs is not known")]
    PriceUnknown,
}

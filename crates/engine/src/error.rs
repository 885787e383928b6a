//! Why a call of the engine failed, named by what the caller can do about it.

use std::{error::Error as StdError, fmt::Display, time::Duration};

use branchwork_core::{
    config::{ConfigError, SettingError},
    graph::{ApplyError, RollbackError, View},
    id::{BranchId, MessageId, OpId},
    mail::PackageError,
    message::{DraftError, ToolCall},
    provider::ProviderError,
    store::{Conflict, StoreError},
    tokens::TokenCount,
};

use crate::{
    archive::ArchiveError,
    budget::{BudgetScope, OverBudget},
    replay::Drift,
    table::TableError,
    tools::RegisterError,
};

/// What calls of the engine return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call of the engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// Another writer was first: the handle has caught up, so the same call can be made again.
    #[error(transparent)]
    Conflict(Conflict),
    /// The provider failed. What it had said is kept in the history, marked as failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The mail cannot be sent as it is. Nothing was.
    #[error(transparent)]
    Mail(#[from] PackageError),
    /// The mail is for nobody.
    #[error("the mail is for nobody: the session has no other branch")]
    NoRecipient,
    /// The head would move across more receipts of mail than one commit can take back or give.
    #[error(
        "the head would cross {receipts} receipts of mail, {max} are allowed: go in several moves"
    )]
    TooManyReceipts {
        /// How many it would cross.
        receipts: usize,
        /// [`limits::COMMIT_MAIL_MAX`](branchwork_core::limits::COMMIT_MAIL_MAX).
        max: usize,
    },
    /// The message cannot be appended as it is.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The change cannot follow the history as it is.
    #[error(transparent)]
    Change(#[from] ApplyError),
    /// There are not that many messages.
    #[error(transparent)]
    Rollback(#[from] RollbackError),
    /// A setting has a value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The archive cannot be written or read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The table cannot be written or read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A setting has no such name, or its value is of another kind.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A name cannot be used.
    #[error("{what} {problem}")]
    BadName {
        /// What it should name.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A reference is not of the form that references have.
    #[error("`{reference}` is not a reference: {problem}")]
    BadReference {
        /// What was given.
        reference: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Nothing is named so.
    #[error("there is no {what} `{reference}`")]
    NotFound {
        /// What kind of thing was looked for.
        what: &'static str,
        /// What was given.
        reference: String,
        /// The nearest thing there is.
        nearest: Option<String>,
    },
    /// A search cannot be answered as it is.
    #[error("the search {problem}")]
    BadSearch {
        /// What is wrong with it.
        problem: String,
    },
    /// Several things are named so.
    #[error("`{reference}` could be any of {} {what}s", candidates.len())]
    Ambiguous {
        /// What kind of thing was looked for.
        what: &'static str,
        /// What was given.
        reference: String,
        /// What it could be; not more than a person reads.
        candidates: Vec<String>,
    },
    /// There is no step to take back.
    #[error("there is nothing to undo on this branch")]
    NothingToUndo,
    /// The last thing that happened was not an undo.
    #[error("there is nothing to redo on this branch")]
    NothingToRedo,
    /// The op was never a head of this branch.
    #[error("op {op} is not in the history of branch {branch}")]
    NotInHistory {
        /// The op.
        op: OpId,
        /// The branch.
        branch: BranchId,
    },
    /// The tool cannot be registered.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The turn wants a tool called that it does not offer.
    #[error("the tool choice cannot be met: {problem}")]
    BadToolChoice {
        /// What is wrong with it.
        problem: String,
    },
    /// An option says something of a new instruction, and there is none.
    #[error("`{option}` cannot be used here: {problem}")]
    BadOption {
        /// The method that gave it.
        option: &'static str,
        /// Why not.
        problem: &'static str,
    },
    /// A turn with these limits could not begin.
    #[error("the limits of the turn cannot be kept: {problem}")]
    BadLimits {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// Calls of the turn wait for approval. What had come is kept; it goes on with
    /// [`resume`](crate::Branch::resume), once they are [approved](crate::Branch::approve) or
    /// [denied](crate::Branch::deny). Without calls, all are answered, and it waits for that.
    #[error("{}", parked(calls))]
    Parked {
        /// The calls that wait.
        calls: Vec<ToolCall>,
    },
    /// A call cannot run with these arguments.
    #[error("the arguments of `{tool}` cannot be used: {problem}")]
    BadArguments {
        /// The tool.
        tool: String,
        /// What is wrong with them.
        problem: String,
    },
    /// A request has more tokens than one may have, and was not sent.
    #[error(
        "the request has {} tokens ({}), {max} are allowed: {} too many",
        count.tokens, count.basis, count.tokens.saturating_sub(*max)
    )]
    TooLong {
        /// How many it has, and how that is known.
        count: TokenCount,
        /// How many it may have.
        max: u64,
    },
    /// A budget does not allow the call. The turn is closed with what had come of it, or waits to be
    /// [resumed](crate::Branch::resume) with a larger budget.
    #[error("the budget of {} is used up: {problem}", scope_name(scope))]
    OverBudget {
        /// Whose budget.
        scope: BudgetScope,
        /// How far the call would go beyond it.
        problem: OverBudget,
        /// Whether the turn waits.
        is_parked: bool,
    },
    /// There is no turn that could be steered, or it ended first.
    #[error("no turn goes on that hears what is said")]
    NotBusy,
    /// Another handle stopped the turn. What had come is kept in the history, as interrupted.
    #[error("the turn was interrupted")]
    Interrupted,
    /// The turn took as long as it may. What had come is kept in the history, as interrupted.
    #[error("the turn took longer than {limit:?}")]
    OutOfTime {
        /// How long it may take.
        limit: Duration,
    },
    /// A fan-out cannot be done as it is.
    #[error("the fan-out cannot be done: {problem}")]
    BadFanOut {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A name was used twice in one run of a flow.
    #[error("flow `{flow}` used the name `{name}` in this run already")]
    NameUsedTwice {
        /// The flow.
        flow: String,
        /// The name.
        name: String,
    },
    /// A step of a flow failed: nothing is kept of it, and it runs again.
    #[error("step `{step}` of flow `{flow}` failed")]
    StepFailed {
        /// The flow.
        flow: String,
        /// The step.
        step: String,
        /// Why.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What a step of a flow gave is not of the type that is wanted.
    #[error("step `{step}` of flow `{flow}` {problem}")]
    StepMisfit {
        /// The flow.
        flow: String,
        /// The step.
        step: String,
        /// What is wrong with it.
        problem: &'static str,
        /// Where.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The turn of a chat of a flow ended at a limit, and calls of its last answer did not run. The chat is
    /// asked again.
    #[error("the turn of step `{step}` of flow `{flow}` ended before its calls ran")]
    StepUnanswered {
        /// The flow.
        flow: String,
        /// The step.
        step: String,
    },
    /// A tournament cannot be held as it is: nothing was asked.
    #[error("the tournament cannot be held: {problem}")]
    BadTournament {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No candidate of a tournament has an answer.
    #[error("none of the {candidates} candidates has an answer")]
    NoneAnswered {
        /// How many there are.
        candidates: usize,
        /// Why the first of them has none.
        #[source]
        source: Box<Self>,
    },
    /// The branch was moved since, and was left where it is.
    #[error("branch {branch} was moved since")]
    MovedSince {
        /// The branch.
        branch: BranchId,
        /// Where it is.
        head: Option<OpId>,
    },
    /// A branch cannot be merged into itself.
    #[error("a branch cannot be merged into itself")]
    MergeWithItself,
    /// The branches of a diff or a merge are of different sessions.
    #[error("branch {branch} is of another session")]
    OtherSession {
        /// The branch that is elsewhere.
        branch: BranchId,
    },
    /// A branch that went on since cannot be moved to where another one is.
    #[error("branch {branch} went on since, it cannot be fast-forwarded")]
    CannotFastForward {
        /// The branch.
        branch: BranchId,
    },
    /// A summary that a model makes counts when somebody approved of it: [plan](crate::Merge::plan) the
    /// merge, and apply the plan.
    #[error("the summary of a model counts when it is approved, and nobody saw this one")]
    NotApproved,
    /// A merge is one commit, and would be larger than one can be.
    #[error("the merge has {ops} ops, {max} are allowed in one commit")]
    TooMuchToMerge {
        /// How many it has.
        ops: usize,
        /// [`limits::COMMIT_OPS_MAX`](branchwork_core::limits::COMMIT_OPS_MAX).
        max: usize,
    },
    /// The flow needs tools, and none is offered.
    #[error("no tool is registered on this branch, and the flow needs one")]
    NoTools,
    /// Nobody said which model to ask.
    #[error("no model is set for this branch")]
    NoModel,
    /// No provider is registered under that name.
    #[error("no provider is registered as `{name}`")]
    NoProvider {
        /// The name; empty when the branch names none.
        name: String,
        /// The names that are registered.
        registered: Vec<String>,
    },
    /// The model ended its answer and had said nothing.
    #[error("the model gave an empty answer")]
    EmptyAnswer,
    /// No answer of the model is a value of the type that was wanted. What it said is in the history.
    #[error("the answer does not fit the type: {problem}")]
    NotExtracted {
        /// What is wrong with the last one.
        problem: String,
        /// The last one.
        answer: MessageId,
    },
    /// Another writer moved the branch while the model answered. The answer is kept, elsewhere.
    #[error("the branch was moved while the model answered; the answer is on branch `{kept_on}`")]
    MovedMeanwhile {
        /// The branch that was made for the answer.
        kept_on: String,
    },
    /// What was sent for a call cannot be rendered again: the provider now says it in other words.
    #[error("the request that {answer} answered renders to other bytes now")]
    RequestDiffers {
        /// The answer.
        answer: MessageId,
    },
    /// What is replayed is not as it was logged. Nothing more was replayed.
    #[error("the replay differs: {drift}")]
    ReplayDiffers {
        /// What differs first.
        drift: Box<Drift>,
    },
    /// The last turn of the branch was not cut off.
    #[error("no turn was cut off on this branch")]
    NothingToResume,
    /// The branch has no instruction that waits for an answer.
    #[error("there is no instruction to answer on this branch")]
    NothingToRetry,
}

impl Error {
    /// Nothing is named so, nor nearly so.
    pub(crate) fn not_found(what: &'static str, reference: &(impl Display + ?Sized)) -> Self {
        Self::NotFound { what, reference: reference.to_string(), nearest: None }
    }
}

fn scope_name(scope: &BudgetScope) -> String {
    match scope {
        BudgetScope::Session(session) => format!("the session {session}"),
        BudgetScope::Branch(branch) => format!("the branch {branch}"),
        BudgetScope::Tree(branch) => format!("the branch {branch} and its forks"),
    }
}

fn parked(calls: &[ToolCall]) -> String {
    if calls.is_empty() {
        return "a turn was parked, and its calls are answered: resume it".to_owned();
    }
    let calls = calls.iter().map(|call| format!("`{}` ({})", call.function, call.id));
    format!("calls wait for approval: {}", calls.collect::<Vec<_>>().join(", "))
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(conflict) => Self::Conflict(conflict),
            error => Self::Store(error),
        }
    }
}

impl Error {
    /// The turn that `view` ends with waits for approvals.
    pub(crate) fn parked(view: &View) -> Self {
        Self::Parked { calls: view.waiting_calls().cloned().collect() }
    }

    /// Whether the same call may succeed later with no change by the caller.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Provider(error) => error.is_retryable(),
            Self::Conflict(Conflict::HeadMoved { .. }) | Self::EmptyAnswer => true,
            _ => false,
        }
    }

    /// Whether another writer moved the head: the handle has caught up, call again.
    pub const fn is_head_moved(&self) -> bool {
        matches!(self, Self::Conflict(Conflict::HeadMoved { .. }))
    }
}

//! What is asked, of whom and how often, and who judges.

use std::{fmt, pin::Pin, sync::Arc};

use serde_json::Value;

use super::{BestOf, Candidate, Verdict, judge::Judge};
use crate::{
    branch::Branch,
    chat::Chat,
    error::{Error, Result},
    flows::asking::{CONCURRENCY, Each, references},
    reference::ModelReference,
    telemetry::Operation,
};

/// Candidates of one tournament, so that a slip of the pen is no bill.
const CANDIDATES_MAX: usize = 1_000;

/// One instruction, asked several times, whose answers compete in a tournament: `.await` it.
///
/// Each candidate is a fork of the branch as it is when the tournament begins. Answers meet in pairs, in
/// their order; winners go on, and an odd one passes. A candidate that failed does not compete.
///
/// All of it is durable, as a [flow](crate::flows::Flow) of its name: candidates are the branches `title-1`,
/// `title-2`, verdicts are kept on `title-judge`. Held again under its name, after a crash or to have more
/// samples, it asks nothing that was answered, and decides no match that was decided. Candidates that failed
/// are asked again.
///
/// # Errors
///
/// [`Error::BadTournament`]: nothing was asked. [`Error::NoneAnswered`]. [`Error::Conflict`] when another
/// branch has a name of it. Errors of the model that judges, and [`Error::NotExtracted`].
///
/// # Cancel safety
///
/// Dropping the future stops the chats that run, as dropping each would; hold it again to go on.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// # use std::sync::Arc;
/// # use branchwork_testkit::{Script, ScriptedProvider};
/// use branchwork::{Engine, flows::{Candidate, Verdict}};
/// # let provider = ["Rome, now", "Rome", "To Rome"].map(Script::text).into_iter()
/// #     .fold(ScriptedProvider::new(), ScriptedProvider::with_script);
/// # let session = Engine::in_memory().session("trip").provider("local", Arc::new(provider)).model("tiny");
/// # let main = session.create().await?.default_branch();
///
/// let shorter = |first: &Candidate, second: &Candidate| {
///     if first.text().len() <= second.text().len() {
///         Verdict::first("it is shorter")
///     } else {
///         Verdict::second("it is shorter")
///     }
/// };
/// let best = main.best_of("Write a title").named("title").samples(3).judged_by(shorter).await?;
/// assert_eq!(best.winner().text(), "Rome");
/// best.promote().await?;
/// assert_eq!(main.view().await?.last().unwrap().text(), "Rome");
/// # Ok(()) }
/// ```
#[must_use = "nothing is asked until it is awaited"]
pub struct Tournament {
    pub(super) branch: Branch,
    pub(super) name: String,
    pub(super) instruction: String,
    pub(super) context: Option<Value>,
    pub(super) models: Vec<ModelReference>,
    pub(super) samples: usize,
    pub(super) concurrency: usize,
    pub(super) each: Arc<Each>,
    judge: Option<Judge>,
}

impl fmt::Debug for Tournament {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { branch, name, models, samples, concurrency, judge, .. } = self;
        f.debug_struct("Tournament")
            .field("branch", &branch.id())
            .field("name", name)
            .field("models", models)
            .field("samples", samples)
            .field("concurrency", concurrency)
            .field("judge", judge)
            .finish_non_exhaustive()
    }
}

impl Branch {
    /// Asks `instruction` several times, each time on a fork of this branch as it is now, and lets the answers
    /// compete. The forks stay; this branch is left as it is until the winner is
    /// [promoted](BestOf::promote).
    pub fn best_of(&self, instruction: impl Into<String>) -> Tournament {
        Tournament {
            branch: self.clone(),
            name: String::new(),
            instruction: instruction.into(),
            context: None,
            models: Vec::new(),
            samples: 1,
            concurrency: CONCURRENCY,
            each: Arc::new(|chat| chat),
            judge: None,
        }
    }
}

impl Tournament {
    /// Names it; there is one of a name in a session. Needed: it is how it is found again.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Tells the models what they should know for the instruction.
    pub fn with_context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// Asks each of these models: `provider:model`, or `model` of the provider that is set.
    pub fn models<T: Into<String>>(mut self, models: impl IntoIterator<Item = T>) -> Self {
        self.models = references(models);
        self
    }

    /// Asks each model so many times; once when it is not said.
    pub const fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// Asks so many candidates, or decides so many matches, at the same time; 8 when it is not said.
    pub const fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Says what holds for the chat of each candidate: its tools, limits, settings.
    pub fn with_each(mut self, each: impl Fn(Chat) -> Chat + Send + Sync + 'static) -> Self {
        self.each = Arc::new(each);
        self
    }

    /// Lets a function decide each match. Both candidates have an answer.
    pub fn judged_by(
        mut self,
        judge: impl Fn(&Candidate, &Candidate) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        self.judge = Some(Judge::Function(Arc::new(judge)));
        self
    }

    /// Lets the model of the branch decide each match by `criteria`. It is asked on a branch of its own, as
    /// `title-judge-1-2`, which begins where the candidates do.
    pub fn judged_by_model(mut self, criteria: impl Into<String>) -> Self {
        self.judge = Some(Judge::Model { criteria: criteria.into() });
        self
    }

    /// Who judges, once it is checked that it can be held.
    pub(super) fn check(&self) -> Result<&Judge> {
        let candidates = self.samples.checked_mul(self.models.len().max(1));
        let problem = match candidates {
            _ if self.name.is_empty() => "it has no name",
            Some(0) => "there is no candidate",
            Some(1..=CANDIDATES_MAX) if self.concurrency == 0 => "none may be asked at a time",
            Some(1..=CANDIDATES_MAX) => match &self.judge {
                Some(judge) => return Ok(judge),
                None => "nobody judges",
            },
            _ => "it has more than 1 000 candidates",
        };
        Err(Error::BadTournament { problem })
    }
}

impl IntoFuture for Tournament {
    type Output = Result<BestOf>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let flow = Operation::workflow(&self.branch, "best_of");
        Box::pin(flow.run(self.hold()))
    }
}

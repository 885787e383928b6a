//! Asking many things at once, each on a fork of its own.

use std::{fmt, pin::Pin, sync::Arc};

use branchwork_core::id::OpId;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use super::{
    asking::{CONCURRENCY, Each, fork_for, question, references},
    warm,
};
use crate::{
    branch::Branch,
    chat::{Chat, Reply},
    error::{Error, Result},
    reference::ModelReference,
    telemetry::Operation,
};

/// Forks of one fan-out, so that a slip of the pen is no bill.
const ITEMS_MAX: usize = 10_000;

/// Every instruction with every context and every model, so many times, each on a fork of its own:
/// `.await` it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// # use std::sync::Arc;
/// # use branchwork_testkit::{Script, ScriptedProvider};
/// # use branchwork::Engine;
/// # let provider = Arc::new(ScriptedProvider::answering(|_| Script::text("Rome.")));
/// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
/// # let main = session.create().await?.default_branch();
/// let items = main.fan_out(["Where to go?", "What to pack?"]).samples(2).await?;
/// assert_eq!(items.len(), 4);
/// assert_eq!(items[3].instruction, "What to pack?");
/// assert_eq!(items[3].outcome.as_ref().unwrap().text, "Rome.");
/// assert!(main.view().await?.is_empty()); // each is on a branch of its own
/// # Ok(()) }
/// ```
#[must_use = "nothing is asked until it is awaited"]
pub struct FanOut {
    branch: Branch,
    instructions: Vec<String>,
    contexts: Vec<Value>,
    models: Vec<ModelReference>,
    samples: usize,
    concurrency: usize,
    staggers: Option<bool>,
    each: Arc<Each>,
}

/// One thing that was asked.
#[derive(Debug)]
#[non_exhaustive]
pub struct FanOutItem {
    /// What was asked.
    pub instruction: String,
    /// What the model should know for it.
    pub context: Option<Value>,
    /// The model, when models were said.
    pub model: Option<String>,
    /// Which of the samples, from 0.
    pub sample: usize,
    /// The fork it is on; `None` when that could not be made.
    pub branch: Option<Branch>,
    /// What came of it.
    pub outcome: Result<Reply>,
}

impl fmt::Debug for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { branch, instructions, models, samples, concurrency, .. } = self;
        f.debug_struct("FanOut")
            .field("branch", &branch.id())
            .field("instructions", &instructions.len())
            .field("models", models)
            .field("samples", samples)
            .field("concurrency", concurrency)
            .finish_non_exhaustive()
    }
}

impl Branch {
    /// Asks `instructions`, each on a fork of this branch as it is now. The forks stay; this branch is
    /// left as it is.
    pub fn fan_out<T: Into<String>>(&self, instructions: impl IntoIterator<Item = T>) -> FanOut {
        FanOut {
            branch: self.clone(),
            instructions: instructions.into_iter().map(Into::into).collect(),
            contexts: Vec::new(),
            models: Vec::new(),
            samples: 1,
            concurrency: CONCURRENCY,
            staggers: None,
            each: Arc::new(|chat| chat),
        }
    }
}

impl FanOut {
    /// Asks each instruction with each of these contexts.
    pub fn contexts(mut self, contexts: impl IntoIterator<Item = Value>) -> Self {
        self.contexts = contexts.into_iter().collect();
        self
    }

    /// Asks each of these models: `provider:model`, or `model` of the provider that is set.
    pub fn models<T: Into<String>>(mut self, models: impl IntoIterator<Item = T>) -> Self {
        self.models = references(models);
        self
    }

    /// As [`models`](Self::models), for providers whose own name may hold a colon.
    pub fn model_references(mut self, models: impl IntoIterator<Item = ModelReference>) -> Self {
        self.models = models.into_iter().collect();
        self
    }

    /// Asks each so many times.
    pub const fn samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// Asks so many at the same time; 8 when it is not said.
    pub const fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Says whether the others wait for the first word of the first one of their model, so that what they
    /// share is read from the provider's prompt cache and not paid for each. Without it, they do when that
    /// has about 1 024 tokens or more: no less is cached.
    pub const fn stagger(mut self, staggers: bool) -> Self {
        self.staggers = Some(staggers);
        self
    }

    /// Says what holds for each chat: its tools, limits, settings.
    pub fn each(mut self, each: impl Fn(Chat) -> Chat + Send + Sync + 'static) -> Self {
        self.each = Arc::new(each);
        self
    }

    /// Asks everything, and answers in the order of the instructions, then of the contexts, the models
    /// and the samples. A failure is kept with what it is of; the others go on.
    ///
    /// # Errors
    ///
    /// [`Error::BadFanOut`]: nothing was asked.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the chats that run, as dropping each would; what is done stays on its
    /// fork.
    async fn run(self) -> Result<Vec<FanOutItem>> {
        let (concurrency, items) = (self.concurrency, self.items()?);
        // All begin at one place, wherever the branch goes meanwhile.
        let view = self.branch.view().await?;
        let head = view.head();
        let turns = if self.staggers.unwrap_or_else(|| warm::is_worth_it(&view)) {
            warm::turns(items.iter().map(|(item, _)| item.model.clone()))
        } else {
            items.iter().map(|_| warm::Turn::Alone).collect()
        };
        let each = |(index, ((item, model), turn))| {
            let (branch, each) = (self.branch.clone(), Arc::clone(&self.each));
            async move { (index, ask((branch, head), item, (model, turn), &*each).await) }
        };
        let asked: Vec<_> = items.into_iter().zip(turns).enumerate().map(each).collect();
        let mut done: Vec<_> = stream::iter(asked).buffer_unordered(concurrency).collect().await;
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, item)| item).collect())
    }

    /// What is to be asked, not asked yet, and of which model.
    fn items(&self) -> Result<Vec<(FanOutItem, Option<ModelReference>)>> {
        let (contexts, models) = (options(&self.contexts), options(&self.models));
        let counts = [self.instructions.len(), contexts.len(), models.len(), self.samples];
        let problem = match counts.into_iter().try_fold(1_usize, usize::checked_mul) {
            Some(0) => "there is nothing to ask",
            Some(1..=ITEMS_MAX) if self.concurrency > 0 => {
                return Ok(self.combinations(&contexts, &models));
            }
            Some(1..=ITEMS_MAX) => "none may be asked at a time",
            _ => "it asks more than 10 000 things",
        };
        Err(Error::BadFanOut { problem })
    }

    fn combinations(
        &self,
        contexts: &[Option<Value>],
        models: &[Option<ModelReference>],
    ) -> Vec<(FanOutItem, Option<ModelReference>)> {
        let mut items = Vec::new();
        for instruction in &self.instructions {
            for (context, model) in pairs(contexts, models) {
                let (context, model) = (context.as_ref(), model.as_ref());
                let new = |sample| FanOutItem::new(instruction, context, model, sample);
                items.extend((0..self.samples).map(|sample| (new(sample), model.cloned())));
            }
        }
        items
    }
}

/// Each of `left` with each of `right`.
fn pairs<'a, A, B>(left: &'a [A], right: &'a [B]) -> impl Iterator<Item = (&'a A, &'a B)> {
    left.iter().flat_map(move |one| right.iter().map(move |other| (one, other)))
}

impl FanOutItem {
    /// Not asked yet.
    fn new(
        instruction: &str,
        context: Option<&Value>,
        model: Option<&ModelReference>,
        sample: usize,
    ) -> Self {
        Self {
            instruction: instruction.to_owned(),
            context: context.cloned(),
            model: model.map(ToString::to_string),
            sample,
            branch: None,
            outcome: Err(Error::NothingToRetry),
        }
    }
}

/// Each of `values`, or once nothing.
fn options<T: Clone>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().cloned().map(Some).collect() }
}

async fn ask(
    from: (Branch, Option<OpId>),
    mut item: FanOutItem,
    (model, turn): (Option<ModelReference>, warm::Turn),
    each: &Each,
) -> FanOutItem {
    match fork(from, model).await {
        Err(error) => item.outcome = Err(error),
        Ok(fork) => {
            let chat = question(&fork, &item.instruction, item.context.as_ref());
            item.outcome = turn.ask(each(chat)).await;
            item.branch = Some(fork);
        }
    }
    item
}

async fn fork(
    (branch, head): (Branch, Option<OpId>),
    model: Option<ModelReference>,
) -> Result<Branch> {
    model.iter().try_for_each(ModelReference::check)?;
    fork_for(branch.fork_unnamed().at_head(head), model).await
}

impl IntoFuture for FanOut {
    type Output = Result<Vec<FanOutItem>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let flow = Operation::workflow(&self.branch, "fan_out");
        Box::pin(flow.run(self.run()))
    }
}

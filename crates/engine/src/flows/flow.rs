//! Procedures of the user's own, whose named steps are durable.

use std::{
    collections::BTreeSet,
    error::Error as StdError,
    sync::{Arc, Mutex},
};

use branchwork_core::{
    graph::{ApplyError, StepResult},
    message::{Message, check_name},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use tracing::{Instrument as _, Span};

use super::mark::{FLOW_STEP_KEY, Found, Mark, is_whole};
use crate::{
    branch::Branch,
    chat::Chat,
    engine::lock,
    error::{Error, Result},
    telemetry::{self, Operation},
};

/// How often what a step gave is written before giving up: each time, another process was first.
const KEEP_TRIES_MAX: u32 = 16;

/// A run of a procedure of your own on a branch. Its steps have names, and what they gave is in the history:
/// a later run of the program, in whatever process, gets that and does not do them again.
///
/// One run goes on at a time; within it, steps may run side by side, with clones of this. Each name is used
/// once in a run, for a step or a chat, and once for a fork. Names say which step it is, not the order, nor
/// what is asked: whoever changes what a step does gives it another name, or [undoes](Branch::undo) it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// # use std::sync::Arc;
/// # use branchwork_testkit::{Script, ScriptedProvider};
/// # use branchwork::Engine;
/// # let provider = Arc::new(ScriptedProvider::answering(|_| Script::text("Rome.")));
/// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
/// # let main = session.create().await?.default_branch();
/// let run = async || {
///     let flow = main.flow("trip");
///     let budget: u32 = flow.step("budget", || async { Ok::<_, branchwork::Error>(500) }).await?;
///     let text = format!("Where to go for {budget} euros?");
///     Ok::<_, branchwork::Error>(flow.chat("where", main.chat(text)).await?.text())
/// };
/// assert_eq!(run().await?, "Rome.");
/// assert_eq!(run().await?, "Rome."); // nobody was asked
/// assert_eq!(main.view().await?.len(), 2);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Flow {
    branch: Branch,
    name: Arc<str>,
    // A std mutex: held to look at the names. Shared by clones.
    used: Arc<Mutex<BTreeSet<Name>>>,
    /// What observers are told of the run.
    span: Span,
}

/// A name that was used in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    /// Of a step or a chat.
    Step(String),
    /// Of a fork.
    Fork(String),
}

/// The right to a name. It is given back unless it is kept: what failed, or was dropped, may be tried again.
struct Use<'a> {
    flow: &'a Flow,
    name: Option<Name>,
}

impl Branch {
    /// Begins a run of the flow `name` on this branch.
    pub fn flow(&self, name: impl AsRef<str>) -> Flow {
        let name = name.as_ref();
        self.flow_within(name, telemetry::workflow(self, name))
    }

    /// The same as a part of what `span` is of.
    pub(super) fn flow_within(&self, name: &str, span: Span) -> Flow {
        Flow { branch: self.clone(), name: Arc::from(name), used: Arc::default(), span }
    }
}

impl Flow {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The branch it runs on, where what its steps gave is kept.
    pub const fn branch(&self) -> &Branch {
        &self.branch
    }

    /// What the step `name` gives: that which is kept of it, or else what `run` gives, once it is kept. It
    /// is an op on the branch: an [`undo`](Branch::undo) or rewind behind it takes it back, and a fork has it.
    ///
    /// When the process dies after `run` did something and before that is kept, `run` runs again. What it
    /// does elsewhere must stand that, or be given [a key](Self::key) that says so. An error of `run` is not
    /// kept.
    ///
    /// # Errors
    ///
    /// [`Error::StepFailed`] with the error of `run`; an [`Error`] of it is given as it is.
    /// [`Error::StepMisfit`] when what is kept is not a `T`; then undo it, or use another name. Also when a
    /// value of `run` does not come back from JSON as a `T`: nothing was kept.
    /// [`Error::NameUsedTwice`], [`Error::BadName`]: nothing ran. [`Error::Draft`] when it is too large to be
    /// kept. [`Error::Parked`] when a turn of the branch waits for approvals. [`Error::Store`].
    ///
    /// # Limits
    ///
    /// [`STEP_RESULT_BYTES_MAX`](branchwork_core::limits::STEP_RESULT_BYTES_MAX) as JSON. Every reader of the
    /// branch carries it: keep what is large elsewhere, and its address here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops that of `run`; it leaves the step done or not.
    pub async fn step<T, E, R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Box<dyn StdError + Send + Sync>>,
        R: Future<Output = Result<T, E>>,
    {
        let step = Operation::step(&self.span, &self.branch, name);
        step.run(self.step_within(name, run)).await
    }

    async fn step_within<T, E, R>(&self, name: &str, run: impl FnOnce() -> R) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Box<dyn StdError + Send + Sync>>,
        R: Future<Output = Result<T, E>>,
    {
        let right = self.claim(Name::Step(name.to_owned()))?;
        let done = self.done(name).await?;
        let result = if let Some(done) = done {
            done
        } else {
            let value = run().await.map_err(|error| self.failed(name, error.into()))?;
            self.keep(self.result(name, &value)?).await?
        };
        let value = self.read(&result)?;
        right.keep();
        Ok(value)
    }

    /// The answer to `chat`, which is the step `name`: that which is in the history of the chat's branch, or
    /// else what comes of asking. The model is asked once: a turn that was cut off goes on where it was, with
    /// the tools and limits of this chat; one that failed or was interrupted is asked again, as by
    /// [`retry`](Branch::retry).
    ///
    /// # Errors
    ///
    /// As for a [chat](Chat). [`Error::Parked`] while calls of it wait for approval: approve or deny them, and
    /// run the flow again. [`Error::StepUnanswered`] when it ended at a limit and calls of the last answer did
    /// not run. [`Error::NameUsedTwice`], [`Error::BadName`], [`Error::BadOption`] for a chat without an
    /// instruction of its own: nothing was asked.
    ///
    /// # Cancel safety
    ///
    /// As for a [chat](Chat): what had come is kept as interrupted, and it is asked again.
    pub async fn chat(&self, name: &str, chat: Chat) -> Result<Arc<Message>> {
        Ok(self.ask(name, chat).instrument(self.span.clone()).await?.0)
    }

    /// The answer to `chat`, and whether a model was asked for it.
    pub(super) async fn ask(&self, name: &str, chat: Chat) -> Result<(Arc<Message>, bool)> {
        let right = self.claim(Name::Step(name.to_owned()))?;
        if !chat.is_new() {
            let problem = "a chat of a flow has an instruction of its own";
            return Err(Error::BadOption { option: "Flow::chat", problem });
        }
        let branch = chat.branch().clone();
        let asking = branch.shared().asking().await;
        // A turn that goes on, in this process, ends first.
        drop(branch.shared().turns().await);
        let mark = Mark::new(&self.name, name);
        let found = mark.find(&branch).await?;
        let chat = chat.marked(FLOW_STEP_KEY, mark.0);
        let chat = match found {
            Found::Answer(answer) => {
                right.keep();
                return Ok((answer, false));
            }
            Found::CutOff => chat.into_rest(),
            Found::Unanswered => chat.into_again(),
            Found::Nothing => chat,
        };
        let reply = chat.await?;
        drop(asking);
        let last = reply.results.last().filter(|_| !reply.calls().is_empty());
        if !is_whole(&reply.message, last.unwrap_or(&reply.message)) {
            let (flow, step) = self.names(name);
            return Err(Error::StepUnanswered { flow, step });
        }
        right.keep();
        Ok((reply.message, true))
    }

    /// The fork of the branch that is named after the flow and `name`, as `research-draft`: made where the
    /// branch is when there is none yet, and found again later, wherever the branch is by then.
    ///
    /// # Errors
    ///
    /// [`Error::Conflict`] when a branch that is no fork of this one has that name;
    /// [`Error::NameUsedTwice`], [`Error::BadName`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no fork or the whole fork.
    pub async fn fork(&self, name: &str) -> Result<Branch> {
        let right = self.claim(Name::Fork(name.to_owned()))?;
        let fork = self.branch.fork(format!("{}-{name}", self.name)).once().await?;
        right.keep();
        Ok(fork)
    }

    /// A key of the step `name` that is the same in every run of this flow on this branch, and no other
    /// step's: for services that do a thing once for each key. A step that was undone has it again.
    pub fn key(&self, name: &str) -> String {
        let mut hash = Sha256::new();
        for part in [self.branch.id().to_string().as_str(), &self.name, name] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let digits = hash.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }

    /// Takes a name for this run.
    fn claim(&self, name: Name) -> Result<Use<'_>> {
        let (what, text) = match &name {
            Name::Step(text) => ("the step", text),
            Name::Fork(text) => ("the fork", text),
        };
        for (what, text) in [("the flow", &*self.name), (what, text)] {
            check_name(text).map_err(|problem| Error::BadName { what, problem })?;
        }
        if !lock(&self.used).insert(name.clone()) {
            let (flow, name) = self.names(text);
            return Err(Error::NameUsedTwice { flow, name });
        }
        Ok(Use { flow: self, name: Some(name) })
    }

    async fn done(&self, step: &str) -> Result<Option<Arc<StepResult>>> {
        Ok(self.branch.view().await?.done(&self.name, step).map(Arc::clone))
    }

    /// What is to be kept of a step that gave `value`.
    fn result<T: Serialize + DeserializeOwned>(&self, step: &str, value: &T) -> Result<StepResult> {
        let value = serde_json::to_value(value)
            .map_err(|source| self.misfit(step, "gave what has no JSON form", source))?;
        T::deserialize(&value).map_err(|source| {
            self.misfit(step, "gave what does not come back from JSON", source)
        })?;
        let (flow, step) = self.names(step);
        let result = StepResult { flow, step, value };
        result.check()?;
        Ok(result)
    }

    /// Writes what a step gave, unless another process did: then what that one wrote counts.
    async fn keep(&self, result: StepResult) -> Result<Arc<StepResult>> {
        let mut tries = 1;
        loop {
            let kept = result.clone();
            match self.branch.write(|step| Ok(step.done(kept)?)).await {
                Ok(_) => return Ok(Arc::new(result)),
                Err(error @ Error::Change(ApplyError::DoneTwice { .. })) => {
                    return self.done(&result.step).await?.ok_or(error);
                }
                Err(error) if error.is_head_moved() && tries < KEEP_TRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, result: &StepResult) -> Result<T> {
        let problem = "gave what is of another type";
        T::deserialize(&result.value).map_err(|source| self.misfit(&result.step, problem, source))
    }

    fn failed(&self, step: &str, source: Box<dyn StdError + Send + Sync>) -> Error {
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => {
                let (flow, step) = self.names(step);
                Error::StepFailed { flow, step, source }
            }
        }
    }

    fn misfit(&self, step: &str, problem: &'static str, source: serde_json::Error) -> Error {
        let (flow, step) = self.names(step);
        Error::StepMisfit { flow, step, problem, source: Box::new(source) }
    }

    fn names(&self, name: &str) -> (String, String) {
        (self.name.to_string(), name.to_owned())
    }
}

impl Use<'_> {
    /// Uses the name up for this run.
    fn keep(mut self) {
        self.name = None;
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            lock(&self.flow.used).remove(&name);
        }
    }
}

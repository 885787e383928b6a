//! Letting a summary stand for what is old, so that a conversation fits again.

use std::{fmt, pin::Pin, sync::Arc};

use branchwork_core::{
    config::{Change, ConfigPatch},
    graph::{ApplyError, View},
    id::MessageId,
    message::{Message, Role},
    tool::ToolSelection,
};

use crate::{
    base::Revision,
    branch::Branch,
    chat::Reply,
    error::{Error, Result},
    telemetry::Operation,
};

/// Messages that are kept as they are unless it is said otherwise.
const KEPT: usize = 8;

/// What a model is asked when it shall summarize.
const PROMPT: &str = "Summarize this conversation so far, for yourself: you will go on with it and see only \
                      your summary. Keep what was decided, what is known, what is open, and names, numbers \
                      and identifiers as they are. Answer with the summary only.";

/// What makes a summary of messages.
type Summarize = Box<dyn FnOnce(&[Arc<Message>]) -> String + Send>;

/// Lets a summary stand for all but the last messages of a branch: `.await` it.
///
/// # Cancel safety
///
/// Dropping the future leaves the branch as it is, or compacted. A fork on which a model was asked may be
/// left.
#[must_use = "nothing happens until it is awaited"]
pub struct Compact {
    branch: Branch,
    kept: usize,
    config: ConfigPatch,
    way: Way,
}

/// Who makes the summary.
enum Way {
    Model { prompt: String },
    Function(Summarize),
}

/// What was compacted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// The summary.
    pub summary: MessageId,
    /// How many messages it stands for.
    pub folded: usize,
}

impl fmt::Debug for Compact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { branch, kept, .. } = self;
        f.debug_struct("Compact")
            .field("branch", branch)
            .field("kept", kept)
            .finish_non_exhaustive()
    }
}

impl Branch {
    /// Lets a summary stand for all but the last messages, from here on; they stay in the history, and
    /// [`unfold`](Self::unfold) brings them back. The model of the branch makes the summary, on a fork that
    /// is deleted afterwards, so that nothing of it is in this history; it is billed as ever.
    ///
    /// Turn groups go as a whole, and system messages stay.
    ///
    /// # Errors
    ///
    /// [`Error::Change`] when there is nothing to fold; [`Error::Parked`] when a turn waits for approvals; as for a [chat](crate::Chat) when a model is asked;
    /// as for [`fold`](Self::fold).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let main = Engine::in_memory().session("trip").create().await?.default_branch();
    /// let said = ["Rome?", "Or Oslo?", "Rome."].map(|text| Draft::new(Body::instruction(text)));
    /// main.append_all(said.into()).await?;
    /// let by = |old: &[_]| format!("{} messages on where to go.", old.len());
    /// let compacted = main.compact().keeping(1).by(by).await?;
    /// assert_eq!(compacted.folded, 2);
    /// # Ok(()) }
    /// ```
    pub fn compact(&self) -> Compact {
        let way = Way::Model { prompt: PROMPT.to_owned() };
        Compact { branch: self.clone(), kept: KEPT, config: ConfigPatch::new(), way }
    }
}

impl Compact {
    /// Keeps at least so many of the last messages as they are.
    pub const fn keeping(mut self, count: usize) -> Self {
        self.kept = count;
        self
    }

    /// Changes the configuration for the summary only: asks another model, for one. A schema for answers
    /// never holds for it.
    pub fn with_config(mut self, config: ConfigPatch) -> Self {
        self.config = config;
        self
    }

    /// Asks the model for the summary in other words.
    pub fn with_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.way = Way::Model { prompt: prompt.into() };
        self
    }

    /// Makes the summary by a function of the messages it will stand for.
    pub fn by(mut self, make: impl FnOnce(&[Arc<Message>]) -> String + Send + 'static) -> Self {
        self.way = Way::Function(Box::new(make));
        self
    }

    async fn run(self) -> Result<Compacted> {
        let Self { branch, kept, config, way } = self;
        // A turn that goes on ends first; one that waits for a person is not gone over.
        drop(branch.shared().turns().await);
        let state = branch.refresh().await?;
        if state.is_parked() {
            return Err(Error::parked(&state.view));
        }
        let old = old(&state.view, kept);
        let (Some(first), Some(last)) = (old.first(), old.last()) else {
            return Err(Error::Change(ApplyError::NothingToFold));
        };
        let (first, last) = (first.id, last.id);
        let summary = match way {
            Way::Function(make) => make(&old),
            Way::Model { prompt } => ask(&branch, &state.view, last, (prompt, config)).await?,
        };
        let summary = branch.fold(first, last, summary).await?;
        Ok(Compacted { summary, folded: old.len() })
    }
}

/// The messages to fold: whole turn groups, so that at least `kept` messages stay.
fn old(view: &View, kept: usize) -> Vec<Arc<Message>> {
    let foldable = |group: &Vec<&Arc<Message>>| {
        group.first().is_some_and(|first| first.role() != Role::System)
    };
    let mut groups: Vec<_> = view.groups().filter(foldable).collect();
    if !view.open_calls().is_empty() {
        groups.pop();
    }
    let mut spared = 0;
    while spared < kept
        && let Some(group) = groups.pop()
    {
        spared += group.len();
    }
    groups.into_iter().flatten().map(Arc::clone).collect()
}

/// Asks the model of the branch for a summary of what stands up to `last`, and of nothing else.
pub(crate) async fn ask(
    branch: &Branch,
    view: &View,
    last: MessageId,
    (prompt, config): (String, ConfigPatch),
) -> Result<String> {
    let fork = branch.fork_unnamed().at_head(view.head()).await?;
    let asked = summarize(&fork, view, last, (prompt, config)).await;
    fork.delete().await?;
    let reply = asked?;
    if reply.text.trim().is_empty() { Err(Error::EmptyAnswer) } else { Ok(reply.text) }
}

async fn summarize(
    fork: &Branch,
    view: &View,
    last: MessageId,
    (prompt, config): (String, ConfigPatch),
) -> Result<Reply> {
    // A group whose calls are open stays: it is closed before the model is asked.
    let open = view.messages().rev().find(|message| message.role() == Role::Assistant);
    let open = open.filter(|_| !view.open_calls().is_empty()).map(|open| open.id);
    let is_before = |group: &Vec<&Arc<Message>>| group.iter().all(|message| message.id != last);
    let kept = view.groups().skip_while(is_before).skip(1);
    let kept = kept.filter_map(|group| group.first().map(|first| (first.id, first.role())));
    let kept = kept.filter(|(id, role)| Some(*id) != open && *role != Role::System);
    let kept: Vec<_> = kept.map(|(message, _)| Revision::Remove { message }).collect();
    if !kept.is_empty() {
        fork.revise(kept).await?;
    }
    // What the branch wants of its answers is not wanted of a summary.
    let config = ConfigPatch { response_schema: Change::Clear, ..config };
    fork.chat(prompt).with_config(config).with_tools(ToolSelection::None).await
}

impl IntoFuture for Compact {
    type Output = Result<Compacted>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let flow = Operation::workflow(&self.branch, "compact");
        Box::pin(flow.run(self.run()))
    }
}

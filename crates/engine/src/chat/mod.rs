//! Asking a model: one machine, awaited for the reply or read as a stream of events.
//!
//! What is said is durable before anything depends on it: the instruction before the model is
//! asked, the answer before [`TurnEvent::Completed`]. A turn that is dropped half-way is closed in
//! the background, with what had come, as `interrupted`; [`Engine::close`](crate::Engine::close)
//! waits for that. A turn that a crash cut off goes on with [`Branch::resume`]; any other write finds it
//! and closes it the same way.

mod answer_fork;
mod count;
mod event;
mod extract;
mod mail_read;
mod meter;
mod once;
mod ready;
mod rest;
mod run;
mod shown;
mod siblings;
mod stream;

use std::pin::Pin;

use branchwork_core::{
    config::ConfigPatch,
    filter::Filter,
    message::{Body, Draft, Part, ToolCall},
    tool::{Policy, ToolChoice, ToolSelection},
    turn::TurnLimits,
};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

pub(crate) use self::extract::{REPAIRS, correction, read};
pub use self::{
    event::{Reply, TurnEvent},
    extract::{Extract, Extracted},
    stream::ChatStream,
};
pub(crate) use self::{
    meter::hash,
    shown::{cache_hints, last_instruction},
};
use crate::{branch::Branch, error::Result, tools::TurnPolicy};

/// A question to the model of a branch: `.await` it for the reply, or [`stream`](Self::stream) it.
///
/// # Errors
///
/// [`Error::NoModel`](crate::Error::NoModel), [`Error::NoProvider`](crate::Error::NoProvider),
/// [`Error::Draft`](crate::Error::Draft), [`Error::Config`](crate::Error::Config),
/// [`Error::NotFound`](crate::Error::NotFound) for a tool,
/// [`Error::BadToolChoice`](crate::Error::BadToolChoice): nothing was written. [`Error::Provider`](crate::Error::Provider),
/// [`Error::EmptyAnswer`](crate::Error::EmptyAnswer): the instruction and what had come are kept.
/// [`Error::Conflict`](crate::Error::Conflict): another process moved the branch before the model
/// was asked; [`Error::MovedMeanwhile`](crate::Error::MovedMeanwhile): while it answered.
/// [`Error::BadLimits`](crate::Error::BadLimits), [`Error::BadOption`](crate::Error::BadOption): nothing
/// was written. [`Error::TooLong`](crate::Error::TooLong): a request has more tokens than one may have;
/// the first one was not written, of a later one what had come is kept.
/// [`Error::OutOfTime`](crate::Error::OutOfTime), [`Error::Interrupted`](crate::Error::Interrupted): what had come is kept.
/// [`Error::Parked`](crate::Error::Parked): calls wait for approval, of this turn or of an earlier one;
/// then nothing was written. [`Error::NothingToRetry`](crate::Error::NothingToRetry),
/// [`Error::NothingToResume`](crate::Error::NothingToResume).
///
/// # Cancel safety
///
/// Dropping it cancels the call at once. Either nothing was written, or the turn is closed in the
/// background with what had come.
#[derive(Debug)]
#[must_use = "a model is asked when the chat is awaited or its stream is read"]
pub struct Chat {
    branch: Branch,
    ask: Ask,
    options: Options,
}

/// What the model is to answer.
#[derive(Debug)]
enum Ask {
    /// A new instruction.
    Instruction(Draft),
    /// The last instruction, again; with another text when there is one.
    Again { text: Option<String> },
    /// The rest of a turn that was cut off.
    Resume,
}

impl Ask {
    /// What a turn of it is called.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Instruction(_) => "chat",
            Self::Again { .. } => "retry",
            Self::Resume => "resume",
        }
    }
}

/// What holds for this call, and only for it unless it says so.
#[derive(Debug, Clone, Default)]
struct Options {
    /// It stays.
    system: Option<String>,
    config: ConfigPatch,
    tools: ToolSelection,
    tool_choice: ToolChoice,
    shown: Option<Filter>,
    results_kept: Option<u32>,
    limits: TurnLimits,
    policy: Option<TurnPolicy>,
    in_one_piece: bool,
    /// Answers beside the first that are asked for.
    others: u32,
    /// One that was given and says something of an instruction that is not written.
    misplaced: Option<&'static str>,
}

impl Options {
    /// How many answers are asked for.
    const fn choices(&self) -> u32 {
        self.others.saturating_add(1)
    }
}

impl Chat {
    pub(crate) fn ask(branch: Branch, instruction: String) -> Self {
        Self::say(branch, Draft::new(Body::instruction(instruction)))
    }

    /// Says an instruction that was said before.
    pub(crate) fn say(branch: Branch, instruction: Draft) -> Self {
        Self { branch, ask: Ask::Instruction(instruction), options: Options::default() }
    }

    pub(crate) fn again(branch: Branch) -> Self {
        Self { branch, ask: Ask::Again { text: None }, options: Options::default() }
    }

    pub(crate) fn resume(branch: Branch) -> Self {
        Self { branch, ask: Ask::Resume, options: Options::default() }
    }

    /// Tells the model what it should know for this instruction.
    pub fn with_context(self, context: Value) -> Self {
        self.map_instruction("with_context", |draft| {
            if let Body::Instruction { context: place, .. } = &mut draft.body {
                *place = Some(context);
            }
        })
    }

    /// Adds parts to the instruction: pictures, files, data.
    pub fn with_parts(self, more: impl IntoIterator<Item = Part>) -> Self {
        self.map_instruction("with_parts", |draft| {
            if let Body::Instruction { parts, .. } = &mut draft.body {
                parts.extend(more);
            }
        })
    }

    /// Changes what is asked: of a [`retry`](crate::Branch::retry), in the same step, the text of the
    /// instruction; its context and attachments stay.
    pub fn with_text(mut self, new: impl Into<String>) -> Self {
        let new = new.into();
        if let Ask::Again { text } = &mut self.ask {
            *text = Some(new);
            return self;
        }
        self.map_instruction("with_text", |draft| {
            if let Some(body) = draft.body.with_text(new) {
                draft.body = body;
            }
        })
    }

    /// Says who asks.
    pub fn with_sender(self, sender: impl Into<String>) -> Self {
        self.map_instruction("with_sender", |draft| draft.sender = Some(sender.into()))
    }

    /// Lets the system message say `text` from here on, in the same step; without one, puts it before
    /// all other messages.
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.options.system = Some(text.into());
        if matches!(self.ask, Ask::Resume) {
            self.options.misplaced = Some("with_system");
        }
        self
    }

    /// Keeps `metadata` with the instruction.
    pub fn with_metadata(self, metadata: Map<String, Value>) -> Self {
        self.map_instruction("with_metadata", |draft| draft.metadata = metadata)
    }

    /// Changes the configuration for this call only.
    pub fn with_config(mut self, config: ConfigPatch) -> Self {
        self.options.config = config;
        self
    }

    /// Offers tools of the branch to the model: all, one or several by name, or none. Without
    /// it, those that the configuration names.
    ///
    /// What the model calls of them is run, once its answer is durable, all calls at once. Each
    /// call gets its result in the history, in the order of the calls. The model is shown the results
    /// and asked again, until it calls nothing or a [limit](Self::with_limits) is reached.
    pub fn with_tools(mut self, tools: impl Into<ToolSelection>) -> Self {
        self.options.tools = tools.into();
        self
    }

    /// Says which calls of tools may run, beside what the tools say: the stricter of both counts. The
    /// same call is always to be judged the same. When a person must be asked about a call, none of the
    /// answer's runs, and the turn is [parked](crate::Error::Parked).
    pub fn with_policy(
        mut self,
        policy: impl Fn(&ToolCall, &Value) -> Policy + Send + Sync + 'static,
    ) -> Self {
        self.options.policy = Some(TurnPolicy::new(policy));
        self
    }

    /// Says how far the turn may go. Without it, the model is asked up to
    /// [`TURN_ROUNDS_DEFAULT`](branchwork_core::limits::TURN_ROUNDS_DEFAULT) times. A turn that goes no
    /// further gives the last answer, and says why in [`Reply::limit`].
    pub const fn with_limits(mut self, limits: TurnLimits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Says whether the model may, must or must not call tools. That it must holds for the first answer
    /// only: else it would never be done.
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.options.tool_choice = choice;
        self
    }

    /// Shows the model only what `filter` selects, turn groups as a whole, and this turn.
    pub fn with_shown(mut self, filter: Filter) -> Self {
        self.options.shown = Some(filter);
        self
    }

    /// Shows the model only the last `count` results of tools whole, and those of calls that no answer
    /// followed; the older ones say that they are left out. The history keeps them. What a provider has
    /// cached of the request ends where the first one goes.
    pub const fn with_results_kept(mut self, count: u32) -> Self {
        self.options.results_kept = Some(count);
        self
    }

    /// Asks the provider for the answer in one piece. What had come when such a call is cut off
    /// is nothing.
    pub const fn in_one_piece(mut self) -> Self {
        self.options.in_one_piece = true;
        self
    }

    /// Asks for so many answers with one request, where the provider's protocol can: the instruction is read,
    /// and paid for, once. The first one goes on here as ever; each of the others is on a fork of its own,
    /// behind the same instruction, see [`Reply::siblings`]. Calls of tools that they make do not run.
    pub const fn with_choices(mut self, choices: u32) -> Self {
        self.options.others = choices.saturating_sub(1);
        if choices == 0 {
            self.options.misplaced = Some("with_choices");
        }
        self
    }

    /// The events of the turn, as they come. Nothing happens until it is read.
    pub fn stream(self) -> ChatStream {
        ChatStream::new(self)
    }

    async fn reply(self) -> Result<Reply> {
        let mut stream = self.stream();
        while let Some(event) = stream.next().await {
            if let TurnEvent::Completed(reply) = event? {
                return Ok(reply);
            }
        }
        unreachable!("BUG: a turn ends with a reply or an error")
    }

    /// Changes the instruction. Without a new one, the option that would is an error of the turn.
    fn map_instruction(mut self, option: &'static str, change: impl FnOnce(&mut Draft)) -> Self {
        match &mut self.ask {
            Ask::Instruction(draft) => change(draft),
            Ask::Again { .. } | Ask::Resume => self.options.misplaced = Some(option),
        }
        self
    }
}

impl IntoFuture for Chat {
    type Output = Result<Reply>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.reply())
    }
}

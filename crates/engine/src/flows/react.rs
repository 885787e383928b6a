//! Reasoning and acting in turns.

use std::pin::Pin;

use branchwork_core::{
    config::ConfigPatch, provider::ToolChoice, tool::ToolSelection, turn::TurnLimits,
};
use serde_json::Value;

use super::asking::question;
use crate::{
    branch::Branch,
    chat::Reply,
    error::{Error, Result},
    telemetry::Operation,
};

/// Rounds unless it is said otherwise.
const ROUNDS: u32 = 3;

/// Lets the model reason and act in turns until it is done, and then present the result: `.await` it
/// for that.
///
/// Each round is two turns: one in which the model reasons and calls nothing, one in which it may call
/// tools. It is told how many steps are left. A turn to act in which it calls nothing says that it is
/// done. So `rounds` rounds ask it 2 × `rounds` + 1 times at most.
///
/// # Cancel safety
///
/// Dropping the future stops the turn that goes on, as dropping a [`Chat`](crate::Chat) does; the turns
/// that are done stay.
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited"]
pub struct React {
    branch: Branch,
    task: String,
    context: Option<Value>,
    tools: ToolSelection,
    rounds: u32,
    config: ConfigPatch,
    prompts: ReactPrompts,
}

/// What the model is told in each turn. `{steps}` is how many steps are left, `{tools}` the names of
/// the tools.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReactPrompts {
    /// Behind the task, in the first turn.
    pub reason: String,
    /// In the turns to act.
    pub act: String,
    /// In the last turn.
    pub present: String,
}

impl Default for ReactPrompts {
    fn default() -> Self {
        Self {
            reason: "You have {steps} steps left. Reason about what is known and what to do next, and \
                     plan with the tools there are: {tools}. Call none of them now."
                .to_owned(),
            act: "You have {steps} steps left. Call the tools that your plan needs now. When the task is \
                  done, call none and say so."
                .to_owned(),
            present: "Present the final result to the user.".to_owned(),
        }
    }
}

impl ReactPrompts {
    /// The default ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the model is told when it shall reason.
    #[must_use]
    pub fn with_reason(mut self, text: impl Into<String>) -> Self {
        self.reason = text.into();
        self
    }

    /// What the model is told when it may act.
    #[must_use]
    pub fn with_act(mut self, text: impl Into<String>) -> Self {
        self.act = text.into();
        self
    }

    /// What the model is told at the end.
    #[must_use]
    pub fn with_present(mut self, text: impl Into<String>) -> Self {
        self.present = text.into();
        self
    }
}

impl Branch {
    /// Lets the model solve `task` by reasoning and acting in turns, with the tools of this branch.
    pub fn react(&self, task: impl Into<String>) -> React {
        React {
            branch: self.clone(),
            task: task.into(),
            context: None,
            tools: ToolSelection::All,
            rounds: ROUNDS,
            config: ConfigPatch::new(),
            prompts: ReactPrompts::default(),
        }
    }
}

impl React {
    /// Tells the model what it should know for the task.
    pub fn with_context(mut self, context: Value) -> Self {
        self.context = Some(context);
        self
    }

    /// Offers these tools of the branch; all of them when it is not said.
    pub fn with_tools(mut self, tools: impl Into<ToolSelection>) -> Self {
        self.tools = tools.into();
        self
    }

    /// Lets it go at most so many rounds; with 0, the model is only asked for the result.
    pub const fn with_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Changes the configuration for these turns only.
    pub fn with_config(mut self, config: ConfigPatch) -> Self {
        self.config = config;
        self
    }

    /// Tells the model other words.
    pub fn with_prompts(mut self, prompts: ReactPrompts) -> Self {
        self.prompts = prompts;
        self
    }

    async fn run(self) -> Result<Reply> {
        let config = self.branch.view().await?.config().patched(&self.config);
        let names: Vec<String> = {
            let offer = self.branch.tools().offer(&self.tools, &config)?;
            offer.specs.iter().map(|spec| spec.name.clone()).collect()
        };
        if names.is_empty() {
            return Err(Error::NoTools);
        }
        let names = names.join(", ");
        let told = |prompt: &str, steps: u32| {
            prompt.replace("{steps}", &steps.to_string()).replace("{tools}", &names)
        };
        for round in 0..self.rounds {
            let left = 2 * (self.rounds - round);
            let reason = told(&self.prompts.reason, left);
            self.turn(round == 0, reason, ToolChoice::None).await?;
            let act = told(&self.prompts.act, left - 1);
            let acted = self.turn(false, act, ToolChoice::Auto).await?;
            if acted.calls().is_empty() {
                break;
            }
        }
        self.turn(self.rounds == 0, told(&self.prompts.present, 0), ToolChoice::None).await
    }

    /// One turn; the first one tells the task.
    async fn turn(&self, is_first: bool, prompt: String, choice: ToolChoice) -> Result<Reply> {
        let text = if is_first { format!("{}\n\n{prompt}", self.task) } else { prompt };
        let context = self.context.as_ref().filter(|_| is_first);
        question(&self.branch, &text, context)
            .with_tools(self.tools.clone())
            .with_tool_choice(choice)
            .with_limits(TurnLimits::new().with_rounds(1))
            .with_config(self.config.clone())
            .await
    }
}

impl IntoFuture for React {
    type Output = Result<Reply>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let flow = Operation::workflow(&self.branch, "react");
        Box::pin(flow.run(self.run()))
    }
}

//! One answer, as the test wrote it.

use std::collections::VecDeque;

use branchwork_core::provider::{Finish, ProviderError, ProviderEvent, Usage};

use super::Gate;

/// What one call of a [`ScriptedProvider`](super::ScriptedProvider) answers.
///
/// A script that ends without [`ProviderEvent::Finished`] ends with
/// [`ProviderError::Truncated`], as the contract demands.
#[derive(Debug, Default)]
pub struct Script {
    pub(super) refusal: Option<ProviderError>,
    pub(super) steps: VecDeque<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Say(Box<Result<ProviderEvent, ProviderError>>),
    Wait(Gate),
}

impl Script {
    /// An answer that has said nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole answer of plain text, in one piece.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().with_start().with_text(text).with_end(Finish::Stop)
    }

    /// A whole answer that calls tools: each with its identifier, function and arguments.
    pub fn calls<const N: usize>(calls: [(&str, &str, &str); N]) -> Self {
        let script = calls
            .into_iter()
            .zip(0..)
            .fold(Self::new().with_start(), |script, (call, index)| script.with_call(index, call));
        script.with_end(Finish::ToolCalls)
    }

    /// The call itself fails; there is no answer.
    pub fn refusal(error: ProviderError) -> Self {
        Self { refusal: Some(error), steps: VecDeque::new() }
    }

    /// Says that the answer begins.
    #[must_use]
    pub fn with_start(self) -> Self {
        let model = Some("scripted".to_owned());
        self.with_event(ProviderEvent::Started { model, response_id: None })
    }

    /// Says a piece of text.
    #[must_use]
    pub fn with_text(self, text: impl Into<String>) -> Self {
        self.with_event(ProviderEvent::Text(text.into()))
    }

    /// Calls a tool: its identifier, function and arguments.
    #[must_use]
    pub fn with_call(self, index: u32, (id, function, arguments): (&str, &str, &str)) -> Self {
        let (id, function) = (id.to_owned(), function.to_owned());
        self.with_event(ProviderEvent::CallStarted { index, id, function })
            .with_event(ProviderEvent::CallArguments { index, text: arguments.to_owned() })
    }

    /// Says what the answer cost, and that it is whole.
    #[must_use]
    pub fn with_end(self, finish: Finish) -> Self {
        let tokens = Some(1);
        let usage = Usage { input_tokens: tokens, output_tokens: tokens, ..Usage::default() };
        self.with_event(ProviderEvent::Usage(usage)).with_event(ProviderEvent::Finished(finish))
    }

    /// Says any event.
    #[must_use]
    pub fn with_event(mut self, event: ProviderEvent) -> Self {
        self.steps.push_back(Step::Say(Box::new(Ok(event))));
        self
    }

    /// Breaks off with an error.
    #[must_use]
    pub fn with_error(mut self, error: ProviderError) -> Self {
        self.steps.push_back(Step::Say(Box::new(Err(error))));
        self
    }

    /// Waits at `gate` until the test releases it.
    #[must_use]
    pub fn with_gate(mut self, gate: &Gate) -> Self {
        self.steps.push_back(Step::Wait(gate.clone()));
        self
    }
}

//! The provider that gives scripts in order.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use branchwork_core::provider::{
    EventStream, ModelInfo, ModelRequest, Provider, ProviderError, ProviderEvent, RenderedRequest,
};
use futures_util::stream;

use super::{Script, check::check, script::Step};

type Responder = Box<dyn Fn(&ModelRequest) -> Script + Send + Sync>;

/// Answers calls with scripts, in the order in which they were added, and keeps every request.
///
/// A call that finds no script is refused, and so is a request in which a tool call has no result.
#[derive(Debug, Default)]
pub struct ScriptedProvider {
    state: Mutex<State>,
    responder: Option<HiddenResponder>,
    models: Vec<ModelInfo>,
    cancelled: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct State {
    scripts: VecDeque<Script>,
    requests: Vec<ModelRequest>,
}

struct HiddenResponder(Responder);

impl fmt::Debug for HiddenResponder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

impl ScriptedProvider {
    /// A provider without scripts.
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider that asks `responder` when it has no script left: for tests in which the order
    /// of calls is not fixed.
    pub fn answering(responder: impl Fn(&ModelRequest) -> Script + Send + Sync + 'static) -> Self {
        Self { responder: Some(HiddenResponder(Box::new(responder))), ..Self::default() }
    }

    /// Adds a script behind those it has.
    #[must_use]
    pub fn with_script(self, script: Script) -> Self {
        self.push(script);
        self
    }

    /// Says which models it serves.
    #[must_use]
    pub fn with_models<const N: usize>(mut self, ids: [&str; N]) -> Self {
        let model = |id: &str| ModelInfo { id: id.to_owned(), owner: None, context_tokens: None };
        self.models = ids.into_iter().map(model).collect();
        self
    }

    /// Adds a script behind those it has.
    pub fn push(&self, script: Script) {
        self.state().scripts.push_back(script);
    }

    /// Every request so far, refused ones included, oldest first.
    pub fn requests(&self) -> Vec<ModelRequest> {
        self.state().requests.clone()
    }

    /// How many scripts were not used yet.
    pub fn remaining(&self) -> usize {
        self.state().scripts.len()
    }

    /// How many answers were dropped before their end.
    pub fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A std mutex: every section is short and none awaits.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps `request` and takes the script that answers it.
    fn take_script(&self, request: &ModelRequest) -> Option<Script> {
        let mut state = self.state();
        state.requests.push(request.clone());
        let script = state.scripts.pop_front();
        drop(state);
        script.or_else(|| self.responder.as_ref().map(|responder| responder.0(request)))
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    async fn send(
        &self,
        request: &ModelRequest,
        _rendered: RenderedRequest,
    ) -> Result<EventStream, ProviderError> {
        let script = self.take_script(request);
        let script = script.ok_or_else(|| ProviderError::InvalidRequest {
            status: None,
            detail: "no script is left for this request".to_owned(),
        })?;
        if let Some(error) = script.refusal {
            return Err(error);
        }
        let cancelled = Arc::clone(&self.cancelled);
        let answer = Answer { steps: script.steps, ended: false, cancelled };
        Ok(Box::pin(stream::unfold(answer, |mut answer| async {
            answer.next().await.map(|event| (event, answer))
        })))
    }

    fn render(&self, request: &ModelRequest) -> Result<RenderedRequest, ProviderError> {
        check(request)?;
        let tools = request.tools.iter().map(|tool| format!("tool {}\n", tool.name));
        let messages = request.messages.iter().map(|message| {
            format!("{} {}: {:?}\n", message.role(), message.sender, message.text())
        });
        let body = tools.chain(messages).collect::<String>().into();
        let url = "scripted:".to_owned();
        Ok(RenderedRequest { url, body, ..RenderedRequest::default() })
    }

    async fn models(&self) -> Result<Vec<ModelInfo>, ProviderError> {
        Ok(self.models.clone())
    }
}

/// One answer on its way.
struct Answer {
    steps: VecDeque<Step>,
    ended: bool,
    cancelled: Arc<AtomicUsize>,
}

impl Answer {
    /// The next event; `None` behind the last one.
    async fn next(&mut self) -> Option<Result<ProviderEvent, ProviderError>> {
        if self.ended {
            return None;
        }
        loop {
            let event = match self.steps.pop_front() {
                Some(Step::Wait(gate)) => {
                    gate.pass().await;
                    continue;
                }
                Some(Step::Say(event)) => *event,
                None => Err(ProviderError::Truncated { source: None }),
            };
            self.ended = matches!(event, Err(_) | Ok(ProviderEvent::Finished(_)));
            return Some(event);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.ended {
            self.cancelled.fetch_add(1, Ordering::SeqCst);
        }
    }
}

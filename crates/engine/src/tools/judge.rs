//! Which calls of the tools on offer may run.

use std::{collections::BTreeMap, fmt, panic::AssertUnwindSafe, sync::Arc};

use branchwork_core::{
    message::ToolCall,
    tool::{JudgesCalls, Policy},
};
use serde_json::Value;

use super::{Registered, run::arguments};

/// What is said of a call with these arguments.
type Judgement = dyn Fn(&ToolCall, &Value) -> Policy + Send + Sync;

/// What a turn says of calls, beside what their tools say.
#[derive(Clone)]
pub(crate) struct TurnPolicy(Arc<Judgement>);

impl TurnPolicy {
    pub(crate) fn new(
        policy: impl Fn(&ToolCall, &Value) -> Policy + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(policy))
    }
}

impl fmt::Debug for TurnPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnPolicy(..)")
    }
}

/// The tools of a turn and what it says of their calls: the stricter of both counts.
#[derive(Debug)]
pub(crate) struct Judge {
    pub(crate) tools: BTreeMap<String, Registered>,
    pub(crate) policy: Option<TurnPolicy>,
}

impl JudgesCalls for Judge {
    fn judge(&self, call: &ToolCall) -> Policy {
        let Some(registered) = self.tools.get(&call.function) else { return Policy::Allow };
        // What does not fit does not run, and nobody needs to be asked about it.
        let Ok(arguments) = arguments(registered, &call.arguments) else { return Policy::Allow };
        let judged = AssertUnwindSafe(|| {
            let own = registered.tool.policy(&arguments);
            let turn = self.policy.as_ref().map(|TurnPolicy(judge)| judge(call, &arguments));
            own.and(turn.unwrap_or_default())
        });
        std::panic::catch_unwind(judged)
            .unwrap_or_else(|_panic| Policy::Deny("the policy of the tool panicked".to_owned()))
    }
}

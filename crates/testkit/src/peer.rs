//! The peer `llmock`, which others wrote: a server that misbehaves as it is told, and grades who asks it.

use serde_json::{Value, json};

use crate::{admin, xtask};

/// A peer that runs. It ends with this process.
#[derive(Debug)]
pub struct Peer {
    url: String,
}

/// What the peer thinks of who asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Calls, each with all its tries.
    pub calls: u64,
    /// Requests.
    pub attempts: u64,
    /// How often it misbehaved.
    pub faults: u64,
    /// What it finds fault with, by its names for that.
    pub findings: Vec<String>,
}

impl Peer {
    /// Starts the peer by `cargo xtask`, with options of that.
    ///
    /// # Panics
    ///
    /// When it does not start: with what it said.
    pub fn start(options: &[&str]) -> Self {
        let process = std::process::id().to_string();
        let name = format!("test-{process}");
        let own = ["peer", "start", "llmock", "--state-name", &name, "--owner-pid", &process];
        Self { url: xtask(&[&own, options].concat()) }
    }

    /// The base URL of its OpenAI protocol.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets who came, what it was told, and what was used of a minute.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn reset(&self) {
        self.admin("POST", "reset", &json!({})).await;
    }

    /// Forgets who came. What was used of a minute stays used.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn forget(&self) {
        self.admin("DELETE", "requests", &json!({})).await;
    }

    /// Tells it how to behave, as a list of behaviours in its words. Each holds for the next request that fits,
    /// or as often as it says.
    ///
    /// # Panics
    ///
    /// When it does not understand.
    pub async fn behave(&self, behaviors: Value) {
        self.admin("POST", "scenario", &json!({ "behaviors": behaviors })).await;
    }

    /// What it thinks of who asked it since it was reset.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    pub async fn verdict(&self) -> Verdict {
        let verdict = self.admin("GET", "verdict", &json!({})).await;
        let count = |name: &str| verdict.get(name).and_then(Value::as_u64).expect("it counts");
        let findings = verdict.get("findings").and_then(Value::as_array).expect("it lists them");
        let code = |finding: &Value| {
            finding.get("code").and_then(Value::as_str).expect("each has a name").to_owned()
        };
        Verdict {
            calls: count("calls"),
            attempts: count("attempts"),
            faults: count("faults_injected"),
            findings: findings.iter().map(code).collect(),
        }
    }

    /// What it answers to a request that is not for a model.
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Value {
        admin::ask(&self.url, method, &format!("/_llmock/{path}"), body).await
    }
}

//! What is written down about a server that was started.

use std::{fs, path::Path};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{cache, process};

/// A server that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The process that leads its process group.
    pub(crate) pid: u32,
    /// Where it listens on loopback.
    pub(crate) port: u16,
    /// Its base URL for clients.
    pub(crate) url: String,
    /// What answers 200 once it is ready.
    pub(crate) health: String,
    /// What it serves.
    #[serde(default)]
    pub(crate) what: String,
}

impl State {
    /// Reads it from its file; nothing when there is none, or none that can be understood.
    pub(crate) fn read(file: &Path) -> Option<Self> {
        serde_json::from_str(&fs::read_to_string(file).ok()?).ok()
    }

    /// Writes it to its file.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        cache::write(file, &serde_json::to_string(self)?)
    }

    /// Whether its process is there.
    pub(crate) fn is_alive(&self) -> bool {
        process::is_ours(self.pid, self.port)
    }

    /// Whether it answers.
    pub(crate) fn is_ready(&self) -> bool {
        process::is_healthy(self.port, &self.health)
    }

    /// One line for a person.
    pub(crate) fn line(&self) -> String {
        let ready = if self.is_ready() { "running" } else { "not ready yet" };
        format!("{ready} {} pid {} {}", self.url, self.pid, self.what).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let url = "http://127.0.0.1:8080/v1".to_owned();
        State { pid: 7, port: 8_080, url, health: "/health".into(), what: "smollm2".into() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = std::env::temp_dir().join(format!("xtask-state-{}.json", std::process::id()));
        state().write(&file).unwrap();
        assert_eq!(State::read(&file), Some(state()));
        fs::write(&file, r#"{"pid": 7"#).unwrap();
        assert_eq!(State::read(&file), None);
        fs::remove_file(&file).unwrap();
        assert_eq!(State::read(&file), None);
    }

    #[test]
    fn a_file_that_does_not_say_what_is_served_is_understood() {
        let text = r#"{"pid":7,"port":8080,"url":"http://127.0.0.1:8080/v1","health":"/health"}"#;
        let read: State = serde_json::from_str(text).unwrap();
        assert_eq!(read, State { what: String::new(), ..state() });
    }
}

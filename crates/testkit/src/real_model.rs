//! A small real model on a real server, which others wrote: SmolLM2 on llama.cpp's own.

use crate::xtask;

/// A model that runs, for one answer at a time. It ends with this value, and with this process.
#[derive(Debug)]
pub struct RealModel {
    name: String,
    url: String,
}

impl RealModel {
    /// The name under which it is asked.
    pub const MODEL: &str = "smollm2";

    /// Starts it by `cargo xtask`, with nothing in its cache; `name` tells it from others of this process.
    ///
    /// # Panics
    ///
    /// When it does not start: with what it said.
    pub fn start(name: &str) -> Self {
        let process = std::process::id().to_string();
        let name = format!("{name}-{process}");
        let own = ["model", "start", "--port", "0", "--parallel", "1"];
        let run = ["--state-name", &name, "--owner-pid", &process];
        let url = xtask(&[&own[..], &run].concat());
        Self { name, url }
    }

    /// The base URL of its OpenAI protocols. That of Anthropic is the same without the path, which is
    /// understood.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for RealModel {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            xtask(&["model", "stop", "--state-name", &self.name]);
        }
    }
}

//! A whole turn with a tool against a real server: instruction, call, result, prose.
//!
//! `cargo run -p branchwork --example tool_loop -- "$(cargo xtask model start --model qwen1.5b)" qwen1.5b`
//!
//! `cargo xtask record tool-loop` records what goes over the wire, and the test `recorded` plays it again.

use std::{io::Write as _, sync::Arc};

use branchwork::{
    Engine, Error, Reply,
    core::{config::ConfigPatch, tool::ToolSelection},
    providers::{HttpOptions, HttpProvider},
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use serde::{Deserialize, Serialize};

/// The longest answer: a small model on a small machine shall not wander off.
const TOKENS_MAX: u32 = 60;

#[derive(Deserialize, JsonSchema)]
struct City {
    /// The name of the city.
    city: String,
}

#[derive(Serialize)]
struct Weather {
    city: String,
    celsius: i32,
    sky: &'static str,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [base_url, model] = arguments.as_slice() else {
        return Err("usage: tool_loop BASE_URL MODEL".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let reply = runtime.block_on(ask(&Engine::in_memory(), base_url, model))?;
    Ok(writeln!(std::io::stdout(), "{}", reply.text)?)
}

/// Asks a question that only a tool can answer.
pub(crate) async fn ask(engine: &Engine, base_url: &str, model: &str) -> Result<Reply, Error> {
    let options = HttpOptions::chat(base_url).expect("it is a base URL");
    let provider = HttpProvider::new(options).map_err(Error::Provider)?;
    let session = engine.session("tools").provider("local", Arc::new(provider)).model(model);
    let exact = ConfigPatch::new().with_temperature(0.0).with_seed(7).with_max_tokens(TOKENS_MAX);
    let main = session.config(exact).create().await?.default_branch();
    main.register(FunctionTool::new("weather", "The weather of a city now.", weather))?;
    main.chat("What is the weather in Lisbon now?").with_tools(ToolSelection::All).await
}

async fn weather(City { city }: City) -> Result<Weather, ToolError> {
    Ok(Weather { city, celsius: 18, sky: "light rain" })
}

//! Three branches research side by side with a tool and mail what they found to a fourth, which merges the best by
//! a summary.
//!
//! `cargo run -p branchwork --example research -- "$(cargo xtask model start --model qwen1.5b)" qwen1.5b`
//!
//! `cargo xtask record research` records what goes over the wire, and the test `research` plays it again.

use std::{io::Write as _, sync::Arc};

use branchwork::{
    Branch, Engine, Error, Session,
    core::{
        config::ConfigPatch,
        message::{Body, Outcome},
        tool::ToolSelection,
    },
    mail::{MailQuery, Package},
    providers::{HttpOptions, HttpProvider},
    tools::{FunctionTool, ToolError, schemars::JsonSchema},
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

/// The longest answer: a small model on a small machine shall not wander off.
const TOKENS_MAX: u32 = 80;

/// What the branches look into.
const CITIES: [&str; 3] = ["Lisbon", "Oslo", "Athens"];

#[derive(Deserialize, JsonSchema)]
struct City {
    /// The name of the city.
    city: String,
}

#[derive(Serialize)]
struct Facts {
    city: String,
    celsius: i32,
    sky: &'static str,
    hotel_euros: u32,
}

/// What came of the research.
#[derive(Debug)]
pub(crate) struct Research {
    /// The session, with all of its branches.
    pub(crate) session: Session,
    /// The branch that was written to.
    pub(crate) editor: Branch,
    /// The branch whose findings were merged.
    pub(crate) best: Branch,
    /// The summary that was merged.
    pub(crate) summary: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [base_url, model] = arguments.as_slice() else {
        return Err("usage: research BASE_URL MODEL".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let research = runtime.block_on(research(&Engine::in_memory(), base_url, model))?;
    runtime.block_on(show(&research))
}

/// Prints what the editor has, and how.
async fn show(research: &Research) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    for message in research.editor.view().await?.messages() {
        writeln!(out, "{}: {}", message.sender, message.text())?;
    }
    let (mails, best) =
        (research.session.mail(&MailQuery::new()).await?, research.best.record().await?);
    let merged = research.summary.chars().count();
    writeln!(out, "{} mails; {} was merged, in {merged} characters", mails.len(), best.name)?;
    Ok(())
}

/// Lets three branches find out about a city each, and a fourth choose.
pub(crate) async fn research(
    engine: &Engine,
    base_url: &str,
    model: &str,
) -> Result<Research, Error> {
    let options = HttpOptions::chat(base_url).expect("it is a base URL");
    let provider = HttpProvider::new(options).map_err(Error::Provider)?;
    let session = engine.session("research").provider("local", Arc::new(provider)).model(model);
    let exact = ConfigPatch::new().with_temperature(0.0).with_seed(7).with_max_tokens(TOKENS_MAX);
    let session = session.config(exact).create().await?;
    session.register(FunctionTool::new("facts", "Weather and prices of a city now.", facts))?;

    let editor = session.default_branch();
    let mut scouts = Vec::new();
    for city in CITIES {
        scouts.push(editor.fork(city).await?);
    }
    try_join_all(scouts.iter().map(|scout| look_into(scout, &editor))).await?;

    // Read in one order, whoever was done first.
    let mut warmest = (i64::MIN, 0);
    for (number, scout) in scouts.iter().enumerate() {
        let received = editor.receive().from(scout).await?;
        let facts = received.taken.iter().filter_map(|taken| match &taken.mail.package {
            Package::Data(facts) => facts["celsius"].as_i64(),
            _ => None,
        });
        warmest = facts.map(|celsius| (celsius, number)).fold(warmest, Ord::max);
    }
    let best = scouts.swap_remove(warmest.1);

    let plan = session.merge(&best).into(&editor).summary_by(ConfigPatch::new()).plan().await?;
    // Here a person would read it, and perhaps put it otherwise: `plan.with_summary(..)`.
    let summary = plan.summary().unwrap_or_default().to_owned();
    plan.apply().await?;
    editor.chat("So where shall we go, and what does a hotel cost there? One sentence.").await?;
    Ok(Research { session, editor, best, summary })
}

/// Finds out about the city that the branch is named for, and mails it.
async fn look_into(scout: &Branch, editor: &Branch) -> Result<(), Error> {
    let city = scout.record().await?.name;
    let asked = format!("How many degrees are there in {city} now, and what does a hotel cost?");
    let found = scout.chat(asked).with_tools(ToolSelection::All).await?;
    scout.send(editor, found.message.id).await?;
    for result in &found.results {
        if let Body::ActionResponse { outcome: Outcome::Succeeded(facts), .. } = &result.body {
            scout.send(editor, facts.clone()).await?;
        }
    }
    Ok(())
}

async fn facts(City { city }: City) -> Result<Facts, ToolError> {
    let (celsius, sky, hotel_euros) = match city.as_str() {
        "Lisbon" => (18, "light rain", 110),
        "Oslo" => (2, "snow", 150),
        "Athens" => (24, "sun", 95),
        _ => return Err(ToolError::new(format!("nothing is known of {city}"))),
    };
    Ok(Facts { city, celsius, sky, hotel_euros })
}

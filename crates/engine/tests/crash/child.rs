//! The process that is killed: works on a branch until then, and says what is durable.

use std::{
    io::{Write as _, stdout},
    sync::Arc,
};

use branchwork::{
    Branch, Engine, Result,
    core::{
        message::{Body, Draft},
        provider::ModelRequest,
    },
};
use branchwork_testkit::{Script, ScriptedProvider};

/// Above this size a body is kept apart.
const LARGE: usize = 20_000;

/// `path branch worker`: works as `worker` on that branch of the session in that file.
pub(crate) fn run(arguments: &[String]) {
    let [path, branch, worker] = arguments else { panic!("usage: child PATH BRANCH WORKER") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work(path, branch, worker)).unwrap();
}

async fn work(path: &str, branch: &str, worker: &str) -> Result<()> {
    let engine = Engine::open(path)?;
    engine.register("local", Arc::new(ScriptedProvider::answering(answer)));
    let branch = engine.open_session("crash").await?.branch(branch).await?;
    for number in 0_u64.. {
        match number % 4 {
            0 | 1 => append(&branch, format!("say {worker} {number}")).await?,
            2 => {
                let padding = "x".repeat(LARGE);
                append(&branch, format!("say {worker} {number} {padding}")).await?;
            }
            _ => chat(&branch, format!("ask {worker} {number}")).await?,
        }
    }
    Ok(())
}

/// The answer to `ask …` is `answer to ask …`, in two pieces.
fn answer(request: &ModelRequest) -> Script {
    let asked = request.messages.last().map(|message| message.text()).unwrap_or_default();
    Script::new()
        .with_start()
        .with_text("answer to ")
        .with_text(asked)
        .with_end(branchwork::core::provider::Finish::Stop)
}

async fn append(branch: &Branch, text: String) -> Result<()> {
    loop {
        let draft = Draft::new(Body::instruction(text.clone()));
        match branch.append(draft).await {
            Ok(_) => break,
            Err(error) if error.is_head_moved() => {}
            Err(error) => return Err(error),
        }
    }
    acknowledge(&text);
    Ok(())
}

async fn chat(branch: &Branch, text: String) -> Result<()> {
    loop {
        match branch.chat(text.clone()).await {
            Ok(reply) => {
                assert_eq!(reply.text, format!("answer to {text}"));
                break;
            }
            Err(error) if error.is_head_moved() => {}
            // The other process was faster; the answer is on a branch of its own.
            Err(branchwork::Error::MovedMeanwhile { .. }) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    acknowledge(&text);
    Ok(())
}

/// Tells the parent, in one write, so that it reads whole lines.
fn acknowledge(text: &str) {
    let line: String = text.chars().take(40).chain(['\n']).collect();
    let mut out = stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("the parent reads");
}

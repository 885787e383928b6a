//! A process whose tools write to files is killed 100 times in the middle of its turns: what must not
//! happen twice does not, and every turn comes to its end.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use branchwork::{
    Branch, Engine, Error, RandomIds, Result,
    core::{
        id::IdSource as _,
        message::{Body, CallId, Outcome, Role},
        provider::ModelRequest,
        tool::{ToolEffect, ToolSelection},
    },
    tools::{FunctionTool, ToolContext, ToolError, schemars::JsonSchema},
};
use branchwork_testkit::{Script, ScriptedProvider};
use serde::Deserialize;

/// How often the process is killed.
const KILLS: usize = 100;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// `folder`: goes on with the turn that was cut off, then begins turns until it is killed. With
/// `finish`, ends once nothing is cut off.
pub(crate) fn run_child(arguments: &[String]) {
    let (folder, finish) = match arguments {
        [folder] => (folder, false),
        [folder, word] if word == "finish" => (folder, true),
        _ => panic!("usage: tools FOLDER [finish]"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work(Path::new(folder), finish)).unwrap();
}

async fn work(folder: &Path, finish: bool) -> Result<()> {
    let engine = Engine::open(folder.join("chats.db"))?;
    engine.register("local", Arc::new(ScriptedProvider::answering(answer)));
    let session = engine.open_session("crash").await?;
    for (name, effect) in [("once", ToolEffect::AtMostOnce), ("often", ToolEffect::Idempotent)] {
        session.register(appending(name, effect, folder))?;
    }
    let main = session.default_branch();
    match main.resume().with_tools(ToolSelection::All).await {
        Ok(_) | Err(Error::NothingToResume) => {}
        Err(error) => return Err(error),
    }
    if finish {
        return engine.close().await;
    }
    loop {
        let mut out = stdout().lock();
        out.write_all(b"begun\n").and_then(|()| out.flush()).expect("the parent reads");
        drop(out);
        main.chat("work").with_tools(ToolSelection::All).await?;
    }
}

/// A tool that appends the identifier of its call to a file of its own.
fn appending(name: &'static str, effect: ToolEffect, folder: &Path) -> FunctionTool {
    let path = folder.join(format!("{name}.txt"));
    let run = move |_: Nothing, context: ToolContext| {
        let path = path.clone();
        async move {
            // Others run meanwhile, so that calls end in any order.
            tokio::task::yield_now().await;
            append(&path, &context.call).map_err(ToolError::because)?;
            Ok::<_, ToolError>(context.call.to_string())
        }
    };
    FunctionTool::with_context(name, "Appends a line.", run).with_effect(effect)
}

fn append(path: &Path, call: &CallId) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{call}\n").as_bytes())?;
    file.sync_data()
}

/// Two rounds of calls, whose identifiers no other turn has, then the end.
fn answer(request: &ModelRequest) -> Script {
    let turn = request.messages.iter().filter(|message| message.role() == Role::User).count();
    let since = request.messages.iter().rev().take_while(|message| message.role() != Role::User);
    let rounds = since.filter(|message| matches!(message.body, Body::ActionRequest { .. })).count();
    let id = |place: &str| format!("{turn}-{rounds}-{place}");
    match rounds {
        0 | 1 => Script::calls([
            (&id("a"), "once", "{}"),
            (&id("b"), "often", "{}"),
            (&id("c"), "once", "{}"),
        ]),
        _ => Script::text("done"),
    }
}

pub(crate) fn run_parent() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let random = RandomIds::default();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(create(folder.path())).unwrap();
    for _ in 0..KILLS {
        kill_one(folder.path(), &random);
    }
    let finished = child(folder.path()).arg("finish").status().unwrap();
    assert!(finished.success());
    let (turns, unknown) = runtime.block_on(check(folder.path())).unwrap();
    println!("{KILLS} kills in {turns} turns, {unknown} calls of which nobody knows");
    assert!(turns >= KILLS / 4, "the children worked");
}

fn child(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("tools").arg(folder);
    command
}

/// Starts a child and kills it some time after it has begun a turn.
fn kill_one(folder: &Path, random: &RandomIds) {
    let mut process = child(folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    lines.next().expect("it works until it is killed").unwrap();
    for _ in 0..random.next_bits() % 2_000_000 {
        std::hint::spin_loop();
    }
    process.kill().unwrap();
    process.wait().unwrap();
}

async fn create(folder: &Path) -> Result<()> {
    let engine = Engine::open(folder.join("chats.db"))?;
    engine.session("crash").model("local:tiny").create().await?;
    engine.close().await
}

/// How often each call wrote its line.
fn lines(path: PathBuf) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        *lines.entry(line.to_owned()).or_default() += 1;
    }
    lines
}

/// Compares the history with the files; answers how many turns there are, and how many calls of which
/// nobody knows.
async fn check(folder: &Path) -> Result<(usize, usize)> {
    let engine = Engine::open(folder.join("chats.db"))?;
    assert_eq!(engine.verify().await?.problems, Vec::<String>::new());
    let main = engine.open_session("crash").await?.default_branch();
    let (once, often) = (lines(folder.join("once.txt")), lines(folder.join("often.txt")));
    assert_eq!(once.iter().find(|(_, count)| **count > 1), None, "at most once");
    let (turns, unknown) = check_history(&main, &once, &often).await?;
    engine.close().await?;
    Ok((turns, unknown))
}

async fn check_history(
    main: &Branch,
    once: &BTreeMap<String, usize>,
    often: &BTreeMap<String, usize>,
) -> Result<(usize, usize)> {
    let view = main.view().await?;
    assert!(view.open_calls().is_empty() && !main.is_cut_off().await?);
    let (mut turns, mut unknown, mut told) = (0, 0, BTreeSet::new());
    for message in view.messages() {
        match &message.body {
            Body::Response { .. } => {
                assert_eq!(message.text(), "done");
                turns += 1;
            }
            Body::ActionResponse { call, function, outcome } => {
                assert!(told.insert(call.clone()), "one result for each call");
                let wrote = if function == "once" { once } else { often };
                match outcome {
                    Outcome::Succeeded(_) => assert!(wrote.contains_key(call.as_str()), "{call}"),
                    Outcome::Unknown if function == "once" => unknown += 1,
                    other => panic!("{function} {call}: {other:?}"),
                }
            }
            _ => {}
        }
    }
    let asked = view.messages().filter(|message| message.role() == Role::User).count();
    assert_eq!(asked, turns, "every turn came to its end");
    Ok((turns, unknown))
}

//! The process that kills, and looks at what is left.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use branchwork::{
    Engine, Error, RandomIds,
    core::{
        id::IdSource as _,
        message::{BodyKind, Message, Status},
    },
};

/// How often a child is killed.
const KILLS: usize = 200;
/// Rounds on one file, so that files stay small.
const ROUNDS_PER_FILE: usize = 20;

/// A child at work.
struct Worker {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    acknowledged: Vec<String>,
}

impl Worker {
    fn start(path: &Path, branch: &str, name: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .arg("child")
            .arg(path)
            .args([branch, name])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, acknowledged: Vec::new() }
    }

    /// Reads `count` acknowledgements.
    fn wait_for(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.lines.next().expect("the child works until it is killed").unwrap();
            self.acknowledged.push(line);
        }
    }

    /// Kills it and reads what it had still said.
    fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        // What is left in the pipe was acknowledged before the kill.
        self.acknowledged.extend(self.lines.map_while(Result::ok));
        self.acknowledged
    }
}

pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let random = RandomIds::default();
    let folder = tempfile::tempdir().unwrap();
    let (mut kills, mut acknowledged, mut unfinished) = (0, 0, 0);
    let mut path = PathBuf::new();
    let mut expected = BTreeMap::new();
    for round in 0..KILLS.div_ceil(2) {
        if round % ROUNDS_PER_FILE == 0 {
            path = folder.path().join(format!("{round}.db"));
            expected = BTreeMap::from([("main", Vec::new()), ("side", Vec::new())]);
            runtime.block_on(create(&path)).unwrap();
        }
        // Both on one branch, or each on its own.
        let second = if round % 2 == 0 { "main" } else { "side" };
        let mut workers = [("main", format!("a{round}")), (second, format!("b{round}"))]
            .map(|(branch, name)| (branch, Worker::start(&path, branch, &name)));
        let (count, delay) = (random.next_bits() % 8, random.next_bits() % 60_000);
        workers[0].1.wait_for(usize::try_from(count).unwrap());
        for _ in 0..delay {
            std::hint::spin_loop();
        }
        for (branch, worker) in workers {
            let said = worker.kill();
            kills += 1;
            acknowledged += said.len();
            expected.get_mut(branch).unwrap().push(said);
        }
        for (branch, said) in &expected {
            unfinished += runtime.block_on(check(&path, branch, said)).unwrap();
        }
    }
    println!("{kills} kills, {acknowledged} acknowledged, {unfinished} turns found cut off");
    assert!(kills >= KILLS && acknowledged > KILLS, "the children worked");
}

async fn create(path: &Path) -> Result<(), Error> {
    let engine = Engine::open(path)?;
    let session = engine.session("crash").model("local:tiny").create().await?;
    session.default_branch().fork("side").await?;
    engine.close().await
}

/// Opens the file anew and compares; answers 1 when the branch ends in a turn that was cut off.
async fn check(path: &Path, branch: &str, said: &[Vec<String>]) -> Result<usize, Error> {
    let engine = Engine::open(path)?;
    assert_eq!(engine.verify().await?.problems, Vec::<String>::new(), "{}", path.display());
    let session = engine.open_session("crash").await?;
    let view = session.branch(branch).await?.view().await?;
    let messages: Vec<_> = view.messages().cloned().collect();
    let starts: Vec<String> = messages.iter().map(|message| start_of(message)).collect();
    for said in said {
        let mut starts = starts.iter();
        for line in said {
            // A subsequence: everything is there, in order; another worker may be in between.
            assert!(starts.any(|start| start == line), "{branch}: {line} is not there, in order");
        }
    }
    messages.windows(2).for_each(|pair| check_answer(&pair[0], &pair[1]));
    let cut_off = view.last_step().is_some_and(|step| !step.ends());
    assert_eq!(cut_off, messages.last().is_some_and(is_question), "only a question waits");
    engine.close().await?;
    Ok(usize::from(cut_off))
}

/// What a worker acknowledges of a message.
fn start_of(message: &Message) -> String {
    message.text().chars().take(40).collect()
}

fn is_question(message: &Arc<Message>) -> bool {
    message.body.kind() == BodyKind::Instruction && message.text().starts_with("ask ")
}

/// A question is followed by its whole answer, or by the end of a turn that was cut off.
fn check_answer(question: &Arc<Message>, answer: &Arc<Message>) {
    if !is_question(question) {
        assert_ne!(answer.body.kind(), BodyKind::Response, "an answer follows its question");
        return;
    }
    match answer.status {
        Status::Complete => assert_eq!(answer.text(), format!("answer to {}", question.text())),
        Status::Interrupted => assert_eq!(answer.text(), ""),
        Status::Failed => panic!("no provider failed"),
    }
}

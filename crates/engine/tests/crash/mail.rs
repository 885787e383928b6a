//! Processes that write to each other's branches and take in are killed at random moments: every mail that was
//! acknowledged is in one place, in order, and taken in once.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::Path,
    process::{Child, Command, Stdio},
};

use branchwork::{
    Engine, Error, RandomIds, Result, Session,
    core::id::IdSource as _,
    mail::{Delivery, MailPlace, MailQuery},
};

/// How often a process is killed.
const KILLS: usize = 60;
/// Rounds on one file, so that files stay small.
const ROUNDS_PER_FILE: usize = 10;
/// The branches that the processes write to.
const BRANCHES: [&str; 3] = ["main", "left", "right"];

/// `path branch worker`: sends from that branch and takes in on it, and says what is durable.
pub(crate) fn run_child(arguments: &[String]) {
    let [path, branch, worker] = arguments else { panic!("usage: mail PATH BRANCH WORKER") };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work(path, branch, worker)).unwrap();
}

async fn work(path: &str, branch: &str, worker: &str) -> Result<()> {
    let engine = Engine::open(path)?;
    let session = engine.open_session("crash").await?;
    let branch = session.branch(branch).await?;
    for number in 0_usize.. {
        match number % 5 {
            0..=2 => {
                let to = BRANCHES[number % BRANCHES.len()];
                let text = format!("{worker} {number}");
                let letter = branch.send(to, text.clone());
                let letter = if number % 5 == 1 { letter.queued() } else { letter };
                letter.await?;
                let mut out = stdout().lock();
                let line = format!("{to} {text}\n");
                out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("it is read");
            }
            3 => drop(session.collect_send_all().await?),
            _ => match branch.receive().await {
                // The other process on this branch was faster.
                Err(error) if error.is_head_moved() => {}
                received => drop(received?),
            },
        }
    }
    Ok(())
}

pub(crate) fn run_parent() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let random = RandomIds::default();
    let folder = tempfile::tempdir().unwrap();
    let (mut path, mut said) = (folder.path().join("0.db"), Vec::new());
    let (mut kills, mut taken) = (0, 0);
    for round in 0..KILLS.div_ceil(2) {
        if round % ROUNDS_PER_FILE == 0 {
            path = folder.path().join(format!("{round}.db"));
            said.clear();
            runtime.block_on(create(&path)).unwrap();
        }
        let branches = [BRANCHES[round % 3], BRANCHES[round / 2 % 3]];
        let names = ["a", "b"].map(|name| format!("{name}{round}"));
        let workers: Vec<_> =
            branches.iter().zip(names).map(|(branch, name)| start(&path, branch, &name)).collect();
        let delay = random.next_bits() % 3_000_000;
        for _ in 0..delay {
            std::hint::spin_loop();
        }
        for worker in workers {
            kills += 1;
            said.extend(kill(worker));
        }
        taken += runtime.block_on(check(&path, &said)).unwrap();
    }
    println!("{kills} kills among mail, {taken} times a mail was found taken in");
    assert!(taken > KILLS, "the children worked");
}

async fn create(path: &Path) -> Result<()> {
    let engine = Engine::open(path)?;
    let session = engine.session("crash").create().await?;
    for name in &BRANCHES[1..] {
        session.create_branch(*name).await?;
    }
    engine.close().await
}

fn start(path: &Path, branch: &str, worker: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("mail").arg(path).args([branch, worker]).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Kills it and answers what it had acknowledged, in order: to whom, and the text.
fn kill(mut worker: Child) -> Vec<(String, String)> {
    worker.kill().unwrap();
    worker.wait().unwrap();
    let lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let lines = lines.map_while(std::result::Result::ok);
    let parted = lines.filter_map(|line| {
        let (to, text) = line.split_once(' ')?;
        Some((to.to_owned(), text.to_owned()))
    });
    parted.collect()
}

/// Opens the file anew and compares; answers how many mails were taken in.
async fn check(path: &Path, said: &[(String, String)]) -> Result<usize> {
    let engine = Engine::open(path)?;
    assert_eq!(engine.verify().await?.problems, Vec::<String>::new(), "{}", path.display());
    let session = engine.open_session("crash").await?;
    let names: BTreeMap<_, _> =
        session.branches().await?.into_iter().map(|branch| (branch.id, branch.name)).collect();
    let all = all(&session).await?;
    let texts: Vec<_> = all.iter().map(|one| (names[&one.recipient].clone(), text(one))).collect();
    for acknowledged in said {
        let count = texts.iter().filter(|found| *found == acknowledged).count();
        assert_eq!(count, 1, "{acknowledged:?}");
    }
    let mut taken = 0;
    for (id, name) in &names {
        let view = session.branch(&id.to_string()).await?.view().await?;
        let brought: Vec<_> = view.messages().map(|message| message.text()).collect();
        let is_taken =
            |one: &&Delivery| one.recipient == *id && one.state.place() == MailPlace::Applied;
        let mut applied: Vec<_> = all.iter().filter(is_taken).map(text).collect();
        let mut sorted = brought.clone();
        sorted.sort();
        applied.sort();
        assert_eq!(sorted, applied, "{name} has each mail that it took in, once");
        check_order(&brought);
        taken += brought.len();
    }
    engine.close().await?;
    Ok(taken)
}

/// What one worker wrote came in the order in which it wrote.
fn check_order(brought: &[String]) {
    let mut last = BTreeMap::new();
    for text in brought {
        let (worker, number) = text.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        assert!(last.insert(worker, number).is_none_or(|before| before < number), "{text}");
    }
}

fn text(delivery: &Delivery) -> String {
    match &delivery.mail.package {
        branchwork::mail::Package::Text(text) => text.clone(),
        other => panic!("only texts were sent, not {:?}", other.category()),
    }
}

async fn all(session: &Session) -> std::result::Result<Vec<Delivery>, Error> {
    let (mut found, mut query) = (Vec::new(), MailQuery::new());
    loop {
        let page = session.mail(&query).await?;
        let Some(last) = page.last() else { return Ok(found) };
        query = query.after(last.no);
        found.extend(page);
    }
}

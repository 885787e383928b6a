//! Processes that write to each other's branches, take in, refuse, let expire, fork, merge and delete are killed
//! at random moments: every mail that was acknowledged is in one place, in order, and taken in once.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _, stdout},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use branchwork::{
    Branch, BranchNames, Engine, Error, RandomIds, Result, Session,
    core::{
        id::IdSource as _,
        store::{Conflict, StoreError},
    },
    mail::{Addresses, Delivery, MailPlace, MailQuery},
};

/// How often a process is killed.
const KILLS: usize = 60;
/// Rounds on one file, so that files stay small.
const ROUNDS_PER_FILE: usize = 10;
/// The branches that the processes write to.
const BRANCHES: [&str; 3] = ["main", "left", "right"];

/// How long some mail can be taken in.
const TIME_TO_LIVE: Duration = Duration::from_millis(5);

/// `path branch worker crossing`: sends from that branch and takes in on it, and says what is durable. When
/// it is `crossing`, also forks that branch, merges the fork back and deletes it.
pub(crate) fn run_child(arguments: &[String]) {
    let [path, branch, worker, crossing] = arguments else {
        panic!("usage: mail PATH BRANCH WORKER CROSSING")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(work(path, branch, (worker, crossing == "true"))).unwrap();
}

async fn work(path: &str, branch: &str, (worker, crossing): (&str, bool)) -> Result<()> {
    let engine = Engine::open(path)?;
    let session = engine.open_session("crash").await?;
    let branch = session.branch(branch).await?;
    for number in 0_usize.. {
        let text = format!("{worker} {number}");
        match number % 9 {
            0..=2 => {
                let to = BRANCHES[number / 3 % BRANCHES.len()];
                let letter = branch.send(to, text.clone());
                let letter = match number % 9 {
                    1 => letter.queued(),
                    2 => letter.expires_in(TIME_TO_LIVE),
                    _ => letter,
                };
                letter.await?;
                say(to, &text);
            }
            3 => broadcast(&branch, &text).await?,
            4 => drop(session.collect_send_all().await?),
            5 => refuse_first(&branch).await?,
            6 => drop(session.expire().await?),
            7 if crossing => go_aside(&session, &branch).await?,
            _ => receive(&branch).await?,
        }
    }
    Ok(())
}

/// Tells the parent of a mail that is durable.
fn say(to: &str, text: &str) {
    let mut out = stdout().lock();
    let line = format!("{to} {text}\n");
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("it is read");
}

async fn broadcast(branch: &Branch, text: &str) -> Result<()> {
    let own = branch.record().await?.name;
    match branch.broadcast(text).await {
        // The other process deleted a fork meanwhile: nothing was sent.
        Err(Error::Store(StoreError::NotFound { .. })) => {}
        sent => {
            sent?;
            BRANCHES.iter().filter(|name| **name != own).for_each(|name| say(name, text));
        }
    }
    Ok(())
}

async fn refuse_first(branch: &Branch) -> Result<()> {
    let Some(first) = branch.peek(Addresses::All).await? else { return Ok(()) };
    match branch.refuse(first.mail.id, "busy").await {
        // The other process decided on it first.
        Err(Error::Conflict(Conflict::MailMoved { .. }) | Error::NotFound { .. }) => {}
        refused => drop(refused?),
    }
    Ok(())
}

async fn receive(branch: &Branch) -> Result<()> {
    match branch.receive().await {
        // The other process on this branch was faster.
        Err(error) if error.is_head_moved() => {}
        received => drop(received?),
    }
    Ok(())
}

/// Takes in on a fork what waits, and brings it back.
async fn go_aside(session: &Session, branch: &Branch) -> Result<()> {
    let fork = branch.fork_unnamed().with_mail();
    let aside = match fork.await {
        Err(Error::Conflict(_)) => return Ok(()),
        fork => fork?,
    };
    aside.receive().await?;
    loop {
        match session.merge(&aside).into(branch).delete_source().await {
            Err(error) if error.is_head_moved() => {}
            merged => return merged.map(drop),
        }
    }
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
        // On every other file, as the order of what goes by forks is not that in which it was written.
        let crossing = round / ROUNDS_PER_FILE % 2 == 1;
        let branches = [BRANCHES[round % 3], BRANCHES[round / 2 % 3]];
        let names = ["a", "b"].map(|name| format!("{name}{round}"));
        let workers: Vec<_> = branches
            .iter()
            .zip(names)
            .map(|(on, name)| start(&path, on, (&name, crossing)))
            .collect();
        let delay = random.next_bits() % 3_000_000;
        for _ in 0..delay {
            std::hint::spin_loop();
        }
        for worker in workers {
            kills += 1;
            said.extend(kill(worker));
        }
        taken += runtime.block_on(check(&path, &said, crossing)).unwrap();
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

fn start(path: &Path, branch: &str, (worker, crossing): (&str, bool)) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .arg("mail")
        .arg(path)
        .args([branch, worker, &crossing.to_string()])
        .stdout(Stdio::piped());
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
async fn check(path: &Path, said: &[(String, String)], crossing: bool) -> Result<usize> {
    let engine = Engine::open(path)?;
    assert_eq!(engine.verify().await?.problems, Vec::<String>::new(), "{}", path.display());
    let session = engine.open_session("crash").await?;
    let names = session.branch_names().await?;
    let all = all(&session).await?;
    check_sent(&all, said, Some(&names).filter(|_| !crossing));
    let (mut taken, mut kept) = (0, BTreeSet::new());
    for branch in session.branches().await? {
        let branch = session.branch(&branch.id.to_string()).await?;
        let view = branch.view().await?;
        let brought: Vec<_> = view.messages().map(|message| message.text()).collect();
        let (once, by): (BTreeSet<_>, BTreeSet<_>) = (
            brought.iter().cloned().collect(),
            view.messages().filter_map(|message| message.origin.as_ref()?.mail()).collect(),
        );
        assert_eq!(
            (once.len(), by.len()),
            (brought.len(), brought.len()),
            "each came once, by mail"
        );
        for one in all.iter().filter(|one| one.recipient == branch.id()) {
            let is_taken = one.state.place() == MailPlace::Applied;
            assert!(!is_taken || by.contains(&one.mail.id), "{one:?} is there");
            // What a fork or a merge brought may wait for being noted.
            let is_there = by.contains(&one.mail.id) && !crossing;
            assert!(is_taken || !is_there, "{one:?} is not there");
        }
        if !crossing {
            check_order(&brought);
        }
        taken += brought.len();
        kept.extend(by);
    }
    let lost =
        |one: &&Delivery| one.state.place() == MailPlace::Applied && !kept.contains(&one.mail.id);
    assert_eq!(all.iter().find(lost), None, "what was taken in is on a branch");
    engine.close().await?;
    Ok(taken)
}

/// Every mail that was acknowledged is there as often as it was sent, and for each recipient once. Without
/// `names`, whoever it is for: it may have been given to another branch.
fn check_sent(all: &[Delivery], said: &[(String, String)], names: Option<&BranchNames>) {
    let mut ways = BTreeSet::new();
    let mut found = BTreeMap::<_, usize>::new();
    for one in all {
        assert!(ways.insert((one.mail.id, one.recipient)), "{one:?} is there twice");
        let to = names.map(|names| names.name(one.recipient));
        *found.entry((to, text(one))).or_default() += 1;
    }
    let mut sent = BTreeMap::<_, usize>::new();
    for (to, text) in said {
        *sent.entry((names.map(|_| to.clone()), text.clone())).or_default() += 1;
    }
    for (acknowledged, count) in sent {
        let found = found.get(&acknowledged).copied().unwrap_or_default();
        let is_right = if names.is_some() { found == count } else { found >= count };
        assert!(is_right, "{acknowledged:?}: {found} of {count}");
    }
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

//! Mail between ten branches, every sender to every recipient: sent, delivered, taken in, none lost; over N.

use std::{path::Path, time::Duration};

use branchwork::{Branch, Engine, Session, mail::MailQuery};
use branchwork_benches::{
    measure::{median, process_cpu, timed_async},
    report,
};
use futures_util::{StreamExt as _, stream};
use tokio::runtime::{Builder, Runtime};

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];
const BRANCHES: usize = 10;
/// Letters that are posted at once.
const BATCH: usize = 1_000;
/// Sends that are under way at once.
const UNDER_WAY: usize = 256;
/// How often each is done.
const ROUNDS: usize = 5;

/// How mail is sent.
#[derive(Debug, Clone, Copy)]
enum Way {
    OneByOne,
    ManyUnderWay,
    Posted,
}

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    report::head(&["where", "how", "mails", "send", "receive", "both", "a mail", "CPU a mail"]);
    for (place, ways) in
        [("memory", [Way::OneByOne, Way::Posted]), ("SQLite", [Way::ManyUnderWay, Way::Posted])]
    {
        if is_meant(place) {
            SIZES.into_iter().for_each(|size| rows(&runtime, place, size, ways));
        }
    }
}

/// Whether the command line names it, or nothing: `cargo bench --bench mail -- memory`.
fn is_meant(place: &str) -> bool {
    let mut named =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|argument| argument == place)
}

fn rows<const N: usize>(runtime: &Runtime, place: &str, size: usize, ways: [Way; N]) {
    for way in ways {
        let rounds = (0..ROUNDS).map(|_| runtime.block_on(round(place, size, way)));
        let busy = process_cpu();
        let (sends, receipts): (Vec<_>, Vec<_>) = rounds.unzip();
        let busy = (process_cpu() - busy) / u32::try_from(ROUNDS * size).expect("it is small");
        let both = median(sends.iter().zip(&receipts).map(|(send, take)| *send + *take).collect());
        let (send, take) = (median(sends), median(receipts));
        let how = match way {
            Way::OneByOne => "one by one",
            Way::ManyUnderWay => "256 under way",
            Way::Posted => "1 000 at once",
        };
        let each = both / u32::try_from(size).expect("it is a small number");
        let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        let each = format!("{:.2} µs", each.as_secs_f64() * 1e6);
        let (send, take, both) = (milliseconds(send), milliseconds(take), milliseconds(both));
        let busy = format!("{:.2} µs", busy.as_secs_f64() * 1e6);
        report::row(&[&place, &how, &size, &send, &take, &both, &each, &busy]);
    }
}

/// Sends and takes in `size` mails; answers how long each took.
async fn round(place: &str, size: usize, way: Way) -> (Duration, Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(place, &folder.path().join("mail.db"));
    let session = engine.session("mail").create().await.expect("it is made");
    let mut branches = vec![session.default_branch()];
    for number in 1..BRANCHES {
        branches.push(session.create_branch(format!("b{number}")).await.expect("it is made"));
    }
    let ((), send) = timed_async(send(&session, &branches, size, way)).await;
    let (taken, receive) = timed_async(receive(&branches)).await;
    assert_eq!(taken, size, "none is lost");
    let left = session.mail(&MailQuery::new().limit(1)).await.expect("it is read");
    assert_eq!(left.len(), 1, "all are on record");
    engine.close().await.expect("it closes");
    (send, receive)
}

fn open(place: &str, path: &Path) -> Engine {
    if place == "memory" {
        Engine::in_memory()
    } else {
        Engine::open(path).expect("the file can be made")
    }
}

/// The letters in turn: from each branch to each.
async fn send(session: &Session, branches: &[Branch], size: usize, way: Way) {
    let letter = |number: usize| {
        let (from, to) = (number % BRANCHES, number / BRANCHES % BRANCHES);
        branches[from].send(&branches[to], format!("mail {number}"))
    };
    match way {
        Way::OneByOne => {
            for number in 0..size {
                letter(number).await.expect("it is sent");
            }
        }
        Way::ManyUnderWay => {
            let sends = (0..size).map(|number| letter(number).into_future());
            let mut sends = stream::iter(sends).buffered(UNDER_WAY);
            while let Some(sent) = sends.next().await {
                sent.expect("it is sent");
            }
        }
        Way::Posted => {
            for first in (0..size).step_by(BATCH) {
                let letters = (first..size.min(first + BATCH)).map(letter).collect();
                session.post(letters).await.expect("they are sent");
            }
        }
    }
}

async fn receive(branches: &[Branch]) -> usize {
    let mut taken = 0;
    for branch in branches {
        let received = branch.receive().await.expect("it is taken in");
        taken += received.taken.len();
    }
    taken
}

//! Searches: what is found, in which order, and how much of it.

use std::sync::Arc;

use branchwork_core::{
    limits::SEARCH_HITS_MAX,
    message::{Body, CallId, Draft, Outcome, Role, ToolCall},
    store::{Hit, Search, Store},
};

use crate::bench::{Bench, say};

async fn found(bench: &Bench, text: &str) -> Vec<Hit> {
    bench.store.search(&Search::new(text)).await.expect("it is searched")
}

/// Case does not matter in any script; times order the hits.
pub async fn a_search_finds_whatever_the_case_newest_first(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    // The Kelvin sign is a capital `k` too.
    for text in ["A Café in ROME", "İstanbul", "4\u{212a}tv", "cafÉ again", "Straße"] {
        bench.wait();
        bench.say(&mut line, &[text]).await;
    }
    let check = async |needle: &str, expected: &[&str]| {
        let hits = found(&bench, needle).await;
        let snippets: Vec<_> = hits.iter().map(|hit| hit.snippet.as_str()).collect();
        assert_eq!(snippets, expected, "{needle}");
    };
    check("café", &["cafÉ again", "A Café in ROME"]).await;
    check("CAFÉ", &["cafÉ again", "A Café in ROME"]).await;
    check("rome", &["A Café in ROME"]).await;
    check("i", &["cafÉ again", "İstanbul", "A Café in ROME"]).await;
    check("4KTV", &["4\u{212a}tv"]).await;
    check("straße", &["Straße"]).await;
    check("nowhere", &[]).await;
    check("", &[]).await;
    let hits = found(&bench, "istanbul").await;
    assert_eq!(hits, []);
    let asked = Search::new("rome").with_role(Role::User);
    assert_eq!(bench.store.search(&asked).await.expect("it is searched").len(), 1);
    let answered = Search::new("rome").with_role(Role::Assistant);
    assert_eq!(bench.store.search(&answered).await.expect("it is searched"), []);
    let hit = found(&bench, "rome").await.pop().expect("it is found");
    assert_eq!((hit.session, hit.branch, hit.role), (line.session, line.branch, Role::User));
    let first = line.view.messages().next().expect("it has one");
    assert_eq!((hit.message, hit.at), (first.id, first.at));
}

/// Texts that are hard to find, and in how many messages they are.
const HIDDEN: [(&str, usize); 14] = [
    ("\"CHEESE\"\\now", 1),
    ("now\nplease", 1),
    ("the needle", 1),
    ("hay hay", 1),
    ("世界", 1),
    ("🧀", 1),
    ("\t", 1),
    ("cheese", 2),
    ("failed: no cheese", 1),
    ("led: no", 1),
    ("taken effect", 1),
    ("unseen", 0),
    ("look", 0),
    ("instruction", 0),
];

/// How a store keeps a text does not matter for finding it.
pub async fn a_search_finds_what_json_escapes_and_what_is_kept_apart(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let large = format!("{} the needle {}", "hay ".repeat(20_000), "stack ".repeat(20_000));
    let call = ToolCall {
        id: CallId::new("a"),
        function: "look".to_owned(),
        arguments: "{\"unseen\":1}".to_owned(),
    };
    bench.say(&mut line, &["say \"cheese\"\\now\nplease", &large, "世界\t🧀"]).await;
    bench
        .append(&mut line, |writer| {
            for outcome in [Outcome::Failed("no cheese left".to_owned()), Outcome::Unknown] {
                let request = Body::ActionRequest { parts: Vec::new(), calls: vec![call.clone()] };
                writer.message(Draft::new(request)).expect("it can follow");
                let result = Draft::result(call.id.clone(), "look", outcome);
                writer.message(result).expect("its call is open");
            }
        })
        .await;
    for (needle, expected) in HIDDEN {
        assert_eq!(found(&bench, needle).await.len(), expected, "{needle}");
    }
    // An edited message is found by what was appended.
    let target = line.view.messages().next().expect("it has one").id;
    bench
        .append(&mut line, |writer| {
            writer.edit(target, Body::instruction("say ham")).expect("it stands");
        })
        .await;
    assert_eq!(found(&bench, "ham").await.len(), 0);
    assert_eq!(found(&bench, "please").await.len(), 1);
}

/// A search in one session sees that one only; the newest hits are the ones that are given.
pub async fn a_search_stays_in_its_session_and_under_its_limit(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut main = bench.start().await;
    bench.say(&mut main, &["needle 1", "needle 2"]).await;
    let mut fork = bench.fork(&main, "fork", main.head()).await;
    bench.wait();
    bench.say(&mut fork, &["needle 3"]).await;
    let mut other = bench.start().await;
    bench.wait();
    bench.append(&mut other, |writer| (0..1_005).for_each(|_| say(writer, "needle"))).await;
    let own = Search::new("needle").in_session(main.session);
    let hits = bench.store.search(&own).await.expect("it is searched");
    let snippets: Vec<_> = hits.iter().map(|hit| hit.snippet.as_str()).collect();
    // Equal times are in the order of the ops.
    assert_eq!(snippets, ["needle 3", "needle 1", "needle 2"]);
    let branches: Vec<_> = hits.iter().map(|hit| hit.branch).collect();
    assert_eq!(branches, [fork.branch, main.branch, main.branch]);
    let count =
        async |search: Search| bench.store.search(&search).await.expect("it is searched").len();
    assert_eq!(count(own.clone().with_limit(1)).await, 1);
    assert_eq!(count(own.with_limit(0)).await, 0);
    assert_eq!(count(Search::new("needle")).await, 50);
    assert_eq!(count(Search::new("needle").with_limit(usize::MAX)).await, SEARCH_HITS_MAX);
    assert_eq!(count(Search::new("needle").in_session(bench.session_id())).await, 0);
}

//! Sessions: making, naming, archiving, deleting.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    config::{Config, Defaults},
    id::{BranchId, OpId, StretchId},
    store::{Cause, Change, Conflict, Search, SessionRecord, Store},
};

use crate::bench::{Bench, check_not_found, conflict};

/// A new session has one empty branch, which is its default.
pub async fn a_session_is_born_with_its_default_branch(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let (commit, session, branch) = bench.creation(Some("trip"));
    let at = commit.at;
    bench.write(commit).await;
    let expected = SessionRecord {
        id: session,
        name: Some("trip".to_owned()),
        created: at,
        updated: at,
        archived: None,
        default_branch: branch,
        defaults: Defaults::default(),
        branches: 1,
        messages: 0,
    };
    assert_eq!(bench.store.session(session).await.expect("it exists"), expected);
    assert_eq!(bench.store.sessions().await.expect("they are listed"), [expected]);
    let branches = bench.store.branches(session).await.expect("it exists");
    let [main] = branches.as_slice() else { unreachable!("one branch, got {branches:?}") };
    assert_eq!((main.id, main.session, main.name.as_str()), (branch, session, "main"));
    assert_eq!((main.created, main.forked_from, main.head, main.tip), (at, None, None, None));
    assert_eq!((main.revision, main.messages), (1, 0));
    assert_eq!(bench.store.branch(branch).await.expect("it exists"), *main);
}

/// What was used last comes first; equal times are ordered by identifier.
pub async fn sessions_are_listed_the_most_recently_used_first(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut lines = Vec::new();
    for _ in 0..3 {
        lines.push(bench.start().await);
    }
    for line in lines.iter_mut().skip(1).rev() {
        bench.wait();
        bench.say(line, &["hello"]).await;
    }
    let listed = bench.store.sessions().await.expect("they are listed");
    let listed: Vec<_> = listed.iter().map(|session| session.id).collect();
    let [first, second, third] = lines.as_slice() else { unreachable!("three lines") };
    assert_eq!(listed, [second.session, third.session, first.session]);
}

/// A name is free again once its session is renamed or deleted.
pub async fn a_session_name_is_unique_until_it_is_free_again(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let trip = bench.start_named(Some("trip")).await;
    let unnamed = bench.start().await;
    let taken = Conflict::SessionNameTaken { name: "trip".to_owned() };
    let (again, ..) = bench.creation(Some("trip"));
    assert_eq!(conflict(bench.store.commit(again).await), taken);
    let rename = |to: &str| Change::RenameSession { name: Some(to.to_owned()) };
    let commit = bench.commit(unnamed.session).with_change(rename("trip"));
    assert_eq!(conflict(bench.store.commit(commit).await), taken);
    // Its own name is not taken, and case counts.
    bench.write(bench.commit(trip.session).with_change(rename("trip"))).await;
    bench.write(bench.commit(unnamed.session).with_change(rename("Trip"))).await;
    bench.write(bench.commit(trip.session).with_change(rename("old trip"))).await;
    let (again, session, _) = bench.creation(Some("trip"));
    bench.write(again).await;
    bench.write(bench.commit(session).with_change(Change::DeleteSession)).await;
    bench.start_named(Some("trip")).await;
}

/// Renaming and archiving change what is read, and when it was changed.
pub async fn a_session_is_renamed_archived_and_taken_out_again(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start_named(Some("trip")).await;
    let before = bench.store.session(line.session).await.expect("it exists");
    let change = async |change| {
        let commit = bench.commit(line.session).with_change(change);
        let at = commit.at;
        bench.write(commit).await;
        (at, bench.store.session(line.session).await.expect("it exists"))
    };
    let (at, named) = change(Change::RenameSession { name: Some("Rome".to_owned()) }).await;
    let expected = SessionRecord { name: Some("Rome".to_owned()), updated: at, ..before };
    assert_eq!(named, expected);
    let (first, archived) = change(Change::ArchiveSession { archived: true }).await;
    assert_eq!((archived.archived, archived.updated), (Some(first), first));
    let (at, archived) = change(Change::ArchiveSession { archived: true }).await;
    assert_eq!((archived.archived, archived.updated), (Some(first), at));
    assert_eq!(bench.store.sessions().await.expect("they are listed"), [archived]);
    let (at, out) = change(Change::ArchiveSession { archived: false }).await;
    assert_eq!(out, SessionRecord { updated: at, ..expected });
    let (_, unnamed) = change(Change::RenameSession { name: None }).await;
    assert_eq!(unnamed.name, None);
}

/// What new branches begin with is kept as a whole, and nothing of it is left when it is cleared.
pub async fn a_session_keeps_what_its_branches_begin_with(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start().await;
    let change = async |defaults: Defaults| {
        bench.wait();
        let change = Change::SetDefaults { defaults: Box::new(defaults) };
        let commit = bench.commit(line.session).with_change(change);
        let at = commit.at;
        bench.write(commit.clone()).await;
        bench.write(commit).await;
        let record = bench.store.session(line.session).await.expect("it exists");
        assert_eq!(record.updated, at);
        record.defaults
    };
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    config.temperature = Some(0.5);
    config.tools = Some(vec!["add".to_owned()]);
    config.extras.insert("top_k".to_owned(), 40.into());
    let full = Defaults::new().with_config(config).with_system("Be \"brief\".\n");
    assert_eq!(change(full.clone()).await, full);
    let system = Defaults::new().with_system("");
    assert_eq!(change(system.clone()).await, system);
    assert_eq!(change(Defaults::new()).await, Defaults::new());
    // A commit that is refused leaves them.
    let change = Change::SetDefaults { defaults: Box::new(full) };
    let taken = Change::SetDefaultBranch { branch: BranchId::from_bits(99) };
    let commit = bench.commit(line.session).with_change(change).with_change(taken);
    check_not_found(bench.store.commit(commit).await);
    let record = bench.store.session(line.session).await.expect("it exists");
    assert_eq!(record.defaults, Defaults::new());
}

/// Nothing of a deleted session can be read or written.
pub async fn a_deleted_session_is_not_found_by_anything(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let mut line = bench.start_named(Some("trip")).await;
    bench.say(&mut line, &["needle"]).await;
    let head = line.head().expect("it has a head");
    bench.write(bench.commit(line.session).with_change(Change::DeleteSession)).await;
    let store = &bench.store;
    check_not_found(store.session(line.session).await);
    check_not_found(store.branches(line.session).await);
    check_not_found(store.branch(line.branch).await);
    check_not_found(store.lineage(line.session, head).await);
    check_not_found(store.reflog(line.branch, u64::MAX, 10).await);
    assert_eq!(store.sessions().await.expect("they are listed"), []);
    assert_eq!(store.ops(line.session, head.stretch(), 0..1).await.expect("none"), []);
    assert_eq!(store.search(&Search::new("needle")).await.expect("none"), []);
    let (commit, _) = bench.saying(&line, &["more"]);
    check_not_found(store.commit(commit).await);
    check_not_found(store.commit(bench.commit(line.session)).await);
    let rename = Change::RenameSession { name: None };
    check_not_found(store.commit(bench.commit(line.session).with_change(rename)).await);
    bench.verify().await;
}

/// The time of use is the latest of all that happened, not of what happened last.
pub async fn a_session_is_used_when_it_is_written_also_when_the_clock_goes_back(
    store: Arc<dyn Store>,
) {
    let bench = Bench::new(store);
    let mut line = bench.start().await;
    let session = line.session;
    let updated = async || bench.store.session(session).await.expect("it exists").updated;
    let created = updated().await;
    let early = Timestamp::from_micros(1_000);
    let ahead = |seconds: i64| Timestamp::from_micros(created.as_micros() + seconds * 1_000_000);
    bench.clock.set(ahead(1));
    bench.say(&mut line, &["from the future"]).await;
    assert_eq!(updated().await, ahead(1));
    bench.clock.set(early);
    bench.say(&mut line, &["from the past"]).await;
    assert_eq!(updated().await, ahead(1));
    bench.go(&mut line, None, Cause::Rewind).await;
    bench.say(&mut line, &["in another stretch"]).await;
    assert_eq!(updated().await, ahead(1));
    bench.clock.set(ahead(2));
    bench.go(&mut line, None, Cause::Rewind).await;
    assert_eq!(updated().await, ahead(2));
    bench.clock.set(early);
    let head = line.tip;
    bench.go(&mut line, head, Cause::Redo).await;
    bench.say(&mut line, &["and on"]).await;
    assert_eq!(updated().await, ahead(2));
    // What was latest happened on a branch that is deleted.
    let mut fork = bench.fork(&line, "fork", line.head()).await;
    bench.clock.set(ahead(3));
    bench.say(&mut fork, &["later still"]).await;
    bench.clock.set(early);
    let delete = Change::DeleteBranch { branch: fork.branch, heir: None };
    bench.write(bench.commit(session).with_change(delete)).await;
    assert_eq!(updated().await, ahead(3));
}

/// A commit with several changes sees each after the one before, and makes all or none.
pub async fn changes_are_made_in_their_order_or_not_at_all(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start_named(Some("trip")).await;
    let (fork, other) = (bench.branch_id(), bench.branch_id());
    let create = |branch, name: &str| Change::CreateBranch {
        branch,
        name: name.to_owned(),
        forked_from: None,
        head: None,
    };
    let rename = |branch, name: &str| Change::RenameBranch { branch, name: name.to_owned() };
    // The name is free because of the change before it.
    let swap = bench
        .commit(line.session)
        .with_change(rename(line.branch, "old"))
        .with_change(create(fork, "main"))
        .with_change(Change::SetDefaultBranch { branch: fork })
        .with_change(Change::DeleteBranch { branch: line.branch, heir: None });
    bench.write(swap).await;
    let before = bench.store.branches(line.session).await.expect("it exists");
    let names: Vec<_> = before.iter().map(|branch| branch.name.as_str()).collect();
    assert_eq!(names, ["main"]);
    // The last change fails, so none is made.
    let failing = bench
        .commit(line.session)
        .with_change(Change::RenameSession { name: None })
        .with_change(create(other, "other"))
        .with_change(rename(other, "main"));
    let taken = Conflict::BranchNameTaken { name: "main".to_owned() };
    assert_eq!(conflict(bench.store.commit(failing).await), taken);
    assert_eq!(bench.store.branches(line.session).await.expect("it exists"), before);
    let session = bench.store.session(line.session).await.expect("it exists");
    assert_eq!(session.name.as_deref(), Some("trip"));
    check_not_found(bench.store.branch(other).await);
}

/// What never was is not found.
pub async fn unknown_things_are_not_found(store: Arc<dyn Store>) {
    let bench = Bench::new(store);
    let line = bench.start().await;
    let op = OpId::from_bits(u128::MAX);
    let store = &bench.store;
    check_not_found(store.session(bench.session_id()).await);
    check_not_found(store.branches(bench.session_id()).await);
    check_not_found(store.branch(bench.branch_id()).await);
    check_not_found(store.reflog(bench.branch_id(), 1, 1).await);
    check_not_found(store.lineage(line.session, op).await);
    check_not_found(store.lineage(bench.session_id(), op).await);
    check_not_found(store.commit(bench.commit(bench.session_id())).await);
    let stretch = StretchId::from_bits(u128::MAX);
    assert_eq!(store.ops(line.session, stretch, 0..9).await.expect("none"), []);
    let unknown = Change::DeleteBranch { branch: bench.branch_id(), heir: None };
    check_not_found(store.commit(bench.commit(line.session).with_change(unknown)).await);
}

//! Mail, and the branches and sessions that it belongs to.

use std::sync::Arc;

use branchwork_core::{
    clock::Clock as _,
    id::OpId,
    mail::{MailChange, MailQuery, MailState},
    store::{Change, Conflict, Store},
};

use super::post::{Post, deleting, refusal};
use crate::bench::{check_invalid, check_not_found, conflict, sending};

/// What it has on the way arrives; what waits for it is a dead letter, and says why.
pub async fn a_deleted_branch_leaves_its_mail_in_order(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    post.send(main, "for it", &[first, second]).await;
    post.queue(second, "on the way to it", &[first]).await;
    post.queue(first, "from it", &[main]).await;
    post.queue(first, "to itself", &[first]).await;
    let refused = post.send(main, "refused", &[first]).await;
    post.write([bench.moving(&refused, first, (MailState::Inbox, refusal("no")))]).await;
    bench.wait();
    let delete = post.commit().with_change(deleting(first, None));
    bench.write(delete.clone()).await;
    let left = post.all().await;
    bench.write(delete.clone()).await;
    assert_eq!(post.all().await, left);
    assert_eq!(
        post.places().await,
        [
            "for it first dead_letter",
            "for it second inbox",
            "on the way to it first dead_letter",
            "from it main inbox",
            "to itself first dead_letter",
            "refused first refused",
        ]
    );
    let buried = left.iter().find(|one| one.recipient == first.branch).expect("it is there");
    assert_eq!(
        (buried.state.reason(), buried.since),
        (Some("branch `first` was deleted"), delete.at)
    );
    bench.verify().await;
    // It stays when the branch is collected, and can be given to another.
    bench.store.gc().await.expect("it is collected");
    assert_eq!(post.all().await, left);
    let (mail, from, to) = (buried.mail.id, first.branch, main.branch);
    let at = bench.clock.now();
    post.write([MailChange::Readdress { mail, from, to, at }]).await;
    let places = post.places().await;
    assert_eq!(places.first().map(String::as_str), Some("for it main inbox"));
    bench.verify().await;
}

/// What waits goes to the heir, once.
pub async fn an_heir_gets_the_mail_that_waits(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    post.send(main, "waiting", &[first]).await;
    post.queue(main, "on the way", &[first]).await;
    post.send(main, "had", &[second, first]).await;
    let applied = post.send(main, "applied", &[first]).await;
    let (receive, _) = bench.receiving(first, &applied);
    bench.write(receive).await;
    post.queue(first, "to the heir", &[second]).await;
    let numbers: Vec<_> = post.all().await.iter().map(|one| one.no).collect();
    bench.wait();
    post.delete(first, Some(second)).await;
    assert_eq!(
        post.places().await,
        [
            "waiting second inbox",
            "on the way second inbox",
            "had second inbox",
            "had first dead_letter",
            "applied first applied",
            "to the heir second inbox",
        ]
    );
    let all = post.all().await;
    assert_eq!(all.iter().map(|one| one.no).collect::<Vec<_>>(), numbers);
    bench.verify().await;
    // An heir is another branch of the session.
    let other = bench.start().await;
    for (heir, is_found) in [(&other, false), (first, false), (second, true)] {
        let commit = post.commit().with_change(deleting(second, Some(heir)));
        let result = bench.store.commit(commit).await;
        if is_found {
            check_invalid(&result);
        } else {
            check_not_found(result);
        }
    }
}

/// A commit that deletes a branch and is refused after that leaves its mail where it was.
pub async fn a_refused_deletion_leaves_mail_where_it_was(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    let mail = post.send(main, "for it", &[first]).await;
    post.queue(first, "from it", &[main]).await;
    let before = post.all().await;
    bench.wait();
    for heir in [None, Some(second)] {
        let astray = bench.moving(&mail, main, (MailState::Inbox, MailState::Expired));
        let commit = post.commit().with_change(deleting(first, heir));
        let lost = conflict(bench.store.commit(commit.clone().with_mail([astray])).await);
        assert!(matches!(lost, Conflict::MailMoved { .. }), "{lost}");
        let rename = Change::RenameBranch { branch: main.branch, name: "second".to_owned() };
        let lost = conflict(bench.store.commit(commit.with_change(rename)).await);
        assert!(matches!(lost, Conflict::BranchNameTaken { .. }), "{lost}");
        assert_eq!(post.all().await, before);
    }
    post.delete(first, None).await;
    assert_eq!(post.places().await, ["for it first dead_letter", "from it main inbox"]);
    bench.verify().await;
}

/// Mail is found and kept as long as its session is.
pub async fn mail_goes_with_its_session(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let bench = &post.bench;
    let other = bench.start().await;
    post.send(&post.main, "kept", &[&post.first]).await;
    let mail = bench.mail(&other, "gone");
    let change = sending(&mail, &[&other]);
    bench.write(bench.commit(other.session).with_mail([change])).await;
    bench.write(bench.commit(other.session).with_change(Change::DeleteSession)).await;
    check_not_found(bench.store.mail(other.session, &MailQuery::new()).await);
    let before = post.all().await;
    bench.verify().await;
    bench.store.gc().await.expect("it is collected");
    check_not_found(bench.store.mail(other.session, &MailQuery::new()).await);
    assert_eq!(post.all().await, before);
    let next = post.send(&post.main, "next", &[&post.first]).await;
    let next = post.delivery(&next, &post.first).await;
    assert!(before.iter().all(|one| one.no < next.no));
    bench.verify().await;
}

/// Mail is a use of its session, like an append.
pub async fn a_session_is_used_when_mail_is_sent(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let bench = &post.bench;
    let updated =
        async || bench.store.session(post.main.session).await.expect("it is there").updated;
    let before = updated().await;
    bench.wait();
    let mail = post.send(&post.main, "hello", &[&post.first]).await;
    let sent = updated().await;
    assert!(sent > before);
    bench.wait();
    post.write([bench.moving(&mail, &post.first, (MailState::Inbox, MailState::Expired))]).await;
    let expired = updated().await;
    assert!(expired > sent);
    // The clock goes back.
    bench.clock.set(before);
    post.send(&post.main, "late", &[&post.first]).await;
    assert_eq!(updated().await, expired);
}

/// That a receipt is an op is checked as long as its branch is there: it may have been collected then.
pub async fn a_receipt_that_is_no_op_is_a_problem_of_its_branch(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, first) = (&post.bench, &post.first);
    let mail = post.send(&post.main, "hello", &[first]).await;
    let nowhere = MailState::Applied { receipt: OpId::from_bits(1 << 90) };
    post.write([bench.moving(&mail, first, (MailState::Inbox, nowhere.clone()))]).await;
    let report = bench.store.verify().await.expect("the store can be verified");
    let problem = format!("delivery 1: its receipt {} is not there", OpId::from_bits(1 << 90));
    assert_eq!(report.problems, [problem]);
    post.delete(first, None).await;
    assert_eq!(post.delivery(&mail, first).await.state, nowhere);
    bench.verify().await;
}

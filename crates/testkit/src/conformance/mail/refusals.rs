//! Repeats, and changes of mail that are not taken.

use std::sync::Arc;

use branchwork_core::{
    clock::Clock as _,
    limits::COMMIT_MAIL_MAX,
    mail::{MailChange, MailQuery, MailState, Package},
    store::{Conflict, Store, StoreError},
};

use super::post::{Post, dead};
use crate::bench::{Line, check_invalid, check_not_found, queueing, sending};

/// Saying it twice changes nothing, in any kind of change.
pub async fn a_repeated_commit_of_mail_changes_nothing(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    let (one, two) = (bench.mail(main, "one"), bench.mail(main, "two"));
    let send = post.commit().with_mail([sending(&one, &[first, second]), queueing(&two, &[first])]);
    bench.write(send.clone()).await;
    let (receive, _) = bench.receiving(first, &one);
    let collect = bench.moving(&two, first, (MailState::Outbox, MailState::Transit));
    let readdress = MailChange::Readdress {
        mail: one.id,
        from: second.branch,
        to: main.branch,
        at: bench.clock.now(),
    };
    let bury = bench.moving(&two, first, (MailState::Transit, dead("lost")));
    let revive = MailChange::Readdress {
        mail: two.id,
        from: first.branch,
        to: first.branch,
        at: bench.clock.now(),
    };
    for commit in [
        send,
        receive,
        post.commit().with_mail([collect, readdress]),
        post.commit().with_mail([bury]),
        post.commit().with_mail([revive]),
    ] {
        bench.write(commit.clone()).await;
        let before = (post.all().await, bench.store.session(main.session).await.expect("there"));
        bench.write(commit).await;
        let after = (post.all().await, bench.store.session(main.session).await.expect("there"));
        assert_eq!(before, after);
    }
    assert_eq!(post.places().await, ["one first applied", "one main inbox", "two first inbox"]);
    // Another mail with its identifier is none that was sent.
    let mut other = (*one).clone();
    other.package = Package::from("other");
    let refused = post.refused([sending(&Arc::new(other), &[second])]).await;
    assert!(matches!(refused, StoreError::Conflict(Conflict::Exists { .. })), "{refused}");
    bench.verify().await;
}

/// Senders and recipients are branches of the session, which is there.
pub async fn mail_from_and_to_what_is_not_there_is_not_found(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let bench = &post.bench;
    let gone = bench.fork(&post.main, "gone", None).await;
    post.delete(&gone, None).await;
    let nobody = Line { branch: bench.branch_id(), ..post.main.clone() };
    let other = bench.start().await;
    for line in [&nobody, &gone, &other] {
        let (to, from) = (bench.mail(&post.main, "to"), bench.mail(line, "from"));
        let good = bench.mail(&post.main, "good");
        for change in [sending(&to, &[&post.first, line]), queueing(&from, &[&post.first])] {
            let refused = post.refused([sending(&good, &[&post.first]), change]).await;
            check_not_found::<()>(Err(refused));
        }
    }
    let mail = post.send(&post.main, "hello", &[&post.first]).await;
    for line in [&nobody, &gone, &other] {
        let (from, to, at) = (post.first.branch, line.branch, bench.clock.now());
        let readdress = MailChange::Readdress { mail: mail.id, from, to, at };
        check_not_found::<()>(Err(post.refused([readdress]).await));
    }
    assert_eq!(post.places().await, ["hello first inbox"]);
    let unknown = bench.session_id();
    let send = sending(&bench.mail(&post.main, "hello"), &[&post.first]);
    check_not_found(bench.store.commit(bench.commit(unknown).with_mail([send])).await);
    check_not_found(bench.store.mail(unknown, &MailQuery::new()).await);
    bench.verify().await;
}

/// What can be seen to be wrong, and nothing else of the commit is written.
pub async fn changes_of_mail_that_are_none_are_refused(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, first) = (&post.bench, &post.first);
    let mail = post.send(&post.main, "hello", &[first]).await;
    let good = || bench.mail(&post.main, "good");
    let expire = || bench.moving(&mail, first, (MailState::Inbox, MailState::Expired));
    let twice = good();
    let many: Vec<_> = (0..=COMMIT_MAIL_MAX).map(|_| sending(&good(), &[first])).collect();
    for changes in [
        vec![sending(&good(), &[])],
        vec![sending(&good(), &[first, first])],
        vec![sending(&bench.mail(&post.main, ""), &[first])],
        vec![sending(&bench.mail(&post.main, Package::Messages(Vec::new())), &[first])],
        vec![bench.moving(&mail, first, (MailState::Inbox, MailState::Outbox))],
        vec![expire(), expire()],
        vec![sending(&twice, &[first]), sending(&twice, &[&post.second])],
        many,
    ] {
        let (said, _) = bench.saying(&post.main, &["lost"]);
        let mut commit = said.with_mail([sending(&good(), &[first])]);
        commit.mail.extend(changes);
        check_invalid(&bench.store.commit(commit).await);
    }
    assert_eq!(post.places().await, ["hello first inbox"]);
    assert_eq!(bench.texts(&post.main).await, ["root"]);
}

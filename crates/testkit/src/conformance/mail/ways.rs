//! The way of a mail: one step at a time, in order, and each taken once.

use std::sync::Arc;

use branchwork_core::{
    clock::Clock as _,
    id::OpId,
    mail::{Mail, MailChange, MailPlace, MailQuery, MailState},
    store::{Conflict, Store, StoreError},
};

use super::post::{Post, dead, refusal};
use crate::bench::{Line, conflict, queueing, sending};

/// From the outbox by way of the transit, each step with its time.
pub async fn queued_mail_is_collected_and_sent(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first) = (&post.bench, &post.main, &post.first);
    let mail = post.queue(main, "hello", &[first]).await;
    let sent = post.delivery(&mail, first).await;
    assert_eq!((&sent.state, sent.since, sent.delivered), (&MailState::Outbox, mail.sent, None));
    bench.wait();
    let collect = bench.moving(&mail, first, (MailState::Outbox, MailState::Transit));
    post.write([collect]).await;
    let collected = post.delivery(&mail, first).await;
    assert_eq!((&collected.state, collected.delivered), (&MailState::Transit, None));
    assert!(collected.since > sent.since);
    bench.wait();
    post.write([bench.moving(&mail, first, (MailState::Transit, MailState::Inbox))]).await;
    let delivered = post.delivery(&mail, first).await;
    assert_eq!((&delivered.state, delivered.no), (&MailState::Inbox, sent.no));
    assert_eq!(delivered.delivered, Some(delivered.since));
    bench.wait();
    let (receive, _) = bench.receiving(first, &mail);
    bench.write(receive).await;
    let applied = post.delivery(&mail, first).await;
    assert_eq!(applied.state.place(), MailPlace::Applied);
    assert!(applied.since > delivered.since);
    assert_eq!(applied.delivered, delivered.delivered);
    bench.verify().await;
}

/// What is sent at once takes along what the sender has on the way to the same branch, and nothing else.
pub async fn mail_that_is_sent_at_once_overtakes_none(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    post.queue(main, "one", &[first, second]).await;
    let two = post.queue(main, "two", &[first]).await;
    post.queue(second, "three", &[first]).await;
    post.write([bench.moving(&two, first, (MailState::Outbox, MailState::Transit))]).await;
    bench.wait();
    let four = post.send(main, "four", &[first, main]).await;
    assert_eq!(
        post.places().await,
        [
            "one first inbox",
            "one second outbox",
            "two first inbox",
            "three first outbox",
            "four first inbox",
            "four main inbox",
        ]
    );
    let taken_along = post.delivery(&two, first).await;
    assert_eq!((taken_along.since, taken_along.delivered), (four.sent, Some(four.sent)));
    bench.verify().await;
    // In one commit, each change sees what those before it did.
    let (five, six) = (bench.mail(main, "five"), bench.mail(main, "six"));
    post.write([queueing(&five, &[second]), sending(&six, &[second])]).await;
    for mail in [five, six] {
        assert_eq!(post.delivery(&mail, second).await.state, MailState::Inbox);
    }
    let seven = post.queue(main, "seven", &[second]).await;
    let collect = bench.moving(&seven, second, (MailState::Outbox, MailState::Transit));
    post.write([sending(&bench.mail(main, "eight"), &[second]), collect]).await;
    assert_eq!(post.delivery(&seven, second).await.state, MailState::Inbox);
    bench.verify().await;
}

/// The loser is told where the mail is, and nothing of its commit is there.
pub async fn of_two_that_move_a_mail_one_wins(store: Arc<dyn Store>) {
    let mut post = Post::open(store).await;
    let mail = post.send(&post.main, "hello", &[&post.first]).await;
    let other = post.send(&post.main, "other", &[&post.first]).await;
    let (receive, after) = post.bench.receiving(&post.first, &mail);
    let refuse = post.bench.moving(&mail, &post.first, (MailState::Inbox, refusal("no")));
    let both = [refuse, post.bench.moving(&other, &post.first, (MailState::Inbox, refusal("no")))];
    post.bench.write(receive).await;
    let moved =
        |actual| Conflict::MailMoved { mail: mail.id, recipient: post.first.branch, actual };
    let losing = post.commit().with_mail(both.into_iter().rev());
    let lost = conflict(post.bench.store.commit(losing).await);
    assert_eq!(lost, moved(Some(MailPlace::Applied)));
    assert_eq!(post.delivery(&other, &post.first).await.state, MailState::Inbox);
    // The other way round, the ops of the loser are not there either, nor a branch that it makes.
    post.first = after;
    let (receive, _) = post.bench.receiving(&post.first, &other);
    let receive = receive.with_change(post.bench.fork_change(&post.main, "new", None));
    let refuse = post.bench.moving(&other, &post.first, (MailState::Inbox, refusal("no")));
    post.write([refuse]).await;
    let before = post.bench.store.branches(post.main.session).await.expect("they are listed");
    let lost = conflict(post.bench.store.commit(receive).await);
    assert!(matches!(lost, Conflict::MailMoved { actual: Some(MailPlace::Refused), .. }), "{lost}");
    let after = post.bench.store.branches(post.main.session).await.expect("they are listed");
    assert_eq!(before, after);
    // A mail that is for others only is nowhere.
    let astray = post.bench.moving(&mail, &post.second, (MailState::Inbox, MailState::Expired));
    let StoreError::Conflict(lost) = post.refused([astray]).await else { unreachable!("lost") };
    assert_eq!(
        lost,
        Conflict::MailMoved { mail: mail.id, recipient: post.second.branch, actual: None }
    );
    post.bench.verify().await;
}

/// What is in a state that holds something is moved by those who know what.
pub async fn a_move_knows_the_whole_state(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, first) = (&post.bench, &post.first);
    let mail = post.send(&post.main, "hello", &[first]).await;
    let (receive, after) = bench.receiving(first, &mail);
    bench.write(receive).await;
    let receipt = after.head().expect("it has a head");
    let wrong = MailState::Applied { receipt: receipt.previous().unwrap_or(OpId::from_bits(9)) };
    let back = |from| bench.moving(&mail, first, (from, MailState::Inbox));
    let refused = post.refused([back(wrong)]).await;
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    let delivered = post.delivery(&mail, first).await.delivered;
    bench.wait();
    post.write([back(MailState::Applied { receipt })]).await;
    let waiting = post.delivery(&mail, first).await;
    assert_eq!((&waiting.state, waiting.delivered), (&MailState::Inbox, delivered));
    assert!(Some(waiting.since) > delivered);
    // And applied anew, whatever became of it.
    post.write([bench.moving(&mail, first, (MailState::Inbox, refusal("no")))]).await;
    post.write([bench.moving(&mail, first, (refusal("no"), MailState::Applied { receipt }))]).await;
    assert_eq!(post.delivery(&mail, first).await.state, MailState::Applied { receipt });
    bench.verify().await;
}

/// A mail and what it does to its recipient are written together, or neither is.
pub async fn mail_and_ops_of_one_commit_are_both_there_or_neither(store: Arc<dyn Store>) {
    let mut post = Post::open(store).await;
    let mail = post.send(&post.main, "hello", &[&post.first]).await;
    let (receive, _) = post.bench.receiving(&post.first, &mail);
    post.bench.say(&mut post.first, &["first"]).await;
    let lost = conflict(post.bench.store.commit(receive).await);
    assert!(matches!(lost, Conflict::HeadMoved { .. }), "{lost}");
    assert_eq!(post.delivery(&mail, &post.first).await.state, MailState::Inbox);
    let (receive, after) = post.bench.receiving(&post.first, &mail);
    post.bench.write(receive).await;
    let record = post.bench.branch(&post.first).await;
    assert_eq!(record.head, after.head());
    let applied = MailState::Applied { receipt: after.head().expect("it has a head") };
    assert_eq!(post.delivery(&mail, &post.first).await.state, applied);
    // A session and its first mail.
    let (created, session, branch) = post.bench.creation(None);
    let line = Line { session, branch, ..post.main.clone() };
    let send = sending(&post.bench.mail(&line, "to myself"), &[&line]);
    post.bench.write(created.with_mail([send])).await;
    assert_eq!(post.bench.deliveries(session, MailQuery::new()).await.len(), 1);
    post.bench.verify().await;
}

/// What nobody has decided on goes to another branch, and so does a dead letter.
pub async fn mail_is_readdressed(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (bench, main, first, second) = (&post.bench, &post.main, &post.first, &post.second);
    let readdress = |mail: &Mail, from: &Line, to: &Line| MailChange::Readdress {
        mail: mail.id,
        from: from.branch,
        to: to.branch,
        at: bench.clock.now(),
    };
    let waiting = post.send(main, "waiting", &[first]).await;
    let queued = post.queue(main, "queued", &[first]).await;
    let buried = post.send(main, "buried", &[first]).await;
    post.write([bench.moving(&buried, first, (MailState::Inbox, dead("lost")))]).await;
    bench.wait();
    for mail in [&waiting, &queued, &buried] {
        let before = post.delivery(mail, first).await;
        let change = readdress(mail, first, second);
        let MailChange::Readdress { at, .. } = change else { unreachable!("BUG: it is one") };
        post.write([change]).await;
        let after = post.delivery(mail, second).await;
        assert_eq!((after.no, &after.state, after.since), (before.no, &MailState::Inbox, at));
        assert_eq!(after.delivered, before.delivered.or(Some(at)));
        assert_eq!(post.read(MailQuery::new().of(mail.id)).await.len(), 1);
    }
    // Not what was decided on, not to one who has it, and nothing that is not there.
    let refused = post.send(main, "refused", &[first]).await;
    post.write([bench.moving(&refused, first, (MailState::Inbox, refusal("no")))]).await;
    let both = post.send(main, "both", &[first, second]).await;
    let result = post.refused([readdress(&refused, first, second)]).await;
    let expected = Conflict::MailMoved {
        mail: refused.id,
        recipient: first.branch,
        actual: Some(MailPlace::Refused),
    };
    assert!(matches!(&result, StoreError::Conflict(found) if *found == expected), "{result}");
    let result = post.refused([readdress(&both, first, second)]).await;
    assert!(matches!(result, StoreError::Conflict(Conflict::Exists { .. })), "{result}");
    let result = post.refused([readdress(&waiting, first, main)]).await;
    assert!(matches!(result, StoreError::Conflict(Conflict::MailMoved { .. })), "{result}");
    bench.verify().await;
}

//! Mail through handles: what letters may be, what receipts know, and what becomes of mail when its branches
//! change (`docs/reference/mail.md`).

use std::{sync::Arc, time::Duration};

use branchwork::{
    Branch, Error, Session,
    core::{
        id::MailId,
        message::{Body, CallId, Draft, Origin, Outcome, ToolCall},
        store::Conflict,
    },
    mail::{
        Category, Delivery, LeftReason, MailPlace, MailQuery, MailState, Package, PackageError,
    },
};
use branchwork_testkit::{Script, TestClock};
use serde_json::json;

use crate::support::{self, says, session, texts};

async fn two() -> (Session, Branch, Branch) {
    let (session, _) = session([]).await;
    let (main, other) = (session.default_branch(), session.create_branch("other").await.unwrap());
    (session, main, other)
}

/// A session whose clock the test moves.
async fn timed() -> (Branch, Branch, Arc<TestClock>) {
    let (session, clock) = support::timed().await;
    let main = session.default_branch();
    (main, session.create_branch("other").await.unwrap(), clock)
}

fn place(delivery: &Delivery) -> MailPlace {
    delivery.state.place()
}

#[tokio::test]
async fn a_broadcast_is_one_mail_with_a_state_for_each() {
    let (session, main, other) = two().await;
    let third = session.create_branch("third").await.unwrap();
    let mail = main.broadcast("Rome?").await.unwrap();
    other.receive().await.unwrap();
    third.refuse(mail.id, "busy").await.unwrap();
    let sent = main.sent().await.unwrap();
    let ways: Vec<_> = sent.iter().map(|one| (one.mail.id, one.recipient, place(one))).collect();
    assert_eq!(
        ways,
        [(mail.id, other.id(), MailPlace::Applied), (mail.id, third.id(), MailPlace::Refused),]
    );
    assert_eq!(sent[1].state.reason(), Some("busy"));
    let alone = session.engine().session("alone").create().await.unwrap().default_branch();
    assert!(matches!(alone.broadcast("hello?").await, Err(Error::NoRecipient)));
}

#[tokio::test]
async fn an_answer_knows_what_it_answers() {
    let (session, main, other) = two().await;
    let asked = main.send(&other, "Rome?").await.unwrap();
    let answer = other.reply(&asked, "Rome.").await.unwrap();
    assert_eq!((answer.reply_to, answer.sender), (Some(asked.id), other.id()));
    assert_eq!(main.inbox().await.unwrap()[0].mail.id, answer.id);
    let prefix: String = asked.id.to_string().chars().take(14).collect();
    let found = session.find_mail(&prefix).await.unwrap();
    assert_eq!(found[0].mail.id, asked.id);
    let unknown = MailId::from_bits(7);
    let refused = main.send(&other, "Rome?").reply_to(unknown).await.unwrap_err();
    assert!(matches!(refused, Error::NotFound { what: "mail", .. }), "{refused:?}");
    assert!(session.find_mail(&unknown.to_string()).await.is_err());
}

#[tokio::test]
async fn mail_is_taken_in_only_as_long_as_it_lives() {
    let (main, other, clock) = timed().await;
    let short = main.send(&other, "now").expires_in(Duration::from_secs(2)).await.unwrap();
    let long = main.send(&other, "later").expires_in(Duration::from_secs(20)).await.unwrap();
    clock.advance(Duration::from_secs(2));
    let ids: Vec<_> = other.inbox().await.unwrap().iter().map(|one| one.mail.id).collect();
    assert_eq!(ids, [long.id]);
    assert!(matches!(
        other.refuse(short.id, "no").await,
        Err(Error::Conflict(Conflict::MailMoved { actual: Some(MailPlace::Expired), .. }))
    ));
    let received = other.receive().await.unwrap();
    assert_eq!(received.taken.len(), 1);
    assert!(
        matches!(received.left.as_slice(), [left] if matches!(left.reason, LeftReason::Expired))
    );
    assert_eq!(place(&main.sent().await.unwrap()[0]), MailPlace::Expired);
    main.send(&other, "once more").expires_in(Duration::from_secs(1)).await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(other.expire().await.unwrap().len(), 1);
    assert!(other.expire().await.unwrap().is_empty());
    let never = main.send(&other, "never").expires_in(Duration::ZERO).await.unwrap_err();
    assert!(matches!(never, Error::BadOption { option: "expires_in", .. }), "{never:?}");
    let beyond = main.send(&other, "beyond").expires_in(Duration::MAX).await.unwrap_err();
    assert!(matches!(beyond, Error::BadOption { option: "expires_in", .. }), "{beyond:?}");
}

#[tokio::test]
async fn what_cannot_be_sent_is_an_error_and_nothing_is() {
    let (session, main, other) = two().await;
    let elsewhere = session.engine().session("elsewhere").create().await.unwrap();
    let foreign = elsewhere.default_branch();
    assert!(matches!(
        main.send(&foreign, "hello").await,
        Err(Error::NotFound { what: "branch", .. })
    ));
    let letter = foreign.send(&foreign, "hello");
    let posted = session.post(vec![main.send(&other, "first"), letter]).await.unwrap_err();
    assert!(matches!(posted, Error::NotFound { what: "branch", .. }), "{posted:?}");
    for bad in ["", "nul \0"] {
        let refused = main.send(&other, bad).await.unwrap_err();
        assert!(matches!(refused, Error::Mail(_)), "{refused:?}");
    }
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let refused = main.send(&other, deep).await.unwrap_err();
    assert!(matches!(refused, Error::Mail(PackageError::TooDeep { .. })), "{refused:?}");
    let none = main.send(&other, Vec::new()).await.unwrap_err();
    assert!(matches!(none, Error::Mail(PackageError::Empty { .. })), "{none:?}");
    let nameless = main.send(&other, Package::Signal(" ".to_owned())).await.unwrap_err();
    assert!(matches!(nameless, Error::Mail(PackageError::BadName { .. })), "{nameless:?}");
    assert!(session.mail(&MailQuery::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_mailed_call_brings_its_whole_group_as_it_stands_and_says_where_from() {
    let (_, main, other) = two().await;
    let call =
        ToolCall { id: CallId::new("c1"), function: "look".to_owned(), arguments: "{}".to_owned() };
    let request = Draft::new(Body::ActionRequest { parts: Vec::new(), calls: vec![call] });
    let result = Draft::result(CallId::new("c1"), "look", Outcome::Succeeded(json!("sun")));
    let asked = main.append_all(vec![says("look"), request.clone(), result]).await.unwrap();
    let [first, called, told] = asked.messages[..] else { panic!("three") };
    main.edit(first, Body::instruction("look up")).await.unwrap();
    let mail = main.send(&other, vec![told, first]).await.unwrap();
    let received = other.receive().await.unwrap();
    assert_eq!(texts(&other).await, ["look up", "", "sun"]);
    let view = other.view().await.unwrap();
    let origins: Vec<_> = view.messages().map(|one| one.origin.as_deref().copied()).collect();
    let from = |message| Some(Origin::Mailed { mail: mail.id, message: Some(message) });
    assert_eq!(origins, [from(first), from(called), from(told)]);
    assert_eq!(received.taken[0].messages.len(), 3);
    // Mailing it on keeps where it was first said.
    let back = other.send(&main, received.taken[0].messages.clone()).await.unwrap();
    main.receive().await.unwrap();
    let last = Arc::clone(main.view().await.unwrap().last().unwrap());
    assert_eq!(
        last.origin.as_deref(),
        Some(&Origin::Mailed { mail: back.id, message: Some(told) })
    );
    let open = main.append(request).await.unwrap().messages;
    let refused = main.send(&other, open).await.unwrap_err();
    assert!(matches!(refused, Error::Change(_)), "{refused:?}");
}

#[tokio::test]
async fn a_receipt_knows_which_call_of_a_model_saw_it_first() {
    let (session, provider) = session(["before", "after", "later"].map(Script::text)).await;
    let main = session.default_branch();
    let scout = main.fork("scout").await.unwrap();
    main.chat("one").await.unwrap();
    let fact = scout.send(&main, json!({"sun": true})).await.unwrap();
    let signal = scout.send(&main, Package::Signal("done".to_owned())).await.unwrap();
    assert_eq!(main.receipt(fact.id).await.unwrap(), None);
    let received = main.receive().await.unwrap();
    let unseen = main.receipt(fact.id).await.unwrap().unwrap();
    assert_eq!((unseen.op, unseen.seen_in), (received.taken[0].receipt, None));
    assert_eq!(unseen.messages, received.taken[0].messages);
    // Words that no model said are no call.
    main.append(Draft::new(Body::response("I say so"))).await.unwrap();
    let reply = main.chat("two").await.unwrap();
    main.chat("three").await.unwrap();
    let seen = main.receipt(fact.id).await.unwrap().unwrap();
    assert_eq!(seen.seen_in, Some(reply.message.id));
    assert_eq!(main.receipt(signal.id).await.unwrap().unwrap().seen_in, None);
    let shown = &provider.requests()[1].messages;
    assert!(shown.iter().any(|message| message.id == seen.messages[0]));
}

#[tokio::test]
async fn mail_that_is_sent_at_once_overtakes_nothing_to_the_same_branch() {
    let (session, main, other) = two().await;
    let third = session.create_branch("third").await.unwrap();
    main.send(&other, "one").queued().await.unwrap();
    main.send(&third, "elsewhere").queued().await.unwrap();
    third.send(&other, "not mine").queued().await.unwrap();
    main.send(&other, "two").queued().await.unwrap();
    session.collect(&main).await.unwrap();
    main.send(&other, "three").await.unwrap();
    other.receive().await.unwrap();
    assert_eq!(texts(&other).await, ["one", "two", "three"]);
    assert_eq!(main.outbox().await.unwrap().len(), 1);
    assert_eq!(third.outbox().await.unwrap().len(), 1);
}

#[tokio::test]
async fn letters_are_posted_together_or_not_at_all() {
    let (session, main, other) = two().await;
    let letters = (0..100).map(|number| main.send(&other, format!("{number}"))).collect();
    let mails = session.post(letters).await.unwrap();
    assert_eq!(mails.len(), 100);
    let too_many = (0..100_001).map(|_| main.send(&other, "x")).collect();
    assert!(session.post(too_many).await.is_err());
    assert_eq!(other.receive().await.unwrap().taken.len(), 100);
    assert_eq!(texts(&other).await.len(), 100);
    other.undo().await.unwrap();
    assert_eq!((texts(&other).await.len(), other.inbox().await.unwrap().len()), (0, 100));
}

#[tokio::test]
async fn more_mail_than_one_commit_holds_is_taken_in_in_order() {
    let (session, main, other) = two().await;
    for part in 0..3 {
        let texts = (0..2_000).map(|number| format!("{}", part * 2_000 + number));
        let letters = texts.map(|text| main.send(&other, text)).collect();
        session.post(letters).await.unwrap();
    }
    let received = other.receive().await.unwrap();
    assert_eq!(received.taken.len(), 6_000);
    let expected: Vec<_> = (0..6_000).map(|number| number.to_string()).collect();
    assert_eq!(texts(&other).await, expected);
    assert!(other.inbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn unread_mail_stays_with_the_original_unless_the_fork_is_given_it() {
    let (_, main, other) = two().await;
    let kept = other.send(&main, "for main").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    assert!(fork.inbox().await.unwrap().is_empty());
    assert_eq!(main.inbox().await.unwrap()[0].mail.id, kept.id);
    let taker = main.fork("taker").with_mail().await.unwrap();
    assert!(main.inbox().await.unwrap().is_empty());
    assert_eq!(taker.inbox().await.unwrap()[0].mail.id, kept.id);
    taker.receive().await.unwrap();
    assert_eq!((texts(&taker).await, texts(&main).await.len()), (vec!["for main".to_owned()], 0));
}

#[tokio::test]
async fn undoing_a_receipt_gives_the_mail_back_and_redoing_takes_it_in_again() {
    let (session, main, other) = two().await;
    let mail = other.send(&main, "fact").await.unwrap();
    let head = main.receive().await.unwrap().head;
    let state = async || state(&session, &main, mail.id).await;
    assert!(matches!(state().await, MailState::Applied { .. }));
    main.undo().await.unwrap();
    assert_eq!((state().await, texts(&main).await.len()), (MailState::Inbox, 0));
    main.redo().await.unwrap();
    assert!(matches!(state().await, MailState::Applied { .. }));
    main.append(says("more")).await.unwrap();
    main.rollback(2).await.unwrap();
    assert_eq!(state().await, MailState::Inbox);
    // Taken in again, and then the head goes back to the first receipt: it is applied once.
    main.receive().await.unwrap();
    main.restore(head.unwrap()).await.unwrap();
    assert_eq!(texts(&main).await, ["fact"]);
    let applied = main.receipt(mail.id).await.unwrap().unwrap();
    assert_eq!(main.view().await.unwrap().receipt(mail.id), Some(applied.op));
    // Refused in the meantime: the receipt that is restored has the last word.
    main.undo().await.unwrap();
    main.rollback(1).await.unwrap();
    main.refuse(mail.id, "no").await.unwrap();
    main.restore(head.unwrap()).await.unwrap();
    assert!(matches!(state().await, MailState::Applied { .. }));
}

#[tokio::test]
async fn renaming_and_archiving_touch_no_mail() {
    let (session, main, other) = two().await;
    let mail = other.send(&main, "fact").await.unwrap();
    other.rename("scout").await.unwrap();
    main.rename("trunk").await.unwrap();
    session.archive().await.unwrap();
    assert_eq!(main.inbox().await.unwrap()[0].mail.id, mail.id);
    session.unarchive().await.unwrap();
    main.receive().await.unwrap();
    assert_eq!(main.view().await.unwrap().last().unwrap().sender, "scout");
}

#[tokio::test]
async fn a_deleted_branch_loses_no_mail() {
    let (session, main, other) = two().await;
    let heir = session.create_branch("heir").await.unwrap();
    let both = main.send([&other, &heir], "to both").await.unwrap();
    let only = main.send(&other, "to one").await.unwrap();
    let queued = other.send(&main, "last words").queued().await.unwrap();
    other.delete_with_heir(&heir).await.unwrap();
    let inbox: Vec<_> = heir.inbox().await.unwrap().iter().map(|one| one.mail.id).collect();
    assert_eq!(inbox, [both.id, only.id]);
    let dead = session.dead_letters().await.unwrap();
    assert_eq!(dead.iter().map(|one| one.mail.id).collect::<Vec<_>>(), [both.id]);
    assert_eq!(main.inbox().await.unwrap()[0].mail.id, queued.id);
    main.receive().await.unwrap();
    let said = Arc::clone(main.view().await.unwrap().last().unwrap());
    assert_eq!(
        (said.text(), said.sender.as_str()),
        ("last words".to_owned(), &*other.id().to_string())
    );
    // A dead letter can be given to somebody else.
    session.readdress(&dead[0], &main).await.unwrap();
    assert_eq!(main.receive().await.unwrap().taken[0].mail.id, both.id);
    assert!(session.dead_letters().await.unwrap().is_empty());
    let again = session.readdress(&dead[0], &heir).await.unwrap_err();
    assert!(matches!(again, Error::Conflict(Conflict::MailMoved { .. })), "{again:?}");
    session.engine().gc().await.unwrap();
    assert_eq!(session.find_mail(&both.id.to_string()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn mail_that_came_with_the_history_of_another_branch_is_not_taken_in_twice() {
    let (session, main, other) = two().await;
    let fork = main.fork("fork").await.unwrap();
    let mail = other.send([&main, &fork], "fact").await.unwrap();
    fork.receive().await.unwrap();
    let head = fork.record().await.unwrap().head;
    // What a tournament does with its winner.
    let again = session.create_branch("again").await.unwrap();
    assert_eq!(again.view().await.unwrap().len(), 0);
    let late = fork.fork("late").await.unwrap();
    let delivery = main.inbox().await.unwrap().remove(0);
    session.readdress(&delivery, &late).await.unwrap();
    let received = late.receive().await.unwrap();
    assert_eq!((received.taken.len(), received.head), (1, head));
    assert_eq!(texts(&late).await, ["fact"]);
    assert_eq!(
        state(&session, &late, mail.id).await.receipt(),
        head.map(|_| received.taken[0].receipt)
    );
}

#[tokio::test]
async fn merging_leaves_unread_mail_and_brings_what_was_taken_in_once() {
    let (session, main, other) = two().await;
    let scout = main.fork("scout").await.unwrap();
    other.send([&main, &scout], "to both").await.unwrap();
    scout.receive().await.unwrap();
    main.receive().await.unwrap();
    other.send(&scout, "to scout").await.unwrap();
    scout.receive().await.unwrap();
    let unread = other.send(&scout, "unread").await.unwrap();
    session.merge(&scout).into(&main).await.unwrap();
    assert_eq!(texts(&main).await, ["to both", "to scout"], "nothing twice");
    assert_eq!(scout.inbox().await.unwrap()[0].mail.id, unread.id);
    assert!(main.inbox().await.unwrap().is_empty());
    session.merge(&scout).into(&main).delete_source().await.unwrap();
    assert_eq!(main.inbox().await.unwrap()[0].mail.id, unread.id);
    main.receive().await.unwrap();
    assert_eq!(texts(&main).await, ["to both", "to scout", "unread"]);
    let places: Vec<_> = session.mail(&MailQuery::new()).await.unwrap().iter().map(place).collect();
    assert_eq!(places, [MailPlace::Applied; 4]);
}

#[tokio::test]
async fn a_fast_forward_settles_mail_that_its_history_took_in() {
    let (session, main, other) = two().await;
    let scout = main.fork("scout").await.unwrap();
    let mail = other.send([&main, &scout], "to both").await.unwrap();
    scout.receive().await.unwrap();
    session.merge(&scout).into(&main).fast_forward().await.unwrap();
    assert_eq!(texts(&main).await, ["to both"]);
    assert!(main.inbox().await.unwrap().is_empty());
    let [ours, theirs] = [&main, &scout].map(|branch| branch.receipt(mail.id));
    let (ours, theirs) = (ours.await.unwrap().unwrap(), theirs.await.unwrap().unwrap());
    assert_eq!((ours.op, ours.messages), (theirs.op, theirs.messages));
    main.undo().await.unwrap();
    assert_eq!(main.inbox().await.unwrap().len(), 1);
    assert!(matches!(state(&session, &scout, mail.id).await, MailState::Applied { .. }));
}

#[tokio::test]
async fn a_parked_or_busy_branch_is_not_gone_over() {
    use branchwork::tools::{FunctionTool, ToolError};
    let (session, _) = session([Script::calls([("c1", "look", "{}")])]).await;
    let main = session.default_branch();
    let look = FunctionTool::dynamic(
        branchwork::tools::ToolSpec {
            name: "look".to_owned(),
            description: "Looks.".to_owned(),
            parameters: json!({ "type": "object" }),
        },
        async |_, _| Ok::<_, ToolError>(json!("sun")),
    );
    main.register(look.with_approval()).unwrap();
    let parked = main.chat("look").with_tools("look").await.unwrap_err();
    assert!(matches!(parked, Error::Parked { .. }), "{parked:?}");
    main.send(&main, "note").await.unwrap();
    assert!(matches!(main.receive().await, Err(Error::Parked { .. })));
    assert_eq!(main.inbox().await.unwrap().len(), 1, "it waits");
    let only_signals = main.receive().accept([Category::Signal]).await.unwrap();
    assert_eq!((only_signals.taken.len(), only_signals.left.len()), (0, 1));
}

/// How a mail is on its way to a branch.
async fn state(session: &Session, branch: &Branch, mail: MailId) -> MailState {
    let query = MailQuery::new().of(mail).to(branch.id());
    session.mail(&query).await.unwrap().remove(0).state
}

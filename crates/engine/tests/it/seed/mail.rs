//! Section 3.4: mail. The engine has no sources to add: making a branch is adding one.

use std::sync::Arc;

use branchwork::{
    Branch, Error, Session,
    core::{
        config::ConfigPatch,
        id::BranchId,
        mail::PackageError,
        message::{Body, Draft},
        store::{Conflict, StoreError},
    },
    mail::{Addresses, Category, LeftReason, MailPlace, MailState, Package, Received},
};
use branchwork_testkit::ScriptedProvider;
use serde_json::json;

use super::support::{add, lst, multiply};
use crate::support::{says, session, texts};

/// A session with the branches `main`, `a`, `b`, …
async fn branches<const N: usize>(names: [&str; N]) -> (Session, [Branch; N]) {
    let (session, _) = session([]).await;
    let mut made = Vec::new();
    for name in names {
        made.push(session.create_branch(name).await.unwrap());
    }
    (session, made.try_into().unwrap())
}

fn taken(received: &Received) -> Vec<(BranchId, Category)> {
    let taken = received.taken.iter();
    taken.map(|taken| (taken.mail.sender, taken.mail.package.category())).collect()
}

#[tokio::test]
async fn s081_a_mail_has_sender_recipient_category_and_package() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    let mail = a.send(&b, "hello").await.unwrap();
    let found = b.inbox().await.unwrap().remove(0);
    assert_eq!((found.mail.sender, found.recipient), (a.id(), b.id()));
    assert_eq!(found.mail.package, Package::Text("hello".to_owned()));
    assert_eq!((found.mail.id, found.mail.package.category()), (mail.id, Category::Text));
    for category in Category::ALL {
        assert_eq!(Category::from_name(category.as_str()), Some(category));
    }
    assert_eq!(Category::from_name("parcel"), None);
}

#[tokio::test]
async fn s083_and_s084_and_s085_a_branch_that_was_just_made_can_send_and_receive() {
    let (session, [a]) = branches(["a"]).await;
    let taken = session.create_branch("a").await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::BranchNameTaken { .. })));
    assert_eq!(session.branches().await.unwrap().len(), 2);
    let late = session.create_branch("late").await.unwrap();
    a.send(&late, "you are in").await.unwrap();
    assert_eq!(late.receive().await.unwrap().taken.len(), 1);
    late.send("a", "so I am").await.unwrap();
    assert_eq!(a.receive().await.unwrap().taken.len(), 1);
    assert_eq!(
        (texts(&a).await, texts(&late).await),
        (vec!["so I am".to_owned()], vec!["you are in".to_owned()],)
    );
}

#[tokio::test]
async fn s086_what_a_deleted_branch_did_not_take_in_is_a_dead_letter() {
    let (session, [a, b]) = branches(["a", "b"]).await;
    let waiting = a.send(&b, "are you there?").await.unwrap();
    let queued = a.send(&b, "hello?").queued().await.unwrap();
    b.delete().await.unwrap();
    let again = b.send(&a, "late").await.unwrap_err();
    assert!(matches!(again, Error::Store(StoreError::NotFound { .. })), "{again:?}");
    let dead = session.dead_letters().await.unwrap();
    let of: Vec<_> = dead.iter().map(|one| (one.mail.id, one.state.reason().unwrap())).collect();
    let reason = "branch `b` was deleted";
    assert_eq!(of, [(waiting.id, reason), (queued.id, reason)]);
    assert!(a.outbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn s087_somebody_unknown_is_an_error() {
    let (session, [a]) = branches(["a"]).await;
    let collected = session.collect("nobody").await;
    assert!(matches!(collected, Err(Error::NotFound { what: "branch", .. })), "{collected:?}");
    let sent = session.send("nobody").await;
    assert!(matches!(sent, Err(Error::NotFound { what: "branch", .. })), "{sent:?}");
    let mailed = a.send("manes", "hello").await.unwrap_err();
    assert!(matches!(mailed, Error::NotFound { what: "branch", .. }), "{mailed:?}");
    let near = a.send("maim", "hello").await.unwrap_err();
    assert!(matches!(&near, Error::NotFound { nearest: Some(near), .. } if near == "main"));
    assert!(a.sent().await.unwrap().is_empty());
}

#[tokio::test]
async fn s089_a_queued_mail_is_in_the_outbox_of_the_branch_that_sent_it() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    let said = a.append(says("look")).await.unwrap().messages;
    a.send(&b, said.clone()).queued().await.unwrap();
    let outbox = a.outbox().await.unwrap();
    assert_eq!(outbox.len(), 1);
    assert_eq!((outbox[0].mail.sender, outbox[0].recipient), (a.id(), b.id()));
    let Package::Messages(messages) = &outbox[0].mail.package else { panic!("messages") };
    assert_eq!((messages.len(), messages[0].id), (1, said[0]));
    assert_eq!(outbox[0].state, MailState::Outbox);
    assert!(b.inbox().await.unwrap().is_empty());
    assert!(b.receive().await.unwrap().taken.is_empty());
}

#[tokio::test]
async fn s090_received_messages_are_appended_and_leave_the_inbox() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    let said = a.append(says("look").with_sender("ada")).await.unwrap().messages;
    b.append(says("mine")).await.unwrap();
    a.send(&b, said).await.unwrap();
    let received = b.receive().from(&a).accept([Category::Messages]).await.unwrap();
    assert_eq!(taken(&received), [(a.id(), Category::Messages)]);
    assert_eq!(texts(&b).await, ["mine", "look"]);
    assert_eq!(b.view().await.unwrap().last().unwrap().sender, "ada");
    assert!(b.inbox().await.unwrap().is_empty());
}

#[tokio::test]
async fn s091_and_s106_received_tools_are_registered_all_of_them() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    for tool in [add(), multiply(), lst()] {
        a.register(tool).unwrap();
    }
    let names = vec!["add".to_owned(), "lst".to_owned()];
    a.send(&b, Package::Tools(names.clone())).await.unwrap();
    assert!(b.tools().is_empty());
    let received = b.receive().await.unwrap();
    assert_eq!(taken(&received), [(a.id(), Category::Tools)]);
    assert_eq!(b.tools().names().collect::<Vec<_>>(), ["add", "lst"]);
    assert_eq!(b.view().await.unwrap().config().tools, Some(names));
    let unknown = a.send(&b, Package::Tools(vec!["fly".to_owned()])).await.unwrap_err();
    assert!(matches!(unknown, Error::NotFound { what: "tool", .. }), "{unknown:?}");
    let none = a.send(&b, Package::Tools(Vec::new())).await.unwrap_err();
    assert!(matches!(none, Error::Mail(PackageError::Empty { .. })), "{none:?}");
}

#[tokio::test]
async fn s092_a_received_provider_is_asked_from_then_on() {
    let (session, [a, b]) = branches(["a", "b"]).await;
    let other = Arc::new(ScriptedProvider::new());
    other.push(branchwork_testkit::Script::text("from the other"));
    session.engine().register("other", Arc::clone(&other) as _);
    a.send(&b, Package::Provider("other".to_owned())).await.unwrap();
    b.receive().await.unwrap();
    assert_eq!(b.chat("who?").await.unwrap().text, "from the other");
    assert_eq!(other.requests().len(), 1);
    let unknown = a.send(&b, Package::Provider("nowhere".to_owned())).await.unwrap_err();
    assert!(matches!(unknown, Error::NoProvider { .. }), "{unknown:?}");
}

#[tokio::test]
async fn s093_a_configuration_is_sent_and_holds_once_it_is_received() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    a.send(&b, ConfigPatch::new().with_temperature(0.25)).await.unwrap();
    assert_eq!(b.view().await.unwrap().config().temperature, None);
    b.receive().accept([Category::ModelConfig]).await.unwrap();
    assert_eq!(b.view().await.unwrap().config().temperature, Some(0.25));
    let hot = a.send(&b, ConfigPatch::new().with_temperature(9.0)).await.unwrap_err();
    assert!(matches!(hot, Error::Mail(PackageError::Config(_))), "{hot:?}");
}

#[tokio::test]
async fn s095_receiving_takes_in_all_that_waits() {
    let (session, [a, b]) = branches(["a", "b"]).await;
    let said = a.append(says("look")).await.unwrap().messages;
    a.send(&b, said).await.unwrap();
    a.send(&b, ConfigPatch::new().with_seed(7)).await.unwrap();
    let received = session.receive_all().await.unwrap();
    let counts: Vec<_> =
        received.iter().map(|one| one.found.as_ref().unwrap().taken.len()).collect();
    assert_eq!(counts, [0, 0, 2]);
    assert_eq!(b.view().await.unwrap().config().seed, Some(7));
    assert_eq!((texts(&b).await, b.inbox().await.unwrap().len()), (vec!["look".to_owned()], 0));
}

/// The example of the guide: two branches send each other a message and a tool.
async fn calculators() -> (Session, Branch, Branch) {
    let (session, [calc_add, calc_mul]) = branches(["calc_add", "calc_mul"]).await;
    calc_add.register(add()).unwrap();
    calc_mul.register(multiply()).unwrap();
    for text in ["m1", "m2", "m3", "m4"] {
        calc_mul.append(says(text)).await.unwrap();
    }
    let result = calc_add.append(Draft::new(Body::response("9"))).await.unwrap().messages;
    calc_add.send(&calc_mul, result).queued().await.unwrap();
    let tool = Package::Tools(vec!["multiply".to_owned()]);
    calc_mul.send(&calc_add, tool).queued().await.unwrap();
    (session, calc_add, calc_mul)
}

async fn check_calculators(calc_add: &Branch, calc_mul: &Branch) {
    assert_eq!(texts(calc_mul).await, ["m1", "m2", "m3", "m4", "9"]);
    assert_eq!(calc_add.tools().names().collect::<Vec<_>>(), ["add", "multiply"]);
}

#[tokio::test]
async fn s096_two_branches_have_what_they_sent_each_other() {
    let (session, calc_add, calc_mul) = calculators().await;
    session.collect(Addresses::All).await.unwrap();
    session.send(Addresses::All).await.unwrap();
    calc_mul.receive().from(&calc_add).await.unwrap();
    calc_add.receive().from(&calc_mul).await.unwrap();
    check_calculators(&calc_add, &calc_mul).await;
}

#[tokio::test]
async fn s097_and_s118_everything_in_two_calls_comes_to_the_same() {
    let (session, calc_add, calc_mul) = calculators().await;
    assert_eq!(session.collect_send_all().await.unwrap().len(), 2);
    assert_eq!(texts(&calc_mul).await.len(), 4, "nothing is taken in yet");
    session.receive_all().await.unwrap();
    check_calculators(&calc_add, &calc_mul).await;
}

#[tokio::test]
async fn s099_three_senders_make_three_mails() {
    let (session, [a, b, c, d]) = branches(["a", "b", "c", "d"]).await;
    for (sender, text) in [(&a, "one"), (&b, "two"), (&c, "three")] {
        sender.send(&d, text).queued().await.unwrap();
    }
    session.collect_send_all().await.unwrap();
    let received = d.receive().await.unwrap();
    let from: Vec<_> = received.taken.iter().map(|taken| taken.mail.sender).collect();
    assert_eq!(from, [a.id(), b.id(), c.id()]);
    assert_eq!(texts(&d).await, ["one", "two", "three"]);
    let view = d.view().await.unwrap();
    let senders: Vec<_> = view.messages().map(|message| message.sender.as_str()).collect();
    assert_eq!(senders, ["a", "b", "c"]);
}

#[tokio::test]
async fn s100_two_deliveries_before_one_receipt_are_taken_in_in_order() {
    let (session, [a, b]) = branches(["a", "b"]).await;
    for text in ["one", "two"] {
        a.send(&b, text).queued().await.unwrap();
        session.collect_send_all().await.unwrap();
    }
    assert_eq!(b.receive().from(&a).await.unwrap().taken.len(), 2);
    assert_eq!(texts(&b).await, ["one", "two"]);
}

#[tokio::test]
async fn s101_mail_to_nobody_is_refused_or_a_dead_letter_and_the_rest_arrives() {
    let (session, [a, ghost]) = branches(["a", "ghost"]).await;
    a.send(&ghost, "boo").queued().await.unwrap();
    a.send("main", "hello").queued().await.unwrap();
    ghost.delete().await.unwrap();
    a.send("ghost", "boo").await.unwrap_err();
    session.collect_send_all().await.unwrap();
    assert_eq!(session.default_branch().receive().await.unwrap().taken.len(), 1);
    let dead = session.dead_letters().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].state.place(), MailPlace::DeadLetter);
}

#[tokio::test]
async fn s103_and_s104_a_branch_writes_to_itself_and_nothing_waits_is_nothing() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    a.send(&a, "note to self").await.unwrap();
    assert!(a.receive().from(&b).await.unwrap().taken.is_empty());
    assert_eq!(a.peek(&b).await.unwrap(), None);
    assert!(a.peek(&a).await.unwrap().is_some());
    assert_eq!(a.receive().from(&a).await.unwrap().taken.len(), 1);
    assert_eq!(texts(&a).await, ["note to self"]);
}

#[tokio::test]
async fn s105_a_bad_mail_between_two_good_ones_is_reported_and_stays() {
    let (_, [a, b]) = branches(["a", "b"]).await;
    a.register(add()).unwrap();
    a.send(&b, json!({"n": 1})).await.unwrap();
    let tool = a.send(&b, Package::Tools(vec!["add".to_owned()])).await.unwrap();
    a.send(&b, "third").await.unwrap();
    a.remove_tool("add").unwrap();
    let received = b.receive().await.unwrap();
    assert_eq!(taken(&received), [(a.id(), Category::Data), (a.id(), Category::Text)]);
    let [left] = received.left.as_slice() else { panic!("one is left") };
    assert_eq!(left.mail.id, tool.id);
    assert!(matches!(&left.reason, LeftReason::Failed(Error::NotFound { what: "tool", .. })));
    let waiting: Vec<_> = b.inbox().await.unwrap().iter().map(|one| one.mail.id).collect();
    assert_eq!(waiting, [tool.id]);
}

#[tokio::test]
async fn s117_collecting_and_sending_touch_the_branches_that_are_named() {
    let (session, [a, b, c]) = branches(["a", "b", "c"]).await;
    a.send(&c, "from a").queued().await.unwrap();
    b.send(&c, "from b").queued().await.unwrap();
    b.send(&a, "to a").queued().await.unwrap();
    assert_eq!(session.collect([&b]).await.unwrap().len(), 2);
    assert_eq!(session.send([&c]).await.unwrap().len(), 1);
    assert_eq!(c.inbox().await.unwrap().len(), 1);
    assert_eq!(a.outbox().await.unwrap()[0].state, MailState::Outbox);
    assert_eq!(b.outbox().await.unwrap()[0].state, MailState::Transit);
    assert_eq!(session.collect(Addresses::All).await.unwrap().len(), 1);
    assert_eq!(session.send(Addresses::All).await.unwrap().len(), 2);
}

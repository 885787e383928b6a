//! Reading mail back: as it was sent, in order, by what is said of it.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    config::ConfigPatch,
    graph::StepWriter,
    id::MailId,
    limits::READ_MAIL_MAX,
    mail::{Delivery, Mail, MailPlace, MailQuery, MailState, Package},
    message::{Body, CallId, Draft, Outcome, ToolCall},
    store::Store,
};
use serde_json::json;

use super::post::{Post, refusal, text};
use crate::bench::{queueing, sending};

/// One package of each category, and what may be said of an envelope beside it.
pub async fn mail_is_read_back_as_it_was_sent(store: Arc<dyn Store>) {
    let mut post = Post::open(store).await;
    let call = CallId::new("call-1");
    let calls = vec![ToolCall {
        id: call.clone(),
        function: "look".to_owned(),
        arguments: "{\"x\": 1.5}".to_owned(),
    }];
    let write = |writer: &mut StepWriter<'_>| {
        let request = Body::ActionRequest { parts: Vec::new(), calls };
        writer.message(Draft::new(request).with_sender("été")).expect("it follows");
        let outcome = Outcome::Succeeded(json!([1, "\u{1f600}"]));
        writer.message(Draft::result(call, "look", outcome)).expect("it follows");
    };
    let mut main = post.main.clone();
    post.bench.append(&mut main, write).await;
    post.main = main;
    let messages: Vec<_> = post.main.view.messages().cloned().collect();
    let packages = [
        Package::Messages(messages),
        Package::Tools(vec!["look".to_owned(), "walk".to_owned()]),
        Package::Provider("local".to_owned()),
        Package::from(ConfigPatch::new().with_temperature(0.3)),
        Package::from("été \"quoted\" \\ \n \u{1f600}"),
        Package::from("large ".repeat(100_000)),
        Package::from(json!({"plan": [1, 2.5, null], "deep": {"er": "ø"}})),
        Package::Signal("stop".to_owned()),
    ];
    let mut sent: Vec<Arc<Mail>> = Vec::new();
    for package in packages {
        let mut mail = (*post.bench.mail(&post.main, package)).clone();
        mail.reply_to = sent.last().map(|mail| mail.id);
        mail.expires = mail.reply_to.map(|_| Timestamp::from_micros(mail.sent.as_micros() + 7));
        let mail = Arc::new(mail);
        post.write([sending(&mail, &[&post.first, &post.main])]).await;
        sent.push(mail);
        post.bench.wait();
    }
    let found = post.all().await;
    let both =
        |mail: &Arc<Mail>| [post.first.branch, post.main.branch].map(|to| (Arc::clone(mail), to));
    let expected: Vec<_> = sent.iter().flat_map(both).collect();
    let envelopes = found.iter().map(|one| (Arc::clone(&one.mail), one.recipient));
    assert_eq!(envelopes.collect::<Vec<_>>(), expected);
    for delivery in found {
        let sent = delivery.mail.sent;
        assert_eq!(delivery.state, MailState::Inbox);
        assert_eq!((delivery.since, delivery.delivered), (sent, Some(sent)));
    }
    post.bench.verify().await;
}

/// Numbers follow each other in the order in which mail was sent, also across sessions.
pub async fn deliveries_are_numbered_in_order_and_read_in_pages(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let bench = &post.bench;
    let elsewhere = bench.start().await;
    for count in 0..5 {
        post.send(&post.main, &count.to_string(), &[&post.second, &post.first]).await;
        let mail = bench.mail(&elsewhere, "elsewhere");
        let change = sending(&mail, &[&elsewhere]);
        bench.write(bench.commit(elsewhere.session).with_mail([change])).await;
    }
    let all = post.all().await;
    let numbers: Vec<_> = all.iter().map(|one| one.no).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let recipients: Vec<_> = all.iter().take(2).map(|one| one.recipient).collect();
    assert_eq!(recipients, [post.second.branch, post.first.branch]);
    for size in [1, 2, 3, 99] {
        let mut found = Vec::new();
        loop {
            let after = found.last().map_or(0, |one: &Delivery| one.no);
            let page = post.read(MailQuery::new().after(after).limit(size)).await;
            assert!(page.len() <= size);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, all);
    }
    assert_eq!(post.read(MailQuery::new().after(14)).await, []);
    assert_eq!(post.read(MailQuery::new().after(u64::MAX)).await, []);
    assert_eq!(post.read(MailQuery::new().limit(0)).await, []);
}

/// However many are asked for, and wherever they are.
pub async fn mail_is_read_in_pages_of_a_bounded_size(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let count = READ_MAIL_MAX + 5;
    let mails: Vec<_> = (0..count).map(|_| post.bench.mail(&post.main, "hello")).collect();
    post.write(mails.iter().map(|mail| queueing(mail, &[&post.first]))).await;
    for query in [
        MailQuery::new(),
        MailQuery::new().to(post.first.branch).in_place(MailPlace::Outbox),
        MailQuery::new().from(post.main.branch).in_place(MailPlace::Outbox),
    ] {
        let page = post.read(query.clone().limit(usize::MAX)).await;
        assert_eq!(page.len(), READ_MAIL_MAX);
        let last = page.last().map_or(0, |one| one.no);
        assert_eq!(post.read(query.after(last)).await.len(), 5);
    }
}

/// Each condition that a query may have, alone and with others.
pub async fn mail_is_found_by_what_is_said_of_it(store: Arc<dyn Store>) {
    let post = Post::open(store).await;
    let (main, first, second) = (&post.main, &post.first, &post.second);
    let one = post.send(main, "one", &[first, second]).await;
    post.queue(main, "two", &[second, first]).await;
    post.queue(first, "three", &[second]).await;
    post.write([post.bench.moving(&one, first, (MailState::Inbox, refusal("no")))]).await;
    let found = async |query: MailQuery| {
        let line = |one: &Delivery| format!("{}{}", text(&one.mail), one.no);
        post.read(query).await.iter().map(line).collect::<Vec<_>>().join(" ")
    };
    let all = MailQuery::new();
    assert_eq!(found(all.clone()).await, "one1 one2 two3 two4 three5");
    assert_eq!(found(all.clone().of(one.id)).await, "one1 one2");
    assert_eq!(found(all.clone().of(one.id).to(second.branch)).await, "one2");
    assert_eq!(found(all.clone().of(one.id).in_place(MailPlace::Refused)).await, "one1");
    assert_eq!(found(all.clone().of(one.id).after(1)).await, "one2");
    assert_eq!(found(all.clone().of(one.id).from(first.branch)).await, "");
    assert_eq!(found(all.clone().of(MailId::from_bits(7))).await, "");
    assert_eq!(found(all.clone().to(second.branch)).await, "one2 two3 three5");
    assert_eq!(found(all.clone().from(main.branch)).await, "one1 one2 two3 two4");
    assert_eq!(found(all.clone().from(main.branch).to(first.branch)).await, "one1 two4");
    let inbox = all.clone().in_place(MailPlace::Inbox);
    assert_eq!(found(inbox.clone()).await, "one2");
    assert_eq!(found(inbox.clone().to(second.branch)).await, "one2");
    let waiting = inbox.in_place(MailPlace::Outbox).in_place(MailPlace::Transit);
    assert_eq!(found(waiting.clone()).await, "one2 two3 two4 three5");
    let for_second = waiting.clone().to(second.branch);
    assert_eq!(found(for_second.clone()).await, "one2 two3 three5");
    assert_eq!(found(for_second.clone().after(2).limit(1)).await, "two3");
    assert_eq!(found(for_second.from(first.branch)).await, "three5");
    let outbox = all.in_place(MailPlace::Outbox);
    assert_eq!(found(outbox.clone().from(main.branch)).await, "two3 two4");
    assert_eq!(found(outbox.clone().from(main.branch).after(3)).await, "two4");
    assert_eq!(found(outbox.clone().from(main.branch).limit(1)).await, "two3");
    assert_eq!(found(outbox.from(main.branch).to(first.branch)).await, "two4");
    // A branch of another session has nothing to do with this one.
    let other = post.bench.start().await;
    let theirs = post.bench.deliveries(other.session, waiting.to(second.branch)).await;
    assert_eq!(theirs, []);
}

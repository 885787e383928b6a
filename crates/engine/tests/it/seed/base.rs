//! Section 3.1: the base branch.

use branchwork::{
    BaseBranch as _, Error,
    base::{Clear, Senders},
    core::{
        clock::Timestamp,
        filter::{Case, Filter, Keyword},
        limits,
        message::{Body, BodyKind, Draft, Part, Role},
    },
};
use branchwork_testkit::Script;
use serde_json::{Value, json};

use super::support::{f5, five};
use crate::support::{says, session, texts};

fn text(keyword: &str) -> Filter {
    Filter::new().with_keyword(Keyword::text(keyword, Case::Ignored).unwrap())
}

#[tokio::test]
async fn s001_a_new_branch_has_no_messages() {
    let main = session([]).await.0.default_branch();
    assert!(main.view().await.unwrap().is_empty());
}

#[tokio::test]
async fn s003_a_system_message_can_follow() {
    let f5 = f5().await;
    let system = Draft::new(Body::System { text: "{\"info\":\"Test Message\"}".to_owned() });
    f5.branch.append(system).await.unwrap();
    assert_eq!(f5.branch.view().await.unwrap().len(), 6);
}

#[tokio::test]
async fn s004_and_s005_messages_say_who_they_are_from_when_asked() {
    let branch = f5().await.branch;
    let plain = branch.chat_messages(Senders::Hidden).await.unwrap();
    assert_eq!(plain.len(), 5);
    assert!(plain.iter().all(|message| !message.content.contains("Sender")));
    let signed = branch.chat_messages(Senders::Shown).await.unwrap();
    let senders = ["system", "user1", "assistant", "action_request", "action_response"];
    for ((plain, signed), sender) in plain.iter().zip(&signed).zip(senders) {
        assert_eq!(signed.content, format!("Sender {sender}: {}", plain.content));
    }
}

#[tokio::test]
async fn s007_to_s012_the_messages_that_have_a_name() {
    let branch = f5().await.branch;
    assert_eq!(branch.last_message().await.unwrap().unwrap().text(), "Action response");
    assert_eq!(branch.first_system().await.unwrap().unwrap().text(), "System message");
    // A result is in the voice of a tool here; the seed had it in the assistant's.
    let last = branch.last_response().await.unwrap().unwrap();
    assert_eq!(
        (last.body.kind(), last.sender.as_str()),
        (BodyKind::ActionRequest, "action_request")
    );
    assert_eq!(branch.responses().await.unwrap().len(), 3);
    let answers = branch.assistant_responses().await.unwrap();
    assert_eq!((answers.len(), answers[0].text()), (1, "Assistant response".to_owned()));
    assert_eq!(branch.action_requests().await.unwrap().len(), 1);
    assert_eq!(branch.action_responses().await.unwrap().len(), 1);
}

#[tokio::test]
async fn s013_counts_by_role_and_sender() {
    let counts = f5().await.branch.counts().await.unwrap();
    let roles = [(Role::System, 1), (Role::User, 1), (Role::Assistant, 2), (Role::Tool, 1)];
    assert_eq!((counts.total, counts.by_role), (5, roles.into()));
    assert_eq!(counts.by_sender["user1"], 1);
}

#[tokio::test]
async fn s015_a_description_previews_as_many_as_there_are() {
    for count in [0, 1, 3, 4, 5] {
        let main = session([]).await.0.default_branch();
        for draft in five().into_iter().take(count) {
            main.append(draft).await.unwrap();
        }
        let description = main.describe(5).await.unwrap();
        assert_eq!((description.counts.total, description.preview.len()), (count, count));
    }
}

#[tokio::test]
async fn s020_and_s021_an_edit_changes_what_is_said_and_nothing_else_can_be_changed() {
    let branch = f5().await.branch;
    let user = branch.message("~3").await.unwrap();
    branch.edit(user.id, Body::instruction("New")).await.unwrap();
    assert_eq!(branch.get(user.id).await.unwrap().unwrap().text(), "New");
    // There is no role "banana" and no unknown field: they do not compile. Another kind is refused.
    let other = branch.edit(user.id, Body::response("x")).await.unwrap_err();
    assert!(matches!(other, Error::Change(_)));
    let unknown = branchwork::core::id::MessageId::from_bits(7);
    assert!(matches!(branch.edit(unknown, Body::instruction("x")).await, Err(Error::Change(_))));
}

#[tokio::test]
async fn s022_and_s023_rollback_takes_off_what_it_says_and_nothing_of_nothing() {
    let branch = f5().await.branch;
    branch.rollback(0).await.unwrap();
    assert_eq!(branch.view().await.unwrap().len(), 5);
    branch.rollback(2).await.unwrap();
    assert_eq!(texts(&branch).await, ["System message", "User message", "Assistant response"]);
    branch.undo().await.unwrap();
    assert_eq!(branch.view().await.unwrap().len(), 5);
}

#[tokio::test]
async fn s025_clear_leaves_nothing_or_the_system_message_and_can_be_undone() {
    let branch = f5().await.branch;
    branch.clear(Clear::KeepSystem).await.unwrap();
    assert_eq!(texts(&branch).await, ["System message"]);
    branch.undo().await.unwrap();
    assert_eq!(branch.view().await.unwrap().len(), 5);
    branch.clear(Clear::All).await.unwrap();
    assert!(branch.view().await.unwrap().is_empty());
    branch.clear(Clear::All).await.unwrap();
}

#[tokio::test]
async fn s026_replacing_changes_what_was_said_and_never_its_shape() {
    let branch = f5().await.branch;
    let keyword = |text| Keyword::text(text, Case::Ignored).unwrap();
    let count = branch.replace_keyword(&keyword("Assistant response"), "Helper feedback").await;
    assert_eq!(count.unwrap(), 1);
    assert_eq!(branch.messages(&text("Helper feedback")).await.unwrap().len(), 1);
    let kinds = async || {
        let view = branch.view().await.unwrap();
        view.messages().map(|message| message.body.kind()).collect::<Vec<_>>()
    };
    let before = kinds().await;
    assert_eq!(branch.replace_keyword(&keyword("response"), "\"answer").await.unwrap(), 0);
    assert_eq!(branch.replace_keyword(&keyword("message"), "a \"quote").await.unwrap(), 2);
    assert_eq!(kinds().await, before, "results are a record, kinds are no text");
    assert_eq!(texts(&branch).await[1], "User a \"quote");
    branch.undo().await.unwrap();
    assert_eq!(texts(&branch).await[..2], ["System message", "User message"]);
}

#[tokio::test]
async fn s027_to_s030_a_search_is_literal_and_in_what_was_said() {
    let branch = f5().await.branch;
    for hit in branch.messages(&text("Assistant")).await.unwrap() {
        assert!(hit.text().contains("Assistant"));
    }
    assert_eq!(branch.messages(&text("(")).await.unwrap().len(), 0);
    branch.append(says("café 你好")).await.unwrap();
    for found in ["café", "你好"] {
        assert_eq!(branch.messages(&text(found)).await.unwrap().len(), 1, "{found}");
    }
    assert_eq!(branch.messages(&text("instruction")).await.unwrap().len(), 0);
}

#[tokio::test]
async fn s035_to_s039_filters_by_role_time_sender_and_keywords() {
    let branch = f5().await.branch;
    let of = async |filter: Filter| -> Vec<String> {
        let messages = branch.messages(&filter).await.unwrap();
        messages.into_iter().map(|message| message.text()).collect()
    };
    assert_eq!(of(Filter::new().with_role(Role::User)).await, ["User message"]);
    assert_eq!(of(Filter::new().with_sender("user1")).await, ["User message"]);
    let first = branch.first_system().await.unwrap().unwrap().at;
    let after = |minutes: i64| Timestamp::from_micros(first.as_micros() + minutes * 60_000_000);
    let second = after(1);
    let half = Timestamp::from_micros(second.as_micros() - 30_000_000);
    assert_eq!(of(Filter::new().with_time(half..after(2))).await, ["User message"]);
    branch.append(says("hi there")).await.unwrap();
    let keywords = |case| {
        let filter = Filter::new().with_role(Role::User);
        ["HI", "yo"]
            .into_iter()
            .fold(filter, |filter, text| filter.with_keyword(Keyword::text(text, case).unwrap()))
    };
    assert_eq!(of(keywords(Case::Ignored)).await, ["hi there"]);
    assert!(of(keywords(Case::Exact)).await.is_empty());
}

#[tokio::test]
async fn s040_rollback_takes_messages_off_whatever_changed_in_between() {
    let branch = f5().await.branch;
    branch.set_system("Changed".to_owned()).await.unwrap();
    branch.append(says("more")).await.unwrap();
    let keyword = Keyword::text("more", Case::Exact).unwrap();
    branch.replace_keyword(&keyword, "less").await.unwrap();
    branch.rollback(4).await.unwrap();
    assert_eq!(texts(&branch).await, ["System message", "User message"]);
}

#[tokio::test]
async fn s041_a_system_message_is_replaced_in_its_place() {
    let f5 = f5().await;
    f5.provider.push(Script::text("ok"));
    f5.branch.set_system("new".to_owned()).await.unwrap();
    let view = f5.branch.view().await.unwrap();
    let first = view.messages().next().unwrap();
    assert_eq!((first.role(), first.text()), (Role::System, "new".to_owned()));
    f5.branch.chat("still works").await.unwrap();
    assert_eq!(f5.provider.requests()[0].messages[0].text(), "new");
}

#[tokio::test]
async fn s042_a_system_message_that_comes_late_still_comes_first() {
    let (session, provider) = session([Script::text("ok")]).await;
    let main = session.default_branch();
    let missing = main.replace_system("new".to_owned()).await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { what: "message", .. }), "{missing}");
    main.append(says("hello")).await.unwrap();
    main.set_system("rules".to_owned()).await.unwrap();
    main.chat("go on").await.unwrap();
    let sent: Vec<_> =
        provider.requests()[0].messages.iter().map(|message| message.text()).collect();
    assert_eq!(sent, ["rules", "hello", "go on"]);
    // It is a step like any other.
    main.rollback(2).await.unwrap();
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    main.undo().await.unwrap();
    assert_eq!(texts(&main).await, ["hello"]);
    main.redo().await.unwrap();
    assert_eq!(texts(&main).await, ["rules", "hello"]);
    let error = main.set_system("x".repeat(limits::MESSAGE_BYTES_MAX + 1)).await.unwrap_err();
    assert!(matches!(error, Error::Draft(_)), "{error}");
}

#[tokio::test]
async fn s045_to_s047_an_instruction_keeps_its_context_as_given() {
    let (session, provider) = session((0..5).map(|_| Script::text("ok"))).await;
    let main = session.default_branch();
    let contexts =
        [json!({ "additional": "context" }), json!(0), json!(""), json!({}), Value::Null];
    for context in &contexts {
        main.chat("Do something").with_context(context.clone()).await.unwrap();
    }
    let view = main.view().await.unwrap();
    let kept: Vec<_> = view
        .messages()
        .filter_map(|message| match &message.body {
            Body::Instruction { context, .. } => context.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(kept, contexts);
    // A draft is taken by value: appending cannot change what the caller has.
    let draft = says("mine");
    main.append(draft.clone()).await.unwrap();
    assert_eq!(draft, says("mine"));
    drop(provider);
}

#[tokio::test]
async fn s049_branches_made_of_one_source_are_apart() {
    let (session, _) = session([]).await;
    let (left, right) = (session.default_branch(), session.create_branch("right").await.unwrap());
    let source = five();
    left.append_all(source.clone()).await.unwrap();
    right.append_all(source).await.unwrap();
    left.append(says("more")).await.unwrap();
    assert_eq!((left.view().await.unwrap().len(), right.view().await.unwrap().len()), (6, 5));
}

#[tokio::test]
async fn s050_an_empty_branch_has_no_last_anything() {
    let main = session([]).await.0.default_branch();
    assert_eq!(main.last_message().await.unwrap(), None);
    assert_eq!(main.last_response().await.unwrap(), None);
    assert_eq!(main.first_system().await.unwrap(), None);
}

#[tokio::test]
async fn s053_the_last_n_of_a_selection_and_none_of_nothing() {
    let main = session([]).await.0.default_branch();
    for (sender, body) in
        [("A", Body::instruction("1")), ("B", Body::response("2")), ("A", Body::instruction("3"))]
    {
        main.append(Draft::new(body).with_sender(sender)).await.unwrap();
    }
    let view = main.view().await.unwrap();
    let filter = Filter::new().with_sender("A").with_role(Role::User);
    assert_eq!(view.select(&filter).rev().take(2).count(), 2);
    assert_eq!(view.select(&filter).rev().take(0).count(), 0);
}

#[tokio::test]
async fn s055_the_text_of_a_message_is_what_was_said() {
    let parts = vec![Part::text("This is a test message.")];
    let body = Body::Instruction { parts, context: None };
    let main = session([]).await.0.default_branch();
    main.append(Draft::new(body).with_sender("test_sender")).await.unwrap();
    let last = main.last_message().await.unwrap().unwrap();
    assert_eq!(
        (last.sender.as_str(), last.text().as_str()),
        ("test_sender", "This is a test message.")
    );
}

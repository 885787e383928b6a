//! Section 3.1: the base branch.

use std::sync::Arc;

use branchwork::{
    BaseBranch as _, Error,
    base::{Clear, Senders},
    core::{
        filter::{Case, Filter, Keyword},
        limits,
        message::{Body, Draft, Message, Part, Role},
    },
    table::{Format, TableOptions},
};
use branchwork_testkit::Script;
use serde_json::{Value, json};

use super::support::{f5, five};
use crate::support::{says, session, texts};

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
async fn a_colon_in_the_name_of_a_sender_leaves_what_was_said_whole() {
    let main = session([]).await.0.default_branch();
    for text in ["note: this", "Sender bob: hi"] {
        main.append(says(text).with_sender("urn:agent:1")).await.unwrap();
    }
    let contents = async |senders| -> Vec<String> {
        let messages = main.chat_messages(senders).await.unwrap();
        messages.into_iter().map(|message| message.content).collect()
    };
    let signed = ["Sender urn:agent:1: note: this", "Sender urn:agent:1: Sender bob: hi"];
    assert_eq!(contents(Senders::Shown).await, signed);
    assert_eq!(contents(Senders::Hidden).await, ["note: this", "Sender bob: hi"]);
    let counts = main.counts().await.unwrap();
    assert_eq!(counts.by_sender, [("urn:agent:1".to_owned(), 2)].into());
    // A table of the seed may hold such a name before the content.
    let other = session([]).await.0.default_branch();
    let mut table = &b"node_id,timestamp,role,sender,content\n\
        1,t,user,urn:agent:1,\"Sender urn:agent:1: {\"\"instruction\"\": \"\"note: this\"\"}\"\n"[..];
    other.import_table(Format::Csv, &mut table, &TableOptions::new()).await.unwrap();
    let last = other.last_message().await.unwrap().unwrap();
    assert_eq!((last.sender.as_str(), last.text().as_str()), ("urn:agent:1", "note: this"));
}

#[tokio::test]
async fn s007_to_s012_the_messages_that_have_a_name() {
    let branch = f5().await.branch;
    assert_eq!(branch.last_message().await.unwrap().unwrap().text(), "Action response");
    assert_eq!(branch.first_system().await.unwrap().unwrap().text(), "System message");
    // A result has the role `tool` here, as providers want it; the seed gave it the assistant's, so
    // that it was its last response, and all of its three had one role.
    let last = branch.last_response().await.unwrap().unwrap();
    assert_eq!((last.sender.as_str(), last.text().as_str()), ("action_request", "Action request"));
    let said = |messages: Vec<Arc<Message>>| -> Vec<(Role, String)> {
        messages.iter().map(|message| (message.role(), message.text())).collect()
    };
    let answer = (Role::Assistant, "Assistant response".to_owned());
    let call = (Role::Assistant, "Action request".to_owned());
    let result = (Role::Tool, "Action response".to_owned());
    let all = [answer.clone(), call.clone(), result.clone()];
    assert_eq!(said(branch.responses().await.unwrap()), all);
    assert_eq!(said(branch.assistant_responses().await.unwrap()), [answer]);
    assert_eq!(said(branch.action_requests().await.unwrap()), [call]);
    assert_eq!(said(branch.action_responses().await.unwrap()), [result]);
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
async fn s040_rollback_takes_messages_off_whatever_changed_in_between() {
    let branch = f5().await.branch;
    branch.set_system("Changed").await.unwrap();
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
    f5.branch.set_system("new").await.unwrap();
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
    let missing = main.replace_system("new").await.unwrap_err();
    assert!(matches!(missing, Error::NotFound { what: "message", .. }), "{missing}");
    main.append(says("hello")).await.unwrap();
    main.set_system("rules").await.unwrap();
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
    let error = main.set_system(&"x".repeat(limits::MESSAGE_BYTES_MAX + 1)).await.unwrap_err();
    assert!(matches!(error, Error::Draft(_)), "{error}");
}

#[tokio::test]
async fn s045_and_s046_an_instruction_keeps_its_text_and_its_context_as_given() {
    let (session, provider) = session((0..5).map(|_| Script::text("ok"))).await;
    let main = session.default_branch();
    let contexts =
        [json!({ "additional": "context" }), json!(0), json!(""), json!({}), Value::Null];
    for context in &contexts {
        main.chat("Do something").with_context(context.clone()).await.unwrap();
    }
    let asked = |context: &Value| Body::Instruction {
        parts: vec![Part::text("Do something")],
        context: Some(context.clone()),
    };
    let expected: Vec<_> = contexts.iter().map(asked).collect();
    let kept = main.messages(&Filter::new().with_role(Role::User)).await.unwrap();
    assert_eq!(kept.iter().map(|message| message.body.clone()).collect::<Vec<_>>(), expected);
    let sent =
        provider.requests().into_iter().filter_map(|request| request.messages.last().cloned());
    assert_eq!(sent.map(|message| message.body.clone()).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn s047_a_message_made_beforehand_is_appended_as_it_is_and_stays_as_it_was() {
    let f5 = f5().await.branch;
    let source = f5.message("~3").await.unwrap();
    let draft = Draft::new(source.body.clone());
    assert_eq!(draft.body, source.body);
    let main = session([]).await.0.default_branch();
    let first = main.append(draft.clone()).await.unwrap().messages;
    let second = main.append(draft).await.unwrap().messages;
    assert_ne!(first, second, "each has an identifier of its own");
    let view = main.view().await.unwrap();
    let kept: Vec<_> = view.messages().map(|message| (message.id, &message.body)).collect();
    assert_eq!(kept, [(first[0], &source.body), (second[0], &source.body)]);
    main.edit(first[0], Body::instruction("changed")).await.unwrap();
    assert_eq!(texts(&main).await, ["changed", "User message"]);
    assert_eq!(f5.get(source.id).await.unwrap().unwrap(), source, "it was not the caller's own");
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
async fn s055_one_line_tells_whose_voice_who_sent_it_and_what_it_says() {
    let main = session([]).await.0.default_branch();
    let draft = says("This is a test message.").with_sender("test_sender");
    main.append(draft).await.unwrap();
    let shown = main.chat_messages(Senders::Shown).await.unwrap().remove(0);
    assert_eq!(
        format!("{}: {}", shown.role, shown.content),
        "user: Sender test_sender: This is a test message."
    );
}

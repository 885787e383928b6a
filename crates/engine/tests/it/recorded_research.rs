//! Three branches that research side by side and a fourth that merges the best, as a real model had it: played
//! again, whichever branch is faster.

use branchwork::{
    Engine,
    core::message::Role,
    mail::{MailPlace, MailQuery},
};

use crate::{recorded::Player, research};

#[tokio::test]
async fn a_recorded_research_sends_the_same_bytes_and_merges_the_same() {
    let player = Player::matching("research");
    let engine = Engine::in_memory();
    let done = research::research(&engine, &player.base_url, "qwen1.5b").await.unwrap();
    player.check_any_order();
    let mail = done.session.mail(&MailQuery::new()).await.unwrap();
    assert_eq!(mail.len(), 6, "a sentence and facts from each");
    assert!(mail.iter().all(|one| one.state.place() == MailPlace::Applied));
    assert_eq!(done.best.record().await.unwrap().name, "Athens", "it is the warmest");
    let view = done.editor.view().await.unwrap();
    let messages: Vec<_> = view.messages().collect();
    for (found, city) in messages.chunks(2).zip(["Lisbon", "Oslo", "Athens"]) {
        assert!(found[0].text().contains(city), "{}", found[0].text());
        assert_eq!(found[1].sender, city);
    }
    let [.., summary, _, answer] = messages.as_slice() else { panic!("they end with the answer") };
    assert_eq!((summary.text(), summary.role()), (done.summary.clone(), Role::User));
    assert!(answer.text().contains("Athens"), "{}", answer.text());
    for message in done.best.view().await.unwrap().messages() {
        assert!(view.has(message), "the summary tells of {}", message.id);
    }
    done.editor.undo().await.unwrap();
    done.editor.undo().await.unwrap();
    assert_eq!(done.editor.view().await.unwrap().len(), 6, "the merge is one step");
    assert!(engine.verify().await.unwrap().problems.is_empty());
}

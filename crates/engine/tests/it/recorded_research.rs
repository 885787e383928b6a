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
    assert_eq!(mail.len(), 3);
    assert!(mail.iter().all(|one| one.state.place() == MailPlace::Applied));
    let best = done.best.record().await.unwrap().name;
    assert_eq!(best, "Athens", "it is the warmest");
    let view = done.editor.view().await.unwrap();
    let texts: Vec<_> = view.messages().map(|message| message.text()).collect();
    for (text, city) in texts.iter().zip(["Lisbon", "Oslo", "Athens"]) {
        assert!(text.contains(city), "{texts:?}");
    }
    let last = view.last().unwrap();
    assert_eq!((last.text(), last.role()), (done.summary.clone(), Role::User));
    assert!(done.summary.contains("24"), "{}", done.summary);
    for message in done.best.view().await.unwrap().messages() {
        assert!(view.has(message), "the summary tells of {}", message.id);
    }
    done.editor.undo().await.unwrap();
    assert_eq!(done.editor.view().await.unwrap().len(), texts.len() - 1);
    assert!(engine.verify().await.unwrap().problems.is_empty());
}

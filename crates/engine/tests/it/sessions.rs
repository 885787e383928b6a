//! Sessions: made, found, renamed, archived, deleted.

use branchwork::{
    Engine, Error,
    core::{message::Role, store::Conflict},
};

use crate::support::{session, texts};

#[tokio::test]
async fn a_session_is_born_with_main_its_system_message_and_its_configuration() {
    let engine = Engine::in_memory();
    let session =
        engine.session("trip").model("local:tiny").system("Be brief.").create().await.unwrap();
    let main = session.default_branch();
    assert_eq!(main.record().await.unwrap().name, "main");
    let view = main.view().await.unwrap();
    let config = (view.config().provider.as_deref(), view.config().model.as_deref());
    assert_eq!(config, (Some("local"), Some("tiny")));
    assert_eq!(view.last().map(|message| message.role()), Some(Role::System));
    assert_eq!(texts(&main).await, ["Be brief."]);
}

#[tokio::test]
async fn a_session_is_found_by_name_identifier_and_prefix() {
    let (session, _) = session([]).await;
    let engine = session.engine();
    let id = session.id().to_string();
    let prefix: String = id.chars().take(12).collect();
    for reference in ["trip", &id, &prefix, prefix.trim_start_matches("ses_")] {
        let found = engine.open_session(reference).await.unwrap();
        assert_eq!(found.id(), session.id(), "{reference}");
    }
    let missing = engine.open_session("tripp").await.unwrap_err();
    assert!(
        matches!(&missing, Error::NotFound { nearest: Some(near), .. } if near == "trip"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_prefix_of_two_sessions_is_ambiguous_and_says_which() {
    let engine = Engine::in_memory();
    for _ in 0..40 {
        engine.unnamed_session().create().await.unwrap();
    }
    // 40 sessions on 8 first digits: two of them share one.
    let sessions = engine.sessions().await.unwrap();
    let first = |id: String| id.chars().take(5).collect::<String>();
    let counts = |prefix: &str| {
        sessions.iter().filter(|session| session.id.to_string().starts_with(prefix)).count()
    };
    let prefix = sessions
        .iter()
        .map(|session| first(session.id.to_string()))
        .find(|prefix| counts(prefix) > 1)
        .unwrap();
    let error = engine.open_session(&prefix).await.unwrap_err();
    let Error::Ambiguous { candidates, .. } = error else { panic!("{error:?}") };
    assert!(candidates.len() > 1 && candidates.iter().all(|id| id.starts_with(&prefix)));
}

#[tokio::test]
async fn names_are_unique_until_their_session_is_deleted_or_renamed() {
    let (session, _) = session([]).await;
    let engine = session.engine();
    let taken = engine.session("trip").create().await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::SessionNameTaken { .. })), "{taken:?}");
    session.rename(Some("journey".to_owned())).await.unwrap();
    let second = engine.session("trip").create().await.unwrap();
    let taken = second.rename(Some("journey".to_owned())).await.unwrap_err();
    assert!(matches!(taken, Error::Conflict(Conflict::SessionNameTaken { .. })), "{taken:?}");
    session.delete().await.unwrap();
    second.rename(Some("journey".to_owned())).await.unwrap();
    assert!(matches!(session.record().await, Err(Error::Store(_))));
    assert_eq!(engine.sessions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn archiving_keeps_the_session_and_can_be_taken_back() {
    let (session, _) = session([]).await;
    session.archive().await.unwrap();
    assert!(session.record().await.unwrap().archived.is_some());
    session.unarchive().await.unwrap();
    assert_eq!(session.record().await.unwrap().archived, None);
}

#[tokio::test]
async fn names_that_references_could_not_tell_apart_are_refused() {
    let (session, _) = session([]).await;
    for name in ["", "  ", "a@b", "a~1", "-x", "a\nb", &"x".repeat(201)] {
        let made = session.engine().session(name).create().await;
        assert!(matches!(made, Err(Error::BadName { .. })), "session {name:?}");
        let made = session.default_branch().fork(name).await;
        assert!(matches!(made, Err(Error::BadName { .. })), "branch {name:?}");
    }
}

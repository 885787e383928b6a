//! Sessions: made, found, renamed, archived, deleted.

use branchwork::{
    BaseBranch as _, Engine, Error,
    core::{
        config::{Config, ConfigPatch, Defaults},
        filter::Filter,
        message::{DraftError, Role},
        provider::ProviderError,
        store::{Conflict, Search},
    },
};

use branchwork_testkit::Script;

use crate::support::{says, session, texts};

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

fn seeded(seed: i64) -> ConfigPatch {
    ConfigPatch::default().with_setting("seed", seed.into()).unwrap()
}

#[tokio::test]
async fn new_branches_begin_with_the_defaults_of_their_session_and_forks_with_their_parent() {
    let (session, provider) = session([Script::text("ok"), Script::text("ok")]).await;
    // What the session was made with.
    let second = session.create_branch("second").await.unwrap();
    second.chat("hello").await.unwrap();
    assert_eq!(provider.requests()[0].config.model.as_deref(), Some("tiny"));
    let mut config = session.defaults().await.unwrap().config;
    config.apply(&seeded(7));
    config.sender = Some("ada".to_owned());
    let defaults = Defaults::new().with_config(config).with_system("Be brief.");
    session.set_defaults(defaults.clone()).await.unwrap();
    assert_eq!(session.defaults().await.unwrap(), defaults);
    let third = session.create_branch("third").config(seeded(8)).await.unwrap();
    third.append(says("mine")).await.unwrap();
    third.chat("yours").await.unwrap();
    let sent = &provider.requests()[1];
    assert_eq!((sent.config.seed, sent.config.model.as_deref()), (Some(8), Some("tiny")));
    assert_eq!(texts(&third).await, ["Be brief.", "mine", "yours", "ok"]);
    let sender = third.view().await.unwrap().messages().nth(2).unwrap().sender.clone();
    assert_eq!(sender, "ada");
    let own = session.create_branch("own").system("Be long.").await.unwrap();
    assert_eq!(texts(&own).await, ["Be long."]);
    // What was there, and forks of it, stay as they are.
    assert_eq!(texts(&second.fork("fourth").await.unwrap()).await, ["hello", "ok"]);
    assert_eq!(second.config().await.unwrap().seed, None);
}

#[tokio::test]
async fn undo_leaves_what_a_branch_began_with() {
    let (session, _) = session([Script::text("ok")]).await;
    session.set_defaults(session.defaults().await.unwrap().with_system("Be brief.")).await.unwrap();
    for branch in [session.default_branch(), session.create_branch("new").await.unwrap()] {
        let before = branch.view().await.unwrap();
        assert!(matches!(branch.undo().await, Err(Error::NothingToUndo)));
        branch.append(says("hello")).await.unwrap();
        branch.undo().await.unwrap();
        assert!(matches!(branch.undo().await, Err(Error::NothingToUndo)));
        let after = branch.view().await.unwrap();
        assert_eq!((after.head(), after.config()), (before.head(), before.config()));
        branch.redo().await.unwrap();
        assert_eq!(branch.last_message().await.unwrap().unwrap().text(), "hello");
    }
    session.default_branch().chat("it still knows its model").await.unwrap();
}

#[tokio::test]
async fn a_builder_keeps_what_it_was_told_before() {
    let (session, provider) = session([Script::text("ok")]).await;
    let engine = session.engine().clone();
    let builder = engine.session("second").provider("local", provider).model("tiny");
    let builder = builder.config(seeded(1)).config(ConfigPatch::new().with_temperature(0.5));
    let main = builder.create().await.unwrap().default_branch();
    main.chat("q").await.unwrap();
    let config = main.config().await.unwrap();
    assert_eq!((config.seed, config.temperature), (Some(1), Some(0.5)));
    assert_eq!(config.provider.as_deref(), Some("local"));
}

#[tokio::test]
async fn a_search_that_cannot_be_answered_is_refused() {
    let (session, _) = session([]).await;
    for search in
        [Search::new(""), Search::new("x").with_limit(0), Search::new("x").with_limit(1_001)]
    {
        let refused = session.engine().search(&search).await.unwrap_err();
        assert!(matches!(refused, Error::BadSearch { .. }), "{refused}");
    }
    let nothing = session.default_branch().append_all(Vec::new()).await.unwrap_err();
    assert!(matches!(nothing, Error::Draft(DraftError::Nothing)), "{nothing}");
}

#[tokio::test]
async fn defaults_that_nobody_could_use_are_refused() {
    let (session, _) = session([]).await;
    let mut config = Config::default();
    config.temperature = Some(9.0);
    let error = session.set_defaults(Defaults::new().with_config(config)).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    let bad = ConfigPatch::default().with_setting("top_p", 2.into()).unwrap();
    let error = session.create_branch("x").config(bad.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    let error = session.default_branch().fork("x").config(bad).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
    assert_eq!(session.branches().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fork_begins_with_what_it_is_given_in_the_same_commit() {
    let (session, _) = session([]).await;
    let main = session.default_branch();
    main.set_system("Be brief.").await.unwrap();
    main.append(says("hello")).await.unwrap();
    let fork = main.fork("fork").config(seeded(3)).system("Be long.").await.unwrap();
    assert_eq!(texts(&fork).await, ["Be long.", "hello"]);
    assert_eq!(fork.config().await.unwrap().seed, Some(3));
    // It goes on in its own stretch, and another handle sees the same.
    fork.append(says("more")).await.unwrap();
    fork.undo().await.unwrap();
    assert!(matches!(fork.undo().await, Err(Error::NothingToUndo)), "it began so");
    assert_eq!(texts(&fork).await, ["Be long.", "hello"]);
    assert_eq!(texts(&main).await, ["Be brief.", "hello"]);
    assert!(session.engine().verify().await.unwrap().problems.is_empty());
}

#[tokio::test]
async fn all_branches_are_read_at_once_each_under_its_name() {
    let (session, _) = session([Script::text("on main"), Script::text("on other")]).await;
    let main = session.default_branch();
    main.chat("q1").await.unwrap();
    let other = main.fork("other").await.unwrap();
    other.chat("q2").with_sender("ada").await.unwrap();
    let found = session.messages(&Filter::new().with_role(Role::User)).await.unwrap();
    let asked: Vec<_> = found
        .iter()
        .map(|one| {
            let texts: Vec<_> = one.found.iter().map(|message| message.text()).collect();
            (one.branch.name.as_str(), texts.join(" "))
        })
        .collect();
    assert_eq!(asked, [("main", "q1".to_owned()), ("other", "q1 q2".to_owned())]);
    let counts = session.counts().await.unwrap();
    assert_eq!((counts[0].found.total, counts[1].found.by_sender["ada"]), (2, 1));
}

#[tokio::test]
async fn an_overview_says_all_there_is_to_say_of_a_branch() {
    let refused = ProviderError::Auth { status: Some(401), detail: String::new() };
    let (session, _) = session([Script::text("a"), Script::refusal(refused)]).await;
    let main = session.default_branch();
    main.chat("q").await.unwrap();
    let fork = main.fork("fork").await.unwrap();
    drop(fork.chat("q").await.unwrap_err());
    let overview = fork.overview(1).await.unwrap();
    assert_eq!((overview.record.name.as_str(), overview.is_default), ("fork", false));
    assert_eq!(overview.record.forked_from, Some(main.id()));
    let usage = overview.usage;
    assert_eq!((usage.own.failed, usage.own.succeeded, usage.inherited.succeeded), (1, 0, 1));
    assert_eq!(overview.description.preview.len(), 1);
    assert!(main.overview(0).await.unwrap().is_default);
}

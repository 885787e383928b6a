//! What the peer does wrong as it is told, in every protocol.

use std::{sync::Arc, time::Duration};

use branchwork_core::provider::{Finish, ProviderError, Remedy};
use branchwork_providers::{
    Protocol,
    wrap::{Jitter, RetryOptions, Stack, TimeoutOptions},
};

use super::{asker, failure, hear, listen, peer, question, ways};

#[tokio::test]
async fn refusals_are_told_by_what_to_do_in_every_protocol() {
    let later = Duration::from_secs(7);
    for (asked, remedy) in [
        ("Fail with 400", Remedy::FixInput),
        ("Fail, as it is too long", Remedy::Shorten),
        ("Fail with 401", Remedy::Authenticate),
        ("Fail with 403", Remedy::Authenticate),
        ("Fail with 404", Remedy::FixInput),
        ("Fail with 429", Remedy::Retry(Some(later))),
        ("Fail with 500", Remedy::Retry(None)),
        ("Fail with 503", Remedy::Retry(None)),
        ("Fail with 529", Remedy::Retry(None)),
    ] {
        for (protocol, is_streamed) in ways() {
            let asker = asker(protocol, "refusals");
            let (_, error) = failure(&asker, &question(asked, is_streamed)).await;
            assert_eq!(error.remedy(), remedy, "{protocol} {asked}: {error:?}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_success_in_any_protocol() {
    for protocol in Protocol::ALL {
        let asker = asker(protocol, "breaks");
        let (heard, error) = failure(&asker, &question("Break off", true)).await;
        assert!(
            matches!(error, ProviderError::Truncated { source: Some(_) }),
            "{protocol} {error:?}"
        );
        let whole = "This answer does not come to its end, however long it is waited for.";
        assert!(!heard.text.is_empty() && whole.starts_with(&heard.text), "{protocol} {heard:?}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_or_talks_nonsense_may_be_asked_again() {
    for (protocol, is_streamed) in ways() {
        let asker = asker(protocol, "nonsense");
        let (_, error) = failure(&asker, &question("Hang up", is_streamed)).await;
        let is_unavailable =
            matches!(error, ProviderError::Unavailable { status: None, source: Some(_), .. });
        assert!(is_unavailable, "{protocol} {error:?}");
        let (heard, error) = failure(&asker, &question("Talk nonsense", is_streamed)).await;
        // A line that does not end may be one that broke off.
        let is_line = protocol == Protocol::Ollama && is_streamed;
        let is_nonsense = match &error {
            ProviderError::Malformed { .. } => !is_line,
            ProviderError::Truncated { source: None } => is_line,
            _ => false,
        };
        assert!(is_nonsense && heard.text.is_empty(), "{protocol} {heard:?} {error:?}");
    }
}

#[tokio::test]
async fn a_peer_that_fails_twice_is_asked_until_it_answers() {
    for protocol in Protocol::ALL {
        let retry = RetryOptions::new()
            .with_wait_first(Duration::from_millis(5))
            .with_jitter(Jitter::seeded(1))
            .after_first_token(true);
        let asker = Stack::over(Arc::new(asker(protocol, "twice"))).with_retry(retry).build();
        let heard = hear(&*asker, &question("Fail twice", true)).await;
        assert_eq!(heard.text, "The third time it works.", "{protocol}");
        assert_eq!(heard.finish, Some(Finish::Stop), "{protocol}");
        let asked = peer().asked(&format!("twice-{protocol}")).await;
        let statuses: Vec<_> = asked.iter().map(|asked| asked.status).collect();
        assert_eq!(statuses, [429, 200, 200], "{protocol}");
        // The very same request each time.
        assert!(asked.iter().all(|again| again.body == asked[0].body), "{protocol}");
    }
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_hung_up_on() {
    for protocol in Protocol::ALL {
        let times = TimeoutOptions::new().with_first_token(Duration::from_millis(300));
        let asker = Stack::over(Arc::new(asker(protocol, "silent"))).with_timeouts(times).build();
        let (heard, error) = failure(&*asker, &question("Fall silent", true)).await;
        assert_eq!(heard.text, "", "{protocol}");
        assert!(error.is_retryable(), "{protocol} {error:?}");
    }
}

/// That it answers a question is no accident: what it does not know it refuses.
#[tokio::test]
async fn a_question_without_an_answer_is_refused() {
    for (protocol, is_streamed) in ways() {
        let unknown = question("Something else entirely", is_streamed);
        let (heard, error) = listen(&asker(protocol, "unknown"), &unknown).await;
        let error = error.unwrap_or_else(|| panic!("{protocol} {heard:?}"));
        assert!(
            matches!(error, ProviderError::Unavailable { status: Some(503), .. }),
            "{protocol} {error:?}"
        );
        assert!(error.detail().contains("no fixture matched"), "{protocol} {error:?}");
    }
}

//! One call of a provider, and what comes of it.

use std::{sync::Arc, time::Duration};

use branchwork_core::{
    config::Config,
    message::{Body, Draft},
    provider::{EventStream, ModelRequest, Provider as _, ProviderError, ProviderEvent},
};
use branchwork_providers::{HttpOptions, HttpProvider};
use futures_util::StreamExt as _;

/// Long enough for a busy machine to begin an answer, short enough for a test.
pub(crate) const SHORT: Duration = Duration::from_millis(400);

/// Asks where.
pub(crate) fn request() -> ModelRequest {
    let message = Draft::new(Body::instruction("Where?")).preview();
    let mut config = Config::default();
    config.model = Some("tiny".to_owned());
    ModelRequest::new(vec![Arc::new(message)], config)
}

/// The provider that is set up so.
pub(crate) fn provider(options: HttpOptions) -> HttpProvider {
    HttpProvider::new(options).expect("the options are good")
}

/// The next event, which comes and is no error.
pub(crate) async fn next(events: &mut EventStream) -> ProviderEvent {
    events.next().await.expect("more comes").expect("it is no error")
}

pub(crate) fn text(text: &str) -> ProviderEvent {
    ProviderEvent::Text(text.to_owned())
}

/// What became of a call that fails: the text that came, and the error that ended it.
pub(crate) async fn failure(options: HttpOptions) -> (String, ProviderError) {
    let mut events = match provider(options).call(&request()).await {
        Ok(events) => events,
        Err(error) => return (String::new(), error),
    };
    let mut said = String::new();
    loop {
        match events.next().await.expect("an answer does not just end") {
            Ok(ProviderEvent::Text(more)) => said.push_str(&more),
            Ok(ProviderEvent::Started { .. }) => {}
            Ok(other) => panic!("unexpected: {other:?}"),
            Err(error) => {
                assert!(events.next().await.is_none(), "nothing comes after an error");
                return (said, error);
            }
        }
    }
}

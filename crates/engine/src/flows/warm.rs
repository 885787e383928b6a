//! Letting the first of many calls fill a provider's prompt cache before the others are made.

use std::collections::BTreeMap;

use branchwork_core::{graph::View, tokens::Gauge};
use futures_util::StreamExt as _;
use tokio::sync::watch;

use crate::{
    TurnEvent,
    chat::{Chat, Reply},
    error::Result,
};

/// Tokens below which no provider caches a request: those of `OpenAI` and Anthropic begin there.
const CACHED_TOKENS_MIN: u64 = 1024;

/// Whether what calls on forks of `view` share is long enough for a provider to cache it.
pub(super) fn is_worth_it(view: &View) -> bool {
    let messages: Vec<_> = view.messages().cloned().collect();
    Gauge::new(None, None).count(&messages, (&[], None)).tokens >= CACHED_TOKENS_MIN
}

/// What one call of a group is to the others.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is made at once, and the others wait for its first word.
    First(watch::Sender<bool>),
    /// It waits for the first.
    Follower(watch::Receiver<bool>),
    /// It is made at once, and nobody waits.
    Alone,
}

/// Gives each of `groups` its turn: the first of a group is first, the others follow.
pub(super) fn turns<K: Ord>(groups: impl IntoIterator<Item = K>) -> Vec<Turn> {
    let mut begun: BTreeMap<K, watch::Receiver<bool>> = BTreeMap::new();
    let turn = |group: K| {
        if let Some(first) = begun.get(&group) {
            return Turn::Follower(first.clone());
        }
        let (tell, told) = watch::channel(false);
        begun.insert(group, told);
        Turn::First(tell)
    };
    groups.into_iter().map(turn).collect()
}

impl Turn {
    /// Asks `chat` when its turn has come.
    ///
    /// A first one that fails, or is dropped, holds nobody up.
    pub(super) async fn ask(self, chat: Chat) -> Result<Reply> {
        match self {
            Self::Alone => chat.await,
            Self::Follower(mut first) => {
                // An error is that the first one is gone.
                drop(first.wait_for(|has_begun| *has_begun).await);
                chat.await
            }
            Self::First(tell) => first(chat, &tell).await,
        }
    }
}

/// Asks `chat`, and tells of its first word.
async fn first(chat: Chat, tell: &watch::Sender<bool>) -> Result<Reply> {
    let mut stream = chat.stream();
    while let Some(event) = stream.next().await {
        match event? {
            TurnEvent::Completed(reply) => return Ok(reply),
            TurnEvent::Text(_) | TurnEvent::Reasoning(_) | TurnEvent::CallStarted { .. } => {
                tell.send_replace(true);
            }
            _ => {}
        }
    }
    unreachable!("BUG: a turn ends with a reply or an error")
}

//! Filters: which messages of a view are meant.
//!
//! - [`Filter`] selects by role, kind, sender, recipient, status, time, keyword and metadata.
//! - [`Keyword`] is what a message must hold.
//! - [`leave_results_out`] lets old results of tools say only that they are left out.
//! - [`View::select`](crate::graph::View::select) and
//!   [`View::select_groups`](crate::graph::View::select_groups) apply a filter, and copy nothing.

mod glance;
mod keyword;
mod results;

use std::ops::{Bound, RangeBounds};

use serde_json::Value;

pub(crate) use self::glance::{Glance, Judge, Senders, Verdict};
pub use self::{
    keyword::{Case, Keyword, KeywordError},
    results::{RESULT_LEFT_OUT, leave_results_out},
};
use crate::{
    clock::Timestamp,
    message::{BodyKind, Message, Role, Status},
};

/// Selects messages. What was said several times of one thing is any of it; of different things,
/// all of it: two roles and a sender are messages of either role by that sender.
///
/// A filter of which nothing was said selects every message.
///
/// ```
/// use branchwork_core::{
///     filter::{Case, Filter, Keyword},
///     message::Role,
/// };
///
/// let filter = Filter::new()
///     .with_role(Role::User)
///     .with_keyword(Keyword::word("rome", Case::Ignored)?);
/// # let _ = filter;
/// # Ok::<_, branchwork_core::filter::KeywordError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    roles: Vec<Role>,
    kinds: Vec<BodyKind>,
    senders: Vec<String>,
    recipients: Vec<String>,
    statuses: Vec<Status>,
    keywords: Vec<Keyword>,
    metadata: Vec<(String, Value)>,
    time: (Bound<Timestamp>, Bound<Timestamp>),
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            roles: Vec::new(),
            kinds: Vec::new(),
            senders: Vec::new(),
            recipients: Vec::new(),
            statuses: Vec::new(),
            keywords: Vec::new(),
            metadata: Vec::new(),
            time: (Bound::Unbounded, Bound::Unbounded),
        }
    }
}

impl Filter {
    /// Selects every message.
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages in this voice.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Messages of this kind.
    #[must_use]
    pub fn with_kind(mut self, kind: BodyKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Messages from this sender.
    #[must_use]
    pub fn with_sender(mut self, sender: impl Into<String>) -> Self {
        self.senders.push(sender.into());
        self
    }

    /// Messages for this recipient.
    #[must_use]
    pub fn with_recipient(mut self, recipient: impl Into<String>) -> Self {
        self.recipients.push(recipient.into());
        self
    }

    /// Messages that ended so.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.statuses.push(status);
        self
    }

    /// Messages that hold this.
    #[must_use]
    pub fn with_keyword(mut self, keyword: Keyword) -> Self {
        self.keywords.push(keyword);
        self
    }

    /// Messages whose metadata has `value` under `key`. Said several times, all of it holds.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: Value) -> Self {
        self.metadata.push((key.into(), value));
        self
    }

    /// Messages appended in this range of time: `a..b` is without `b`, `a..=b` with it.
    #[must_use]
    pub fn with_time(mut self, range: impl RangeBounds<Timestamp>) -> Self {
        self.time = (range.start_bound().cloned(), range.end_bound().cloned());
        self
    }

    /// Whether nothing was said but kinds, roles and senders.
    fn looks_no_further(&self) -> bool {
        self.recipients.is_empty()
            && self.statuses.is_empty()
            && self.keywords.is_empty()
            && self.metadata.is_empty()
            && self.time == (Bound::Unbounded, Bound::Unbounded)
    }

    /// Whether it selects `message`.
    pub fn selects(&self, message: &Message) -> bool {
        let among = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|one| one == name))
        };
        (self.roles.is_empty() || self.roles.contains(&message.role()))
            && (self.kinds.is_empty() || self.kinds.contains(&message.body.kind()))
            && (self.statuses.is_empty() || self.statuses.contains(&message.status))
            && self.time.contains(&message.at)
            && among(&self.senders, Some(&message.sender))
            && among(&self.recipients, message.recipient.as_deref())
            && self.metadata.iter().all(|(key, value)| message.metadata.get(key) == Some(value))
            && (self.keywords.is_empty()
                || self.keywords.iter().any(|keyword| keyword.is_said_by(&message.body)))
    }
}

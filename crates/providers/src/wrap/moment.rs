//! Moments that are far away.

use std::time::Duration;

use tokio::time::Instant;

/// Later than anything that is waited for: 30 years.
const FAR: Duration = Duration::from_hours(24 * 365 * 30);

/// `time` after `now`, or a time so far away that it makes no difference.
pub(super) fn later(now: Instant, time: Duration) -> Instant {
    now.checked_add(time).unwrap_or_else(|| now + FAR)
}

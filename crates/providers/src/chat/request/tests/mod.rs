//! What requests look like as bytes.

mod messages;
mod whole;

use branchwork_core::provider::ModelRequest;

pub(super) use crate::testing::{adapted, asked, calls, message, request, result, thought};
use crate::{Dialect, Protocol, chat::Chat, preset, testing};

fn dialect(name: &str) -> Dialect {
    match preset(name).expect("a preset").protocol {
        Protocol::Chat(dialect) => dialect,
        other => panic!("{name} speaks {other}"),
    }
}

/// The body of `request`.
fn render(request: &ModelRequest, dialect: Dialect) -> Result<String, String> {
    testing::render(&Chat { dialect }, request)
}

//! The tools that a server has now.

use std::{error::Error as StdError, fmt, sync::Arc};

use branchwork_core::telemetry::error_type;
use rmcp::{
    RoleClient,
    model::{PaginatedRequestParams, Tool},
    service::Peer,
};
use tokio::sync::{Mutex, watch};

use crate::telemetry::{Asked, Place, RequestSpan};

/// Tools of one server that are taken: more than any model is well offered.
const TOOLS_MAX: usize = 1_024;

/// Pages of a list that are read: a server may go on for ever.
const PAGES_MAX: usize = 256;

/// The tools that a server has, as it last said.
pub(crate) struct ToolList {
    sender: watch::Sender<Listed>,
    place: Place,
    /// Held while the list is read, so that no older one is taken for the newest.
    reading: Mutex<()>,
}

/// A list, and its number.
#[derive(Clone, Default)]
pub(crate) struct Listed {
    pub(crate) revision: u64,
    pub(crate) tools: Arc<Vec<Tool>>,
}

impl fmt::Debug for ToolList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listed { revision, tools } = self.now();
        let mut debug = f.debug_struct("ToolList");
        debug.field("revision", &revision).field("tools", &tools.len()).finish_non_exhaustive()
    }
}

impl ToolList {
    pub(crate) fn new(place: Place) -> Self {
        let sender = watch::Sender::new(Listed::default());
        Self { sender, place, reading: Mutex::new(()) }
    }

    pub(crate) fn now(&self) -> Listed {
        self.sender.borrow().clone()
    }

    /// Waits until its number is another one than `seen`.
    pub(crate) async fn changed(&self, seen: u64) -> u64 {
        let mut receiver = self.sender.subscribe();
        match receiver.wait_for(|listed| listed.revision != seen).await {
            Ok(listed) => listed.revision,
            // The sender is in `self`, so it is there.
            Err(_closed) => seen,
        }
    }

    /// Asks the server. A list that is the same keeps its number.
    ///
    /// # Errors
    ///
    /// What went wrong; the list is as it was.
    pub(crate) async fn read(
        &self,
        peer: &Peer<RoleClient>,
    ) -> Result<(), Box<dyn StdError + Send + Sync>> {
        let reading = self.reading.lock().await;
        let span = RequestSpan::begin(&self.place, Asked::of("tools/list"));
        span.speaks(peer);
        let tools = span.within(all(peer)).await;
        span.end(tools.is_err().then_some(error_type::OTHER));
        let tools = tools?;
        self.sender.send_if_modified(|listed| {
            let is_new = *listed.tools != tools;
            if is_new {
                *listed = Listed { revision: listed.revision + 1, tools: Arc::new(tools) };
            }
            is_new
        });
        drop(reading);
        Ok(())
    }
}

/// All pages of the list; of tools of one name, the first.
async fn all(peer: &Peer<RoleClient>) -> Result<Vec<Tool>, Box<dyn StdError + Send + Sync>> {
    let mut tools: Vec<Tool> = Vec::new();
    let mut cursor = None;
    for _page in 0..PAGES_MAX {
        let parameters = PaginatedRequestParams::default().with_cursor(cursor);
        let page = peer.list_tools(Some(parameters)).await?;
        for tool in page.tools {
            if tools.iter().all(|other| other.name != tool.name) {
                tools.push(tool);
            }
        }
        if tools.len() > TOOLS_MAX {
            break;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(tools);
        }
    }
    Err(format!("it has more than {TOOLS_MAX} tools, or lists them on more than {PAGES_MAX} pages")
        .into())
}

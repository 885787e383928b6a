//! Tools by which the models of branches write to each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use branchwork_core::{
    id::{BranchId, MailId, MessageId},
    limits::TOOL_OUTPUT_SHOWN_BYTES_MAX,
    mail::{Delivery, MailQuery, Package},
    message::{CallId, Message},
    tool::{Tool, ToolContext, ToolEffect, ToolError, ToolOutput, ToolSource},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Address, Addresses};
use crate::{
    branch::Branch,
    engine::{Engine, WeakEngine, lock},
    error::{Error, Result},
    session::BranchNames,
    tools::FunctionTool,
};

/// Mails that a turn may send unless it is said otherwise.
const SENDS_PER_TURN: usize = 8;

/// Mails that one call reads unless it is said otherwise.
const READS_PER_CALL: usize = 16;

/// What a model is shown of the mail of one call, in bytes: some less than of any result.
const SHOWN_BYTES_MAX: usize = TOOL_OUTPUT_SHOWN_BYTES_MAX / 4 * 3;

/// The tools `send_mail`, `read_mail` and `list_branches`, by which the models of branches work together
/// without the host program in between.
///
/// A model sends texts. It reads texts, data and messages: they are taken in by the commit that keeps the
/// result of the call. Other mail waits for the host program.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// use branchwork::{Engine, mail::MailTools};
///
/// let engine = Engine::in_memory();
/// let session = engine.session("trip").create().await?;
/// session.register_source(MailTools::new(&engine).with_sends(3))?;
/// let names: Vec<_> = session.tools().names().map(str::to_owned).collect();
/// assert_eq!(names, ["list_branches", "read_mail", "send_mail"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct MailTools {
    // Weak: the engine has the tools.
    engine: WeakEngine,
    sends: usize,
    reads: usize,
    desks: Arc<Mutex<BTreeMap<BranchId, Desk>>>,
}

/// What a branch has done with its mail lately.
#[derive(Debug, Default)]
struct Desk {
    /// The turn, and the mails that it sent.
    turn: Option<MessageId>,
    sent: BTreeSet<MailId>,
    /// The answer, and the mails that its calls told of: another call of it tells of others.
    answer: Option<MessageId>,
    told: BTreeMap<MailId, CallId>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct SendMail {
    /// The names of the branches to write to; "all" alone means all others.
    to: Vec<String>,
    /// What to tell them.
    text: String,
    /// The id of the mail that this answers, when it answers one.
    #[serde(default)]
    reply_to: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ReadMail {
    /// Read only what this branch sent. Leave it out to read all.
    #[serde(default)]
    from: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct ListBranches {}

impl MailTools {
    /// The tools, for branches of `engine`.
    pub fn new(engine: &Engine) -> Self {
        let (engine, desks) = (engine.downgrade(), Arc::default());
        Self { engine, sends: SENDS_PER_TURN, reads: READS_PER_CALL, desks }
    }

    /// Lets a turn send at most that many mails; a mail to several branches is one. 0 lets it send none.
    #[must_use]
    pub const fn with_sends(mut self, max: usize) -> Self {
        self.sends = max;
        self
    }

    /// Lets one call read at most that many mails; the rest waits for the next.
    #[must_use]
    pub const fn with_reads(mut self, max: usize) -> Self {
        self.reads = max;
        self
    }

    fn send_mail(&self) -> FunctionTool {
        let tools = self.clone();
        let description = "Sends a message to other branches of this conversation. They read it with \
                           their own tool read_mail.";
        let send = move |mail: SendMail, context| {
            let tools = tools.clone();
            async move { tools.send(mail, context).await }
        };
        FunctionTool::with_context("send_mail", description, send)
            .with_effect(ToolEffect::Idempotent)
    }

    fn read_mail(&self) -> FunctionTool {
        let tools = self.clone();
        let description = "Reads the messages that other branches sent to this one, oldest first. Each \
                           is shown once.";
        let read = move |which: ReadMail, context| {
            let tools = tools.clone();
            async move { tools.read(which, context).await }
        };
        FunctionTool::with_output("read_mail", description, read)
            .with_effect(ToolEffect::Pure)
            .with_serial_calls()
    }

    fn list_branches(&self) -> FunctionTool {
        let tools = self.clone();
        let description = "Lists the branches of this conversation that can be written to.";
        let list = move |_: ListBranches, context| {
            let tools = tools.clone();
            async move { tools.list(context).await }
        };
        FunctionTool::with_context("list_branches", description, list).with_effect(ToolEffect::Pure)
    }

    fn branch(&self, context: &ToolContext) -> Result<Branch, ToolError> {
        let engine = self.engine.upgrade();
        let engine = engine.ok_or_else(|| ToolError::new("the program is about to end"))?;
        Ok(Branch::new(engine, context.session, context.branch))
    }

    async fn send(&self, mail: SendMail, context: ToolContext) -> Result<Value, ToolError> {
        let branch = self.branch(&context)?;
        let id = mail_id(&context);
        let query = MailQuery::new().of(id);
        let store = branch.engine().store();
        let mut sent = store.mail(context.session, &query).await.map_err(ToolError::because)?;
        if sent.is_empty() {
            self.post(&branch, mail, &context).await?;
            sent = store.mail(context.session, &query).await.map_err(ToolError::because)?;
        }
        let names = names(&branch).await?;
        let to: Vec<_> = sent.iter().filter_map(|one| names.get(one.recipient)).collect();
        Ok(json!({ "sent": id.to_string(), "to": to }))
    }

    /// Sends a mail, unless the turn has sent as many as it may.
    async fn post(
        &self,
        branch: &Branch,
        mail: SendMail,
        context: &ToolContext,
    ) -> Result<(), ToolError> {
        let id = mail_id(context);
        let to = match mail.to.as_slice() {
            [all] if all == "all" => Addresses::Others,
            names => names.iter().cloned().map(Address::Name).collect::<Vec<_>>().into(),
        };
        let mut letter = branch.send(to, mail.text).with_id(id);
        if let Some(answered) = mail.reply_to {
            let unknown = || ToolError::new(format!("`{answered}` is no id of a mail"));
            letter = letter.reply_to(answered.parse().map_err(|_id| unknown())?);
        }
        self.count_send(context, id)?;
        if let Err(error) = letter.await {
            lock(&self.desks).entry(context.branch).or_default().sent.remove(&id);
            return Err(explain(error));
        }
        Ok(())
    }

    /// Counts a mail that is about to be sent, unless that is one too many.
    fn count_send(&self, context: &ToolContext, id: MailId) -> Result<(), ToolError> {
        let mut desks = lock(&self.desks);
        let desk = desks.entry(context.branch).or_default();
        if desk.turn != Some(context.turn) {
            (desk.turn, desk.sent) = (Some(context.turn), BTreeSet::new());
        }
        if !desk.sent.contains(&id) && desk.sent.len() >= self.sends {
            let max = self.sends;
            let problem = format!("this turn may send {max} mails, and has; answer without more");
            return Err(ToolError::new(problem));
        }
        desk.sent.insert(id);
        Ok(())
    }

    async fn read(&self, which: ReadMail, context: ToolContext) -> Result<ToolOutput, ToolError> {
        let branch = self.branch(&context)?;
        let from = which.from.map_or(Addresses::All, Addresses::from);
        let senders = branch.senders(&from).await.map_err(explain)?;
        let inbox = branch.inbox().await.map_err(ToolError::because)?;
        let view = branch.view().await.map_err(ToolError::because)?;
        branch.settle_known(&view, &inbox).await.map_err(ToolError::because)?;
        let names = names(&branch).await?;
        let mut desks = lock(&self.desks);
        let desk = desks.entry(context.branch).or_default();
        if desk.answer != Some(context.answer) {
            (desk.answer, desk.told) = (Some(context.answer), BTreeMap::new());
        }
        let is_free = |mail: &MailId| {
            // A call that runs again shows what it showed, unless that is taken in.
            let by_other = desk.told.get(mail).is_some_and(|call| *call != context.call);
            !by_other && view.receipt(*mail).is_none()
        };
        let is_meant = |one: &&Delivery| {
            senders.as_ref().is_none_or(|all| all.contains(&one.mail.sender))
                && is_free(&one.mail.id)
        };
        let waiting = inbox.iter().filter(is_meant);
        let pile = Pile::of(waiting, &names, self.reads);
        desk.told.extend(pile.received.iter().map(|mail| (*mail, context.call.clone())));
        drop(desks);
        Ok(pile.into_output())
    }

    async fn list(&self, context: ToolContext) -> Result<Value, ToolError> {
        let branch = self.branch(&context)?;
        let branches = branch.engine().store().branches(context.session).await;
        let branches = branches.map_err(ToolError::because)?.into_iter();
        let listed = branches.map(|one| json!({ "name": one.name, "you": one.id == branch.id() }));
        Ok(json!({ "branches": listed.collect::<Vec<_>>() }))
    }
}

/// The mail that one call shows.
#[derive(Debug, Default)]
struct Pile {
    mails: Vec<Value>,
    received: Vec<MailId>,
    /// How many wait for the next call.
    more: usize,
    /// How many are longer than a model can be shown.
    too_long: usize,
}

impl Pile {
    /// From the top of `waiting`, at most `max` mails.
    fn of<'a>(
        waiting: impl Iterator<Item = &'a Delivery>,
        names: &BranchNames,
        max: usize,
    ) -> Self {
        let (mut pile, mut bytes) = (Self::default(), 0);
        for one in waiting {
            let Some(shown) = shown(one, names) else { continue };
            let length = shown.to_string().len();
            if length > SHOWN_BYTES_MAX {
                pile.too_long += 1;
            } else if pile.more > 0 || pile.mails.len() >= max || bytes + length > SHOWN_BYTES_MAX {
                pile.more += 1;
            } else {
                bytes += length;
                pile.mails.push(shown);
                pile.received.push(one.mail.id);
            }
        }
        pile
    }

    fn into_output(self) -> ToolOutput {
        let mut told = json!({ "mails": self.mails, "more": self.more });
        if let (Some(told), 1..) = (told.as_object_mut(), self.too_long) {
            told.insert("too_long_to_read".to_owned(), json!(self.too_long));
        }
        ToolOutput::from(told).with_received(self.received)
    }
}

/// The identifier of the mail that a call sends: the same when it runs again.
fn mail_id(context: &ToolContext) -> MailId {
    let hash = Sha256::digest(format!("{}/{}", context.session, context.key()));
    let bytes = hash.first_chunk().copied().unwrap_or_default();
    MailId::from_bits(u128::from_be_bytes(bytes))
}

/// What a model is told of an error: what there is, when it named what is not there.
fn explain(error: Error) -> ToolError {
    match error {
        Error::NotFound { what, reference, nearest: Some(nearest) } => {
            ToolError::new(format!("there is no {what} `{reference}`; there is `{nearest}`"))
        }
        Error::NotFound { what: what @ "branch", reference, nearest: None } => ToolError::new(
            format!("there is no {what} `{reference}`; list_branches says which there are"),
        ),
        error => ToolError::because(error),
    }
}

async fn names(branch: &Branch) -> Result<BranchNames, ToolError> {
    let branches = branch.engine().store().branches(branch.session_id()).await;
    Ok(branches.map_err(ToolError::because)?.into_iter().collect())
}

/// What a model sees of a mail; `None` when that is not for a model.
fn shown(delivery: &Delivery, names: &BranchNames) -> Option<Value> {
    let mail = &delivery.mail;
    let from = names.name(mail.sender);
    let said = |message: &Arc<Message>| json!({ "role": message.role().as_str(), "sender": message.sender, "text": message.text() });
    let (kind, what) = match &mail.package {
        Package::Text(text) => ("text", json!(text)),
        Package::Data(data) => ("data", data.clone()),
        Package::Messages(messages) => ("messages", messages.iter().map(said).collect()),
        _ => return None,
    };
    let mut shown = json!({ "id": mail.id.to_string(), "from": from, kind: what });
    if let (Some(shown), Some(answered)) = (shown.as_object_mut(), mail.reply_to) {
        shown.insert("reply_to".to_owned(), json!(answered.to_string()));
    }
    Some(shown)
}

impl ToolSource for MailTools {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn tools(&self) -> (u64, Vec<Arc<dyn Tool>>) {
        let tools = [self.send_mail(), self.read_mail(), self.list_branches()];
        (self.revision(), tools.into_iter().map(|tool| Arc::new(tool) as Arc<dyn Tool>).collect())
    }

    fn revision(&self) -> u64 {
        0
    }
}

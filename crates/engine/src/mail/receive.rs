//! Taking mail in.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    pin::Pin,
    sync::Arc,
};

use branchwork_core::{
    clock::Timestamp,
    config::{Change, ConfigPatch},
    graph::{Extent, StepWriter, View},
    id::{BranchId, MailId, MessageId, OpId},
    limits::{COMMIT_OPS_MAX, READ_MAIL_MAX},
    mail::{Category, Delivery, Mail, MailChange, MailPlace, MailQuery, MailState, Package},
    message::{Body, Draft, Message, Origin, Part},
    store::{Commit, Conflict},
};

use super::{Addresses, inbox::moved};
use crate::{
    branch::{Beside, Branch, Part as StepPart, State, Turns},
    error::{Error, Result},
    tools::Registered,
};

/// How often mail is looked at anew when somebody else moves some of it meanwhile.
const TRIES_MAX: u32 = 32;

/// Ops that taking in one mail takes beside its messages: the receipt, and changes of the configuration.
const OPS_BESIDE_MESSAGES_MAX: usize = 2;

/// Mail that is being taken in: `.await` it.
#[derive(Debug, Clone)]
#[must_use = "mail is taken in when it is awaited"]
pub struct Receive {
    branch: Branch,
    from: Addresses,
    accept: Option<BTreeSet<Category>>,
    only: Option<BTreeSet<MailId>>,
}

/// What came of taking mail in.
#[derive(Debug)]
pub struct Received {
    /// What was taken in, in the order in which it was sent.
    pub taken: Vec<Taken>,
    /// What was asked about and was not taken in, and why.
    pub left: Vec<Left>,
    /// Where the branch is now.
    pub head: Option<OpId>,
}

/// A mail that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The mail.
    pub mail: Arc<Mail>,
    /// The op that says so.
    pub receipt: OpId,
    /// The messages that it brought.
    pub messages: Vec<MessageId>,
}

/// A mail that was not taken in.
#[derive(Debug)]
pub struct Left {
    /// The mail.
    pub mail: Arc<Mail>,
    /// Why not.
    pub reason: LeftReason,
}

/// Why a mail was not taken in.
#[derive(Debug)]
#[non_exhaustive]
pub enum LeftReason {
    /// Its category is not accepted. It waits.
    NotAccepted,
    /// Its time is over: it is `expired` now.
    Expired,
    /// What it asks for cannot be done on this branch now. It waits.
    Failed(Error),
}

impl Branch {
    /// Takes in the mail that waits: messages, texts and data are appended, tools registered, the
    /// configuration changed. What a mail changes and that it is taken in are one commit; that is one step,
    /// which [`undo`](Self::undo) takes back, and then the mail waits again. Thousands of mails take several.
    ///
    /// A mail that cannot be taken in is left where it is, and keeps no other from it.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for a sender that is not there; else as for [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves each mail in the inbox or taken in.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::config::ConfigPatch, mail::Category};
    ///
    /// let session = Engine::in_memory().session("trip").create().await?;
    /// let main = session.default_branch();
    /// let scout = main.fork("scout").await?;
    /// scout.send(&main, "It rains.").await?;
    /// scout.send(&main, ConfigPatch::new().with_temperature(0.2)).await?;
    /// let received = main.receive().from(&scout).accept([Category::Text]).await?;
    /// assert_eq!((received.taken.len(), received.left.len()), (1, 1));
    /// assert_eq!(main.inbox().await?.len(), 1);
    /// # Ok(()) }
    /// ```
    pub fn receive(&self) -> Receive {
        Receive { branch: self.clone(), from: Addresses::All, accept: None, only: None }
    }
}

impl Receive {
    /// Takes in only what these branches sent.
    pub fn from(mut self, senders: impl Into<Addresses>) -> Self {
        self.from = senders.into();
        self
    }

    /// Takes in only mail of these categories.
    pub fn accept(mut self, categories: impl IntoIterator<Item = Category>) -> Self {
        self.accept = Some(categories.into_iter().collect());
        self
    }

    /// Takes in only these mails.
    pub fn only(mut self, mails: impl IntoIterator<Item = MailId>) -> Self {
        self.only = Some(mails.into_iter().collect());
        self
    }

    async fn take_in(self) -> Result<Received> {
        let branch = &self.branch;
        let senders = branch.senders(&self.from).await?;
        let branches = branch.engine().store().branches(branch.session_id()).await?;
        let names = branches.into_iter().map(|branch| (branch.id, branch.name)).collect();
        let turns = branch.shared().turns().await;
        let mut state = branch.refresh().await?;
        let mut received = Received { taken: Vec::new(), left: Vec::new(), head: None };
        let mut query = MailQuery::new().to(branch.id()).in_place(MailPlace::Inbox);
        let mut tries = 0;
        'pages: loop {
            let page = branch.engine().store().mail(branch.session_id(), &query).await?;
            let end = page.last().filter(|_| page.len() == READ_MAIL_MAX).map(|last| last.no);
            let is_meant = |delivery: &Delivery| self.means(delivery, senders.as_deref());
            let mut waiting: VecDeque<_> = page.into_iter().filter(is_meant).collect();
            while !waiting.is_empty() {
                let batch =
                    Batch::of((branch, &names), &state, self.accept.as_ref(), &mut waiting)?;
                let last = batch.last;
                match batch.write(branch, &turns, state.clone()).await {
                    Err(Error::Conflict(Conflict::MailMoved { .. })) if tries < TRIES_MAX => {
                        // Somebody else decided on one of them: look again.
                        tries += 1;
                        state = branch.refresh().await?;
                        continue 'pages;
                    }
                    written => state = received.add(written?),
                }
                query.after = last;
            }
            let Some(end) = end else { break };
            query.after = end;
        }
        received.head = state.view.head();
        Ok(received)
    }

    fn means(&self, delivery: &Delivery, senders: Option<&[BranchId]>) -> bool {
        senders.is_none_or(|all| all.contains(&delivery.mail.sender))
            && self.only.as_ref().is_none_or(|all| all.contains(&delivery.mail.id))
    }
}

impl Received {
    /// Takes in what one commit did, and answers where the branch is.
    fn add(&mut self, (taken, left, state): (Vec<Taken>, Vec<Left>, State)) -> State {
        self.taken.extend(taken);
        self.left.extend(left);
        state
    }
}

/// The names of branches.
type Names = BTreeMap<BranchId, String>;

/// Mail that is taken in by one commit.
#[derive(Debug)]
struct Batch {
    taken: Vec<(Arc<Mail>, Known, Effect)>,
    left: Vec<Left>,
    /// What happens to mail that has no receipt in this commit.
    settled: Vec<MailChange>,
    /// The number of the last delivery that was looked at.
    last: u64,
    at: Timestamp,
}

/// The op that says that a mail was taken in, when there is one already.
type Known = Option<OpId>;

/// What a mail does to a branch.
#[derive(Debug, Default)]
struct Effect {
    drafts: Vec<Draft>,
    /// Boxed: it is large, and most mail has none.
    config: Option<Box<ConfigPatch>>,
    tools: Vec<(String, Registered)>,
}

impl Batch {
    /// Takes from the front of `waiting` what one commit can hold.
    fn of(
        (branch, names): (&Branch, &Names),
        state: &State,
        accept: Option<&BTreeSet<Category>>,
        waiting: &mut VecDeque<Delivery>,
    ) -> Result<Self> {
        let at = branch.engine().now();
        let (taken, left, settled) = (Vec::new(), Vec::new(), Vec::new());
        let mut batch = Self { taken, left, settled, last: 0, at };
        let mut ops = 0;
        while let Some(delivery) = waiting.pop_front() {
            ops += OPS_BESIDE_MESSAGES_MAX + messages_of(&delivery.mail);
            if ops > COMMIT_OPS_MAX && batch.last > 0 {
                waiting.push_front(delivery);
                break;
            }
            batch.last = delivery.no;
            batch.look_at((branch, names), &state.view, accept, delivery)?;
        }
        Ok(batch)
    }

    /// Decides what becomes of one mail.
    fn look_at(
        &mut self,
        (branch, names): (&Branch, &Names),
        view: &View,
        accept: Option<&BTreeSet<Category>>,
        delivery: Delivery,
    ) -> Result<()> {
        let mail = Arc::clone(&delivery.mail);
        let category = mail.package.category();
        let reason = if mail.is_expired(self.at) {
            self.settled.push(moved(&delivery, MailState::Expired, self.at));
            LeftReason::Expired
        } else if accept.is_some_and(|accept| !accept.contains(&category)) {
            LeftReason::NotAccepted
        } else if let Some(receipt) = view.receipt(mail.id) {
            // It came with the history of another branch.
            self.settled.push(moved(&delivery, MailState::Applied { receipt }, self.at));
            self.taken.push((mail, Some(receipt), Effect::default()));
            return Ok(());
        } else {
            match Effect::of((branch, names), &mail) {
                Ok(effect) => {
                    self.taken.push((mail, None, effect));
                    return Ok(());
                }
                Err(error @ Error::Store(_)) => return Err(error),
                Err(error) => LeftReason::Failed(error),
            }
        };
        self.left.push(Left { mail, reason });
        Ok(())
    }

    /// Writes all of it, and answers what was taken in, what was not, and where the branch is then.
    async fn write(
        self,
        branch: &Branch,
        turns: &Turns,
        state: State,
    ) -> Result<(Vec<Taken>, Vec<Left>, State)> {
        let Self { taken, left, settled, at, .. } = self;
        let is_new = taken.iter().any(|(_, known, _)| known.is_none());
        if !is_new {
            if !settled.is_empty() {
                let commit = Commit::new(branch.session_id(), at).with_mail(settled);
                branch.engine().store().commit(commit).await?;
            }
            let old = |(mail, known, _): (_, Known, _)| {
                Some(Taken { mail, receipt: known?, messages: Vec::new() })
            };
            return Ok((taken.into_iter().filter_map(old).collect(), left, state));
        }
        let state = branch.close_unfinished(turns, state).await?;
        let mut tools = Vec::new();
        let write = |step: &mut StepWriter<'_>| {
            let mut written = Vec::with_capacity(taken.len());
            for (mail, known, effect) in taken {
                written.push(effect.write(step, (mail, known), &mut tools)?);
            }
            Ok(written)
        };
        let beside = Beside { mail: settled, ..Beside::default() };
        let part = StepPart { beside, ..Extent::Whole.into() };
        let (taken, state) = branch.write_step(turns, state, part, write).await?;
        if !tools.is_empty() {
            branch.engine().tool_sets().own(branch.session_id(), branch.id()).adopt_all(tools);
        }
        Ok((taken, left, state))
    }
}

impl Effect {
    /// What `mail` does to `branch`.
    fn of((branch, names): (&Branch, &Names), mail: &Mail) -> Result<Self> {
        let mut effect = Self::default();
        match &mail.package {
            Package::Messages(messages) => {
                let copy = |message: &Arc<_>| copy_of(mail.id, message);
                effect.drafts = messages.iter().map(copy).collect();
            }
            Package::Text(text) => {
                let parts = vec![Part::text(text)];
                let body = Body::Instruction { parts, context: None };
                effect.drafts.push(said_by(names, mail, body));
            }
            Package::Data(data) => {
                let body = Body::Instruction { parts: Vec::new(), context: Some(data.clone()) };
                effect.drafts.push(said_by(names, mail, body));
            }
            Package::Tools(names) => effect.tools = find_tools(branch, mail, names)?,
            Package::Provider(name) => {
                drop(branch.engine().provider(name)?);
                let provider = Change::Set(name.clone());
                effect.config = Some(Box::new(ConfigPatch { provider, ..ConfigPatch::default() }));
            }
            Package::ModelConfig(patch) => effect.config = Some(patch.clone()),
            _ => {}
        }
        effect.drafts.iter().try_for_each(Draft::check)?;
        Ok(effect)
    }

    /// Writes it behind the receipt of its mail.
    fn write(
        self,
        step: &mut StepWriter<'_>,
        (mail, known): (Arc<Mail>, Known),
        tools: &mut Vec<(String, Registered)>,
    ) -> Result<Taken> {
        if let Some(receipt) = known {
            return Ok(Taken { mail, receipt, messages: Vec::new() });
        }
        step.close_calls("mail was taken in before it ended")?;
        let receipt = step.receive(mail.id)?;
        let messages = step.messages(self.drafts)?;
        if let Some(config) = self.config {
            step.configure(*config)?;
        }
        if let Some(config) = offering(step.view(), &self.tools) {
            step.configure(config)?;
        }
        tools.extend(self.tools);
        Ok(Taken { mail, receipt, messages })
    }
}

/// What lets a branch offer `tools` beside what it offers; `None` when it does.
fn offering(view: &View, tools: &[(String, Registered)]) -> Option<ConfigPatch> {
    let mut offered = view.config().tools.clone().unwrap_or_default();
    let before = offered.len();
    for (name, _) in tools {
        if !offered.contains(name) {
            offered.push(name.clone());
        }
    }
    (offered.len() > before).then(|| ConfigPatch::new().with_tools(offered))
}

/// A message that was mailed, as it is appended.
fn copy_of(mail: MailId, message: &Message) -> Draft {
    Draft::copy_of(message, Origin::Mailed { mail, message: Some(message.first_said()) })
}

/// What a mail says in the words of its sender.
fn said_by(names: &Names, mail: &Mail, body: Body) -> Draft {
    // A branch that is gone has no name any more.
    let name = names.get(&mail.sender).cloned().unwrap_or_else(|| mail.sender.to_string());
    let origin = Origin::Mailed { mail: mail.id, message: None };
    Draft::new(body).with_sender(name).with_origin(origin)
}

/// How many messages a mail brings.
const fn messages_of(mail: &Mail) -> usize {
    match &mail.package {
        Package::Messages(messages) => messages.len(),
        Package::Text(_) | Package::Data(_) => 1,
        _ => 0,
    }
}

/// The tools of the sender of `mail`; those that `branch` has already are left out.
fn find_tools(branch: &Branch, mail: &Mail, names: &[String]) -> Result<Vec<(String, Registered)>> {
    let (own, theirs) = {
        let mut sets = branch.engine().tool_sets();
        let of = |id| sets.of_branch(branch.session_id(), id);
        let [own, theirs] = [branch.id(), mail.sender].map(of);
        (own, theirs)
    };
    names.iter().map(|name| Ok((name.clone(), own.or_from(&theirs, name)?))).collect()
}

impl IntoFuture for Receive {
    type Output = Result<Received>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.take_in())
    }
}

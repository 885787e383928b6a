//! What a mail does to the branch that takes it in.

use std::sync::Arc;

use branchwork_core::{
    config::{Change, ConfigPatch},
    graph::{StepWriter, View},
    id::{MailId, OpId},
    mail::{Mail, Package},
    message::{Body, BodyKind, Draft, Message, Origin, Part, Role},
};

use super::Taken;
use crate::{branch::Branch, error::Result, session::BranchNames, tools::Registered};

/// Ops that taking in one mail takes beside its messages: the receipt, what leads them, and a change of
/// the configuration.
pub(super) const OPS_BESIDE_MESSAGES_MAX: usize = 3;

/// What is said before messages that came by mail, when something must be.
const LEAD: &str = "What follows came by mail.";

/// The op that says that a mail was taken in, when there is one already.
pub(super) type Known = Option<OpId>;

/// What a mail does to a branch.
#[derive(Debug, Default)]
pub(super) struct Effect {
    drafts: Vec<Draft>,
    /// What comes before them where an answer stands last, as no model calls tools right behind one.
    // Boxed, as the next: they are large, and most mail has neither.
    lead: Option<Box<Draft>>,
    config: Option<Box<ConfigPatch>>,
    tools: Vec<(String, Registered)>,
}

impl Effect {
    /// What `mail` does to `branch`.
    pub(super) fn of((branch, names): (&Branch, &BranchNames), mail: &Mail) -> Result<Self> {
        let mut effect = Self::default();
        match &mail.package {
            Package::Messages(messages) => {
                let copy = |message: &Arc<_>| copy_of(mail.id, message);
                effect.drafts = messages.iter().map(copy).collect();
                let calls = messages.first().map(|first| first.body.kind())
                    == Some(BodyKind::ActionRequest);
                let lead = || Box::new(said_by(names, mail, Body::instruction(LEAD)));
                effect.lead = calls.then(lead);
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
    pub(super) fn write(
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
        let stands_last = step.view().last().map(|last| last.role());
        let lead = self.lead.filter(|_| stands_last == Some(Role::Assistant));
        let messages = step.messages(lead.map(|lead| *lead).into_iter().chain(self.drafts))?;
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
fn said_by(names: &BranchNames, mail: &Mail, body: Body) -> Draft {
    let origin = Origin::Mailed { mail: mail.id, message: None };
    Draft::new(body).with_sender(names.name(mail.sender)).with_origin(origin)
}

/// How many messages a mail brings.
pub(super) const fn messages_of(mail: &Mail) -> usize {
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

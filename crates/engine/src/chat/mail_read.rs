//! The mail that results of calls tell of, until those are written.

use std::collections::BTreeMap;

use branchwork_core::{
    graph::{CallResult, StepWriter},
    id::MailId,
    message::{Body, CallId, Draft, Outcome},
};

use crate::error::Result;

/// What the model is told instead of mail that is not the branch's any more.
const MOVED: &str = "somebody else took the mail in, refused it or gave it to another branch meanwhile; \
                     read again what there is";

/// The mail that results of calls tell of, by call.
#[derive(Debug, Clone, Default)]
pub(super) struct MailRead {
    by_call: BTreeMap<CallId, Vec<MailId>>,
}

impl MailRead {
    /// Notes of which mail the result of a call will tell.
    pub(super) fn note(&mut self, call: &CallId, mail: Vec<MailId>) {
        if !mail.is_empty() {
            self.by_call.insert(call.clone(), mail);
        }
    }

    /// That of the results that are written now.
    pub(super) fn take(&mut self, results: &[Draft], noted: Option<&CallResult>) -> Self {
        if self.by_call.is_empty() {
            return Self::default();
        }
        let told = results.iter().filter_map(|draft| result(&draft.body));
        let noted = noted.map(|noted| (&noted.call, &noted.outcome));
        let given =
            told.chain(noted).filter(|(_, outcome)| matches!(outcome, Outcome::Succeeded(_)));
        let by_call = given.filter_map(|(call, _)| self.by_call.remove_entry(call)).collect();
        Self { by_call }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_call.is_empty()
    }

    /// The calls whose results tell of it.
    pub(super) fn calls(&self) -> impl Iterator<Item = &CallId> {
        self.by_call.keys()
    }

    /// Says that it is taken in.
    pub(super) fn receive(&self, step: &mut StepWriter<'_>) -> Result<()> {
        for mail in self.by_call.values().flatten() {
            // Two calls of one answer may have told of the same.
            if step.view().receipt(*mail).is_none() {
                step.receive(*mail)?;
            }
        }
        Ok(())
    }

    /// Takes it out of results: it is not the branch's any more.
    pub(super) fn retract(&self, results: &mut [Draft], noted: Option<&mut CallResult>) {
        for draft in results {
            if let Body::ActionResponse { call, outcome, .. } = &mut draft.body
                && self.by_call.contains_key(call)
            {
                *outcome = moved();
            }
        }
        if let Some(noted) = noted.filter(|noted| self.by_call.contains_key(&noted.call)) {
            noted.outcome = moved();
        }
    }
}

/// What a call is told to have given whose mail is not the branch's any more.
pub(super) fn moved() -> Outcome {
    Outcome::Failed(MOVED.to_owned())
}

fn result(body: &Body) -> Option<(&CallId, &Outcome)> {
    match body {
        Body::ActionResponse { call, outcome, .. } => Some((call, outcome)),
        _ => None,
    }
}

//! How people name things: sessions, branches, messages, ops and models.
//!
//! | form | names |
//! |---|---|
//! | `ses_4f…`, `br_…`, `msg_…`, `op_…` | the thing with that identifier, or with a prefix of it that fits one only |
//! | `4f…` | the same without the kind, where the kind is known |
//! | `trip` | the session or branch of that name |
//! | `trip@rainy` | a branch of a session |
//! | `trip@rainy~3`, `rainy~3`, `~3` | the message three before the last one |
//! | `@-` | where an op is wanted: the head before the last move |

use std::fmt::{self, Display};

use branchwork_core::{
    nearest::nearest,
    store::{BranchRecord, SessionRecord},
};

use crate::error::{Error, Result};

/// Candidates that an [`Error::Ambiguous`] names.
const CANDIDATES_MAX: usize = 5;

/// A model, and the provider when it is said: `provider:model` or `model`.
///
/// Models whose own name holds a colon (`llama3:8b`) are written with their provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelReference {
    /// The provider's registered name.
    pub provider: Option<String>,
    /// The model, in the provider's words.
    pub model: String,
}

impl ModelReference {
    /// Divides `text` at the first colon.
    ///
    /// # Errors
    ///
    /// [`Error::BadReference`] when a side is empty.
    pub fn parse(text: &str) -> Result<Self> {
        let reference = Self::divide(text);
        reference.check()?;
        Ok(reference)
    }

    /// As [`parse`](Self::parse), and nothing is checked yet.
    pub(crate) fn divide(text: &str) -> Self {
        let (provider, model) = match text.split_once(':') {
            Some((provider, model)) => (Some(provider), model),
            None => (None, text),
        };
        Self { provider: provider.map(str::to_owned), model: model.to_owned() }
    }

    /// Refuses empty names.
    pub(crate) fn check(&self) -> Result<()> {
        let is_empty = |name: &String| name.trim().is_empty();
        if is_empty(&self.model) || self.provider.as_ref().is_some_and(is_empty) {
            let problem = "a model is written `provider:model` or `model`";
            return Err(Error::BadReference { reference: self.to_string(), problem });
        }
        Ok(())
    }
}

impl Display for ModelReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.provider {
            Some(provider) => write!(f, "{provider}:{}", self.model),
            None => f.write_str(&self.model),
        }
    }
}

/// A place in a session: `session`, `session@branch`, `session@branch~2`, each part optional.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceReference {
    /// The session.
    pub session: Option<String>,
    /// The branch.
    pub branch: Option<String>,
    /// How many messages before the last one.
    pub back: usize,
}

impl PlaceReference {
    /// Parses a place.
    ///
    /// # Errors
    ///
    /// [`Error::BadReference`].
    pub fn parse(text: &str) -> Result<Self> {
        let bad = |problem| Error::BadReference { reference: text.to_owned(), problem };
        let (place, back) = match text.split_once('~') {
            None => (text, 0),
            Some((place, "")) => (place, 1),
            Some((place, back)) => {
                let problem = "a number follows `~`";
                (place, back.parse().map_err(|_number| bad(problem))?)
            }
        };
        let (session, branch) = match place.split_once('@') {
            None => (place, None),
            Some((_, "")) => return Err(bad("the name of a branch follows `@`")),
            Some((_, branch)) if branch.contains('@') => return Err(bad("there are two `@`")),
            Some((session, branch)) => (session, Some(branch)),
        };
        Ok(Self {
            session: Some(session).filter(|session| !session.is_empty()).map(str::to_owned),
            branch: branch.map(str::to_owned),
            back,
        })
    }
}

pub(crate) fn find_session<'a>(
    sessions: &'a [SessionRecord],
    reference: &str,
) -> Result<&'a SessionRecord> {
    if let Some(named) = sessions.iter().find(|record| record.name.as_deref() == Some(reference)) {
        return Ok(named);
    }
    let names = sessions.iter().filter_map(|record| record.name.as_deref());
    find("session", reference, "ses_", sessions, |record| record.id)
        .map_err(|error| with_nearest(error, reference, names))
}

pub(crate) fn find_branch<'a>(
    branches: &'a [BranchRecord],
    reference: &str,
) -> Result<&'a BranchRecord> {
    if let Some(named) = branches.iter().find(|record| record.name == reference) {
        return Ok(named);
    }
    let names = branches.iter().map(|record| record.name.as_str());
    find("branch", reference, "br_", branches, |record| record.id)
        .map_err(|error| with_nearest(error, reference, names))
}

/// The one of `things` whose identifier is `reference` or begins with it.
pub(crate) fn find<'a, T, I: Display>(
    what: &'static str,
    reference: &str,
    prefix: &str,
    things: impl IntoIterator<Item = &'a T>,
    id: impl Fn(&T) -> I,
) -> Result<&'a T> {
    let digits = reference.strip_prefix(prefix).unwrap_or(reference).to_ascii_lowercase();
    let fits = |thing: &&T| {
        let text = id(thing).to_string();
        text.strip_prefix(prefix).is_some_and(|text| text.starts_with(&digits))
    };
    if digits.is_empty() {
        return Err(Error::not_found(what, reference));
    }
    let found: Vec<_> = things.into_iter().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Error::not_found(what, reference)),
        [thing] => Ok(*thing),
        several => {
            let several = several.iter().take(CANDIDATES_MAX);
            let candidates = several.map(|thing| id(thing).to_string()).collect();
            Err(Error::Ambiguous { what, reference: reference.to_owned(), candidates })
        }
    }
}

/// Names the nearest name in an [`Error::NotFound`], when one is near.
fn with_nearest<'a>(error: Error, reference: &str, names: impl Iterator<Item = &'a str>) -> Error {
    match error {
        Error::NotFound { what, reference: text, .. } => {
            let nearest = nearest(reference, names).map(str::to_owned);
            Error::NotFound { what, reference: text, nearest }
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_apart() {
        let place = |session: &str, branch: Option<&str>, back| PlaceReference {
            session: Some(session.to_owned()).filter(|session| !session.is_empty()),
            branch: branch.map(str::to_owned),
            back,
        };
        for (text, expected) in [
            ("trip", place("trip", None, 0)),
            ("trip@rainy", place("trip", Some("rainy"), 0)),
            ("trip@rainy~3", place("trip", Some("rainy"), 3)),
            ("@rainy~", place("", Some("rainy"), 1)),
            ("~2", place("", None, 2)),
            ("@-", place("", Some("-"), 0)),
        ] {
            assert_eq!(PlaceReference::parse(text).expect("it is a place"), expected, "{text}");
        }
        for text in ["trip@", "a@b@c", "trip~x", "trip~-1", "trip~99999999999999999999999"] {
            assert!(
                matches!(PlaceReference::parse(text), Err(Error::BadReference { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn models_are_taken_apart_at_the_first_colon() {
        let parsed = ModelReference::parse("ollama:llama3:8b").expect("it is a model");
        let provider = Some("ollama".to_owned());
        assert_eq!(parsed, ModelReference { provider, model: "llama3:8b".to_owned() });
        for text in ["", ":", "openai:", ":gpt", "  "] {
            assert!(
                matches!(ModelReference::parse(text), Err(Error::BadReference { .. })),
                "{text}"
            );
        }
    }
}

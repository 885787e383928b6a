//! Conversations that were written lately, so that a longer one need not be written anew.
//!
//! What is kept of each is everything before its last message, in pieces that forks share. It is found by the
//! messages themselves, which never change: the same `Arc` says the same bytes.

use std::{
    collections::VecDeque,
    mem,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use branchwork_core::{
    config::Config,
    message::Message,
    provider::{ModelRequest, RequestBody},
};

use crate::wire::{self, Pen, Wire};

/// Conversations that are kept.
const KEPT_MAX: usize = 64;

/// Bytes of all that are kept, those counted twice that two of them share.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Messages below which a conversation is written anew about as fast as it is found.
const MESSAGES_MIN: usize = 16;

/// The conversations of one provider.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    // A std mutex: held to look through a few conversations, and to put one in.
    kept: Mutex<VecDeque<Arc<Prefix>>>,
}

/// The beginning of a request.
#[derive(Debug, Clone, Default)]
struct Prefix {
    /// What comes before the messages.
    head: Arc<[u8]>,
    /// The settings that it was written for: a model that is named in the address alone has its own rules.
    config: Arc<Config>,
    messages: Messages,
    /// The breakpoints that it was written with.
    breakpoints: Vec<usize>,
    body: RequestBody,
    /// How it goes on; its bytes are in the body.
    pen: Pen,
}

impl Prefix {
    /// Whether `request` begins so and goes on.
    fn begins(&self, request: &ModelRequest, (head, breakpoints): (&[u8], &[usize])) -> bool {
        let len = self.messages.len;
        len < request.messages.len()
            && *self.head == *head
            && *self.config == request.config
            && self.breakpoints == up_to(breakpoints, len)
            && self.messages.begin(&request.messages)
    }

    /// Whether other branches go on from here, too.
    fn is_shared(&self, request: &ModelRequest) -> bool {
        request.cache.shared.binary_search(&self.messages.len).is_ok()
    }

    /// Writes those of the messages of `request`.
    fn write(
        &mut self,
        (wire, request): (&dyn Wire, &ModelRequest),
        breakpoints: &[usize],
        places: Range<usize>,
    ) -> Result<(), String> {
        let more = request.messages.get(places.clone()).unwrap_or_default();
        wire::write_messages(wire, request, &mut self.pen, (breakpoints, places.clone()))?;
        self.body.push(text_of(mem::take(&mut self.pen.bytes))?);
        self.messages.push(more);
        self.breakpoints = up_to(breakpoints, places.end).to_vec();
        Ok(())
    }
}

/// Messages, in pieces of which each is at least twice as long as the next one, so that a clone copies few.
#[derive(Debug, Clone, Default)]
struct Messages {
    pieces: Vec<Arc<[Arc<Message>]>>,
    len: usize,
}

impl Messages {
    fn push(&mut self, more: &[Arc<Message>]) {
        self.len += more.len();
        let mut piece: Arc<[Arc<Message>]> = more.into();
        while let Some(last) = self.pieces.pop_if(|last| last.len() < 2 * piece.len()) {
            piece = last.iter().chain(piece.iter()).map(Arc::clone).collect();
        }
        self.pieces.push(piece);
    }

    /// Whether `all` begins with these.
    fn begin(&self, all: &[Arc<Message>]) -> bool {
        let ours = self.pieces.iter().flat_map(|piece| piece.iter());
        ours.zip(all).all(|(ours, theirs)| Arc::ptr_eq(ours, theirs)) && self.len <= all.len()
    }
}

impl Prefixes {
    /// Writes `request` as [`wire::write`] does, from where the longest conversation ends that it goes on with.
    /// Costs what was not written yet, and a look at each message.
    ///
    /// # Errors
    ///
    /// What is wrong with the request, as a clause.
    pub(crate) fn write(
        &self,
        wire: &dyn Wire,
        request: &ModelRequest,
    ) -> Result<(RequestBody, Pen), String> {
        let count = request.messages.len();
        if count < MESSAGES_MIN {
            let mut pen = wire::write(wire, request)?;
            return Ok((text_of(mem::take(&mut pen.bytes))?.into(), pen));
        }
        wire::check(wire, request)?;
        let (head, breakpoints) = (wire.head(request)?, wire::breakpoints(wire, request));
        let found = self.find(request, (&head, breakpoints));
        let mut prefix = match &found {
            Some(found) => Prefix::clone(found),
            None => begun(head, &request.config)?,
        };
        // Others are likely to begin where branches part last.
        let new = prefix.messages.len + 1..count;
        let parting = request.cache.shared.iter().copied().rfind(|at| new.contains(at));
        for stop in parting.into_iter().chain([count - 1]) {
            let from = prefix.messages.len;
            if from < stop {
                prefix.write((wire, request), breakpoints, from..stop)?;
                self.keep(prefix.clone(), found.as_ref(), request);
            }
        }
        let Prefix { body, mut pen, .. } = prefix;
        wire::write_messages(wire, request, &mut pen, (breakpoints, count - 1..count))?;
        wire.tail(&mut pen)?;
        Ok((body.with_end(text_of(mem::take(&mut pen.bytes))?), pen))
    }

    /// The longest that `request` goes on with.
    fn find(&self, request: &ModelRequest, like: (&[u8], &[usize])) -> Option<Arc<Prefix>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().filter(|prefix| prefix.begins(request, like));
        found.max_by_key(|prefix| prefix.messages.len).map(Arc::clone)
    }

    /// Keeps `prefix`, in the place of what it goes on with unless others do so too.
    fn keep(&self, prefix: Prefix, before: Option<&Arc<Prefix>>, request: &ModelRequest) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = before.filter(|before| !before.is_shared(request)) {
            kept.retain(|other| !Arc::ptr_eq(other, before));
        }
        kept.push_back(Arc::new(prefix));
        let mut bytes: usize = kept.iter().map(|prefix| prefix.body.len()).sum();
        while kept.len() > KEPT_MAX || bytes > BYTES_MAX {
            bytes -= kept.pop_front().map_or(bytes, |oldest| oldest.body.len());
        }
    }
}

/// Nothing but `head`.
fn begun(head: Vec<u8>, config: &Config) -> Result<Prefix, String> {
    let body = RequestBody::from(text_of(head.clone())?);
    let config = Arc::new(config.clone());
    Ok(Prefix { head: head.into(), config, body, ..Prefix::default() })
}

fn up_to(breakpoints: &[usize], len: usize) -> &[usize] {
    breakpoints.get(..breakpoints.partition_point(|at| *at <= len)).unwrap_or_default()
}

fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes)
        .map_err(|error| format!("the request is no text: {}", error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use branchwork_core::message::{Native, Part};
    use branchwork_testkit::histories::histories;
    use proptest::{
        collection::vec,
        prelude::*,
        sample::{Index, select},
    };
    use serde_json::json;

    use super::*;
    use crate::Protocol;

    /// Two branches that share a beginning.
    fn branches() -> impl Strategy<Value = [Vec<Arc<Message>>; 2]> {
        let signed = json!({ "text": "own", "thoughtSignature": "c2lnbmVk" });
        let signed = Part::Native(Native::new("gemini", "tiny", signed));
        let history = || histories(Just(vec![Part::Text("own".to_owned()), signed.clone()]));
        let parts = (vec(history(), 3), history(), history());
        parts.prop_map(|(before, one, two)| [one, two].map(|end| [before.concat(), end].concat()))
    }

    /// One of them, and the model that is asked.
    fn branch() -> impl Strategy<Value = (usize, &'static str)> {
        (0..2_usize, select(vec!["tiny", "gemini-2.5-flash", "gemini-3-pro"]))
    }

    /// A request with the first messages of a branch, and the places where others part.
    fn request(
        (messages, model): (&[Arc<Message>], &str),
        len: Index,
        shared: &BTreeSet<usize>,
    ) -> ModelRequest {
        let len = len.index(messages.len() + 1);
        let mut config = Config::default();
        config.model = Some(model.to_owned());
        let mut request = ModelRequest::new(messages[..len].to_vec(), config);
        request.cache.shared = shared.iter().copied().filter(|at| *at <= len).collect();
        request
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_was_kept_says_what_would_be_written_anew(
            branches in branches(),
            asked in vec((branch(), any::<Index>(), vec(1..40_usize, 0..4)), 1..12),
        ) {
            for wire in Protocol::ALL.map(Protocol::wire) {
                let prefixes = Prefixes::default();
                for ((branch, model), len, shared) in &asked {
                    let shared = shared.iter().copied().collect();
                    let request = request((&branches[*branch], model), *len, &shared);
                    let kept = prefixes.write(&*wire, &request);
                    let kept = kept.map(|(body, pen)| (body.to_string(), pen.adapted));
                    let anew = wire::write(&*wire, &request);
                    let anew = anew.map(|pen| (text_of(pen.bytes).unwrap(), pen.adapted));
                    prop_assert_eq!(kept, anew);
                }
            }
        }
    }

    #[test]
    fn a_longer_conversation_is_found_and_what_is_kept_is_bounded() {
        let wire = Protocol::ALL[0].wire();
        let said = |text: &str| {
            crate::testing::request(vec![branchwork_core::message::Body::instruction(text)])
        };
        let message = Arc::clone(&said("x").messages[0]);
        let prefixes = Prefixes::default();
        let kept =
            || prefixes.kept.lock().unwrap().iter().map(|p| p.messages.len).collect::<Vec<_>>();
        let write = |count: usize, shared: &[usize]| {
            let mut request = said("");
            request.messages = vec![Arc::clone(&message); count];
            request.cache.shared = shared.to_vec();
            prefixes.write(&*wire, &request).unwrap();
        };
        write(MESSAGES_MIN - 1, &[]);
        assert!(kept().is_empty());
        write(20, &[]);
        write(22, &[]);
        assert_eq!(kept(), [21], "it is in the place of what it went on with");
        write(24, &[21]);
        assert_eq!(kept(), [21, 23], "others go on from there");
        write(40, &[21, 30]);
        assert_eq!(kept(), [21, 30, 39], "others will go on from there");
        let long = said(&"x".repeat(BYTES_MAX / 2));
        let request = |count| {
            let mut request = said("");
            request.messages = vec![Arc::clone(&long.messages[0]); 1];
            request.messages.extend(vec![Arc::clone(&message); count]);
            request
        };
        prefixes.write(&*wire, &request(20)).unwrap();
        assert_eq!(kept(), [21, 30, 39, 20]);
        let mut other = request(20);
        other.messages.insert(0, Arc::clone(&message));
        prefixes.write(&*wire, &other).unwrap();
        assert_eq!(kept(), [21], "the oldest make way");
    }
}

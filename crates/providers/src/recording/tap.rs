//! An exchange that goes on: what is heard of it, until it is over.

use std::sync::Arc;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::{Ended, Exchange, Piece, Recorder, redact::Redactor, reread::Reread};

/// Bytes of the body of an answer that are kept.
const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Headers of answers whose values are as good as keys.
const SECRET_HEADERS: [&str; 2] = ["set-cookie", "set-cookie2"];

/// Listens to one exchange, and tells the recorder of it when it is dropped.
#[derive(Debug)]
pub(crate) struct Tap {
    recorder: Arc<dyn Recorder>,
    redactor: Arc<Redactor>,
    begun: Instant,
    exchange: Exchange,
    /// Bytes of the body that are kept.
    kept: usize,
    /// Who reads the body once more.
    reread: Option<Reread>,
}

impl Tap {
    /// Begins with a request that is about to be sent.
    pub(crate) fn new(
        (recorder, redactor): (&Arc<dyn Recorder>, &Arc<Redactor>),
        (method, url): (&str, &str),
        headers: &HeaderMap,
        body: &str,
    ) -> Self {
        let exchange = Exchange {
            request_headers: pairs(headers, redactor),
            request_body: redactor.text(body),
            ..Exchange::of(method.to_owned(), redactor.text(url))
        };
        let (recorder, redactor) = (Arc::clone(recorder), Arc::clone(redactor));
        Self { recorder, redactor, begun: Instant::now(), exchange, kept: 0, reread: None }
    }

    /// Hears the head of the answer.
    pub(crate) fn head(&mut self, status: u16, headers: &HeaderMap) {
        self.exchange.status = Some(status);
        self.exchange.response_headers = pairs(headers, &self.redactor);
    }

    /// Lets `reread` say at the end whether the body spells a key: then it is not kept.
    pub(crate) fn reread_by(&mut self, reread: Reread) {
        self.reread = Some(reread);
    }

    /// Hears more of the body.
    pub(crate) fn piece(&mut self, bytes: &[u8]) {
        let room = BODY_BYTES_MAX - self.kept;
        let kept = bytes.get(..room).unwrap_or(bytes);
        if kept.len() < bytes.len() {
            self.exchange.ended = Ended::Cut;
        }
        if !kept.is_empty() {
            self.kept += kept.len();
            self.exchange.pieces.push(Piece { at: self.begun.elapsed(), bytes: kept.to_vec() });
        }
    }

    /// Hears how it ended; what was cut stays cut.
    pub(crate) fn end(&mut self, ended: Ended) {
        if self.exchange.ended == Ended::Dropped {
            self.exchange.ended = match ended {
                Ended::Broken(problem) => Ended::Broken(self.redactor.text(&problem)),
                Ended::Unanswered(problem) => Ended::Unanswered(self.redactor.text(&problem)),
                ended => ended,
            };
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let nothing = Exchange::of(String::new(), String::new());
        let mut exchange = std::mem::replace(&mut self.exchange, nothing);
        exchange.took = self.begun.elapsed();
        if let Some(reread) = self.reread.take() {
            let body: Vec<_> = exchange.pieces.iter().flat_map(|one| &one.bytes).copied().collect();
            if reread.finds_key(&body) {
                exchange.pieces.clear();
                exchange.ended = Ended::Withheld;
            }
        }
        self.redactor.pieces(&mut exchange.pieces, exchange.ended == Ended::Whole);
        self.recorder.record(exchange);
    }
}

/// Headers without secrets.
fn pairs(headers: &HeaderMap, redactor: &Redactor) -> Vec<(String, String)> {
    let pair = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
        let is_secret = value.is_sensitive() || SECRET_HEADERS.contains(&name.as_str());
        let value = if is_secret {
            "***".to_owned()
        } else {
            redactor.text(&String::from_utf8_lossy(value.as_bytes()))
        };
        (name.as_str().to_owned(), value)
    };
    headers.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use branchwork_core::secret::Secret;

    use super::*;

    /// Keeps what it is told.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<Exchange>>);

    impl Recorder for Kept {
        fn record(&self, exchange: Exchange) {
            self.0.lock().unwrap().push(exchange);
        }
    }

    #[tokio::test]
    async fn a_body_is_kept_as_far_as_it_may_be_and_no_key_is_cut_in_two() {
        let kept = Arc::new(Kept::default());
        let recorder = Arc::clone(&kept) as Arc<dyn Recorder>;
        let redactor = Arc::new(Redactor::new(Some(&Secret::new("sk-secret")), []));
        let place = ("POST", "http://test/?key=sk-secret");
        let mut tap = Tap::new((&recorder, &redactor), place, &HeaderMap::new(), "{}");
        tap.head(200, &HeaderMap::new());
        tap.piece(&vec![b'x'; BODY_BYTES_MAX - 6]);
        tap.piece(b"sk-secret and more");
        tap.piece(b"and more");
        tap.end(Ended::Whole);
        drop(tap);
        let exchange = kept.0.lock().unwrap().remove(0);
        assert_eq!((exchange.ended, exchange.url.as_str()), (Ended::Cut, "http://test/?key=***"));
        assert_eq!(exchange.pieces.len(), 2);
        assert_eq!(exchange.pieces[1].bytes, b"***");
    }
}

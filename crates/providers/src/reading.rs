//! Reading the body of a response: the one place of an answer that waits.

use std::{collections::VecDeque, time::Duration};

use branchwork_core::{
    limits::RESPONSE_BYTES_MAX,
    provider::{EventStream, ProviderError, ProviderEvent},
};
use futures_util::stream;
use tokio::time::timeout;

use crate::{
    errors::Reporter,
    framing::{Framer, Framing, is_stream},
    transport::Body,
    wire::{Decode, Events, end_stream},
};

/// How long a server may take from saying why the answer ended to ending it: the usage comes in
/// between. Some never end it.
const AFTER_FINISH_WAIT: Duration = Duration::from_secs(5);

/// How long the end of the body is waited for after the end mark, so that the connection can be
/// used again; it comes with the mark or right after it.
const AFTER_DONE_WAIT: Duration = Duration::from_millis(200);

/// The events of a streamed answer, as they come. Dropping it closes the connection.
pub(crate) fn events(body: Body, framing: Framing, decoder: Box<dyn Decode>) -> EventStream {
    let reading = Box::new(Reading {
        body,
        decoder,
        framer: Framer::new(framing),
        events: VecDeque::new(),
        failure: None,
        phase: Phase::Open,
    });
    Box::pin(stream::unfold(reading, |mut reading| async move {
        let event = reading.next().await?;
        Some((event, reading))
    }))
}

/// The events of an answer that comes whole.
///
/// # Errors
///
/// What went wrong, on the way or at the server.
pub(crate) async fn whole(
    body: Body,
    mut decoder: Box<dyn Decode>,
    reporter: &Reporter,
) -> Result<EventStream, ProviderError> {
    let body = self::body(body, RESPONSE_BYTES_MAX, reporter).await?;
    let mut events = VecDeque::new();
    decode_whole(&body, &mut *decoder, &mut events)?;
    Ok(Box::pin(stream::iter(events.into_iter().map(Ok))))
}

/// Decodes a body that came whole.
///
/// # Errors
///
/// What went wrong at the server.
pub(crate) fn decode_whole(
    body: &[u8],
    decoder: &mut dyn Decode,
    events: &mut Events,
) -> Result<(), ProviderError> {
    // Some gateways call a stream of events JSON.
    if is_stream(body) {
        let mut framer = Framer::default();
        framer.push(body, |frame| decoder.decode(frame, events))?;
        end_stream(&mut framer, decoder, events)
    } else {
        decoder.decode_whole(body, events)
    }
}

/// A whole body of at most `bytes_max`.
///
/// # Errors
///
/// [`ProviderError::Truncated`] when it breaks off, [`ProviderError::Malformed`] when it is longer.
pub(crate) async fn body(
    mut from: Body,
    bytes_max: usize,
    reporter: &Reporter,
) -> Result<Vec<u8>, ProviderError> {
    let mut body = Vec::new();
    while let Some(chunk) = from.chunk().await? {
        let chunk = chunk.as_ref();
        if body.len() + chunk.len() > bytes_max {
            let problem = format!("the answer is longer than {bytes_max} bytes");
            return Err(reporter.malformed(problem, &[]));
        }
        body.extend_from_slice(chunk);
    }
    Ok(body)
}

struct Reading {
    body: Body,
    framer: Framer,
    decoder: Box<dyn Decode>,
    /// What was decoded and not yet taken.
    events: Events,
    /// Comes after the events that came before it.
    failure: Option<ProviderError>,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    /// More of the answer may come.
    Open,
    /// The answer is whole; only the end of the body may come.
    Draining,
    /// Nothing may come.
    Over,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ProviderEvent, ProviderError>> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if let Some(failure) = self.failure.take() {
                return Some(Err(failure));
            }
            match self.phase {
                Phase::Open => self.read().await,
                Phase::Draining => {
                    self.phase = Phase::Over;
                    self.drain(AFTER_DONE_WAIT).await;
                }
                Phase::Over => return None,
            }
        }
    }

    async fn read(&mut self) {
        let chunk = if self.decoder.has_finish() {
            timeout(AFTER_FINISH_WAIT, self.body.chunk()).await.unwrap_or(Ok(None))
        } else {
            self.body.chunk().await
        };
        match chunk {
            Ok(Some(bytes)) => {
                let (decoder, events) = (&mut self.decoder, &mut self.events);
                let pushed =
                    self.framer.push(bytes.as_ref(), |frame| decoder.decode(frame, events));
                match pushed {
                    Err(failure) => self.fail(failure),
                    Ok(()) if self.decoder.is_done() => {
                        self.end(Phase::Draining);
                        // Callers may drop the stream as soon as they have the last event.
                        self.drain(Duration::ZERO).await;
                    }
                    Ok(()) => {}
                }
            }
            Ok(None) => self.end_of_body(),
            // What is known to be whole stays whole, however the connection ends.
            Err(_) if self.decoder.has_finish() => self.end(Phase::Over),
            Err(failure) => self.fail(failure),
        }
    }

    fn end_of_body(&mut self) {
        self.phase = Phase::Over;
        if let Err(failure) = end_stream(&mut self.framer, &mut *self.decoder, &mut self.events) {
            self.fail(failure);
        }
    }

    fn end(&mut self, phase: Phase) {
        self.phase = phase;
        if let Err(failure) = self.decoder.end(&mut self.events) {
            self.fail(failure);
        }
    }

    fn fail(&mut self, failure: ProviderError) {
        self.phase = Phase::Over;
        self.failure = Some(failure);
    }

    /// Reads on to the end of the body, for at most `wait`. A server that does not end it only
    /// costs us the connection.
    async fn drain(&mut self, wait: Duration) {
        let rest = async { while let Ok(Some(_)) = self.body.chunk().await {} };
        if timeout(wait, rest).await.is_ok() {
            self.phase = Phase::Over;
        }
    }
}

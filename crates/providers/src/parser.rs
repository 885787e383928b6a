//! Answers read from bytes, without a server.

use std::sync::Arc;

use branchwork_core::provider::{ModelRequest, ProviderError, ProviderEvent};

use crate::{
    errors::Reporter,
    framing::Framer,
    protocol::Protocol,
    wire::{Decode, Events, end_stream},
};

/// Reads the bytes of a streamed answer into events, wherever the bytes are cut: for recorded traffic and
/// for other ways to a server than HTTP.
///
/// ```
/// use branchwork_core::{
///     config::Config,
///     provider::{Finish, ModelRequest, ProviderEvent},
/// };
/// use branchwork_providers::{Parser, Protocol};
///
/// let request = ModelRequest::new(Vec::new(), Config::default());
/// let mut parser = Parser::new(Protocol::Chat(Default::default()), &request);
/// parser.push(b"data: {\"choices\":[{\"delta\":{\"content\":\"Ro")?;
/// parser.push(b"me\"},\"finish_reason\":\"stop\"}]}\n\n")?;
/// parser.finish()?;
/// assert_eq!(parser.next(), Some(ProviderEvent::Started { model: None, response_id: None }));
/// assert_eq!(parser.next(), Some(ProviderEvent::Text("Rome".to_owned())));
/// assert_eq!(parser.next(), Some(ProviderEvent::Finished(Finish::Stop)));
/// assert_eq!(parser.next(), None);
/// # Ok::<(), branchwork_core::provider::ProviderError>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    framer: Framer,
    decoder: Box<dyn Decode>,
    events: Events,
}

impl Parser {
    /// Reads the answer to `request`, in `protocol`.
    pub fn new(protocol: Protocol, request: &ModelRequest) -> Self {
        let wire = protocol.wire();
        let reporter = Arc::new(Reporter::new(Vec::new(), "a recorded server".to_owned()));
        Self {
            framer: Framer::new(wire.framing()),
            decoder: wire.decoder(request, &reporter),
            events: Events::new(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// What the server says went wrong, or [`ProviderError::Malformed`]. Events before it can still be had;
    /// nothing more is to be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ProviderError> {
        let (decoder, events) = (&mut self.decoder, &mut self.events);
        self.framer.push(bytes, |frame| decoder.decode(frame, events))
    }

    /// The stream is over.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Truncated`] when the answer is not whole; else as for [`push`](Self::push).
    pub fn finish(&mut self) -> Result<(), ProviderError> {
        end_stream(&mut self.framer, &mut *self.decoder, &mut self.events)
    }

    /// Takes an answer that came in one piece, in place of a stream.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push).
    pub fn read_whole(&mut self, body: &[u8]) -> Result<(), ProviderError> {
        self.decoder.decode_whole(body, &mut self.events)
    }
}

impl Iterator for Parser {
    type Item = ProviderEvent;

    /// The next event of what was pushed.
    fn next(&mut self) -> Option<ProviderEvent> {
        self.events.pop_front()
    }
}

//! Counting the tokens of a request.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Basis, TokenCount, Tokenizer,
    estimate::{self, Letters},
};
use crate::{
    id::{MessageId, OpId},
    message::Message,
    provider::{ToolSpec, Usage},
};

/// Counts the tokens of requests to one model: what begins as a request that the provider measured has
/// what that had.
#[derive(Debug, Clone, Default)]
pub struct Gauge {
    measured: Option<Measured>,
    tokenizer: Option<Arc<dyn Tokenizer>>,
}

/// A request that the provider counted, and the answer it gave.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The messages, the answer last: what each was edited by tells whether it is still the same.
    messages: Vec<(MessageId, Option<OpId>)>,
    tools: Vec<ToolSpec>,
    schema: Option<Value>,
    tokens: u64,
}

impl Measured {
    /// That `answer` came for `sent` with `tools` and the schema it had to fit, and that the provider
    /// counted `usage`; `None` when it did not count what it read, or read nothing, as it gave an answer that
    /// was known. Thoughts are not sent again.
    pub fn new(
        sent: impl IntoIterator<Item = Arc<Message>>,
        answer: MessageId,
        (tools, schema): (&[ToolSpec], Option<&Value>),
        usage: Usage,
    ) -> Option<Self> {
        let written = usage.output_tokens.unwrap_or_default();
        let written = written.saturating_sub(usage.reasoning_tokens.unwrap_or_default());
        let read = usage.input_tokens.filter(|tokens| *tokens > 0)?;
        let tokens = read.saturating_add(written);
        let sent = sent.into_iter().map(|message| (message.id, message.edited));
        let messages = sent.chain([(answer, None)]).collect();
        Some(Self { messages, tools: tools.to_vec(), schema: schema.cloned(), tokens })
    }

    /// How many of `messages` it counted; none when they do not begin as it did.
    fn counted(
        &self,
        messages: &[Arc<Message>],
        (tools, schema): (&[ToolSpec], Option<&Value>),
    ) -> usize {
        let same = self.messages.iter().zip(messages);
        let is_same = |(known, message): &(&(MessageId, Option<OpId>), &Arc<Message>)| {
            **known == (message.id, message.edited)
        };
        let length = self.messages.len();
        let begins = messages.len() >= length && same.take_while(is_same).count() == length;
        let is_asked_so = self.tools == tools && self.schema.as_ref() == schema;
        if begins && is_asked_so { length } else { 0 }
    }
}

impl Gauge {
    /// Counts with what the provider measured, and with a tokenizer of the model, as far as there are
    /// such.
    pub fn new(measured: Option<Measured>, tokenizer: Option<Arc<dyn Tokenizer>>) -> Self {
        Self { measured, tokenizer }
    }

    /// Takes in what the provider measured since.
    pub fn measure(&mut self, measured: Measured) {
        self.measured = Some(measured);
    }

    /// How many tokens a request of `messages` has, with `tools` and the schema that the answer must fit.
    /// Looks at each message that the provider did not count.
    pub fn count(
        &self,
        messages: &[Arc<Message>],
        (tools, schema): (&[ToolSpec], Option<&Value>),
    ) -> TokenCount {
        let measured = self.measured.as_ref();
        let counted = measured.map_or(0, |measured| measured.counted(messages, (tools, schema)));
        let mut tokens = measured.filter(|_| counted > 0).map_or(0, |measured| measured.tokens);
        let rest = messages.get(counted..).unwrap_or_default();
        let (tokenizer, basis): (&dyn Tokenizer, _) = match &self.tokenizer {
            Some(tokenizer) => (&**tokenizer, Basis::Tokenizer),
            None => (&Letters, Basis::Estimated),
        };
        if counted == 0 {
            tokens += estimate::tools(tools, tokenizer);
            tokens += schema.map_or(0, |schema| estimate::json(schema, tokenizer));
        }
        tokens += rest.iter().map(|message| estimate::message(message, tokenizer)).sum::<u64>();
        let basis = if counted > 0 && rest.is_empty() { Basis::Measured } else { basis };
        TokenCount { tokens, basis }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Timestamp,
        message::{Body, Draft},
    };

    const NONE: (&[ToolSpec], Option<&Value>) = (&[], None);

    /// One token a letter.
    #[derive(Debug)]
    struct Each;

    impl Tokenizer for Each {
        fn count(&self, text: &str) -> u64 {
            text.chars().count() as u64
        }
    }

    fn said(number: u128, body: Body) -> Arc<Message> {
        let at = Timestamp::from_micros(0);
        Arc::new(Draft::new(body).into_message(OpId::from_bits(number << 32), at))
    }

    #[test]
    fn what_is_measured_counts_first_then_the_tokenizer_then_letters() {
        let messages = [
            said(1, Body::instruction("Rome?")),
            said(2, Body::response("Rome.")),
            said(3, Body::instruction("Why now?")),
        ];
        let none = Gauge::default().count(&messages, NONE);
        assert_eq!(none, TokenCount { tokens: 2 + 2 + 2 + 3 * 4, basis: Basis::Estimated });
        let tokenizer: Option<Arc<dyn Tokenizer>> = Some(Arc::new(Each));
        let counted = Gauge::new(None, tokenizer.clone()).count(&messages, NONE);
        assert_eq!(counted, TokenCount { tokens: 5 + 5 + 8 + 12, basis: Basis::Tokenizer });
        let usage = Usage { input_tokens: Some(40), output_tokens: Some(2), ..Usage::default() };
        let measured = Measured::new([Arc::clone(&messages[0])], messages[1].id, NONE, usage);
        let gauge = Gauge::new(measured.clone(), tokenizer.clone());
        assert_eq!(
            gauge.count(&messages[..2], NONE),
            TokenCount { tokens: 42, basis: Basis::Measured }
        );
        let more = TokenCount { tokens: 42 + 8 + 4, basis: Basis::Tokenizer };
        assert_eq!(gauge.count(&messages, NONE), more);
        // What was edited, or goes with other tools, was not measured.
        let op = OpId::from_bits(9 << 32);
        let edited = Message { edited: Some(op), ..(*messages[0]).clone() };
        let edited = [Arc::new(edited), Arc::clone(&messages[1])];
        assert_eq!(gauge.count(&edited, NONE).basis, Basis::Tokenizer);
        let spec = ToolSpec { name: "a".into(), description: "b".into(), parameters: 1.into() };
        let offered = gauge.count(&messages[..1], (&[spec], None));
        assert_eq!(offered, TokenCount { tokens: 5 + 4 + 3 + 4, basis: Basis::Tokenizer });
        assert!(Measured::new([], messages[1].id, NONE, Usage::default()).is_none());
        let nothing = Usage { input_tokens: Some(0), output_tokens: Some(0), ..usage };
        assert!(Measured::new([], messages[1].id, NONE, nothing).is_none());
        assert_eq!(Letters.count("äあa"), 3);
    }
}

//! Answers of a type.

use std::{fmt, marker::PhantomData, pin::Pin};

use branchwork_core::config::Change;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Chat, Options, event::Reply};
use crate::{
    branch::Branch,
    error::{Error, Result},
    tools::{misfit, schema_of},
};

/// How often the model is told what is wrong unless it is said otherwise.
pub(crate) const REPAIRS: u32 = 2;

/// A question whose answer is a value of a type: `.await` it.
///
/// The provider is given the schema of the type. An answer that does not fit stays in the history, and
/// the model is told what is wrong with it and asked again, a few times at most.
#[must_use = "a model is asked when it is awaited"]
pub struct Extract<T> {
    chat: Chat,
    repairs: u32,
    value: PhantomData<fn() -> T>,
}

/// A value that a model gave.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Extracted<T> {
    /// The value.
    pub value: T,
    /// The answer that held it.
    pub reply: Reply,
    /// How often the model had to be told what was wrong.
    pub repairs: u32,
}

impl<T> fmt::Debug for Extract<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Extract");
        debug.field("chat", &self.chat).field("repairs", &self.repairs).finish()
    }
}

impl Chat {
    /// Wants the answer as a value of `T`. Its schema follows from the type, as with
    /// [tools](crate::tools::FunctionTool::new).
    ///
    /// # Errors
    ///
    /// [`Error::NotExtracted`] when no answer fits; what was said stays in the history. Else as for the
    /// chat.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// # use std::sync::Arc;
    /// # use branchwork_testkit::{Script, ScriptedProvider};
    /// # use branchwork::{Engine, tools::schemars::{self, JsonSchema}};
    /// # let answer = |_: &_| Script::text(r#"{"name":"Rome","days":3}"#);
    /// # let provider = Arc::new(ScriptedProvider::answering(answer));
    /// # let session = Engine::in_memory().session("trip").provider("local", provider).model("tiny");
    /// # let main = session.create().await?.default_branch();
    /// #[derive(serde::Deserialize, JsonSchema)]
    /// struct Trip {
    ///     /// Where to go.
    ///     name: String,
    ///     /// For how long.
    ///     days: u8,
    /// }
    ///
    /// let trip = main.chat("Plan a short trip.").extract::<Trip>().await?.value;
    /// assert_eq!((trip.name.as_str(), trip.days), ("Rome", 3));
    /// # Ok(()) }
    /// ```
    pub fn extract<T: DeserializeOwned + JsonSchema>(self) -> Extract<T> {
        Extract { chat: self.wanting::<T>(), repairs: REPAIRS, value: PhantomData }
    }
}

impl Chat {
    /// Gives the provider the schema of `T`.
    pub(crate) fn wanting<T: JsonSchema>(mut self) -> Self {
        self.options.config.response_schema = Change::Set(schema_of::<T>());
        self
    }
}

impl<T: DeserializeOwned + JsonSchema> Extract<T> {
    /// Tells the model what is wrong with its answer so many times at most.
    pub const fn with_repairs(mut self, repairs: u32) -> Self {
        self.repairs = repairs;
        self
    }

    async fn run(self) -> Result<Extracted<T>> {
        let Self { chat, repairs: most, .. } = self;
        // The system message stays: it is said once.
        let (branch, options) =
            (chat.branch.clone(), Options { system: None, ..chat.options.clone() });
        let mut reply = chat.await?;
        let mut repairs = 0;
        loop {
            let problem = match read::<T>(&reply.text) {
                Ok(value) => return Ok(Extracted { value, reply, repairs }),
                Err(problem) => problem,
            };
            // An answer that calls tools, or was cut short by a limit, is not mended by words.
            if repairs == most || reply.limit.is_some() || !reply.calls().is_empty() {
                return Err(Error::NotExtracted { problem, answer: reply.message.id });
            }
            repairs += 1;
            reply = again(&branch, options.clone(), &problem).await?;
        }
    }
}

async fn again(branch: &Branch, options: Options, problem: &str) -> Result<Reply> {
    Chat { options, ..Chat::ask(branch.clone(), correction(problem)) }.await
}

/// What a model is told whose answer does not fit.
pub(crate) fn correction(problem: &str) -> String {
    format!("That answer does not fit: {problem}\nAnswer with the corrected JSON only.")
}

/// The value that `text` is, or what is wrong with it, for the model.
pub(crate) fn read<T: DeserializeOwned + JsonSchema>(text: &str) -> Result<T, String> {
    let value: Value =
        serde_json::from_str(unfenced(text)).map_err(|error| format!("it is not JSON: {error}"))?;
    let schema = schema_of::<T>();
    let validator = jsonschema::validator_for(&schema);
    let validator = validator.map_err(|error| format!("the schema cannot be used: {error}"))?;
    match misfit(&validator, &value) {
        Some(problems) => Err(problems),
        None => serde_json::from_value(value).map_err(|error| error.to_string()),
    }
}

/// What is in a block of code, when a model wrote one around its answer.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    inside.map_or(text, |inside| inside.strip_prefix("json").unwrap_or(inside).trim())
}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> IntoFuture for Extract<T> {
    type Output = Result<Extracted<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

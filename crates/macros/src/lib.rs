//! The attribute [`macro@tool`], which `branchwork` exports as `branchwork::tool`. Depend on that one.

mod expand;
mod function;
mod options;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a tool of a function: afterwards its name is that of a function that gives a
/// [`FunctionTool`](https://docs.rs/branchwork/latest/branchwork/tools/struct.FunctionTool.html), to be
/// registered.
///
/// - The comment of the function is what the model is told of it, and must be there.
/// - The parameters are the arguments of a call. Their comments are descriptions, their types the
///   schema; attributes of serde and schemars hold as for fields of a struct: `#[serde(default)]` for
///   what may be left out. An argument that no parameter has is refused.
/// - A parameter of type `ToolContext` is told which call it is.
/// - A parameter marked `#[given]` is given when the tool is made, and cloned for each call.
/// - It returns `Result<R, ToolError>`, where `R` can be serialized.
/// - An `async` function runs among others; any other one on a thread that may block.
///
/// # Options
///
/// | option | meaning |
/// |---|---|
/// | `name = "…"` | what the model calls it; without it, the name of the function |
/// | `effect = Pure` | what a call does to the world: `Pure`, `Idempotent`, or `AtMostOnce` when this is not said |
/// | `ask` | a person is asked before a call runs |
/// | `serial` | the calls of one answer run one after the other |
/// | `timeout = …` | how long a call may take: an expression of type `Duration` |
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
/// use std::{collections::BTreeMap, sync::Arc};
///
/// use branchwork::{Engine, tool, tools::ToolError};
///
/// /// Finds what a word means.
/// #[tool(effect = Pure)]
/// async fn define(
///     #[given] words: Arc<BTreeMap<String, String>>,
///     /// The word, in lower case.
///     word: String,
/// ) -> Result<String, ToolError> {
///     words.get(&word).cloned().ok_or_else(|| ToolError::new("nobody knows"))
/// }
///
/// let words = BTreeMap::from([("fork".to_owned(), "a way that parts".to_owned())]);
/// let session = Engine::in_memory().session("words").create().await?;
/// session.register(define(Arc::new(words)))?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// What cannot be a tool does not compile, and the message says what would be right.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(options.into(), item.into())
        .unwrap_or_else(|error| error.to_compile_error())
        .into()
}

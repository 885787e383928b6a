//! The tools of a branch.

use super::Branch;
use crate::{
    error::Result,
    tools::{Tool, ToolSource, Tools},
};

impl Branch {
    /// The tools that are registered on it: its own, else those of its session. A snapshot.
    ///
    /// They live in this process: what is stored of a branch are the names that its configuration
    /// offers.
    pub fn tools(&self) -> Tools {
        self.engine.tool_sets().of_branch(self.session, self.id)
    }

    /// Registers a tool on this branch, and on no other. A later fork has it too.
    ///
    /// # Errors
    ///
    /// [`Error::Register`](crate::Error::Register): there is one of its name, or its name or
    /// schema cannot be used.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, tools::{FunctionTool, ToolError}};
    ///
    /// let main = Engine::in_memory().session("trip").create().await?.default_branch();
    /// let shout = |word: String| async move { Ok::<_, ToolError>(word.to_uppercase()) };
    /// # #[derive(serde::Deserialize, branchwork::tools::schemars::JsonSchema)]
    /// # #[schemars(crate = "branchwork::tools::schemars")]
    /// # struct Shout { word: String }
    /// # let shout = move |args: Shout| shout(args.word);
    /// main.register(FunctionTool::new("shout", "Says it loudly.", shout))?;
    /// assert!(main.tools().contains("shout"));
    /// # Ok(()) }
    /// ```
    pub fn register(&self, tool: impl Tool) -> Result<()> {
        Ok(self.engine.tool_sets().own(self.session, self.id).register(tool)?)
    }

    /// Registers a tool in place of the one of its name, when there is one.
    ///
    /// # Errors
    ///
    /// [`Error::Register`](crate::Error::Register): its name or schema cannot be used.
    pub fn replace_tool(&self, tool: impl Tool) -> Result<()> {
        Ok(self.engine.tool_sets().own(self.session, self.id).replace(tool)?)
    }

    /// Takes a tool off this branch.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of that name.
    pub fn remove_tool(&self, name: &str) -> Result<()> {
        self.engine.tool_sets().own(self.session, self.id).take(name)
    }

    /// Registers the tools of a source on this branch, and on no other; a later fork has them too. When the
    /// source has others, the next turn has those.
    ///
    /// # Errors
    ///
    /// [`Error::Register`](crate::Error::Register), as [`Tools::register_source`] says.
    pub fn register_source(&self, source: impl ToolSource) -> Result<()> {
        Ok(self.engine.tool_sets().own(self.session, self.id).register_source(source)?)
    }

    /// Takes a source and its tools off this branch.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`](crate::Error::NotFound) when there is none of that name.
    pub fn remove_source(&self, name: &str) -> Result<()> {
        self.engine.tool_sets().own(self.session, self.id).take_source(name)
    }
}

//! Summaries that stand for messages.

use branchwork_core::{
    id::MessageId,
    message::{Body, Draft},
};

use super::Branch;
use crate::error::Result;

impl Branch {
    /// Lets `summary` stand for the messages from `first` to `last`, from here on: turn groups go as a
    /// whole, system messages stay. Answers the identifier of the summary, which is that of the first
    /// message it stands for.
    ///
    /// The messages stay in the history, and [`unfold`](Self::unfold) brings them back, as `undo` does. A
    /// model is shown the summary as an instruction.
    ///
    /// # Errors
    ///
    /// [`Error::Change`](crate::Error::Change) when one of the two is not on this branch, or there is
    /// nothing between them that can be folded; [`Error::Draft`](crate::Error::Draft); else as for
    /// [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the fold undone or done.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> branchwork::Result<()> {
    /// use branchwork::{Engine, core::message::{Body, Draft}};
    ///
    /// let main = Engine::in_memory().session("trip").create().await?.default_branch();
    /// let said = ["Rome?", "Or Oslo?", "Rome."].map(|text| Draft::new(Body::instruction(text)));
    /// let ids = main.append_all(said.into()).await?.messages;
    /// let summary = main.fold(ids[0], ids[1], "They wonder where to go.").await?;
    /// assert_eq!(main.view().await?.len(), 2);
    /// assert_eq!(main.view().await?.folded(summary).into_iter().flatten().count(), 2);
    /// main.unfold(summary).await?;
    /// assert_eq!(main.view().await?.len(), 3);
    /// # Ok(()) }
    /// ```
    pub async fn fold(
        &self,
        first: MessageId,
        last: MessageId,
        summary: impl Into<String> + Send,
    ) -> Result<MessageId> {
        let summary = summary.into();
        Draft::new(Body::instruction(summary.as_str())).check()?;
        let (id, _) = self.write(|step| Ok(step.fold(first, last, summary)?)).await?;
        Ok(id)
    }

    /// Lets the messages stand again that `summary` stands for. What was edited of the summary goes with
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::Change`](crate::Error::Change) when it is no summary that stands on this branch; else as for
    /// [`append`](Self::append).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the fold as it is or taken back.
    pub async fn unfold(&self, summary: MessageId) -> Result<()> {
        let ((), _) = self.write(|step| Ok(step.unfold(summary)?)).await?;
        Ok(())
    }
}

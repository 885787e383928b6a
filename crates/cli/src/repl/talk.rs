//! A talk: where it is, and what its commands do.

use branchwork::{BaseBranch as _, Branch, Chat, Session, TurnEvent, core::config::ConfigPatch};
use futures_util::StreamExt as _;

use super::command::Command;
use crate::{
    args::Wish,
    commands::{
        ask::stopped,
        diff, draw_tree,
        mail::{self, Intake},
        merge,
    },
    exit::Failure,
    mcp::Offered,
    output::{self, print_message},
    provider::{self, Target},
    world::World,
};

/// Where a talk is.
pub(super) struct Talk<'a> {
    world: &'a World,
    session: Session,
    branch: Branch,
    wish: Wish,
    /// The tools that are offered, when any are asked for.
    offered: Option<Offered>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        world: &'a World,
        session: Session,
        branch: Branch,
        (wish, offered): (Wish, Option<Offered>),
    ) -> Self {
        Self { world, session, branch, wish, offered }
    }

    /// What stands before the line a person types.
    pub(super) async fn prompt(&self) -> Result<String, Failure> {
        Ok(format!("{}> ", self.branch.record().await?.name))
    }

    /// Asks the model.
    pub(super) async fn say(&self, text: &str) -> Result<(), Failure> {
        self.answer(self.branch.chat(text)).await
    }

    pub(super) async fn command(&mut self, command: Command) -> Result<(), Failure> {
        match command {
            Command::Fork(name) => self.fork(name).await,
            Command::Switch(name) => {
                self.branch = self.session.branch(&name).await?;
                Ok(())
            }
            Command::Tree => self.tree().await,
            Command::Log(count) => self.log(count).await,
            Command::Rewind(to) => self.rewind(to).await,
            Command::Diff(other) => self.diff(&other).await,
            Command::Merge(other) => self.merge(&other).await,
            Command::Undo => self.branch.undo().await.map(drop).map_err(Failure::from),
            Command::Redo => self.branch.redo().await.map(drop).map_err(Failure::from),
            Command::Retry => self.answer(self.branch.retry()).await,
            Command::Edit(text) => self.edit(text).await,
            Command::Mail => self.mail().await,
            Command::Receive => self.receive().await,
            Command::Model(model) => self.model(model).await,
            Command::System(text) => self.system(text).await,
            // Done by the loop.
            Command::Help | Command::Exit => Ok(()),
        }
    }

    /// Shows the answer as it comes. Ctrl-C stops it; what had come is kept.
    async fn answer(&self, chat: Chat) -> Result<(), Failure> {
        let config = self.chosen(&self.wish).await?;
        let chat = match &self.offered {
            Some(offered) => chat.with_tools(offered.selection(&self.session)),
            None => chat,
        };
        let mut stream = chat.with_config(config).stream();
        let mut stop = Box::pin(stopped());
        let mut in_line = false;
        loop {
            let event = tokio::select! {
                event = stream.next() => event,
                () = &mut stop => break,
            };
            match event {
                Some(Ok(event)) => self.show(&event, &mut in_line)?,
                Some(Err(error)) => {
                    end_line(in_line)?;
                    return Err(error.into());
                }
                None => return end_line(in_line),
            }
        }
        let part = stream.interrupt().await?;
        end_line(in_line)?;
        if part.is_some() {
            self.world.note("interrupted; the part is kept, /undo takes it back");
        }
        Ok(())
    }

    /// Shows an event; `in_line` says whether text stands on the line that is being written.
    fn show(&self, event: &TurnEvent, in_line: &mut bool) -> Result<(), Failure> {
        if let TurnEvent::Text(text) = event {
            output::piece(text)?;
            *in_line = !text.ends_with('\n');
        }
        let lines = output::call_lines(event);
        if !lines.is_empty() {
            end_line(std::mem::take(in_line))?;
        }
        self.world.notes(&lines);
        Ok(())
    }

    /// Whom `wish` asks on this branch.
    async fn target(&self, wish: &Wish) -> Result<Target, Failure> {
        let own = self.branch.view().await?.config().clone();
        provider::resolve(&self.world.config, wish, Some(&own)).await
    }

    /// The same, registered, as the configuration that asks it.
    async fn chosen(&self, wish: &Wish) -> Result<ConfigPatch, Failure> {
        let target = self.target(wish).await?;
        Ok(target.register(self.session.engine(), ConfigPatch::default()))
    }

    async fn fork(&mut self, name: Option<String>) -> Result<(), Failure> {
        let fork = match name {
            Some(name) => self.branch.fork(name),
            None => self.branch.fork_unnamed(),
        };
        self.branch = fork.await?;
        Ok(())
    }

    async fn tree(&self) -> Result<(), Failure> {
        let branches = self.session.branches().await?;
        for line in draw_tree(&branches, self.branch.id()) {
            output::line(&line)?;
        }
        Ok(())
    }

    async fn log(&self, count: usize) -> Result<(), Failure> {
        for message in self.branch.page(count).await? {
            print_message(&message, self.world.paint)?;
        }
        Ok(())
    }

    async fn rewind(&self, to: Option<String>) -> Result<(), Failure> {
        match to.as_deref().map_or(Ok(2), str::parse::<usize>) {
            Ok(count) => {
                self.branch.rollback(count).await?;
            }
            Err(_not_a_number) => {
                let message = self.branch.message(&to.unwrap_or_default()).await?;
                self.branch.rewind(message.id).await?;
            }
        }
        self.log(1).await
    }

    async fn diff(&self, other: &str) -> Result<(), Failure> {
        let other = self.session.branch(other).await?;
        diff::print(self.world, &self.session, (&self.branch, &other)).await
    }

    async fn merge(&self, other: &str) -> Result<(), Failure> {
        let other = self.session.branch(other).await?;
        let merged = self.session.merge(&other).into(&self.branch).await?;
        merge::print_merged(self.world, &self.branch, &merged).await
    }

    /// Changes the last question and asks it again, in one step: an undo brings both back.
    async fn edit(&self, text: String) -> Result<(), Failure> {
        self.answer(self.branch.retry().with_text(text)).await
    }

    async fn mail(&self) -> Result<(), Failure> {
        let inbox = self.branch.inbox().await?;
        if inbox.is_empty() {
            self.world.note(mail::NONE_WAITS);
        }
        mail::print_list(self.world, &self.session, &inbox).await
    }

    /// Takes in what waits; what cannot be taken in is a failure.
    async fn receive(&self) -> Result<(), Failure> {
        let place = (&self.session, &self.branch);
        let intake = Intake::of(self.world, place, self.branch.receive()).await?;
        intake.print(self.world, &self.session.branch_names().await?)?;
        intake.check()
    }

    async fn model(&mut self, model: Option<String>) -> Result<(), Failure> {
        let Some(model) = model else {
            let target = self.target(&self.wish).await?;
            return Ok(output::line(&format!("{}:{}", target.provider, target.model))?);
        };
        let wish = Wish { model: Some(model), ..self.wish.clone() };
        self.branch.configure(self.chosen(&wish).await?).await?;
        // From here on the branch says which model, not the command line.
        self.wish.model = None;
        Ok(())
    }

    async fn system(&self, text: Option<String>) -> Result<(), Failure> {
        match text {
            Some(text) => drop(self.branch.set_system(&text).await?),
            None => match self.branch.first_system().await? {
                Some(current) => output::line(&current.text())?,
                None => output::line("(none)")?,
            },
        }
        Ok(())
    }
}

fn end_line(in_line: bool) -> Result<(), Failure> {
    if in_line {
        output::piece("\n")?;
    }
    Ok(())
}

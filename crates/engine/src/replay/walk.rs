//! Having the turns of a branch again, with what was logged of them.

use std::sync::Arc;

use branchwork_core::{
    graph::{Extent, Op, OpKind, Step},
    id::MessageId,
    message::{Body, Message},
    tool::{ToolChoice, ToolSelection},
    turn::TurnLimits,
};
use futures_util::StreamExt as _;
use tokio::sync::oneshot;

use super::{
    acts::{Act, Kind, Round, Turn},
    branch::{Copied, Replayed},
    difference,
    drift::{Drift, Mode},
    prompter::Prompter,
    stage::{Stage, draft_of, extent},
};
use crate::{
    chat::{Chat, TurnEvent},
    error::{Error, Result},
    session::Session,
};

/// A replay that goes on.
pub(super) struct Walk {
    stage: Stage,
    prompter: Arc<Prompter>,
    mode: Mode,
    pub(super) replayed: Replayed,
}

/// How a chat ended.
enum Ended {
    Done,
    Parked,
    /// It could not begin.
    Refused(String),
}

impl Walk {
    pub(super) fn new(session: Session, prompter: Arc<Prompter>, mode: Mode) -> Self {
        let stage = Stage::new(session.default_branch());
        let replayed = Replayed {
            session,
            turns: 0,
            calls: 0,
            messages: 0,
            copied: Vec::new(),
            drifts: Vec::new(),
        };
        Self { stage, prompter, mode, replayed }
    }

    /// Does one step again; `is_wanted` says whether it is compared.
    pub(super) async fn act(&mut self, act: Act, is_wanted: bool) -> Result<()> {
        let Act { ops, ends, kind } = act;
        match kind {
            Kind::Turn(turn) if is_wanted && self.can_have(&ops, &turn).await? => {
                self.have(&ops, turn).await?;
            }
            Kind::Turn(_) if is_wanted => {
                self.copy(&ops, ends, "its instruction is not the last one").await?;
            }
            Kind::Copied(why) if is_wanted => self.copy(&ops, ends, why).await?,
            _ => self.write(&ops, extent(&ops, 0, ends)).await?,
        }
        match self.mode {
            Mode::Strict => self.check(),
            Mode::Drift => Ok(()),
        }
    }

    /// Fails with what differed first.
    fn check(&mut self) -> Result<()> {
        if self.replayed.drifts.is_empty() {
            return Ok(());
        }
        let drift = Box::new(self.replayed.drifts.swap_remove(0));
        Err(Error::ReplayDiffers { drift })
    }

    async fn write(&mut self, ops: &[Op], extent: Extent) -> Result<()> {
        let drifts = self.stage.write(ops, extent).await?;
        self.replayed.drifts.extend(drifts);
        Ok(())
    }

    /// Writes a turn as it is, and compares what is asked in it.
    async fn copy(&mut self, ops: &[Op], ends: bool, why: &'static str) -> Result<()> {
        let prompter = Arc::clone(&self.prompter);
        let index_of = |op: &Op| {
            let (tape, answer) = (prompter.tape(), op.id.into());
            tape.index_of(answer).or_else(|| tape.index_of_sibling(answer))
        };
        let mut rest = ops;
        while !rest.is_empty() {
            if let Some(index) = rest.first().and_then(index_of) {
                self.compare(index).await?;
            }
            let length = 1 + rest.iter().skip(1).take_while(|op| index_of(op).is_none()).count();
            let Some((part, more)) = rest.split_at_checked(length) else { break };
            let written = ops.len() - rest.len();
            let extent = extent(ops, written, ends && more.is_empty());
            self.write(part, extent).await?;
            rest = more;
        }
        if let Some(first) = ops.iter().find_map(|op| op.kind.as_message()) {
            self.replayed.copied.push(Copied { first: first.id, why });
        }
        Ok(())
    }

    /// Compares what would be asked now with a call that is logged.
    async fn compare(&mut self, index: usize) -> Result<()> {
        let Some(entry) = self.prompter.tape().entry(index) else { return Ok(()) };
        let asked = self.stage.request(&entry.record.call.request).await?;
        self.prompter.compare(index, &asked);
        self.replayed.calls += 1;
        self.replayed.drifts.extend(self.prompter.take_drifts());
        Ok(())
    }

    /// Whether the turn comes to be had behind what came out so far: a turn whose instruction was written
    /// earlier can be when nothing was said since.
    async fn can_have(&self, ops: &[Op], turn: &Turn) -> Result<bool> {
        if ops.iter().take(turn.opening).any(|op| is_instruction(op).is_some()) {
            return Ok(true);
        }
        let view = self.stage.branch.view().await?;
        let is_kept = |message: &Message| {
            let is_taken = |op: &Op| match &op.kind {
                OpKind::Remove { targets } => targets.iter().any(|id| self.stage.is(*id, message)),
                _ => false,
            };
            !ops.iter().take(turn.opening).any(is_taken)
        };
        let last = view.messages().rev().find(|message| is_kept(message));
        Ok(last.is_some_and(|last| matches!(last.body, Body::Instruction { .. })))
    }

    /// Has a turn again, and compares what comes out.
    async fn have(&mut self, ops: &[Op], turn: Turn) -> Result<()> {
        let Turn { opening, rounds } = turn;
        let rounds = Arc::new(rounds);
        self.prompter.begin(Arc::clone(&rounds));
        let (opening, _) = ops.split_at_checked(opening).unwrap_or((ops, &[]));
        let mut expected = ops.iter().filter_map(|op| op.kind.as_message());
        let mut chat = if let Some(chat) = self.begin(opening) {
            chat
        } else {
            self.write(opening, Extent::Beginning).await?;
            let written = opening.iter().filter(|op| op.kind.as_message().is_some()).count();
            expected.by_ref().take(written).for_each(drop);
            self.stage.branch.resume()
        };
        loop {
            let ended = self.read(self.with_options(chat, &rounds)).await?;
            self.pair(&mut expected).await?;
            match ended {
                Ended::Done => break,
                Ended::Refused(problem) => {
                    let refused = ops.first().map(|op| Drift::Refused { op: op.id, problem });
                    self.replayed.drifts.extend(refused);
                    break;
                }
                Ended::Parked => {
                    self.write(&self.prompter.approvals(), Extent::Middle).await?;
                    chat = self.stage.branch.resume();
                }
            }
        }
        self.prompter.end();
        self.replayed.drifts.extend(self.prompter.take_drifts());
        let unsaid = expected.map(|message| Drift::Unsaid { message: message.id });
        self.replayed.drifts.extend(unsaid);
        self.replayed.turns += 1;
        self.replayed.calls += rounds.iter().filter(|round| round.call.is_some()).count();
        Ok(())
    }

    /// The chat that begins with what `opening` says, when one does.
    fn begin(&self, opening: &[Op]) -> Option<Chat> {
        let branch = self.stage.branch.clone();
        let begins = |op: &Op| op.step == Step::Opens;
        match opening {
            [] => Some(branch.retry()),
            [op] if begins(op) => Some(Chat::say(branch, draft_of(is_instruction(op)?))),
            [system, op] if begins(system) => {
                let text = match &system.kind {
                    OpKind::Lead(message) => message.text(),
                    OpKind::Edit { body: Body::System { text }, .. } => text.clone(),
                    _ => return None,
                };
                Some(Chat::say(branch, draft_of(is_instruction(op)?)).with_system(text))
            }
            _ => None,
        }
    }

    /// `chat` as it was asked when `rounds` came of it.
    fn with_options(&self, chat: Chat, rounds: &[Round]) -> Chat {
        let tape = self.prompter.tape();
        let request = |round: Option<&Round>| {
            let entry = round.and_then(|round| tape.entry(round.call?))?;
            Some(&entry.record.call.request)
        };
        let Some(first) = request(rounds.first()) else {
            return chat.with_tools(ToolSelection::None);
        };
        let last_choice = request(rounds.last()).map(|request| &request.tool_choice);
        let names: Vec<_> = first.tools.iter().map(|tool| tool.name.clone()).collect();
        let tools =
            if names.is_empty() { ToolSelection::None } else { ToolSelection::Named(names) };
        let prompter = Arc::clone(&self.prompter);
        let mut chat = chat
            .with_tools(tools)
            .with_tool_choice(first.tool_choice.clone())
            .with_choices(first.choices)
            .with_policy(move |call, _| prompter.judge(call))
            .with_limits(limits(rounds, (&first.tool_choice, last_choice)));
        if let Some(config) = &first.config {
            chat = chat.with_config((**config).clone());
        }
        if let Some(kept) = first.results_kept {
            chat = chat.with_results_kept(kept);
        }
        if first.stream { chat } else { chat.in_one_piece() }
    }

    /// Reads a chat to its end, and stops it where it was stopped.
    async fn read(&self, chat: Chat) -> Result<Ended> {
        let mut stream = chat.stream();
        // A message that nobody waits for is not said.
        let mut waiting = Vec::new();
        loop {
            tokio::select! {
                biased;
                event = stream.next() => match event {
                    None => return Ok(Ended::Done),
                    Some(Ok(TurnEvent::Called(_))) => waiting.extend(self.steer()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return ended(error),
                },
                () = self.prompter.paused() => break,
            }
        }
        match stream.interrupt().await {
            Ok(_) => Ok(Ended::Done),
            Err(error) => ended(error),
        }
    }

    /// Says what was said while the calls of the round ran.
    fn steer(&self) -> Vec<oneshot::Receiver<MessageId>> {
        let steering = self.stage.branch.steering();
        let drafts = self.prompter.heard();
        drafts.into_iter().filter_map(|draft| steering.join(draft)).collect()
    }

    /// Compares what came out with what is expected.
    async fn pair<'a>(&mut self, expected: &mut impl Iterator<Item = &'a Message>) -> Result<()> {
        self.replayed.drifts.extend(self.prompter.take_drifts());
        let mut after = None;
        for out in self.stage.came_out().await? {
            let Some(source) = expected.next() else {
                self.replayed.drifts.push(Drift::Added { after });
                continue;
            };
            self.replayed.messages += 1;
            let place = difference::place(source, &out);
            let differs = place.map(|place| Drift::Said { message: source.id, place });
            self.replayed.drifts.extend(differs);
            self.stage.pair(source.id, out.id);
            after = Some(source.id);
        }
        Ok(())
    }
}

fn is_instruction(op: &Op) -> Option<&Message> {
    op.kind.as_message().filter(|message| matches!(message.body, Body::Instruction { .. }))
}

/// How far a turn of these rounds may go.
fn limits(rounds: &[Round], choices: (&ToolChoice, Option<&ToolChoice>)) -> TurnLimits {
    let count = u32::try_from(rounds.len()).unwrap_or(u32::MAX);
    let had_to_answer = matches!(
        choices,
        (ToolChoice::Auto | ToolChoice::Required | ToolChoice::Named(_), Some(ToolChoice::None))
    );
    let limits = TurnLimits::new();
    if count > 1 && had_to_answer {
        return limits.with_rounds(count).with_final_answer();
    }
    // Results that no answer follows are where the turn had to end.
    let is_limited = rounds.last().is_some_and(|last| !last.outcomes.is_empty());
    limits.with_rounds(if is_limited { count } else { u32::MAX })
}

/// How a chat ended that ended with `error`.
fn ended(error: Error) -> Result<Ended> {
    match error {
        Error::Parked { .. } => Ok(Ended::Parked),
        // What had come is kept, and compared.
        Error::Provider(_)
        | Error::EmptyAnswer
        | Error::Interrupted
        | Error::OutOfTime { .. }
        | Error::TooLong { .. } => Ok(Ended::Done),
        Error::Store(_) | Error::Conflict(_) => Err(error),
        error => Ok(Ended::Refused(error.to_string())),
    }
}

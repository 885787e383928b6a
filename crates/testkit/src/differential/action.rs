//! What can happen in a random history.

use proptest::{collection::vec, prelude::*};

/// One thing that happens. Numbers choose among what is there then; what cannot be done is left
/// out.
#[derive(Debug, Clone)]
pub enum Action {
    /// Makes a session, with one of a few names or none.
    CreateSession(u8),
    /// Gives a session one of a few names, or none.
    RenameSession(u8, u8),
    /// Archives a session, or takes it out.
    ArchiveSession(u8, bool),
    /// Says what the new branches of a session begin with.
    SetDefaults(u8, u8),
    /// Deletes a session.
    DeleteSession(u8),
    /// Appends a step to a branch.
    Append(u8, Vec<Piece>),
    /// Appends a step that begins a stretch of its own behind the first op.
    AppendAcross(u8, Vec<Piece>),
    /// Appends to two branches of one session in one commit.
    AppendBoth(u8, u8, Vec<Piece>),
    /// Forks a branch some ops before its head, and perhaps appends to the fork at once.
    Fork(u8, u8, Vec<Piece>),
    /// Gives a branch one of a few names.
    RenameBranch(u8, u8),
    /// Makes a branch the default one.
    SetDefault(u8),
    /// Deletes a branch, perhaps with an heir.
    DeleteBranch(u8, u8),
    /// Moves a head some ops back.
    Rewind(u8, u8),
    /// Moves a head to a place in the reflog of any branch of its session.
    Restore(u8, u8),
    /// Moves a head to the end of its own stretch.
    Redo(u8),
    /// Appends behind a head that is not where the branch is.
    Stale(u8, u8),
    /// Appends to a branch in the stretch of another one, or at a place that is taken.
    Trespass(u8, u8),
    /// Changes mail of the session of a branch.
    Mail(u8, Vec<MailPiece>),
    /// Takes in some of the mail that waits for a branch.
    Receive(u8, u8),
    /// Commits an earlier commit again.
    Repeat(u8),
    /// Sets the clock some seconds on, or back when negative.
    Clock(i8),
    /// Collects.
    Collect,
}

/// One change of mail. Branches may be those of other sessions, and gone.
#[derive(Debug, Clone)]
pub enum MailPiece {
    /// Sends one of a few packages from a branch to as many branches, in one of a few ways.
    Send(u8, u8, u8),
    /// Moves a delivery from where it is, or elsewhere, to one of the places.
    Move(u8, u8),
    /// Gives a delivery to a branch.
    Readdress(u8, u8),
}

/// One part of a step.
#[derive(Debug, Clone)]
pub enum Piece {
    /// An instruction: one of a few texts.
    Say(u8),
    /// An answer.
    Answer(u8),
    /// A call of a tool.
    Call(u8),
    /// The result of an open call.
    Result(u8),
    /// What came of the last open call, noted.
    Note(u8),
    /// A system message: the one there is, or one before all others.
    System(u8),
    /// An edit of one of the messages.
    Edit(u8, u8),
    /// A removal of one of the messages.
    Remove(u8),
    /// A summary in the place of some messages.
    Fold(u8, u8),
    /// What one of the messages stood for.
    Unfold(u8),
    /// A question whether the last open call may run.
    Ask,
    /// An answer to such a question, by one of a few means.
    Answered(u8),
    /// A change of the configuration.
    Configure(u8),
    /// What a step of a flow gave.
    Done(u8),
}

/// Histories.
pub fn actions() -> impl Strategy<Value = Vec<Action>> {
    vec(action(), 1..48)
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        30 => sessions_and_branches(),
        60 => appends(),
        30 => moves(),
        30 => mail(),
        10 => (-3_i8..10).prop_map(Action::Clock),
        4 => Just(Action::Collect),
    ]
}

fn sessions_and_branches() -> impl Strategy<Value = Action> {
    let number = any::<u8>;
    prop_oneof![
        4 => number().prop_map(Action::CreateSession),
        1 => (number(), number()).prop_map(|(session, name)| Action::RenameSession(session, name)),
        1 => (number(), any::<bool>()).prop_map(|(session, on)| Action::ArchiveSession(session, on)),
        1 => (number(), number()).prop_map(|(session, text)| Action::SetDefaults(session, text)),
        1 => number().prop_map(Action::DeleteSession),
        8 => (number(), number(), vec(piece(), 0..3))
            .prop_map(|(branch, back, pieces)| Action::Fork(branch, back, pieces)),
        2 => (number(), number()).prop_map(|(branch, name)| Action::RenameBranch(branch, name)),
        1 => number().prop_map(Action::SetDefault),
        3 => (number(), number()).prop_map(|(branch, heir)| Action::DeleteBranch(branch, heir)),
    ]
}

fn appends() -> impl Strategy<Value = Action> {
    let number = any::<u8>;
    prop_oneof![
        12 => (number(), pieces()).prop_map(|(branch, pieces)| Action::Append(branch, pieces)),
        2 => (number(), pieces()).prop_map(|(branch, pieces)| Action::AppendAcross(branch, pieces)),
        2 => (number(), number(), pieces())
            .prop_map(|(first, second, pieces)| Action::AppendBoth(first, second, pieces)),
        1 => (number(), number()).prop_map(|(branch, back)| Action::Stale(branch, back)),
        1 => (number(), number()).prop_map(|(branch, other)| Action::Trespass(branch, other)),
        2 => number().prop_map(Action::Repeat),
    ]
}

fn moves() -> impl Strategy<Value = Action> {
    let number = any::<u8>;
    prop_oneof![
        (number(), number()).prop_map(|(branch, back)| Action::Rewind(branch, back)),
        (number(), number()).prop_map(|(branch, entry)| Action::Restore(branch, entry)),
        number().prop_map(Action::Redo),
    ]
}

fn mail() -> impl Strategy<Value = Action> {
    let number = any::<u8>;
    prop_oneof![
        3 => (number(), vec(mail_piece(), 1..4))
            .prop_map(|(branch, pieces)| Action::Mail(branch, pieces)),
        1 => (number(), number()).prop_map(|(branch, count)| Action::Receive(branch, count)),
    ]
}

fn mail_piece() -> impl Strategy<Value = MailPiece> {
    let number = any::<u8>;
    prop_oneof![
        5 => (number(), number(), number())
            .prop_map(|(sender, recipients, way)| MailPiece::Send(sender, recipients, way)),
        5 => (number(), number()).prop_map(|(delivery, place)| MailPiece::Move(delivery, place)),
        1 => (number(), number()).prop_map(|(delivery, to)| MailPiece::Readdress(delivery, to)),
    ]
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    vec(piece(), 1..5)
}

fn piece() -> impl Strategy<Value = Piece> {
    let number = any::<u8>;
    prop_oneof![
        8 => number().prop_map(Piece::Say),
        4 => number().prop_map(Piece::Answer),
        2 => number().prop_map(Piece::Call),
        2 => number().prop_map(Piece::Result),
        1 => number().prop_map(Piece::Note),
        1 => number().prop_map(Piece::System),
        2 => (number(), number()).prop_map(|(message, text)| Piece::Edit(message, text)),
        2 => number().prop_map(Piece::Remove),
        2 => (number(), number()).prop_map(|(first, last)| Piece::Fold(first, last)),
        2 => number().prop_map(Piece::Unfold),
        1 => Just(Piece::Ask),
        1 => number().prop_map(Piece::Answered),
        1 => number().prop_map(Piece::Configure),
        1 => number().prop_map(Piece::Done),
    ]
}

//! What can be seen of mail in a commit alone.

use std::sync::Arc;

use branchwork_core::{
    clock::Timestamp,
    id::{BranchId, MailId, OpId, SessionId},
    mail::{Mail, MailChange, MailState, Package},
    store::{Commit, StoreError},
};

const AT: Timestamp = Timestamp::from_micros(1);

fn branch(number: u128) -> BranchId {
    BranchId::from_bits(number)
}

fn send(mail: u128, recipients: &[u128]) -> MailChange {
    let mail = Mail {
        id: MailId::from_bits(mail),
        sender: branch(9),
        package: Package::from("hello"),
        reply_to: None,
        sent: AT,
        expires: None,
    };
    let recipients = recipients.iter().map(|number| branch(*number)).collect();
    MailChange::Send { mail: Arc::new(mail), recipients, at_once: true }
}

fn go(mail: u128, recipient: u128, from: MailState, to: MailState) -> MailChange {
    MailChange::Move {
        mail: MailId::from_bits(mail),
        recipient: branch(recipient),
        from,
        to,
        at: AT,
    }
}

fn readdress(mail: u128, from: u128, to: u128) -> MailChange {
    let (from, to) = (branch(from), branch(to));
    MailChange::Readdress { mail: MailId::from_bits(mail), from, to, at: AT }
}

fn problem(changes: impl IntoIterator<Item = MailChange>) -> Option<String> {
    let commit = Commit::new(SessionId::from_bits(1), AT).with_mail(changes);
    match commit.check_mail() {
        Ok(()) => None,
        Err(StoreError::InvalidCommit { problem }) => Some(problem),
        other => panic!("expected that it is invalid, got {other:?}"),
    }
}

#[track_caller]
fn check(changes: impl IntoIterator<Item = MailChange>, expected: &str) {
    let found = problem(changes).expect("it is not valid");
    assert!(found.contains(expected), "{found}");
}

#[test]
fn one_commit_changes_a_delivery_once() {
    let refused = MailState::Refused { reason: "no".to_owned() };
    let read = || go(1, 2, MailState::Inbox, refused.clone());
    check([read(), read()], "is changed twice");
    check([send(1, &[2]), read()], "is changed twice");
    check([readdress(1, 2, 3), read()], "is changed twice");
    check([readdress(1, 3, 2), read()], "is changed twice");
    check([readdress(1, 3, 2), readdress(1, 4, 2)], "is changed twice");
    check([send(1, &[2]), send(1, &[3])], "is sent twice");
    assert_eq!(problem([send(1, &[2]), send(2, &[2]), go(3, 2, MailState::Inbox, refused)]), None);
    assert_eq!(problem([readdress(1, 2, 2), readdress(2, 2, 3)]), None);
}

#[test]
fn mail_is_for_somebody_and_for_nobody_twice() {
    check([send(1, &[])], "is for nobody");
    check([send(1, &[2, 3, 2])], "twice");
    assert_eq!(problem([send(1, &[2, 3, 9])]), None);
}

#[test]
fn mail_goes_towards_its_recipient() {
    let receipt = OpId::from_bits(1);
    let applied = || MailState::Applied { receipt };
    let reason = || "no".to_owned();
    let states = [
        MailState::Outbox,
        MailState::Transit,
        MailState::Inbox,
        applied(),
        MailState::Refused { reason: reason() },
        MailState::Expired,
        MailState::DeadLetter { reason: reason() },
    ];
    let ways: Vec<String> = states
        .iter()
        .map(|from| {
            let may = |to: &&MailState| problem([go(1, 2, from.clone(), (*to).clone())]).is_none();
            let to: Vec<&str> = states.iter().filter(may).map(|to| to.place().as_str()).collect();
            format!("{}: {}", from.place(), to.join(" "))
        })
        .collect();
    assert_eq!(
        ways,
        [
            "outbox: transit inbox expired dead_letter",
            "transit: inbox expired dead_letter",
            "inbox: applied refused expired dead_letter",
            "applied: inbox applied",
            "refused: applied",
            "expired: applied",
            "dead_letter: applied",
        ]
    );
}

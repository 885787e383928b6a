//! What happens in a run.

use proptest::prelude::*;

use super::BRANCHES_MAX;

/// What happens next; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Send { from: usize, to: usize, at_once: bool, expires: bool, signal: bool },
    Broadcast { from: usize, at_once: bool },
    Collect(usize),
    Deliver(usize),
    CollectSendAll,
    Receive { branch: usize, from: Option<usize>, only_text: bool },
    Refuse(usize, usize),
    Readdress(usize, usize),
    Expire,
    Wait,
    Say(usize),
    Undo(usize),
    Redo(usize),
    RollBack(usize, usize),
    Fork { branch: usize, with_mail: bool },
    Merge { from: usize, into: usize, deletes_source: bool },
    Delete { branch: usize, heir: Option<usize> },
    Crash,
}

pub(super) fn actions() -> impl Strategy<Value = Vec<(bool, Action)>> {
    let b = || 0_usize..BRANCHES_MAX;
    let send = (b(), b(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.2));
    let action = prop_oneof![
        6 => send.prop_map(|(from, to, at_once, expires, signal)| {
            Action::Send { from, to, at_once, expires, signal }
        }),
        2 => (b(), any::<bool>()).prop_map(|(from, at_once)| Action::Broadcast { from, at_once }),
        1 => b().prop_map(Action::Collect),
        1 => b().prop_map(Action::Deliver),
        1 => Just(Action::CollectSendAll),
        4 => (b(), prop::option::weighted(0.3, b()), any::<bool>()).prop_map(
            |(branch, from, only_text)| Action::Receive { branch, from, only_text }
        ),
        1 => (b(), any::<usize>()).prop_map(|(b, n)| Action::Refuse(b, n)),
        1 => (any::<usize>(), b()).prop_map(|(n, b)| Action::Readdress(n, b)),
        1 => Just(Action::Expire),
        1 => Just(Action::Wait),
        1 => b().prop_map(Action::Say),
        2 => b().prop_map(Action::Undo),
        1 => b().prop_map(Action::Redo),
        2 => (b(), 1_usize..4).prop_map(|(b, count)| Action::RollBack(b, count)),
        2 => (b(), any::<bool>()).prop_map(|(branch, with_mail)| Action::Fork { branch, with_mail }),
        2 => (b(), b(), prop::bool::weighted(0.3)).prop_map(|(from, into, deletes_source)| {
            Action::Merge { from, into, deletes_source }
        }),
        1 => (b(), prop::option::of(b())).prop_map(|(branch, heir)| Action::Delete { branch, heir }),
        1 => Just(Action::Crash),
    ];
    prop::collection::vec((any::<bool>(), action), 1..60)
}

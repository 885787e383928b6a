//! The branches that the tests of mail write from and to.

use std::sync::Arc;

use branchwork_core::{
    id::BranchId,
    mail::{Delivery, Mail, MailChange, MailQuery, MailState, Package},
    store::{Change, Commit, Store, StoreError},
};

use crate::bench::{Bench, Line, queueing, sending};

/// Three branches of one session: two recipients and a sender.
pub(super) struct Post {
    pub(super) bench: Bench,
    pub(super) main: Line,
    pub(super) first: Line,
    pub(super) second: Line,
}

impl Post {
    pub(super) async fn open(store: Arc<dyn Store>) -> Self {
        let bench = Bench::new(store);
        let mut main = bench.start().await;
        bench.say(&mut main, &["root"]).await;
        let first = bench.fork(&main, "first", main.head()).await;
        let second = bench.fork(&main, "second", main.head()).await;
        Self { bench, main, first, second }
    }

    pub(super) fn commit(&self) -> Commit {
        self.bench.commit(self.main.session)
    }

    pub(super) async fn write(&self, changes: impl IntoIterator<Item = MailChange>) {
        self.bench.write(self.commit().with_mail(changes)).await;
    }

    /// Why changes that must be refused are.
    pub(super) async fn refused(
        &self,
        changes: impl IntoIterator<Item = MailChange>,
    ) -> StoreError {
        let result = self.bench.store.commit(self.commit().with_mail(changes)).await;
        result.expect_err("the commit is refused")
    }

    /// A text from `sender`, put into the inboxes of `recipients`.
    pub(super) async fn send(&self, sender: &Line, text: &str, recipients: &[&Line]) -> Arc<Mail> {
        let mail = self.bench.mail(sender, text);
        self.write([sending(&mail, recipients)]).await;
        mail
    }

    /// A text from `sender`, put into its outbox.
    pub(super) async fn queue(&self, sender: &Line, text: &str, recipients: &[&Line]) -> Arc<Mail> {
        let mail = self.bench.mail(sender, text);
        self.write([queueing(&mail, recipients)]).await;
        mail
    }

    pub(super) async fn all(&self) -> Vec<Delivery> {
        self.read(MailQuery::new()).await
    }

    pub(super) async fn read(&self, query: MailQuery) -> Vec<Delivery> {
        self.bench.deliveries(self.main.session, query).await
    }

    /// The texts of what is where, with its recipient.
    pub(super) async fn places(&self) -> Vec<String> {
        let name = |branch: BranchId| match branch {
            branch if branch == self.main.branch => "main",
            branch if branch == self.first.branch => "first",
            branch if branch == self.second.branch => "second",
            _ => "another",
        };
        let line = |one: &Delivery| {
            format!("{} {} {}", text(&one.mail), name(one.recipient), one.state.place())
        };
        self.all().await.iter().map(line).collect()
    }

    pub(super) async fn delivery(&self, mail: &Mail, recipient: &Line) -> Delivery {
        let found = self.read(MailQuery::new().of(mail.id).to(recipient.branch)).await;
        let [delivery] = found.as_slice() else { unreachable!("one delivery, not {found:?}") };
        delivery.clone()
    }

    pub(super) async fn delete(&self, line: &Line, heir: Option<&Line>) {
        self.bench.write(self.commit().with_change(deleting(line, heir))).await;
    }
}

pub(super) fn deleting(line: &Line, heir: Option<&Line>) -> Change {
    Change::DeleteBranch { branch: line.branch, heir: heir.map(|heir| heir.branch) }
}

pub(super) fn text(mail: &Mail) -> &str {
    match &mail.package {
        Package::Text(text) => text,
        _ => "no text",
    }
}

pub(super) fn refusal(reason: &str) -> MailState {
    MailState::Refused { reason: reason.to_owned() }
}

pub(super) fn dead(reason: &str) -> MailState {
    MailState::DeadLetter { reason: reason.to_owned() }
}

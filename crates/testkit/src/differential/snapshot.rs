//! Everything that can be read of a store.

use std::{collections::BTreeSet, fmt};

use branchwork_core::{
    id::{BranchId, OpId, SessionId, StretchId},
    mail::{Delivery, MailPlace, MailQuery},
    store::{Search, Store, StoreError, StoreStats, read},
};

/// Texts that are searched.
const NEEDLES: [&str; 6] = ["plan", "É", "led", "\"quoted\"", "hay stack", "0"];

/// Everything that can be read of a store, one answer a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    lines: Vec<String>,
}

/// The numbers of the deliveries of a session. Which those are is the store's own affair; their order is
/// not.
struct Numbers(Vec<u64>);

impl Numbers {
    async fn of(store: &dyn Store, session: SessionId) -> Self {
        let all = store.mail(session, &MailQuery::new()).await.unwrap_or_default();
        Self(all.iter().map(|delivery| delivery.no).collect())
    }

    /// The number of the delivery of that rank, from 1; 0 when there is none.
    fn nth(&self, rank: usize) -> u64 {
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    /// `delivery` with its rank in the place of its number.
    fn ranked(&self, delivery: Delivery) -> Delivery {
        let rank = self.0.iter().position(|no| *no == delivery.no);
        Delivery { no: rank.map_or(0, |rank| rank as u64 + 1), ..delivery }
    }
}

impl Snapshot {
    /// Reads what `store` says of `branches` and their sessions, whether they are there or not.
    pub async fn read(store: &dyn Store, branches: &[(SessionId, BranchId)]) -> Self {
        let mut snapshot = Self::default();
        snapshot.note("sessions", store.sessions().await);
        let sessions: BTreeSet<_> = branches.iter().map(|(session, _)| *session).collect();
        for session in sessions {
            snapshot.note("session", store.session(session).await);
            snapshot.note("branches", store.branches(session).await);
            let numbers = Numbers::of(store, session).await;
            snapshot.note_mail(store, session, (&numbers, MailQuery::new())).await;
            let page = MailQuery::new().after(numbers.nth(2)).limit(3);
            snapshot.note_mail(store, session, (&numbers, page)).await;
            for needle in NEEDLES {
                let search = Search::new(needle).in_session(session).with_limit(5);
                snapshot.note(needle, store.search(&search).await);
            }
        }
        for (session, branch) in branches {
            snapshot.read_branch(store, *session, *branch).await;
            snapshot.read_mail(store, *session, *branch).await;
        }
        for needle in NEEDLES {
            snapshot.note(needle, store.search(&Search::new(needle)).await);
        }
        let stats = store.stats().await;
        // How bodies are kept, and in how many bytes, is the store's own affair.
        let stats = stats.map(|stats| StoreStats { blobs: 0, bytes: 0, ..stats });
        snapshot.note("stats", stats);
        snapshot.note("verify", store.verify().await);
        snapshot
    }

    /// Checks that `other` says the same.
    ///
    /// # Panics
    ///
    /// When it does not, with the first line that differs.
    pub fn check_same(&self, other: &Self) {
        for (expected, found) in self.lines.iter().zip(&other.lines) {
            assert_eq!(expected, found);
        }
        assert_eq!(self.lines.len(), other.lines.len());
    }

    async fn read_branch(&mut self, store: &dyn Store, session: SessionId, branch: BranchId) {
        let record = store.branch(branch).await;
        let head = record.as_ref().ok().and_then(|record| record.head);
        self.note("branch", record);
        let mut seen: BTreeSet<OpId> = BTreeSet::new();
        let mut before = u64::MAX;
        loop {
            let page = store.reflog(branch, before, 3).await;
            let last = page.as_ref().ok().and_then(|page| page.last()).map(|entry| entry.revision);
            seen.extend(page.iter().flatten().filter_map(|entry| entry.to));
            self.note("reflog", page);
            let Some(last) = last else { break };
            before = last;
        }
        self.note("long reflog", store.reflog(branch, u64::MAX, 1_000).await);
        for stretch in seen.iter().map(|op| op.stretch()).collect::<BTreeSet<_>>() {
            self.read_stretch(store, session, stretch).await;
        }
        if let Some(head) = head {
            self.read_view(store, session, head).await;
        }
    }

    /// Reads the mail that a branch has to do with, in each way in which it is found.
    async fn read_mail(&mut self, store: &dyn Store, session: SessionId, branch: BranchId) {
        let numbers = Numbers::of(store, session).await;
        let (to, from) = (MailQuery::new().to(branch), MailQuery::new().from(branch));
        let inbox = to.clone().in_place(MailPlace::Inbox);
        for query in [
            to.clone(),
            from.clone(),
            inbox.clone().limit(1),
            inbox.clone().after(numbers.nth(3)),
            inbox.in_place(MailPlace::Outbox).in_place(MailPlace::Transit),
            to.in_place(MailPlace::Applied).in_place(MailPlace::DeadLetter),
            from.clone().in_place(MailPlace::Outbox),
            from.in_place(MailPlace::Outbox)
                .in_place(MailPlace::Transit)
                .after(numbers.nth(1))
                .limit(2),
        ] {
            self.note_mail(store, session, (&numbers, query)).await;
        }
    }

    /// Notes what is found by `query`.
    async fn note_mail(
        &mut self,
        store: &dyn Store,
        session: SessionId,
        (numbers, query): (&Numbers, MailQuery),
    ) {
        let found = store.mail(session, &query).await;
        let found = found.map(|found| found.into_iter().map(|one| numbers.ranked(one)).collect());
        self.note::<Vec<Delivery>>("mail", found);
    }

    async fn read_stretch(&mut self, store: &dyn Store, session: SessionId, stretch: StretchId) {
        for start in [0, 3] {
            self.note("ops", store.ops(session, stretch, start..start + 5).await);
        }
    }

    async fn read_view(&mut self, store: &dyn Store, session: SessionId, head: OpId) {
        let lineage = store.lineage(session, head).await;
        self.note("lineage", lineage.map(|lineage| lineage.segments().collect::<Vec<_>>()));
        let view = read::view(store, session, Some(head)).await;
        let view = view.map(|view| {
            let messages: Vec<_> = view.messages().cloned().collect();
            (messages, view.config().clone(), view.open_calls().to_vec(), view.last_step())
        });
        self.note("view", view);
        self.note("page", read::page(store, session, Some(head), 3).await);
    }

    fn note<T: fmt::Debug>(&mut self, what: &str, answer: Result<T, StoreError>) {
        self.lines.push(match answer {
            Ok(answer) => format!("{what}: {answer:?}"),
            Err(error) => format!("{what}: failed: {error}"),
        });
    }
}

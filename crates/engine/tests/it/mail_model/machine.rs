//! The plain state machine.

use std::{collections::BTreeSet, sync::Arc};

use branchwork::{
    core::id::{BranchId, MailId},
    mail::MailPlace,
};

/// One mail on its way to one branch, as the model knows it.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) mail: MailId,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) text: String,
    pub(super) signal: bool,
    /// When it expires, in seconds.
    pub(super) expires: Option<u64>,
    pub(super) place: MailPlace,
}

/// What a branch has at one time: what it says, and the mails that it took in.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// Each with what there was before it came.
    texts: Vec<(Said, Arc<Self>)>,
    taken: BTreeSet<MailId>,
}

/// What a branch says.
#[derive(Debug, Clone)]
struct Said {
    text: String,
    /// Which it is, wherever it is brought.
    id: usize,
    /// By which it came first.
    mail: Option<MailId>,
}

impl Standing {
    fn say(&mut self, said: Said, before: Self) {
        self.taken.extend(said.mail);
        self.texts.push((said, Arc::new(before)));
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(|(said, _)| said.text.as_str()).collect()
    }

    /// Whether it was said here, brought here, or came by a mail that was taken in here too.
    fn has(&self, said: &Said) -> bool {
        said.mail.is_some_and(|mail| self.taken.contains(&mail))
            || self.texts.iter().any(|(own, _)| own.id == said.id)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: BranchId,
    pub(super) alive: bool,
    pub(super) states: Vec<Standing>,
    pub(super) now: usize,
}

impl Known {
    pub(super) fn standing(&self) -> &Standing {
        &self.states[self.now]
    }

    fn change(&mut self, standing: Standing) {
        self.states.truncate(self.now + 1);
        self.states.push(standing);
        self.now += 1;
    }
}

/// The plain state machine.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) ways: Vec<Way>,
    pub(super) branches: Vec<Known>,
    /// The default one of the branches, which is not deleted alone.
    pub(super) default: usize,
    /// Seconds that have passed.
    pub(super) now: u64,
    /// How many things were said.
    pub(super) said: usize,
}

impl Model {
    pub(super) fn is_expired(&self, way: &Way) -> bool {
        way.expires.is_some_and(|expires| expires <= self.now)
    }

    /// The ways that go to the inbox of `branch` and can be taken in.
    pub(super) fn inbox(&self, branch: usize) -> Vec<usize> {
        let waits =
            |way: &Way| way.to == branch && way.place == MailPlace::Inbox && !self.is_expired(way);
        (0..self.ways.len()).filter(|at| waits(&self.ways[*at])).collect()
    }

    pub(super) fn alive(&self) -> Vec<usize> {
        (0..self.branches.len()).filter(|at| self.branches[*at].alive).collect()
    }

    pub(super) fn each(&mut self, is: impl Fn(&Way) -> bool, place: MailPlace) {
        for way in self.ways.iter_mut().filter(|way| is(way)) {
            way.place = place;
        }
    }

    /// What is on the way from one branch to another arrives.
    fn deliver(&mut self, from: usize, to: usize) {
        let under_way = |way: &Way| way.from == from && way.to == to && way.place.is_unsent();
        self.each(under_way, MailPlace::Inbox);
    }

    pub(super) fn send(&mut self, mail: MailId, to: &[usize], like: &Way) {
        for to in to {
            if like.place == MailPlace::Inbox {
                self.deliver(like.from, *to);
            }
            self.ways.push(Way { mail, to: *to, ..like.clone() });
        }
    }

    /// Takes in what is meant, and answers how many.
    pub(super) fn receive(&mut self, branch: usize, from: Option<usize>, only_text: bool) -> usize {
        let mut standing = self.branches[branch].standing().clone();
        let (mut taken, mut is_new) = (0, false);
        let expired: Vec<_> = self.ways.iter().map(|way| self.is_expired(way)).collect();
        for (way, expired) in self.ways.iter_mut().zip(expired) {
            let is_meant = from.is_none_or(|from| way.from == from);
            if way.to != branch || way.place != MailPlace::Inbox || !is_meant {
                continue;
            }
            // What came with the history of another branch is there already.
            let is_known = standing.taken.contains(&way.mail);
            if expired && !is_known {
                way.place = MailPlace::Expired;
                continue;
            }
            if only_text && way.signal && !is_known {
                continue;
            }
            way.place = MailPlace::Applied;
            taken += 1;
            let before = standing.clone();
            is_new |= standing.taken.insert(way.mail);
            if !is_known && !way.signal {
                self.said += 1;
                let (text, id, mail) = (way.text.clone(), self.said, Some(way.mail));
                standing.say(Said { text, id, mail }, before);
            }
        }
        if is_new {
            self.branches[branch].change(standing);
        }
        taken
    }

    pub(super) fn say(&mut self, branch: usize, text: &str) {
        let mut standing = self.branches[branch].standing().clone();
        let before = standing.clone();
        self.said += 1;
        standing.say(Said { text: text.to_owned(), id: self.said, mail: None }, before);
        self.branches[branch].change(standing);
    }

    /// What `into` has not comes over; answers how much that is.
    pub(super) fn merge(&mut self, from: usize, into: usize) -> usize {
        let mut standing = self.branches[into].standing().clone();
        let theirs = self.branches[from].standing().texts.iter().map(|(said, _)| said);
        let new: Vec<_> = theirs.filter(|said| !standing.has(said)).cloned().collect();
        let count = new.len();
        for said in new {
            let before = standing.clone();
            standing.say(said, before);
        }
        if count > 0 {
            self.branches[into].change(standing);
        }
        count
    }

    /// The branch goes to another of its states.
    pub(super) fn go(&mut self, branch: usize, to: usize) {
        let before = self.branches[branch].standing().taken.clone();
        self.branches[branch].now = to;
        self.settle(branch, &before);
    }

    /// The last `count` texts of the branch go, with what came since.
    pub(super) fn roll_back(&mut self, branch: usize, count: usize) {
        let before = self.branches[branch].standing().clone();
        let (_, after) = &before.texts[before.texts.len() - count];
        self.branches[branch].change((**after).clone());
        self.settle(branch, &before.taken);
    }

    /// Mail is applied as long as its receipt stands.
    fn settle(&mut self, branch: usize, before: &BTreeSet<MailId>) {
        let after = self.branches[branch].standing().taken.clone();
        for way in self.ways.iter_mut().filter(|way| way.to == branch) {
            match (before.contains(&way.mail), after.contains(&way.mail)) {
                (false, true) if !way.place.is_unsent() => way.place = MailPlace::Applied,
                (true, false) if way.place == MailPlace::Applied => way.place = MailPlace::Inbox,
                _ => {}
            }
        }
    }

    /// What waits for a branch that is deleted goes to its heir, or nowhere.
    fn inherit(&mut self, at: usize, heir: Option<usize>) {
        let way = self.ways[at].clone();
        let has_it = |heir: &usize| self.ways.iter().any(|w| w.mail == way.mail && w.to == *heir);
        let inherited = heir.filter(|heir| !has_it(heir));
        if let Some(heir) = inherited {
            self.deliver(way.from, heir);
        }
        let place = inherited.map_or(MailPlace::DeadLetter, |_| MailPlace::Inbox);
        self.ways[at] = Way { to: inherited.unwrap_or(way.to), place, ..way };
    }

    pub(super) fn delete(&mut self, branch: usize, heir: Option<usize>) {
        self.branches[branch].alive = false;
        for at in 0..self.ways.len() {
            let way = self.ways[at].clone();
            if way.place.is_waiting() && way.to == branch {
                self.inherit(at, heir);
            } else if way.from == branch && way.place.is_unsent() {
                self.ways[at].place = MailPlace::Inbox;
            }
        }
    }
}

//! Identifiers of calls, as they are written in one request.
//!
//! Servers with strict checks want each once in the whole conversation. A history may have one several
//! times: servers that count the calls of an answer begin anew with each, and a merge brings copies.

use std::collections::BTreeMap;

use rpds::RedBlackTreeMapSync;

/// The identifiers that were written. A clone copies those of one answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallIds {
    /// How often each was wanted.
    taken: RedBlackTreeMapSync<String, u32>,
    /// Those of the last answer, by what the history calls them.
    current: BTreeMap<String, String>,
}

impl CallIds {
    /// Another answer begins: the results that follow are those of its calls.
    pub(crate) fn next_answer(&mut self) {
        self.current.clear();
    }

    /// What the call that the history calls `id` is written as: `wanted`, or that with a number when it
    /// was written before.
    pub(crate) fn call(&mut self, id: &str, wanted: &str) -> String {
        let mut written = wanted.to_owned();
        let mut count = self.taken.get(wanted).copied().unwrap_or_default();
        while self.taken.contains_key(&written) {
            count = count.saturating_add(1);
            written = format!("{wanted}_{count}");
        }
        self.taken.insert_mut(wanted.to_owned(), count);
        if !self.taken.contains_key(&written) {
            self.taken.insert_mut(written.clone(), 0);
        }
        self.current.insert(id.to_owned(), written.clone());
        written
    }

    /// What the call of the last answer that the history calls `id` was written as.
    pub(crate) fn result(&self, id: &str) -> Option<&str> {
        self.current.get(id).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_written_once_and_results_find_the_call_of_their_answer() {
        let mut ids = CallIds::default();
        assert_eq!(ids.call("a", "a"), "a");
        assert_eq!(ids.call("b c", "b_c"), "b_c");
        assert_eq!(ids.result("b c"), Some("b_c"));
        ids.next_answer();
        assert_eq!(ids.result("a"), None);
        assert_eq!(ids.call("a", "a"), "a_1");
        assert_eq!(ids.result("a"), Some("a_1"));
        ids.next_answer();
        // What a number makes may be there already.
        assert_eq!(ids.call("a_2", "a_2"), "a_2");
        assert_eq!(ids.call("a", "a"), "a_3");
    }
}

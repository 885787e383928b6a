//! The conformance suite: the contract of [`Store`](branchwork_core::store::Store) as tests.
//!
//! [`store_conformance!`](crate::store_conformance) makes a test of each; every store runs it.

#![expect(clippy::missing_panics_doc, reason = "each of these is a test: it panics when it fails")]

mod appends;
mod branches;
mod calls;
mod conflicts;
mod mail;
mod reads;
mod reflog;
mod refusals;
mod searches;
mod sessions;
mod upkeep;

pub use self::{
    appends::*, branches::*, calls::*, conflicts::*, mail::*, reads::*, reflog::*, refusals::*,
    searches::*, sessions::*, upkeep::*,
};

/// Makes the tests of the store contract.
///
/// `$open` is called for each: an async function that gives a fresh store as `Arc<dyn Store>`, and
/// a guard that is kept until the test ends. The crate needs `tokio` with `macros` and `rt`.
///
/// ```
/// use std::sync::Arc;
///
/// use branchwork_core::store::{MemoryStore, Store};
///
/// fn open() -> impl Future<Output = (Arc<dyn Store>, ())> {
///     std::future::ready((Arc::new(MemoryStore::new()) as Arc<dyn Store>, ()))
/// }
///
/// branchwork_testkit::store_conformance!(open);
/// ```
#[macro_export]
macro_rules! store_conformance {
    ($open:expr) => {
        $crate::store_conformance! { $open;
            // Sessions.
            a_session_is_born_with_its_default_branch,
            sessions_are_listed_the_most_recently_used_first,
            a_session_name_is_unique_until_it_is_free_again,
            a_session_is_renamed_archived_and_taken_out_again,
            a_session_keeps_what_its_branches_begin_with,
            a_deleted_session_is_not_found_by_anything,
            a_session_is_used_when_it_is_written_also_when_the_clock_goes_back,
            changes_are_made_in_their_order_or_not_at_all,
            unknown_things_are_not_found,
            // Branches.
            a_fork_shares_what_lies_before_it,
            a_fork_of_a_fork_of_a_fork_knows_its_whole_way,
            a_branch_name_is_unique_in_its_session_until_it_is_free_again,
            the_default_branch_is_not_deleted_until_another_one_is_the_default,
            a_branch_of_another_session_is_not_found,
            a_branch_knows_its_tip_revision_and_messages,
            a_thousand_branches_of_one_op_are_listed_in_order,
            messages_that_branches_share_count_once,
            // Appends.
            an_append_is_read_back_as_it_was_written,
            every_kind_of_body_survives,
            text_of_every_script_survives,
            a_large_body_survives_and_equal_ones_are_kept_once,
            an_append_goes_on_in_the_stretch_after_the_head_came_back_to_its_end,
            an_append_after_a_rewind_begins_a_stretch,
            one_commit_may_write_several_branches,
            one_commit_may_fork_and_write_the_fork,
            one_append_may_lie_in_several_stretches,
            ops_that_do_not_follow_are_refused,
            an_op_in_a_stretch_of_another_branch_is_refused,
            a_head_or_stretch_that_appears_twice_is_refused,
            // Conflicts and repeats.
            of_two_writers_from_one_place_one_wins,
            many_writers_at_once_lose_nothing,
            a_refused_commit_leaves_no_trace,
            a_repeated_commit_changes_nothing,
            a_repeated_deletion_changes_nothing,
            a_repeated_commit_conflicts_once_the_head_went_on,
            a_place_that_is_taken_is_a_conflict,
            a_head_does_not_move_to_an_op_that_is_not_there,
            a_head_that_is_expected_elsewhere_is_a_conflict,
            // Reads.
            ops_are_read_in_pages_and_never_too_many,
            a_lineage_has_one_segment_for_each_stretch,
            an_op_is_not_found_from_another_session,
            a_page_reads_the_end_of_a_long_branch,
            a_search_finds_whatever_the_case_newest_first,
            a_search_finds_what_json_escapes_and_what_is_kept_apart,
            a_search_stays_in_its_session_and_under_its_limit,
            // The reflog.
            the_reflog_tells_every_move,
            the_reflog_is_read_in_pages_of_any_size,
            the_reflog_of_a_fork_begins_with_its_creation,
            a_branch_that_went_back_and_forth_tells_all_of_it,
            a_move_to_where_the_head_is_changes_nothing,
            // The call log.
            calls_are_read_back_as_they_were_written,
            calls_are_read_in_pages,
            calls_go_when_it_is_said_or_with_their_session,
            // Mail.
            mail_is_read_back_as_it_was_sent,
            deliveries_are_numbered_in_order_and_read_in_pages,
            mail_is_read_in_pages_of_a_bounded_size,
            mail_is_found_by_what_is_said_of_it,
            queued_mail_is_collected_and_sent,
            mail_that_is_sent_at_once_overtakes_none,
            of_two_that_move_a_mail_one_wins,
            a_move_knows_the_whole_state,
            a_repeated_commit_of_mail_changes_nothing,
            mail_from_and_to_what_is_not_there_is_not_found,
            changes_of_mail_that_are_none_are_refused,
            mail_and_ops_of_one_commit_are_both_there_or_neither,
            mail_is_readdressed,
            a_deleted_branch_leaves_its_mail_in_order,
            an_heir_gets_the_mail_that_waits,
            a_refused_deletion_leaves_mail_where_it_was,
            mail_goes_with_its_session,
            a_session_is_used_when_mail_is_sent,
            a_receipt_that_is_no_op_is_a_problem_of_its_branch,
            // Upkeep.
            gc_takes_what_nothing_reaches_and_keeps_the_rest,
            gc_keeps_what_a_reflog_reaches,
            gc_keeps_what_a_fork_of_a_deleted_branch_needs,
            gc_of_a_clean_store_takes_nothing,
            stats_count_what_is_stored,
            a_healthy_store_has_no_problems,
            a_closed_store_refuses_everything,
        }
    };
    ($open:expr; $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (store, guard) = $open().await;
                $crate::conformance::$name(store).await;
                drop(guard);
            }
        )+
    };
}

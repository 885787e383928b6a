//! Faults that a review of mail and merging found. Each test fails.

mod mailed_summary_hides;
mod summary_copy_misdirects;
mod summary_rolled_back;
mod readdressed_then_redone;
mod read_mail_known_receipt;
mod broadcast_merged_twice;
mod merged_then_received;
mod two_hops;
mod large_mail_blocks;
mod restore_over_many_receipts;
mod archive_part_then_whole;
mod mailed_calls_behind_answer;
mod two_processes_receive;
mod lead_order_in_mail;
mod picked_system;
mod expired_with_receipt;
mod interleave_receipt;
mod undo_cost;
mod own_mail_inherited;
mod only_unknown;
mod heir_overtakes;
mod receive_all_starves;

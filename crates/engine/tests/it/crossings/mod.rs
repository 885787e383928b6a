//! Where mail, merges, summaries and moves of the head cross.

mod broadcast_merged_twice;
mod expired_with_receipt;
mod heir_overtakes;
mod interleave_receipt;
mod large_mail_blocks;
mod lead_order_in_mail;
mod mailed_calls_behind_answer;
mod mailed_summary_hides;
mod merged_then_received;
mod only_unknown;
mod picked_system;
mod read_mail_known_receipt;
mod receive_all_starves;
mod restore_over_many_receipts;
mod summary_copy_misdirects;
mod summary_rolled_back;
mod two_hops;
mod two_processes_receive;

use branchwork::{core::config::ConfigPatch, merge::MergePolicy};

use crate::support::{says, session, texts};

/// A rollback that takes the summary of a merge off takes all of the merge: it can be merged again.
#[tokio::test]
async fn what_a_summary_that_was_rolled_back_told_of_can_be_merged_again() {
    for policy in [MergePolicy::Ours, MergePolicy::Theirs] {
        let (session, _) = session([]).await;
        let main = session.default_branch();
        main.append(says("1")).await.unwrap();
        let other = main.fork("other").await.unwrap();
        other.configure(ConfigPatch::new().with_temperature(0.5)).await.unwrap();
        other.append(says("theirs")).await.unwrap();
        session.merge(&other).into(&main).summary("They spoke.").policy(policy).await.unwrap();
        main.rollback(1).await.unwrap();
        assert_eq!(texts(&main).await, ["1"]);
        let merged = session.merge(&other).into(&main).await.unwrap();
        assert_eq!(merged.added.len(), 1, "{policy:?}: skipped {:?}", merged.skipped);
    }
}

//! What the registry shows of a member, told in the log: once for each time that it comes or goes.

use peerset_cluster::{DiscoveryUrl, MemberId, Watch};

/// Follows the set for as long as it is open. `set` is its name as people wrote it, which the log keeps to.
pub(super) async fn report(mut watch: Watch, set: &DiscoveryUrl, member: &MemberId) {
    let mut there = false;
    while let Ok(snapshot) = watch.changed().await {
        let now = snapshot.get(member).is_some();
        let members = snapshot.len();
        match (there, now) {
            (false, true) => tracing::info!(%member, %set, members, "registered"),
            (true, false) => {
                tracing::info!(%member, %set, members, "not registered any more");
            }
            _ => {}
        }
        there = now;
    }
}

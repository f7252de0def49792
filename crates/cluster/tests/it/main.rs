//! The backends of this crate, as their users see them.
#![expect(clippy::unwrap_used, reason = "a helper outside #[test] functions also fails its test by it")]

mod contract;
mod faulty;
#[cfg(unix)]
mod file;
mod membership;
mod union;

use std::time::Duration;

use peerset_cluster::{Snapshot, Watch};

/// For what is to happen soon, on a machine that is busy or paused.
const PATIENCE: Duration = Duration::from_secs(60);

/// `ready [a:1, b:1]`
fn show(snapshot: &Snapshot) -> String {
    let ids: Vec<_> = snapshot.members().iter().map(|member| member.id.as_str()).collect();
    format!("{} [{}]", snapshot.state(), ids.join(", "))
}

/// Waits until the watch shows this; fails with what it shows instead.
async fn expect(watch: &Watch, shown: &str) {
    let mut own = watch.clone();
    let wait = own.wait_for(|snapshot| show(snapshot) == shown);
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(Ok(_)) => {}
        Ok(Err(closed)) => panic!("{closed}, instead of {shown}"),
        Err(_) => panic!("{} instead of {shown}", show(&watch.borrow())),
    }
}

/// Waits until the watch ends; fails unless this was the last it showed.
async fn expect_end(mut watch: Watch, shown: &str) {
    let end = async { while watch.changed().await.is_ok() {} };
    assert!(tokio::time::timeout(PATIENCE, end).await.is_ok(), "{watch:?} does not end");
    assert_eq!(show(&watch.borrow()), shown);
}

use super::*;
use crate::{Limits, Member, MemberError, MemberId, Revision, State, Weight};
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::timeout;

fn member(id: &str) -> Member {
    Member::new(MemberId::new(id).unwrap(), "h:1".parse().unwrap())
}

fn start() -> (Publisher, Watch) {
    channel(SourceName::new("test"), Limits::default())
}

/// Polls once: what a reader gets without waiting.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn ids(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.members().iter().map(|member| member.id.as_str()).collect()
}

async fn next(watch: &mut Watch) -> Option<Snapshot> {
    std::future::poll_fn(|context| Pin::new(&mut *watch).poll_next(context)).await
}

#[test]
fn a_watch_is_shareable() {
    fn shareable<T: Send + Sync + Unpin + 'static>() {}
    shareable::<Watch>();
    shareable::<Publisher>();
    shareable::<Snapshot>();
}

#[test]
fn states_follow_the_picture() {
    let (publisher, watch) = start();
    let check = |what: &str, expected: &str, len: usize| {
        let snapshot = watch.borrow();
        assert_eq!((snapshot.state().to_string().as_str(), snapshot.len()), (expected, len), "after {what}");
    };
    check("the start", "pending", 0);
    publisher.lost();
    check("losing a source that never answered", "pending", 0);
    publisher.publish([member("a")], Revision(1));
    check("publishing", "ready", 1);
    publisher.lost();
    check("losing it", "stale", 1);
    publisher.publish([] as [Member; 0], Revision(2));
    check("publishing nobody", "ready", 0);
    publisher.absent(Revision(3));
    check("absent", "absent", 0);
    publisher.lost();
    check("losing an absent name", "stale", 0);
    publisher.absent(Revision(4));
    check("absent again", "absent", 0);
}

#[tokio::test(start_paused = true)]
async fn stale_keeps_its_time_and_as_of() {
    let (publisher, watch) = start();
    publisher.publish([member("a")], Revision(1));
    let published = watch.borrow().as_of();
    tokio::time::advance(Duration::from_secs(5)).await;
    publisher.lost();
    let since = watch.borrow().state().stale_since().unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    publisher.lost();
    let snapshot = watch.borrow();
    assert_eq!(snapshot.state().stale_since(), Some(since));
    assert_eq!((snapshot.as_of(), since - published), (published, Duration::from_secs(5)));
    assert_eq!(snapshot.age(tokio::time::Instant::now().into_std()), Duration::from_secs(10));
}

#[test]
fn first_snapshot_conflation_and_no_repeats() {
    let (publisher, mut watch) = start();
    assert_eq!(now(watch.changed()).unwrap().unwrap().state(), State::Pending, "the first comes at once");
    assert!(now(watch.changed()).is_none());
    for revision in 1..100 {
        publisher.publish([member(&format!("m{revision}"))], Revision(revision));
    }
    assert_eq!(ids(&now(watch.changed()).unwrap().unwrap()), ["m99"], "only the newest");
    assert!(now(watch.changed()).is_none());

    assert!(!publisher.publish([member("m99")], Revision(100)).changed);
    assert!(now(watch.changed()).is_none(), "a revision alone is no news");
    assert_eq!(watch.borrow().revision(), Revision(100), "but it shows");

    assert!(publisher.publish([member("other")], Revision(101)).changed);
    assert!(publisher.publish([member("m99")], Revision(102)).changed);
    assert!(now(watch.changed()).is_none(), "there and back again is no news to who slept through it");
    assert_eq!(now(watch.clone().changed()).unwrap().unwrap().len(), 1, "a clone begins anew");
}

#[test]
fn closing_delivers_the_last_snapshot_first() {
    let (publisher, mut watch) = start();
    publisher.publish([member("a")], Revision(1));
    assert!(!watch.is_closed());
    drop(publisher);
    assert!(watch.is_closed());
    assert_eq!(now(next(&mut watch.clone())).unwrap().unwrap().len(), 1);
    assert_eq!(now(watch.changed()).unwrap().unwrap().len(), 1);
    let closed = now(watch.changed()).unwrap().unwrap_err();
    assert_eq!(closed.to_string(), "test was closed");
    assert!(now(next(&mut watch)).unwrap().is_none(), "the stream ends");
    assert_eq!(watch.borrow().len(), 1, "and the last set stays readable");
    assert!(now(watch.wait_for(Snapshot::is_empty)).unwrap().is_err());
    assert!(now(watch.wait_for(|s| s.len() == 1)).unwrap().is_ok());
}

#[test]
fn a_dropped_wait_loses_nothing() {
    let (publisher, mut watch) = start();
    assert!(now(watch.wait_for(|snapshot| snapshot.len() == 2)).is_none());
    publisher.publish([member("a")], Revision(1));
    assert!(now(watch.wait_for(|snapshot| snapshot.len() == 2)).is_none());
    assert_eq!(
        now(watch.changed()).unwrap().unwrap().len(),
        1,
        "what the predicate refused was not delivered"
    );
    assert!(now(watch.answer()).is_some(), "the present one counts, delivered or not");
}

#[tokio::test]
async fn the_stream_wakes_and_mixes_with_changed() {
    let (publisher, mut watch) = start();
    assert_eq!(next(&mut watch).await.unwrap().state(), State::Pending);
    assert!(now(next(&mut watch)).is_none(), "leaves a waiting future behind");
    publisher.publish([member("a")], Revision(1));
    assert_eq!(watch.changed().await.unwrap().len(), 1);
    assert!(now(next(&mut watch)).is_none(), "delivered once, whichever way");
    let reader = tokio::spawn(async move { next(&mut watch).await.map(|snapshot| snapshot.len()) });
    tokio::task::yield_now().await;
    publisher.publish([member("a"), member("b")], Revision(2));
    assert_eq!(timeout(Duration::from_secs(5), reader).await.unwrap().unwrap(), Some(2));
}

#[test]
fn refused_members_leave_the_rest() {
    let limits = Limits { members_max: 2, metadata_max: 0, ..Limits::default() };
    let (publisher, watch) = channel(SourceName::new("test"), limits);
    let mut bad = member("a");
    bad.metadata.insert("k".into(), "v".into());
    let mut second_b = member("b");
    second_b.weight = Weight::ZERO;
    let published = publisher.publish([member("d"), bad, member("b"), second_b, member("c")], Revision(1));
    assert_eq!(ids(&watch.borrow()), ["b", "c"], "the smallest ids stay");
    assert_eq!(watch.borrow().members()[0].weight, Weight::ONE, "the first of an id stays");
    let refused: Vec<_> = published.refused.iter().map(|r| (r.id.as_str(), &r.error)).collect();
    assert_eq!(
        refused,
        [
            ("a", &MemberError::TooMany { what: "metadata pairs", len: 1, len_max: 0 }),
            ("b", &MemberError::DuplicateId),
            ("d", &MemberError::SetFull { members_max: 2 }),
        ]
    );
}

#[test]
fn unchanged_members_are_shared() {
    let (publisher, watch) = start();
    publisher.publish([member("a"), member("b")], Revision(1));
    let before = watch.borrow();
    publisher.publish([member("a"), member("c")], Revision(2));
    let after = watch.borrow();
    assert!(Arc::ptr_eq(&before.members()[0], &after.members()[0]));
}

#[tokio::test]
async fn dropping_watches_tells_the_driver() {
    let (publisher, watch) = start();
    assert!(now(publisher.unwatched()).is_none());
    drop(watch);
    publisher.unwatched().await;
    let kept = Arc::new(());
    let watch = publisher.watch().keeping(kept.clone()).keeping("more");
    let clone = watch.clone();
    drop(watch);
    assert_eq!(Arc::strong_count(&kept), 2);
    drop(clone);
    assert_eq!(Arc::strong_count(&kept), 1);
}

proptest! {
    /// Whatever is published and whenever it is read: every delivery differs from the one before and is the newest.
    #[test]
    fn deliveries_are_new_and_newest(steps in prop::collection::vec((0u8..6, any::<bool>()), 0..40)) {
        let (publisher, mut watch) = start();
        let mut last: Option<Snapshot> = None;
        for (revision, (what, read)) in steps.into_iter().enumerate() {
            let revision = Revision(revision as u64);
            match what {
                0 => publisher.lost(),
                1 => { publisher.absent(revision); }
                len => { publisher.publish((2..len).map(|id| member(&id.to_string())), revision); }
            }
            if read {
                let newest = publisher.snapshot();
                match now(watch.changed()) {
                    Some(got) => {
                        let got = got.unwrap();
                        prop_assert!(got.same_as(&newest));
                        prop_assert!(last.is_none_or(|last| !last.same_as(&got)));
                        last = Some(got);
                    }
                    None => prop_assert!(last.as_ref().unwrap().same_as(&newest)),
                }
            }
        }
    }
}

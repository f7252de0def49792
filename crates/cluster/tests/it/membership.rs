//! What a holder of a membership may count on, beyond the contract.

use std::error::Error;
use std::time::Duration;

use peerset_cluster::{
    Discover, DriverError, Intent, Limits, Member, MemberError, MemberId, Membership, MemoryCluster,
    Publisher, Register, RegisterError, Revision, SourceName, Watch, Wish, channel,
};
use tokio::time::timeout;

fn member(id: &str) -> Member {
    Member::new(MemberId::new(id).unwrap(), "h:1".parse().unwrap())
}

/// A membership whose driver is the test.
fn by_hand() -> (Membership, Intent, Publisher, Watch) {
    let (publisher, watch) = channel(SourceName::new("hand"), Limits::default());
    let (membership, intent) = Membership::new(member("m"), watch.clone(), Limits::default()).unwrap();
    (membership, intent, publisher, watch)
}

async fn still_waits(future: impl Future) -> bool {
    timeout(Duration::from_millis(1), future).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn register_waits_for_the_driver_and_for_the_watch() {
    let (membership, mut intent, publisher, _watch) = by_hand();
    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await);
    assert_eq!(intent.next().await, Wish::Registered(member("m").into()));
    intent.done();
    assert!(still_waits(&mut register).await, "the watch has not seen it");
    publisher.publish([member("m")], Revision(1));
    register.await.unwrap();

    membership.register().await.unwrap();
    assert!(still_waits(intent.next()).await, "nothing new is asked of the driver");

    publisher.lost();
    let mut deregister = Box::pin(membership.deregister());
    assert!(still_waits(&mut deregister).await);
    assert_eq!(intent.next().await, Wish::Deregistered);
    intent.done();
    assert!(still_waits(&mut deregister).await, "a stale set shows nothing");
    publisher.absent(Revision(2));
    deregister.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_id_that_somebody_else_has_too_does_not_hold_the_end_up() {
    let (membership, mut intent, publisher, _watch) = by_hand();
    let driver = async {
        intent.next().await;
        intent.done();
        publisher.publish([member("m")], Revision(1));
    };
    tokio::join!(driver, membership.register()).1.unwrap();
    let mut deregister = Box::pin(membership.deregister());
    assert!(still_waits(&mut deregister).await);
    assert_eq!(intent.next().await, Wish::Deregistered);
    assert!(timeout(Duration::from_secs(60), &mut deregister).await.is_err(), "ours may still be there");
    intent.done();
    timeout(Duration::from_secs(60), deregister).await.expect("ours is gone").unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_there_before_proves_nothing() {
    let (membership, mut intent, publisher, _watch) = by_hand();
    membership.deregister().await.expect("nothing to undo, even before the source's first answer");
    publisher.publish([member("m")], Revision(1)); // left by an earlier process, say
    membership.set_data(&b"new"[..]).unwrap();
    assert!(still_waits(intent.next()).await, "changes of what is not registered are not sent");
    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await, "the driver has done nothing yet");
    intent.next().await;
    intent.done();
    register.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn wishes_that_came_and_went_are_skipped() {
    let (membership, mut intent, publisher, _watch) = by_hand();
    publisher.publish([] as [Member; 0], Revision(1));
    assert!(still_waits(membership.register()).await);
    membership.set_data(&b"one"[..]).unwrap();
    membership.set_data(&b"two"[..]).unwrap();
    let Wish::Registered(wanted) = intent.next().await else { panic!() };
    assert_eq!(&*wanted.data, b"two");
    membership.set_data(&b"two"[..]).unwrap();
    assert!(still_waits(intent.next()).await, "the same data is no change");
    assert_eq!(intent.current(), Wish::Registered(wanted), "for a driver that lost its lease");

    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await);
    let mut deregister = Box::pin(membership.deregister());
    assert!(still_waits(&mut deregister).await);
    assert!(matches!(register.await, Err(RegisterError::Superseded { .. })));
    assert!(!membership.is_wanted());
    assert_eq!(intent.next().await, Wish::Deregistered);
    intent.done();
    deregister.await.unwrap();
    drop(membership);
    assert_eq!(intent.next().await, Wish::Dropped);
}

#[tokio::test(start_paused = true)]
async fn a_wish_dies_with_its_holder() {
    let (membership, mut intent, _publisher, _watch) = by_hand();
    assert!(still_waits(membership.register()).await);
    drop(membership);
    assert_eq!(intent.next().await, Wish::Dropped, "and not first what nobody wants any more");
}

#[tokio::test(start_paused = true)]
async fn trouble_is_visible_and_refusal_is_an_error() {
    let (membership, mut intent, publisher, _watch) = by_hand();
    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await);
    intent.next().await;
    intent.failing(DriverError::new(std::io::Error::other("no route")));
    assert!(still_waits(&mut register).await, "it goes on trying");
    assert_eq!(membership.trouble().unwrap().to_string(), "no route");
    intent.refuse(DriverError::new(std::io::Error::other("no rights")));
    let error = register.await.unwrap_err();
    assert_eq!(error.to_string(), "hand refused m");
    assert_eq!(error.source().unwrap().to_string(), "no rights");

    let mut again = Box::pin(membership.register());
    assert!(still_waits(&mut again).await);
    assert!(matches!(intent.next().await, Wish::Registered(_)), "asking again asks the driver again");
    intent.done();
    publisher.publish([member("m")], Revision(1));
    again.await.unwrap();
    assert!(membership.trouble().is_none());
}

/// Whoever stands behind the last that a view shows is told so, instead of waiting for what will not come.
#[tokio::test(start_paused = true)]
async fn who_is_left_out_of_a_full_set_is_told() {
    let mut limits = Limits::default();
    limits.members_max = 1;
    let (publisher, watch) = channel(SourceName::new("hand"), limits.clone());
    let (membership, mut intent) = Membership::new(member("m"), watch, limits).unwrap();
    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await);
    intent.next().await;
    intent.done();
    publisher.publish(["a", "m"].map(member), Revision(1));
    let told = timeout(Duration::from_secs(60), register).await; // of paused time
    let error = told.expect("waited to be told").unwrap_err();
    assert!(matches!(error, RegisterError::LeftOut { members_max: 1, .. }), "{error}");
    assert!(membership.is_wanted(), "it is registered all the same");
    // A full set may have room by the time that the driver is done.
    let mut again = Box::pin(membership.register());
    assert!(still_waits(&mut again).await);
    publisher.publish([member("m")], Revision(2));
    again.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_ends_is_a_closed_source() {
    let (membership, intent, _publisher, _watch) = by_hand();
    let mut register = Box::pin(membership.register());
    assert!(still_waits(&mut register).await);
    drop(intent);
    assert!(matches!(register.await, Err(RegisterError::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_it_is_sent() {
    let mut limits = Limits::default();
    limits.data_bytes_max = 3;
    limits.members_max = 1;
    let cluster = MemoryCluster::with_limits("memory", limits);
    let mut large = member("large");
    large.data = b"four"[..].into();
    let error = cluster.create_membership(large).await.unwrap_err();
    assert_eq!(error.to_string(), "member large is not acceptable");

    let one = cluster.create_membership(member("one")).await.unwrap();
    let taken = cluster.create_membership(member("one")).await.unwrap_err();
    assert_eq!(taken.to_string(), "one is already a membership of memory");
    one.register().await.unwrap();
    let error = one.set_data(&b"four"[..]).unwrap_err();
    assert!(matches!(error, RegisterError::Member { error: MemberError::TooLong { .. }, .. }));
    let error = one.update(|member| member.id = MemberId::random()).unwrap_err();
    assert!(matches!(error, RegisterError::Member { error: MemberError::IdChanged, .. }));
    assert_eq!(one.member(), member("one"));

    let two = cluster.create_membership(member("two")).await.unwrap();
    let full = two.register().await.unwrap_err();
    assert_eq!(full.source().unwrap().to_string(), "the set is full: 1 members are allowed");
    one.deregister().await.unwrap();
    two.register().await.unwrap();

    cluster.close();
    let closed = cluster.create_membership(member("late")).await.unwrap_err();
    assert_eq!(closed.to_string(), "memory was closed");
}

#[tokio::test(start_paused = true)]
async fn a_membership_keeps_its_cluster_open() {
    let cluster = MemoryCluster::new("memory");
    let watch = cluster.watch();
    let membership = cluster.create_membership(member("m")).await.unwrap();
    drop(cluster);
    membership.register().await.unwrap();
    crate::expect(&watch, "ready [m]").await;
    drop(membership);
    crate::expect_end(watch, "ready []").await;
}

//! The laws of those who register.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::Snapshot;
use crate::contract::hands::{Broken, Hands, chain, ensure, member, show};

pub(super) async fn observed(hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    let membership = hands.create(member(1)).await?;
    let id = membership.id().clone();
    ensure(watch.borrow().get(&id).is_none(), || "a membership was visible before it was registered".into())?;
    for _ in 0..3 {
        hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
        let now = watch.borrow();
        let there = now.get(&id).is_some_and(|member| member.endpoint == membership.member().endpoint);
        ensure(there, || format!("register returned and the set was {}", show(&now)))?;
        hands.leave(&membership, &watch).await?;
    }
    Ok(())
}

pub(super) async fn idempotent(hands: Hands<'_>) -> Result<(), Broken> {
    let membership = hands.create(member(1)).await?;
    let deregister =
        async || hands.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)));
    let register =
        async || hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)));
    deregister().await?; // nothing to undo
    let watch = hands.watch();
    for _ in 0..2 {
        register().await?;
        let revision = watch.borrow().revision();
        register().await?;
        let (one, two) = tokio::join!(register(), register());
        one.and(two)?;
        let now = watch.borrow();
        ensure(now.len() == 1, || format!("registering twice gave {}", show(&now)))?;
        ensure(now.revision() == revision, || "registering again changed the backend".into())?;
        hands.leave(&membership, &watch).await?;
        deregister().await?;
        ensure(watch.borrow().is_empty(), || format!("deregistering twice gave {}", show(&watch.borrow())))?;
    }
    Ok(())
}

pub(super) async fn stable_id(hands: Hands<'_>) -> Result<(), Broken> {
    let membership = hands.create(member(1)).await?;
    let (id, watch) = (membership.id().clone(), hands.watch());
    for cycle in 1..=3 {
        hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
        ensure(*membership.id() == id, || format!("cycle {cycle} renamed {id} to {}", membership.id()))?;
        ensure(watch.borrow().get(&id).is_some(), || {
            format!("cycle {cycle}: no {id} in {}", show(&watch.borrow()))
        })?;
        hands.leave(&membership, &watch).await?;
    }
    Ok(())
}

pub(super) async fn data_change(hands: Hands<'_>) -> Result<(), Broken> {
    let membership = hands.join(member(1)).await?;
    let (id, watch) = (membership.id().clone(), hands.watch());
    let shows = async |data: &'static [u8]| {
        let what = format!("the data to become {:?}", Bytes::from_static(data));
        hands
            .wait_for(&what, &watch, |s| s.get(&id).is_some_and(|member| member.data == data))
            .await
            .map(drop)
    };
    for data in [&b"one"[..], b"\0\xff\n", b""] {
        membership.set_data(data).map_err(|e| Broken(chain(&e)))?;
        shows(data).await?;
    }
    hands.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
    membership.set_data(&b"away"[..]).map_err(|e| Broken(chain(&e)))?;
    drop(hands.join(member(2)).await?); // by now the driver would have acted on it
    ensure(watch.borrow().get(&id).is_none(), || "set_data registered a member".into())?;
    hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
    shows(b"away").await
}

pub(super) async fn independent(hands: Hands<'_>) -> Result<(), Broken> {
    let (one, two) = (hands.join(member(1)).await?, hands.join(member(2)).await?);
    let watch = hands.watch();
    hands.wait_for("two members", &watch, |snapshot| snapshot.len() == 2).await?;
    one.set_data(&b"mine"[..]).map_err(|e| Broken(chain(&e)))?;
    hands.within("deregister", two.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
    let left = |s: &Snapshot| s.len() == 1 && s.get(one.id()).is_some_and(|member| &*member.data == b"mine");
    hands.wait_for("the other one to stay, with its data", &watch, left).await.map(drop)
}

pub(super) async fn drop_membership(hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    drop(hands.join(member(1)).await?);
    hands.wait_for("a dropped membership to be deregistered", &watch, Snapshot::is_empty).await?;
    drop(hands.create(member(2)).await?);
    let never = hands.create(member(3)).await?;
    let abandoned = timeout(Duration::ZERO, never.register()).await;
    drop(never); // whether or not it got through
    drop(abandoned);
    let keeper = hands.join(member(4)).await?;
    let alone = |snapshot: &Snapshot| snapshot.len() == 1 && snapshot.get(keeper.id()).is_some();
    hands.wait_for("an abandoned registration to be taken back", &watch, alone).await.map(drop)
}

pub(super) async fn reused_id(hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    for _ in 0..3 {
        drop(hands.join(member(1)).await?);
        let again = hands.join(member(1)).await?;
        // By the time another member has come and gone, the old one's end has been seen too.
        drop(hands.join(member(2)).await?);
        hands.wait_for("the other member to leave", &watch, |s| s.get(&member(2).id).is_none()).await?;
        let there = |snapshot: &Snapshot| snapshot.get(again.id()).is_some();
        ensure(there(&watch.borrow()), || {
            format!("the old membership's end took the new one: {}", show(&watch.borrow()))
        })?;
    }
    Ok(())
}

pub(super) async fn close_while_registering(hands: Hands<'_>) -> Result<(), Broken> {
    let membership = hands.create(member(1)).await?;
    hands.lose();
    let (register, closing) = (membership.register(), async {
        tokio::task::yield_now().await;
        hands.backend.discover.close();
    });
    let (registered, ()) =
        hands.within("register to fail after close", async { tokio::join!(register, closing) }).await?;
    ensure(registered.is_err(), || "register succeeded without a source".into())
}

pub(super) async fn register_while_lost(hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    hands.wait_for("the source to answer", &watch, |snapshot| snapshot.state().is_answered()).await?;
    let membership = hands.create(member(1)).await?;
    hands.lose();
    let early = timeout(Duration::from_millis(1), membership.register()).await;
    ensure(early.is_err(), || "register returned while the source was lost".into())?;
    hands.recover(); // the abandoned call's wish stays
    let there = |snapshot: &Snapshot| snapshot.state().is_ready() && snapshot.get(membership.id()).is_some();
    hands.wait_for("the registration that was asked for during the outage", &watch, there).await?;
    hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))
}

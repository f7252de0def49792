//! The laws, one function each.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::timeout;

use super::hands::{Broken, Hands, at_once, chain, ensure, member, show};
use super::{Backend, Law};
use crate::{Snapshot, Watch};

pub(super) async fn try_law(law: Law, backend: &Backend) -> Result<(), Broken> {
    let hands = Hands::new(backend);
    match law {
        Law::FirstSnapshot => first_snapshot(hands).await,
        Law::Sorted => sorted(hands).await,
        Law::Conflation => conflation(hands).await,
        Law::NoRepeats => no_repeats(hands).await,
        Law::DropWatch => drop_watch(hands).await,
        Law::Close => close(hands).await,
        Law::Observed => observed(hands).await,
        Law::Idempotent => idempotent(hands).await,
        Law::StableId => stable_id(hands).await,
        Law::DataChange => data_change(hands).await,
        Law::Independent => independent(hands).await,
        Law::DropMembership => drop_membership(hands).await,
        Law::ReusedId => reused_id(hands).await,
        Law::CloseWhileRegistering => close_while_registering(hands).await,
        Law::LastGoodSet => last_good_set(hands).await,
        Law::RegisterWhileLost => register_while_lost(hands).await,
    }
}

async fn first_snapshot(hands: Hands<'_>) -> Result<(), Broken> {
    for which in ["first", "second"] {
        let mut watch = hands.watch();
        ensure(matches!(at_once(watch.changed()), Some(Ok(_))), || {
            format!("the {which} watch had no snapshot at once")
        })?;
        let mut stream = hands.watch();
        ensure(matches!(at_once(next(&mut stream)), Some(Some(_))), || {
            format!("the {which} stream had no item at once")
        })?;
    }
    let watch = hands.watch();
    hands.wait_for("the source to answer", &watch, |snapshot| snapshot.state().is_answered()).await.map(drop)
}

async fn sorted(mut hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    if hands.backend.feed.is_some() || hands.backend.register.is_some() {
        hands.set(&[3, 1, 2], &watch).await?;
    }
    let answered =
        hands.wait_for("the source to answer", &watch, |snapshot| snapshot.state().is_answered()).await?;
    ensure(answered.members().is_sorted_by(|a, b| a.id < b.id), || {
        format!("not sorted by id: {}", show(&answered))
    })
}

async fn conflation(mut hands: Hands<'_>) -> Result<(), Broken> {
    let (mut slow, fast) = (hands.watch(), hands.watch());
    hands.set(&[0], &fast).await?;
    hands.wait_for("the first set", &slow, |snapshot| snapshot.len() == 1).await?;
    ensure(at_once(slow.changed()).is_some(), || "the slow watch had no first snapshot".into())?;
    for n in 1..=10 {
        hands.set(&[0, n], &fast).await?; // the fast reader sees every one, though the slow one reads nothing
    }
    let newest = hands.within("the slow reader's next snapshot", slow.changed()).await?;
    let newest = newest.map_err(|closed| Broken(closed.to_string()))?;
    ensure(newest.same_as(&fast.borrow()), || {
        format!("the slow reader got {} when the newest was {}", show(&newest), show(&fast.borrow()))
    })?;
    match at_once(slow.changed()) {
        None => Ok(()),
        Some(more) => Err(Broken(format!("the slow reader got more than the newest: {}", seen(&more)))),
    }
}

async fn no_repeats(mut hands: Hands<'_>) -> Result<(), Broken> {
    let (mut reader, watch) = (hands.watch(), hands.watch());
    let mut last: Option<Snapshot> = None;
    for set in [&[1][..], &[1, 2], &[1, 2], &[2, 1], &[1], &[], &[], &[1]] {
        hands.set(set, &watch).await?;
        while let Some(Ok(snapshot)) = at_once(reader.changed()) {
            ensure(last.as_ref().is_none_or(|last| !last.same_as(&snapshot)), || {
                format!("got {} twice in a row", show(&snapshot))
            })?;
            last = Some(snapshot);
        }
    }
    // There and back again while the reader sleeps is no news.
    hands.set(&[1, 3], &watch).await?;
    hands.set(&[1], &watch).await?;
    match at_once(reader.changed()) {
        None => Ok(()),
        Some(again) => {
            Err(Broken(format!("the set went back to what it was, and the reader got {}", seen(&again))))
        }
    }
}

async fn drop_watch(mut hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    for _ in 0..100 {
        let mut dropped = hands.watch();
        let _ = at_once(dropped.changed());
        drop(at_once(next(&mut dropped)));
    }
    if hands.backend.feed.is_some() || hands.backend.register.is_some() {
        hands.set(&[1], &watch).await?;
    }
    ensure(!watch.is_closed(), || "dropping watches closed another".into())?;
    drop(watch);
    let later = hands.watch();
    ensure(!later.is_closed(), || "dropping the last watch closed the source".into())
}

async fn close(mut hands: Hands<'_>) -> Result<(), Broken> {
    let mut watch = hands.watch();
    if hands.backend.feed.is_some() || hands.backend.register.is_some() {
        hands.set(&[1], &watch).await?;
    }
    let before =
        hands.wait_for("the source to answer", &watch, |snapshot| snapshot.state().is_answered()).await?;
    let mut waiting = hands.watch();
    let waiter = async { while next(&mut waiting).await.is_some() {} };
    hands.backend.discover.close();
    hands.backend.discover.close();
    hands.within("a stream to end after close", waiter).await?;
    let last = hands.within("the newest snapshot after close", watch.changed()).await?;
    ensure(last.as_ref().is_ok_and(|last| last.same_as(&before)), || {
        format!("close came before the newest snapshot, {}: got {}", show(&before), seen(&last))
    })?;
    let end = hands.within("the end after close", watch.changed()).await?;
    ensure(end.is_err(), || format!("after close came another snapshot, {}", seen(&end)))?;
    let mut later = hands.watch();
    let first = hands.within("the first snapshot of a watch opened after close", later.changed()).await?;
    ensure(first.is_ok(), || "a watch opened after close had no snapshot".into())?;
    let end = hands.within("the end of a watch opened after close", later.changed()).await?;
    ensure(end.is_err(), || "a watch opened after close did not end".into())
}

async fn observed(hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    let membership = hands.create(member(1)).await?;
    let id = membership.id().clone();
    ensure(watch.borrow().get(&id).is_none(), || "a membership was visible before it was registered".into())?;
    for _ in 0..3 {
        hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
        let now = watch.borrow();
        let there = now.get(&id).is_some_and(|member| member.endpoint == membership.member().endpoint);
        ensure(there, || format!("register returned and the set was {}", show(&now)))?;
        hands.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
        let now = watch.borrow();
        ensure(now.get(&id).is_none(), || format!("deregister returned and the set was {}", show(&now)))?;
    }
    Ok(())
}

async fn idempotent(hands: Hands<'_>) -> Result<(), Broken> {
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
        deregister().await?;
        deregister().await?;
        ensure(watch.borrow().is_empty(), || format!("deregistering twice gave {}", show(&watch.borrow())))?;
    }
    Ok(())
}

async fn stable_id(hands: Hands<'_>) -> Result<(), Broken> {
    let membership = hands.create(member(1)).await?;
    let (id, watch) = (membership.id().clone(), hands.watch());
    for cycle in 1..=3 {
        hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
        ensure(*membership.id() == id, || format!("cycle {cycle} renamed {id} to {}", membership.id()))?;
        ensure(watch.borrow().get(&id).is_some(), || {
            format!("cycle {cycle}: no {id} in {}", show(&watch.borrow()))
        })?;
        hands.within("deregister", membership.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
    }
    Ok(())
}

async fn data_change(hands: Hands<'_>) -> Result<(), Broken> {
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
    ensure(watch.borrow().get(&id).is_none(), || "set_data registered a member".into())?;
    hands.within("register", membership.register()).await?.map_err(|e| Broken(chain(&e)))?;
    shows(b"away").await
}

async fn independent(hands: Hands<'_>) -> Result<(), Broken> {
    let (one, two) = (hands.join(member(1)).await?, hands.join(member(2)).await?);
    let watch = hands.watch();
    hands.wait_for("two members", &watch, |snapshot| snapshot.len() == 2).await?;
    one.set_data(&b"mine"[..]).map_err(|e| Broken(chain(&e)))?;
    hands.within("deregister", two.deregister()).await?.map_err(|e| Broken(chain(&e)))?;
    let left = |s: &Snapshot| s.len() == 1 && s.get(one.id()).is_some_and(|member| &*member.data == b"mine");
    hands.wait_for("the other one to stay, with its data", &watch, left).await.map(drop)
}

async fn drop_membership(hands: Hands<'_>) -> Result<(), Broken> {
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

async fn reused_id(hands: Hands<'_>) -> Result<(), Broken> {
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

async fn close_while_registering(hands: Hands<'_>) -> Result<(), Broken> {
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

async fn last_good_set(mut hands: Hands<'_>) -> Result<(), Broken> {
    let watch = hands.watch();
    hands.set(&[1, 2], &watch).await?;
    for _ in 0..2 {
        let good = watch.borrow();
        hands.lose();
        let stale =
            hands.wait_for("the set to turn stale", &watch, |s| s.state().stale_since().is_some()).await?;
        ensure(Snapshot::diff(&good, &stale).is_empty(), || {
            format!("lost {} and kept {}", show(&good), show(&stale))
        })?;
        ensure(stale.as_of() == good.as_of(), || {
            "a stale set claims to be newer than its source's last word".into()
        })?;
        hands.recover();
        let ready = hands.wait_for("the set to be ready again", &watch, |s| s.state().is_ready()).await?;
        ensure(Snapshot::diff(&good, &ready).is_empty(), || {
            format!("had {} and found {}", show(&good), show(&ready))
        })?;
    }
    Ok(())
}

async fn register_while_lost(hands: Hands<'_>) -> Result<(), Broken> {
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

async fn next(watch: &mut Watch) -> Option<Snapshot> {
    std::future::poll_fn(|context| Pin::new(&mut *watch).poll_next(context)).await
}

fn seen(result: &Result<Snapshot, crate::Closed>) -> String {
    result.as_ref().map_or_else(ToString::to_string, show)
}

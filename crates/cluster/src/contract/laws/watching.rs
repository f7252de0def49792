//! The laws of those who watch.

use std::pin::Pin;

use futures_core::Stream;

use crate::contract::hands::{Broken, Hands, at_once, ensure, show};
use crate::{Closed, Snapshot, Watch};

pub(super) async fn first_snapshot(hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn sorted(mut hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn conflation(mut hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn no_repeats(mut hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn drop_watch(mut hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn close(mut hands: Hands<'_>) -> Result<(), Broken> {
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

pub(super) async fn last_good_set(mut hands: Hands<'_>) -> Result<(), Broken> {
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

async fn next(watch: &mut Watch) -> Option<Snapshot> {
    std::future::poll_fn(|context| Pin::new(&mut *watch).poll_next(context)).await
}

fn seen(result: &Result<Snapshot, Closed>) -> String {
    result.as_ref().map_or_else(ToString::to_string, show)
}

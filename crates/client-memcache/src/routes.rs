//! Several pools behind a route.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use peerset_cluster::Endpoint;
use peerset_route::{Answer, Ask, Operation as Kind, Outcome, Step, Table};

use crate::Key;
use crate::error::{Changed, Error};
use crate::lane::Found;
use crate::operation::{Keys, Operation, Part};
use crate::place::Pool;

/// See the module: steps through the table until an answer is good enough, and gives the best there was.
#[derive(Debug)]
pub(crate) struct Routes {
    table: Table,
    /// In the order of the table's pools.
    pools: Vec<Pool>,
}

impl Routes {
    pub(crate) fn new(table: Table, pools: Vec<Pool>) -> Routes {
        debug_assert_eq!(table.pools().len(), pools.len());
        Routes { table, pools }
    }

    pub(crate) fn pools(&self) -> &[Pool] {
        &self.pools
    }

    pub(crate) async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        let mut best: Option<(Rank, Result<O::Answer, Error>)> = None;
        let kind = operation.kind();
        let mut step = self.table.first(kind, operation.key().as_bytes());
        loop {
            let mut asked = operation;
            if let Some(at_most) = step.expiry {
                asked.shorten(at_most);
            }
            let mut answer = self.take(step, asked).await;
            let rank = Rank::of::<O>(&answer);
            let next = self.table.next(step.at, kind, operation.key().as_bytes(), rank.outcome);
            // A write that may have happened is not to become one that certainly did not, by an answer that nobody gave.
            let uncertain = !kind.is_read() && best.as_ref().is_some_and(|(rank, _)| rank.uncertain);
            if let (None, Ask::Pool(pool), Err(error @ Error::ServerDown { .. }), false) =
                (next, step.ask, &answer, uncertain)
            {
                answer = self.pools[usize::from(pool.0)].without_owner(asked, error.clone()).await;
            }
            let rank = Rank::of::<O>(&answer);
            if best.as_ref().is_none_or(|(held, _)| rank > *held) {
                best = Some((rank, answer));
            }
            match (next, best) {
                (None, Some((_, answer))) => return answer,
                (Some(next), held) => (step, best) = (next, held),
                (None, None) => unreachable!("the first answer beats none"),
            }
        }
    }

    async fn take<O: Operation>(&self, step: Step<'_>, operation: O) -> Result<O::Answer, Error> {
        match step.ask {
            Ask::Pool(pool) => self.pools[usize::from(pool.0)].ask_owner(operation).await,
            Ask::Absent => Ok(operation.absent()),
            Ask::Error(text) => Err(Error::Route(Arc::from(text))),
        }
    }

    /// All keys take their first steps together, then those that have to go on their second ones, and so on.
    pub(crate) async fn get_many(&self, keys: Keys<'_>, picks: Vec<usize>) -> Part {
        let key = |pick: usize| keys.keys[pick].as_bytes();
        let first =
            |pick| Walk { pick, step: self.table.first(Kind::Read, key(pick)), missed: false, failed: None };
        let mut walks: Vec<Walk<'_>> = picks.into_iter().map(first).collect();
        let (mut done, mut ended) = (Part::default(), Vec::new());
        let mut ownerless: Vec<Vec<(Walk<'_>, Error)>> = self.pools.iter().map(|_| Vec::new()).collect();
        while !walks.is_empty() {
            let mut part = self.take_all(keys, &walks).await;
            let found = picks_of(&part.found);
            let failed = by_pick(&part.failures);
            let mut further = Vec::new();
            for walk in walks.into_iter().filter(|walk| !found.contains(&walk.pick)) {
                let error = failed.get(&walk.pick).copied();
                let outcome = error.map_or(Outcome::Miss, |error| error.as_answer().outcome());
                let next = match error {
                    // The time is up for the others too.
                    Some(Error::Deadline { .. }) => None,
                    _ => self.table.next(walk.step.at, Kind::Read, key(walk.pick), outcome),
                };
                match (next, walk.step.ask, error) {
                    (None, Ask::Pool(pool), Some(error @ Error::ServerDown { .. })) => {
                        ownerless[usize::from(pool.0)].push((walk, error.clone()));
                    }
                    (None, _, error) => ended.push(walk.met(error)),
                    (Some(next), _, error) => further.push(Walk { step: next, ..walk.met(error) }),
                }
            }
            done.found.append(&mut part.found);
            walks = further;
        }
        let settled = ownerless.into_iter().zip(&self.pools).filter(|(walks, _)| !walks.is_empty());
        let settled = settled.map(|(walks, pool)| settle(pool, keys, walks));
        for (mut found, walks) in join_all(settled).await {
            done.found.append(&mut found);
            ended.extend(walks);
        }
        let failures = ended.into_iter().filter(|walk| !walk.missed);
        done.failures.extend(failures.filter_map(|walk| Some((vec![walk.pick], walk.failed?))));
        done
    }

    /// One step of each walk, all at once.
    async fn take_all(&self, keys: Keys<'_>, walks: &[Walk<'_>]) -> Part {
        let mut by_pool: Vec<Vec<usize>> = vec![Vec::new(); self.pools.len()];
        let mut part = Part::default();
        for Walk { pick, step, .. } in walks {
            match step.ask {
                Ask::Pool(pool) => by_pool[usize::from(pool.0)].push(*pick),
                Ask::Absent => {}
                Ask::Error(text) => part.failures.push((vec![*pick], Error::Route(Arc::from(text)))),
            }
        }
        let asked = self.pools.iter().zip(&by_pool).filter(|(_, picks)| !picks.is_empty());
        let asked = asked.map(|(pool, picks)| pool.get_many(keys, picks));
        join_all(asked).await.into_iter().fold(part, Part::and)
    }

    pub(crate) fn locate(&self, key: Key<'_>) -> Option<Endpoint> {
        match self.table.first(Kind::Read, key.as_bytes()).ask {
            Ask::Pool(pool) => self.pools[usize::from(pool.0)].locate(key),
            Ask::Absent | Ask::Error(_) => None,
        }
    }
}

/// How good an answer is: of equal ones the first is kept, and among failures one that may have changed something hides
/// behind no other, so that whoever reads the error knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    outcome: Outcome,
    uncertain: bool,
}

impl Rank {
    fn of<O: Operation>(answer: &Result<O::Answer, Error>) -> Rank {
        match answer {
            Ok(answer) => Rank { outcome: O::said(answer).outcome(), uncertain: false },
            Err(error) => Rank::of_error(error),
        }
    }

    fn of_error(error: &Error) -> Rank {
        Rank { outcome: error.as_answer().outcome(), uncertain: error.changed() == Changed::Unknown }
    }
}

/// What the pool of the last step answers for keys whose owners are down: what it found, and those that were not.
async fn settle<'t>(
    pool: &Pool,
    keys: Keys<'_>,
    ownerless: Vec<(Walk<'t>, Error)>,
) -> (Vec<Found>, Vec<Walk<'t>>) {
    let (mut walks, mut failures) = (Vec::new(), Vec::new());
    for (walk, error) in ownerless {
        failures.push((vec![walk.pick], error));
        walks.push(walk);
    }
    let part = pool.settle(keys, Part { found: Vec::new(), failures }).await;
    let found = picks_of(&part.found);
    let failed = by_pick(&part.failures);
    walks.retain(|walk| !found.contains(&walk.pick));
    let walks = walks.into_iter().map(|walk| {
        let error = failed.get(&walk.pick).copied();
        walk.met(error)
    });
    let walks = walks.collect();
    (part.found, walks)
}

fn picks_of(found: &[Found]) -> HashSet<usize> {
    found.iter().map(|found| found.pick as usize).collect()
}

fn by_pick(failures: &[(Vec<usize>, Error)]) -> HashMap<usize, &Error> {
    failures.iter().flat_map(|(picks, error)| picks.iter().map(move |pick| (*pick, error))).collect()
}

/// A key on its way through the table, not found so far.
struct Walk<'t> {
    pick: usize,
    step: Step<'t>,
    /// Somebody has said that there is no such item.
    missed: bool,
    /// Of the failures it met, the one to tell.
    failed: Option<Error>,
}

impl Walk<'_> {
    /// A step came to nothing: a failure, or a miss.
    fn met(mut self, error: Option<&Error>) -> Self {
        match (error, &self.failed) {
            (None, _) => self.missed = true,
            (Some(error), Some(held)) if Rank::of_error(error) <= Rank::of_error(held) => {}
            (Some(error), _) => self.failed = Some(error.clone()),
        }
        self
    }
}

impl Error {
    /// What this means to a route.
    pub(crate) fn as_answer(&self) -> Answer {
        match self {
            // No stand-in has a better answer than that the item is there.
            Error::Key(_) | Error::ValueTooLong { .. } | Error::ItemTooLong { .. } => Answer::ClientError,
            Error::NotSupported { .. } => Answer::UnknownCommand,
            Error::Overloaded { .. } => Answer::Overloaded,
            Error::ServerDown { .. } | Error::NoServers { .. } => Answer::Down,
            Error::Timeout { .. } | Error::Deadline { .. } => Answer::TimedOut,
            Error::Lost { .. } | Error::PeerMisbehaved { .. } => Answer::Lost,
            Error::Route(_) => Answer::ServerError,
            Error::Refused { text, .. } if text.starts_with("CLIENT_ERROR") => Answer::ClientError,
            Error::Refused { text, .. } if text.starts_with("SERVER_ERROR") => Answer::ServerError,
            Error::Refused { .. } => Answer::UnknownCommand,
        }
    }
}

//! Several pools behind a route.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use peerset_cluster::Endpoint;
use peerset_route::{Answer, Ask, Operation as Kind, Outcome, Step, Table};

use crate::Key;
use crate::error::Error;
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
        let mut best: Option<(Outcome, Result<O::Answer, Error>)> = None;
        let mut step = self.table.first(O::KIND, operation.key().as_bytes());
        loop {
            let mut asked = operation;
            if let Some(at_most) = step.expiry {
                asked.shorten(at_most);
            }
            let mut answer = self.take(step, asked).await;
            let mut outcome = outcome_of::<O>(&answer);
            let next = self.table.next(step.at, O::KIND, operation.key().as_bytes(), outcome);
            if let (None, Ask::Pool(pool), Err(error @ Error::ServerDown { .. })) = (next, step.ask, &answer)
            {
                answer = self.pools[usize::from(pool.0)].without_owner(asked, error.clone()).await;
                outcome = outcome_of::<O>(&answer);
            }
            if outcome.beats(best.as_ref().map(|(outcome, _)| *outcome)) {
                best = Some((outcome, answer));
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
        let first = |pick| Walk { pick, step: self.table.first(Kind::Read, key(pick)), held: None };
        let mut walks: Vec<Walk<'_>> = picks.into_iter().map(first).collect();
        let (mut done, mut ended) = (Part::default(), Vec::new());
        while !walks.is_empty() {
            let mut part = self.take_all(keys, &walks).await;
            let found: HashSet<usize> = part.found.iter().map(|found| found.pick as usize).collect();
            let failed: HashMap<usize, &Error> = part
                .failures
                .iter()
                .flat_map(|(picks, error)| picks.iter().map(move |pick| (*pick, error)))
                .collect();
            let mut further = Vec::new();
            for mut walk in walks {
                let (outcome, held) = match failed.get(&walk.pick) {
                    _ if found.contains(&walk.pick) => continue,
                    Some(error) => (error.as_answer().outcome(), Some((*error).clone())),
                    None => (Outcome::Miss, None),
                };
                match (held, &walk.held) {
                    (Some(_), Some(Held::Miss)) => {}
                    (Some(error), _) => walk.held = Some(Held::Failed(walk.step.ask, error)),
                    (None, _) => walk.held = Some(Held::Miss),
                }
                match self.table.next(walk.step.at, Kind::Read, key(walk.pick), outcome) {
                    Some(next) => further.push(Walk { step: next, ..walk }),
                    None => ended.push(walk),
                }
            }
            done.found.append(&mut part.found);
            walks = further;
        }
        for Walk { pick, held, .. } in ended {
            let Some(Held::Failed(ask, error)) = held else { continue };
            let failed = Part { found: Vec::new(), failures: vec![(vec![pick], error)] };
            done = done.and(match ask {
                Ask::Pool(pool) => self.pools[usize::from(pool.0)].settle(keys, failed).await,
                Ask::Absent | Ask::Error(_) => failed,
            });
        }
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

fn outcome_of<O: Operation>(answer: &Result<O::Answer, Error>) -> Outcome {
    match answer {
        Ok(answer) => O::said(answer).outcome(),
        Err(error) => error.as_answer().outcome(),
    }
}

/// A key on its way through the table.
struct Walk<'t> {
    pick: usize,
    step: Step<'t>,
    held: Option<Held<'t>>,
}

/// The best that a key has met without being found, of failures the last: its pool says what is answered then.
enum Held<'t> {
    Miss,
    Failed(Ask<'t>, Error),
}

impl Error {
    /// What this means to a route.
    pub(crate) fn as_answer(&self) -> Answer {
        match self {
            Error::Key(_) | Error::ValueTooLong { .. } => Answer::ClientError,
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

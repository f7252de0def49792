//! Google's Maglev, with weights: a table that servers fill in turn, each along a permutation of its own.
//!
//! For new fleets of so many servers that rendezvous hashing is too slow. A server is known by its name, else by
//! `host:port`, and order does not matter. XXH3 of that gives where its permutation starts, and with seed 1 how far it
//! steps; in each round a server takes the next slot that is free, or as many as its weight relative to the greatest says.
//!
//! - **Shape**: 65,537 slots of 4 bytes, 256 KiB; from 656 servers on 655,373 slots, 2.5 MiB. Another size moves every key,
//!   so that a fleet near that number better says `table=655373` from the start.
//! - **Cost**: a lookup is one multiplication and one read; building takes about 2 ms, 40 ms for the large table.
//! - **Balance**: slots differ by at most one a round, so that load is even to about 0.2 % at 100 servers. A change moves
//!   1.0 to 1.6 times the share of the server that came or went, which is what the even load costs.
//! - **Source**: Eisenbud and others, "Maglev: A Fast and Reliable Software Network Load Balancer" (2016). Not bit for bit
//!   anyone else's, since the paper leaves the hashes open.

use super::Rule;
use crate::hash::xxh3_64_seeded;
use crate::keys::{KeyFunction, KeyHash};
use crate::slots::{Pick, Slots};
use crate::{BuildError, POINTS_MAX, Server, Spec};

/// A prime, and the number of servers up to which it has 100 slots each; another size would move every key.
const SMALL: (u32, usize) = (65_537, 655);
/// The same for more.
const LARGE: u32 = 655_373;

/// A server while the table is filled.
struct Filler {
    server: u32,
    /// Its next slot, and how far it is to the one after.
    slot: u32,
    step: u32,
    /// Slots a round, and those it has not taken yet.
    pace: f64,
    credit: f64,
}

pub(super) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    let count = size(spec, servers.len())?;
    let greatest = servers.iter().map(|server| server.weight).fold(0.0, f64::max);
    let mut labels: Vec<(String, u32)> = servers.iter().map(Server::label).zip(0..).collect();
    labels.retain(|(_, server)| servers[*server as usize].weight > 0.0);
    labels.sort();
    let fillers = labels.into_iter().map(|(label, server)| {
        let hash = |seed| xxh3_64_seeded(label.as_bytes(), seed);
        let slot = (hash(0) % u64::from(count)) as u32;
        let step = (hash(1) % u64::from(count - 1)) as u32 + 1;
        let pace = servers[server as usize].weight / greatest;
        Filler { server, slot, step, pace, credit: 0.0 }
    });
    let mut fillers: Vec<Filler> = fillers.collect();
    if fillers.is_empty() {
        return Ok(Rule::Nobody);
    }
    let slots = fill(&mut fillers, count);
    let key_hash = KeyHash::whole(KeyFunction::Xxh3(0));
    Ok(Slots::new(slots, key_hash, Pick::Fraction).map_or(Rule::Nobody, Rule::Slots))
}

/// The number of slots, a prime, so that every step visits them all.
fn size(spec: &Spec, servers: usize) -> Result<u32, BuildError> {
    let wrong = |what| Err(BuildError::Option { kind: spec.kind, option: "table", what });
    match spec.options.table {
        Some(table) if table as usize > POINTS_MAX => Err(BuildError::Points { asked: table.into() }),
        Some(table) if !is_prime(table) => wrong("is not a prime"),
        Some(table) if (table as usize) < servers => wrong("is less than a slot for each server"),
        Some(table) => Ok(table),
        None if servers <= SMALL.1 => Ok(SMALL.0),
        None if servers <= LARGE as usize => Ok(LARGE),
        None => Err(BuildError::Points { asked: servers as u64 }),
    }
}

fn fill(fillers: &mut [Filler], count: u32) -> Vec<u32> {
    const FREE: u32 = u32::MAX;
    let mut slots = vec![FREE; count as usize];
    let mut free = count;
    loop {
        for filler in &mut *fillers {
            filler.credit += filler.pace;
            if filler.credit < 1.0 {
                continue;
            }
            filler.credit -= 1.0;
            while slots[filler.slot as usize] != FREE {
                filler.advance(count);
            }
            slots[filler.slot as usize] = filler.server;
            free -= 1;
            if free == 0 {
                return slots;
            }
        }
    }
}

impl Filler {
    fn advance(&mut self, count: u32) {
        self.slot += self.step;
        if self.slot >= count {
            self.slot -= count;
        }
    }
}

fn is_prime(number: u32) -> bool {
    number > 2
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

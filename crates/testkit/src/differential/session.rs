//! One seed from script to verdict.

use std::net::SocketAddr;
use std::ops::Range;
use std::{env, fmt};

use super::replay::Replay;
use super::{Mismatch, Script, shrink};

/// Compares two servers by sending both the same script.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session;

/// What the second of the compared is. The first is always one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Another one: every byte must be the same.
    Server,
    /// A proxy in front of several. CAS values may be other ones, as long as they are new and old at the same moments;
    /// what else is in [`PROXY_DIFFERENCES`](super::PROXY_DIFFERENCES).
    Proxy,
}

/// Runs without a tick that must differ before a difference counts.
const RUNS: u32 = 4;

/// Runs after which a machine is too slow for a verdict on the whole script.
const RUNS_MAX: u32 = 16;

/// Replays this one seed instead of the range a test names.
const SEED_VARIABLE: &str = "PEERSET_SEED";

impl Session {
    /// Generates the script of `seed` and runs it against two servers.
    ///
    /// # Errors
    /// The shortest script found on which the servers differ, with both replies.
    pub fn run(seed: u64, left: SocketAddr, right: SocketAddr) -> Result<(), Box<Mismatch>> {
        Session::run_script(&Script::generate(seed), left, right, Right::Server)
    }

    /// The same for a given script, say one that once differed, and with a proxy, too.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_script(
        script: &Script,
        left: SocketAddr,
        right: SocketAddr,
        kind: Right,
    ) -> Result<(), Box<Mismatch>> {
        let mut replay = Replay::new(left, right, kind);
        let mut counted = None;
        let mut last = None;
        let mut without_tick = 0;
        for _ in 0..RUNS_MAX {
            let Err(found) = replay.run(script) else { return Ok(()) };
            if found.ticks == 0 {
                without_tick += 1;
                counted = Some(found.clone());
            }
            last = Some(found);
            if without_tick == RUNS {
                break;
            }
        }
        let Some(last) = last else { return Ok(()) };
        match (shrink::shrink(script, &last, &mut replay), counted) {
            (Some(found), _) | (None, Some(found)) => Err(found),
            // Every run was so slow that a clock ticked in it, and what is left of the script differs no more.
            (None, None) => Ok(()),
        }
    }
}

/// Runs many seeds and fails a test on the first that differs. `PEERSET_SEED=N` in the environment runs only that one.
///
/// # Panics
/// With the mismatch, when there is one.
#[track_caller]
pub fn check(seeds: Range<u64>, left: SocketAddr, right: SocketAddr) {
    check_all(seeds, left, right, Right::Server);
}

/// The same for one server and a proxy in front of several.
///
/// # Panics
/// As [`check`].
#[track_caller]
pub fn check_proxy(seeds: Range<u64>, server: SocketAddr, proxy: SocketAddr) {
    check_all(seeds, server, proxy, Right::Proxy);
}

#[track_caller]
fn check_all(seeds: Range<u64>, left: SocketAddr, right: SocketAddr, kind: Right) {
    let seeds = match env::var(SEED_VARIABLE) {
        Ok(text) => {
            let seed = text.parse().unwrap_or_else(|e| panic!("{SEED_VARIABLE}={text}: {e}"));
            seed..seed + 1
        }
        Err(_) => seeds,
    };
    for seed in seeds {
        if let Err(mismatch) = Session::run_script(&Script::generate(seed), left, right, kind) {
            fail(&mismatch);
        }
    }
}

#[track_caller]
fn fail(mismatch: &dyn fmt::Display) -> ! {
    panic!("{mismatch}");
}

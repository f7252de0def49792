//! One seed from script to verdict.

use std::net::SocketAddr;
use std::ops::Range;
use std::{env, fmt};

use super::replay::{Replay, Start};
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

/// Runs before a difference counts. One in two could be a clock that ticked; four with clocks in step are not.
const RUNS: usize = 4;

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
        let mut found = match replay.run(script, Start::AtOnce) {
            Ok(()) => return Ok(()),
            Err(mismatch) => mismatch,
        };
        for _ in 1..RUNS {
            found = match replay.run(script, Start::ClocksInStep) {
                Ok(()) => return Ok(()),
                Err(mismatch) => mismatch,
            };
        }
        Err(shrink::shrink(script, found, &mut replay))
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

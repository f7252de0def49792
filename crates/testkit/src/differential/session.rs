//! One seed from script to verdict.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;
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

/// Runs that must differ before a difference counts. One in two could be a clock that ticked; four at other moments of
/// the second are not.
const RUNS: u32 = 4;

/// A run that took longer does not count: it is likely that a clock ticked in it.
const QUICK: Duration = Duration::from_millis(300);

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
        let Err(mut found) = replay.run(script, Start::AtOnce) else { return Ok(()) };
        let (mut quick, mut runs) = (0, 0);
        while quick < RUNS && runs < RUNS_MAX {
            // Two servers have nearly a whole second from when both have ticked. Behind a proxy are more, of which each
            // ticks when it likes.
            let later = match kind {
                Right::Server => Duration::ZERO,
                Right::Proxy => Duration::from_secs(1) * (runs % RUNS) / RUNS,
            };
            (found, runs) = match replay.run(script, Start::ClocksInStep { later }) {
                Ok(()) => return Ok(()),
                Err(mismatch) => (mismatch, runs + 1),
            };
            quick += u32::from(found.took < QUICK);
        }
        match shrink::shrink(script, &found, &mut replay) {
            Some(shortest) => Err(shortest),
            None if quick == RUNS => Err(found),
            // Every run was so slow that clocks ticked in it, and what is left of the script differs no more.
            None => Ok(()),
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

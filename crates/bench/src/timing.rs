//! How often and how long things are measured.

use std::time::Duration;

use anyhow::{Result, ensure};

#[derive(clap::Args)]
pub(crate) struct TimingArguments {
    /// Times each contender is measured in a scenario
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Length of one measurement
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Three short rounds, to see that everything works
    #[arg(long)]
    quick: bool,
}

/// The same for all contenders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) rounds: usize,
    /// Before each measurement.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl TimingArguments {
    pub(crate) fn timing(&self) -> Result<Timing> {
        ensure!(self.seconds > 0.0 && self.seconds < 3600.0, "--seconds {}", self.seconds);
        ensure!(self.rounds > 0, "at least one round");
        let (rounds, seconds) = if self.quick { (3, 0.5) } else { (self.rounds, self.seconds) };
        Ok(Timing {
            rounds,
            warm_up: Duration::from_secs_f64((seconds / 3.0).min(0.5)),
            measured: Duration::from_secs_f64(seconds),
        })
    }
}

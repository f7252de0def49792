//! Whether a server is to be asked at all.
//!
//! ```text
//!            hard failure, or `eject_after` soft ones in a row
//!      Up ──────────────────────────────────────────────► Down { until }
//!       ▲                                                   │    ▲
//!       │ probed: the handshake was answered      time is up│    │ failed: wait longer
//!       └───────────────────────────────────── Probing ◄────┘────┘
//! ```
//!
//! An answered handshake lets requests through again, but forgives nothing: a server that hangs on what follows is away
//! for longer each time. Only the reply to a request does ([`Health::succeeded`]).
//!
//! Pure logic: the clock is an argument and the jitter comes from a seed, so that a simulation repeats.

use std::time::{Duration, Instant};

#[cfg(test)]
mod tests;

/// When a server is ejected, and how long it stays away.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthConfig {
    /// Soft failures in a row after which the server is ejected, at least 1. Hard ones eject at once.
    pub eject_after: u32,
    /// The shortest wait before a probe. The first wait lies between this and its double.
    pub retry_min: Duration,
    /// The longest wait; reached by doubling, and jittered down to its half so that many clients do not probe together. A
    /// probe may take as long, so that this should be longer than connecting may take.
    pub retry_max: Duration,
}

impl Default for HealthConfig {
    /// 3 failures, 100 ms, 10 s.
    fn default() -> Self {
        HealthConfig {
            eject_after: 3,
            retry_min: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
        }
    }
}

/// What went wrong with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Hard: refused or unreachable.
    Connect,
    /// Hard: no connection within the time allowed.
    ConnectTimeout,
    /// Hard: it took the connection, but the handshake was not answered as it has to be.
    Handshake,
    /// Hard: a request was not answered within the time allowed.
    Timeout,
    /// Soft: the connection broke with requests in flight.
    Lost,
    /// Soft: it answered something that is no answer.
    Garbage,
}

impl Failure {
    /// Whether one of these ejects a server: a further request would only wait as long again.
    pub fn is_hard(self) -> bool {
        match self {
            Failure::Connect | Failure::ConnectTimeout | Failure::Handshake | Failure::Timeout => true,
            Failure::Lost | Failure::Garbage => false,
        }
    }
}

/// What to do with a request for a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// The server is up: ask it.
    Ask,
    /// The server is down, and who got this answer is to connect and say `version`, nobody else. Tell
    /// [`Health::probed`] or [`Health::failed`] what came of it.
    Probe,
    /// The server is down: fail at once.
    Refuse {
        /// When to ask again: there will be a probe to make then, unless one has succeeded.
        until: Instant,
    },
}

/// The health of one server.
///
/// A probe that nobody reports on is given up after [`HealthConfig::retry_max`], and another one admitted.
#[derive(Clone, Debug)]
pub struct Health {
    config: HealthConfig,
    rng: fastrand::Rng,
    state: State,
    ejections: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `span` is what the last wait was drawn from, until a request has been replied to.
    Up {
        failures: u32,
        span: Duration,
    },
    /// `span` is what the wait was drawn from.
    Down {
        until: Instant,
        span: Duration,
    },
    Probing {
        until: Instant,
        span: Duration,
    },
}

impl Health {
    /// A server that is up. `seed` is for the jitter: give every server and process another one.
    pub fn new(config: HealthConfig, seed: u64) -> Health {
        let state = State::Up { failures: 0, span: config.retry_min };
        Health { config, rng: fastrand::Rng::with_seed(seed), state, ejections: 0 }
    }

    /// Whether to ask the server now.
    pub fn admits(&mut self, now: Instant) -> Admission {
        match self.state {
            State::Up { .. } => Admission::Ask,
            State::Down { until, .. } | State::Probing { until, .. } if now < until => {
                Admission::Refuse { until }
            }
            State::Down { span, .. } | State::Probing { span, .. } => {
                self.state = State::Probing { until: now + self.config.retry_max, span };
                Admission::Probe
            }
        }
    }

    /// The probe was answered: requests may be sent again.
    pub fn probed(&mut self) {
        if let State::Probing { span, .. } = self.state {
            self.state = State::Up { failures: 0, span };
        }
    }

    /// A request was replied to: all is forgiven. An ejected server does not come back by that, which may be the late reply
    /// to an old request.
    pub fn succeeded(&mut self) {
        if let State::Up { .. } = self.state {
            self.state = State::Up { failures: 0, span: self.config.retry_min };
        }
    }

    /// Something went wrong. While the server is down and not being probed this is the echo of what is already known.
    pub fn failed(&mut self, failure: Failure, now: Instant) {
        match self.state {
            State::Up { failures, span } => {
                let failures = failures.saturating_add(1);
                if failure.is_hard() || failures >= self.config.eject_after {
                    self.ejections += 1;
                    self.wait(now, span);
                } else {
                    self.state = State::Up { failures, span };
                }
            }
            State::Probing { span, .. } => self.wait(now, span),
            State::Down { .. } => {}
        }
    }

    /// Whether requests are being refused.
    pub fn is_ejected(&self) -> bool {
        !matches!(self.state, State::Up { .. })
    }

    /// When the next probe is due, if the server is ejected.
    pub fn ejected_until(&self) -> Option<Instant> {
        match self.state {
            State::Up { .. } => None,
            State::Down { until, .. } | State::Probing { until, .. } => Some(until),
        }
    }

    /// How often the server was ejected. Failing probes do not count again.
    pub fn ejections(&self) -> u64 {
        self.ejections
    }

    /// Waits between half and all of a span that is twice the one before.
    fn wait(&mut self, now: Instant, before: Duration) {
        let HealthConfig { retry_min, retry_max, .. } = self.config;
        let span = before.saturating_mul(2).min(retry_max);
        let wait = span.mul_f64(0.5 + 0.5 * self.rng.f64()).max(retry_min);
        self.state = State::Down { until: now + wait, span };
    }
}

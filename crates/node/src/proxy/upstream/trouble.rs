//! The end of a connection: who hears of it, and what it says of the server.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use peerset_client_memcache::health::Failure;
use peerset_route::Answer;

use super::{Link, Replies, Upstream};
use crate::proxy::pending::Pending;

/// Why a connection ends.
#[derive(Debug)]
pub(super) struct Trouble {
    failure: Failure,
    /// For people.
    why: Cow<'static, str>,
}

/// An idle connection that the server closes sooner, before it answered any request, speaks against the server.
pub(super) const IDLE_MIN: Duration = Duration::from_millis(500);

impl Trouble {
    pub(super) fn new(failure: Failure, why: impl Into<Cow<'static, str>>) -> Trouble {
        Trouble { failure, why: why.into() }
    }
}

impl Upstream {
    /// Closes, and fails everything that waits.
    pub(super) fn fail(&mut self, trouble: Trouble, now: Instant, desk: &mut impl Replies) {
        let failure = trouble.failure;
        self.arrange();
        let well = match (&self.link, failure, self.unproven) {
            (Link::Open(_), Failure::Lost, None) => self.pending.is_empty(),
            (Link::Open(_), Failure::Lost, Some(since)) => {
                self.pending.is_empty() && now.duration_since(since) >= IDLE_MIN
            }
            _ => false,
        };
        if failure == Failure::ConnectTimeout || matches!(self.link, Link::Greeting(..)) {
            // Trying the others at once would cost whoever waits a time-out for each; the next probe does.
            self.passed_over += 1;
        }
        self.link = Link::Closed;
        self.output.clear();
        self.held = None;
        self.sent = 0;
        self.asked.clear();
        self.rounds.keep_apart(false);
        self.input = Vec::new();
        self.missing = 1;
        self.skip = 0;
        self.meta = false;
        self.values = 0;
        self.writable_watched = false;
        if well {
            // An idle connection may be closed by a server that is well; a new one will tell.
            tracing::debug!(server = %self.server.label, why = %trouble.why, "an idle connection ended");
        } else {
            self.settle(&trouble, now);
        }
        if self.pending.front().is_some_and(Pending::is_answered) {
            self.pending.pop_front();
        }
        let why = match failure {
            Failure::Connect | Failure::ConnectTimeout => Answer::Down,
            Failure::Timeout => Answer::TimedOut,
            _ => Answer::Lost,
        };
        self.counters.failed(why, self.pending.len() as u64);
        while let Some(pending) = self.pending.pop_front() {
            desk.failed(pending, &self.server, &self.settings, why);
        }
    }

    /// Takes a failure into account, and tells of it what is new.
    pub(super) fn settle(&mut self, trouble: &Trouble, now: Instant) {
        let &Trouble { failure, ref why } = trouble;
        let (server, pool) = (&self.server.label, &self.settings.pool);
        let before = self.health.is_ejected();
        self.health.failed(failure, now);
        if !self.health.is_ejected() {
            match failure {
                Failure::Garbage => tracing::warn!(%server, %pool, %why, "a connection was given up"),
                _ => tracing::debug!(%server, %pool, %why, "a connection was lost"),
            }
        } else {
            self.counters.ejections.add(u64::from(!before));
            // A probe that began before the server came back may fail when another worker has told that it is back.
            let told = if before { self.server.tell_again(failure) } else { self.server.tell(Some(failure)) };
            match told {
                None if !before => {
                    tracing::warn!(%server, %pool, %why, "server is down; trying it again in the background");
                }
                Some(told) if told != failure => {
                    tracing::warn!(%server, %pool, %why, "server is still down");
                }
                _ => tracing::debug!(%server, %pool, %why, "server is still down"),
            }
        }
        self.report();
    }

    /// Tells the pages how it stands.
    pub(super) fn report(&self) {
        self.counters.set_connected(matches!(self.link, Link::Open(_)));
        self.counters.set_ejected(self.health.is_ejected());
    }
}

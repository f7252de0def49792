//! Who takes part, and in which ways.

use clap::ValueEnum;

/// A client library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    AsyncMemcached,
    Memcache,
    McmcRs,
    MtopClient,
    Peerset,
}

/// How a contender is run: what its users can choose, and would choose for speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// A tokio runtime on the calling thread.
    CurrentThread,
    /// A tokio runtime with two workers.
    TwoWorkers,
    /// A thread a task, text protocol.
    Text,
    /// A thread a task, memcached's old binary protocol.
    Binary,
}

impl Contender {
    pub(super) const ALL: &[Contender] = &[
        Contender::AsyncMemcached,
        Contender::Memcache,
        Contender::McmcRs,
        Contender::MtopClient,
        Contender::Peerset,
    ];

    /// The name of its crate.
    pub(super) fn name(self) -> &'static str {
        match self {
            Contender::AsyncMemcached => "async-memcached",
            Contender::Memcache => "memcache",
            Contender::McmcRs => "mcmc-rs",
            Contender::MtopClient => "mtop-client",
            Contender::Peerset => "peerset",
        }
    }

    pub(super) fn is_ours(self) -> bool {
        self == Contender::Peerset
    }

    pub(super) fn ways(self) -> &'static [Way] {
        match self {
            Contender::Memcache => &[Way::Text, Way::Binary],
            _ => &[Way::CurrentThread, Way::TwoWorkers],
        }
    }
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::CurrentThread => "1 thread",
            Way::TwoWorkers => "2 workers",
            Way::Text => "text",
            Way::Binary => "binary",
        }
    }
}

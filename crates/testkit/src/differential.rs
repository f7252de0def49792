//! Two servers, the same bytes, and every byte of their replies compared.
//!
//! A [`Script`] is a seeded random session: batches of classic and meta commands over few keys, with odd numbers,
//! flags, lengths and line ends. [`Session::run`] sends it to both servers, each batch pipelined and cut into writes
//! at random bytes, and compares what comes back. A [`Mismatch`] prints the seed and the shortest script found that
//! still shows the difference.
//!
//! - **Marker**: a batch ends with `md ~marker O~N`, and its reply `NF O~N` ends the reply. A batch that announces a
//!   value longer than it sends gets as many `mn` in front of it as the value can swallow.
//! - **State**: a run begins by flushing and deleting the script's keys and by bringing both CAS counters to one
//!   number, so that servers can be used for many runs. Nobody else may use them meanwhile.
//! - **A proxy** on the right may differ in a few things more: see [`Right`].
//! - **Time**: the servers' seconds begin at different moments, so a run during which one has ticked and the other not
//!   can differ rightly. Each run that differs looks at every server's clock before and after: if none has ticked, the
//!   difference counts. Else seconds may be apart by as much, and the run is repeated for anything else; only what
//!   differs every time is reported.
//! - **Cost**: about 20 ms a seed between two memcacheds; a mismatch up to half a minute, for shrinking.
//! - **What is left out**: [`KNOWN_DIFFERENCES`] and [`PROXY_DIFFERENCES`], with the reasons.

mod cas_names;
mod clock;
mod command;
mod escape;
mod generate;
mod known;
mod link;
mod mismatch;
mod replay;
mod replies;
mod session;
mod shrink;

pub use command::{Batch, Command, Script};
pub use known::{Handling, KNOWN_DIFFERENCES, KnownDifference, PROXY_DIFFERENCES};
pub use mismatch::{Mismatch, Side};
pub use session::{Right, Session, check, check_proxy};

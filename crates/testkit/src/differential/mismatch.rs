//! What is reported when two servers differ.

use std::fmt;
use std::net::SocketAddr;

use super::escape::Escaped;
use super::link::Ending;

/// Two servers answered the same bytes differently.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Mismatch {
    /// What the script was generated from.
    pub seed: u64,
    /// The batches that both answered alike, as sent: what brought the servers into this state.
    pub before: Vec<Vec<u8>>,
    /// The batch that they answered differently, marker included.
    pub batch: Vec<u8>,
    /// One server.
    pub left: Side,
    /// The other.
    pub right: Side,
    /// How far apart the seconds in the replies are, if that is all in which they differ.
    pub seconds_apart: Option<u64>,
    /// How often a server's clock ticked during the run: once or more, and the difference may be the clock's.
    pub ticks: u64,
    /// How the script was made shorter.
    pub shrunk: String,
}

/// What one server did.
#[derive(Clone, Debug)]
pub struct Side {
    /// Who it is.
    pub addr: SocketAddr,
    /// Everything it sent, known differences evened out.
    pub reply: Vec<u8>,
    /// Why the reply ended there.
    pub ending: String,
}

impl Side {
    pub(crate) fn new(addr: SocketAddr, reply: Vec<u8>, ending: &Ending) -> Side {
        Side { addr, reply, ending: ending.to_string() }
    }
}

/// As much of both replies as is shown from in front of the first difference.
const CONTEXT_BYTES: usize = 40;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { seed, before, batch, left, right, ticks, shrunk, .. } = self;
        writeln!(
            f,
            "seed {seed}: {} and {} differ, clocks having ticked {ticks} times ({shrunk}; PEERSET_SEED={seed} replays it)",
            left.addr, right.addr
        )?;
        for (number, sent) in before.iter().enumerate() {
            writeln!(f, "--- batch {number}, answered alike:")?;
            lines(f, sent)?;
        }
        writeln!(f, "--- batch {}, answered differently:", before.len())?;
        lines(f, batch)?;
        let equal = left.reply.iter().zip(&right.reply).take_while(|(a, b)| a == b).count();
        for side in [left, right] {
            writeln!(f, "--- {}: {} bytes, then {}:", side.addr, side.reply.len(), side.ending)?;
            lines(f, &side.reply)?;
        }
        let from = equal.saturating_sub(CONTEXT_BYTES);
        writeln!(f, "--- first difference at byte {equal} of the reply:")?;
        for side in [left, right] {
            let end = (equal + CONTEXT_BYTES).min(side.reply.len());
            writeln!(
                f,
                "{:>21}: …{} ▸ {}",
                side.addr,
                Escaped(&side.reply[from..equal]),
                Escaped(&side.reply[equal..end])
            )?;
        }
        Ok(())
    }
}

/// A line of text for each line of protocol.
fn lines(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.split_inclusive(|&byte| byte == b'\n').try_for_each(|line| writeln!(f, "    {}", Escaped(line)))
}

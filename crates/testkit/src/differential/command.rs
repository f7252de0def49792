//! What is sent: a script of batches of commands.

use std::borrow::Cow;

use super::replies::CasSeen;

/// A whole session, generated from its seed or cut out of one that was.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it was generated from; it also decides where writes are cut.
    pub seed: u64,
    /// The keys it may use, which a run deletes first.
    pub keys: Vec<Vec<u8>>,
    /// More of them, in base64.
    pub keys_base64: Vec<Vec<u8>>,
    /// Sent one after the other, each when the one before has been answered.
    pub batches: Vec<Batch>,
}

/// Commands sent without waiting for replies in between.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// In the order they are sent.
    pub commands: Vec<Command>,
}

impl Script {
    /// The same for a proxy: without what is [not for proxies](Command::to_server_only), and with each command that
    /// [waits](Command::waiting) in a batch with what follows it, none behind what it waits for. A proxy's servers have
    /// sent their replies only when the proxy has sent its own.
    pub(crate) fn for_proxy(&self) -> Script {
        let batches = self.batches.iter().flat_map(|batch| {
            let parts = batch.commands.chunk_by(|_, next| !next.waits);
            parts.map(|part| Batch {
                commands: part.iter().filter(|it| !it.to_server_only).cloned().collect(),
            })
        });
        Script { batches: batches.collect(), ..self.clone() }
    }
}

/// One command with its value, valid or not. CAS values are filled in when it is sent, from what earlier replies said.
#[derive(Clone, Debug, Default)]
pub struct Command {
    parts: Vec<Part>,
    swallows: usize,
    waits: bool,
    to_server_only: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Bytes(Cow<'static, [u8]>),
    CasOf { key: Vec<u8>, offset: u64 },
}

/// Stands for a CAS value that no reply has told yet: no server counts as far, and one beside it is none either.
const CAS_UNSEEN: u64 = u64::MAX - 2;

/// How far a wrong CAS value is from the right one. Farther than a run counts, so that it is wrong on every server,
/// whatever that one has counted since.
const CAS_STEP: u64 = 1 << 40;

impl Command {
    /// Appends bytes as they are.
    pub fn bytes(mut self, bytes: impl Into<Cow<'static, [u8]>>) -> Command {
        self.parts.push(Part::Bytes(bytes.into()));
        self
    }

    /// Appends the last CAS value seen for `key`, or with an `offset` one that is surely wrong.
    pub fn cas_of(mut self, key: &[u8], offset: u64) -> Command {
        self.parts.push(Part::CasOf { key: key.to_vec(), offset });
        self
    }

    /// Appends another one's bytes.
    pub(crate) fn then(mut self, other: Command) -> Command {
        self.parts.extend(other.parts);
        self
    }

    /// Says that a server may take up to this many bytes of the following commands for a part of this one.
    pub fn swallowing(mut self, bytes: usize) -> Command {
        self.swallows += bytes;
        self
    }

    /// Says that what it does to a server depends on whether earlier replies have left that server.
    pub fn waiting(mut self) -> Command {
        self.waits = true;
        self
    }

    /// Says that no proxy can pass it on.
    pub fn to_server_only(mut self) -> Command {
        self.to_server_only = true;
        self
    }

    pub(crate) fn swallows(&self) -> usize {
        self.swallows
    }

    pub(crate) fn render(&self, cas: &CasSeen, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
                Part::CasOf { key, offset } => {
                    let value = cas.of(key).unwrap_or(CAS_UNSEEN).wrapping_add(offset.wrapping_mul(CAS_STEP));
                    out.extend_from_slice(value.to_string().as_bytes());
                }
            }
        }
    }
}

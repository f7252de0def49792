//! The requests of one connection, answered from the store.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use peerset_proto_memcache::reply::{ConfigNode, encode};
use peerset_proto_memcache::request::Request;
use peerset_proto_memcache::{Fault, Limits, Parsed, Recovery, RequestError, parse_request};
use peerset_store::Key;

use super::buffer_memory::BufferShare;
use super::counters::CommandCounters;
use super::{Node, classic, meta, stats};
use crate::front::{Client, Next, Now, OUTPUT_HIGH, Purpose, Service, Turn};

/// The version of a cluster that never changes: this one node.
const CLUSTER_VERSION: u64 = 1;

/// Output at one time while memory for replies is scarce.
pub(super) const OUTPUT_SCARCE: usize = 8 * 1024;

/// A value of so many bytes waits while memory for replies is scarce.
pub(super) const VALUE_LARGE: usize = 16 * 1024;

/// How long one connection may keep a worker: whoever sends commands that answer little, or cost much, has to share.
const TURN: Duration = Duration::from_millis(2);

/// Gets are cheap: the time is looked at after so many.
const GETS_PER_LOOK: u32 = 64;

/// Answers the connections of one worker.
pub(super) struct NodeService {
    node: Arc<Node>,
    worker: usize,
    limits: Limits,
}

/// What is remembered of a connection between two of its turns.
pub(crate) struct Session {
    /// The address the client reached.
    local: Option<SocketAddr>,
    /// Bytes still to come that belong to a request already refused.
    skip: u64,
    /// Keys already answered of the multi-get at the front of the input.
    keys_done: usize,
}

/// How far a request got.
pub(super) enum Progress {
    /// It is answered.
    Done,
    /// It is a get, answered up to this many keys; the rest when the output is sent.
    Keys(usize),
    /// The same, and the next value is large while memory for replies is scarce.
    Wait(usize),
    /// The connection is to be closed.
    Close,
}

impl NodeService {
    pub(super) fn new(node: Arc<Node>, worker: usize) -> NodeService {
        let mut limits = Limits::default();
        limits.value_bytes_max = usize::try_from(node.settings.max_item.0).unwrap_or(usize::MAX);
        NodeService { node, worker, limits }
    }

    fn counters(&self) -> &CommandCounters {
        &self.node.commands[self.worker]
    }

    fn answer(&self, session: &Session, request: &Request<'_>, output: &mut Vec<u8>, now: u32) -> Progress {
        let (store, counters) = (&*self.node.store, self.counters());
        let scarce = self.is_scarce(Purpose::Replies);
        match request {
            Request::Get(get) => {
                let output_high = if scarce { OUTPUT_SCARCE } else { OUTPUT_HIGH };
                return classic::get(store, counters, get, session.keys_done, output_high, now, output);
            }
            Request::Store(put) => classic::store(store, counters, put, now, output),
            Request::Delete { key, noreply } => classic::delete(store, counters, *key, *noreply, now, output),
            Request::Arithmetic(count) => classic::arithmetic(store, counters, count, now, output),
            Request::Touch { key, exptime, noreply } => {
                classic::touch(store, counters, *key, *exptime, *noreply, now, output);
            }
            Request::MetaGet(get) if scarce && meta::is_large(store, get, now) => return Progress::Wait(0),
            Request::MetaGet(get) => meta::get(store, counters, get, now, output),
            Request::MetaSet(set) => meta::set(store, counters, set, now, output),
            Request::MetaDelete(delete) => meta::delete(store, counters, delete, now, output),
            Request::MetaArithmetic(count) => meta::arithmetic(store, counters, count, now, output),
            Request::MetaNoop => output.extend_from_slice(encode::META_NOOP),
            Request::MetaDebug { key } => meta::debug(store, counters, key, now, output),
            Request::FlushAll { delay, noreply } => {
                counters.cmd_flush.add(1);
                store.flush_all(i64::from(*delay), now);
                line(output, *noreply, encode::OK);
            }
            Request::Verbosity { noreply, .. } => line(output, *noreply, encode::OK),
            Request::Version => encode::version(output, stats::VERSION),
            Request::Stats { arguments } => stats::answer(&self.node, *arguments, output),
            Request::Quit => return Progress::Close,
            Request::Shutdown => output.extend_from_slice(encode::SHUTDOWN_REFUSED),
            Request::ConfigGet { name } => self.cluster(session, name.as_bytes(), output),
            // The memory of this node needs no such advice.
            _ => output.extend_from_slice(encode::ERROR),
        }
        Progress::Done
    }

    /// The answer that clients of ElastiCache discover a cluster by: this node, at the address they reached it.
    fn cluster(&self, session: &Session, name: &[u8], output: &mut Vec<u8>) {
        match session.local.or(self.node.first_address) {
            Some(address) if name == b"cluster" => {
                let host = address.ip().to_string();
                let node = ConfigNode { host: &host, ip: &host, port: address.port() };
                encode::config(output, name, CLUSTER_VERSION, [node]);
            }
            _ => output.extend_from_slice(encode::END),
        }
    }

    fn refuse(&self, error: &RequestError<'_>, output: &mut Vec<u8>, now: u32) {
        output.extend_from_slice(error.reply());
        match error.fault {
            Fault::TooLarge => self.counters().store_too_large.add(1),
            _ => self.counters().protocol_errors.add(1),
        }
        let mut room = [0; Key::BYTES_MAX];
        if let Some(key) = &error.unlink
            && let Ok(key) = Key::new(key.decode(&mut room))
        {
            classic::drop_outdated(&self.node.store, key, now);
        }
    }
}

fn is_get(request: &Request<'_>) -> bool {
    matches!(request, Request::Get(_) | Request::MetaGet(_))
}

/// Appends a reply unless none is wanted.
#[inline]
pub(super) fn line(output: &mut Vec<u8>, noreply: bool, reply: &[u8]) {
    if !noreply {
        output.extend_from_slice(reply);
    }
}

impl Service for NodeService {
    type Session = Session;
    type Reservation = BufferShare;

    fn open(&mut self, local: Option<SocketAddr>) -> Session {
        Session { local, skip: 0, keys_done: 0 }
    }

    fn process(
        &mut self,
        _: Client,
        session: &mut Session,
        input: &[u8],
        output: &mut Vec<u8>,
        now: Now,
    ) -> Turn {
        let now = now.unix;
        let mut consumed = 0;
        let mut started = None;
        let mut gets = 0;
        let scarce = self.is_scarce(Purpose::Replies);
        let output_high = if scarce { OUTPUT_SCARCE } else { OUTPUT_HIGH };
        loop {
            let skip = usize::try_from(session.skip).unwrap_or(usize::MAX).min(input.len() - consumed);
            session.skip -= skip as u64;
            consumed += skip;
            let rest = &input[consumed..];
            if rest.is_empty() {
                return Turn { consumed, next: Next::Read { bytes_min: 1 } };
            }
            if output.len() >= output_high {
                return Turn { consumed, next: Next::Flush };
            }
            match parse_request(rest, &self.limits) {
                Ok(Parsed::Incomplete { bytes_min }) => {
                    return Turn { consumed, next: Next::Read { bytes_min } };
                }
                Ok(Parsed::Complete { value: request, consumed: length }) => {
                    match self.answer(session, &request, output, now) {
                        Progress::Done => {
                            session.keys_done = 0;
                            consumed += length;
                            gets += u32::from(is_get(&request));
                            if !is_get(&request) || gets % GETS_PER_LOOK == 0 {
                                let started = *started.get_or_insert_with(Instant::now);
                                if started.elapsed() >= TURN {
                                    return Turn { consumed, next: Next::Flush };
                                }
                            }
                        }
                        Progress::Wait(done) => {
                            session.keys_done = done;
                            return Turn { consumed, next: Next::Wait };
                        }
                        Progress::Keys(done) => {
                            session.keys_done = done;
                            return Turn { consumed, next: Next::Flush };
                        }
                        Progress::Close => return Turn { consumed: consumed + length, next: Next::Close },
                    }
                }
                Err(error) => {
                    self.refuse(&error, output, now);
                    match error.recovery {
                        Recovery::Skip { bytes } => session.skip = bytes,
                        Recovery::Close => return Turn { consumed: input.len(), next: Next::Close },
                    }
                }
            }
        }
    }

    fn reserve(&mut self, purpose: Purpose, bytes: usize, now: u32) -> Option<BufferShare> {
        self.node.buffers.reserve(purpose, bytes, now)
    }

    fn is_scarce(&self, purpose: Purpose) -> bool {
        self.node.buffers.is_scarce(purpose)
    }
}

//! One connection of the mix.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// More than fit at the sizes drawn, so that the server is always full.
const KEY_COUNT: u32 = 5_000;

/// The greatest value that memcached takes by default, with room for its item header.
const VALUE_BYTES_MAX: usize = (1 << 20) - 512;

/// Longer than any server should take to answer, even while it makes room.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the server answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    stored: u64,
    not_stored: u64,
    hits: u64,
    misses: u64,
    deleted: u64,
    value_bytes: u64,
    refused: u64,
    grown_too_large: u64,
    first_refusal: Option<String>,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Counts) {
        self.stored += other.stored;
        self.not_stored += other.not_stored;
        self.hits += other.hits;
        self.misses += other.misses;
        self.deleted += other.deleted;
        self.value_bytes += other.value_bytes;
        self.refused += other.refused;
        self.grown_too_large += other.grown_too_large;
        self.first_refusal = self.first_refusal.take().or_else(|| other.first_refusal.clone());
    }

    /// Sets that the server said it had no room for.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} stored ({} MiB), {} not stored, {} hits, {} misses, {} deleted, {} appends grown over the limit",
            self.stored,
            self.value_bytes >> 20,
            self.not_stored,
            self.hits,
            self.misses,
            self.deleted,
            self.grown_too_large
        )?;
        self.first_refusal.iter().try_for_each(|refusal| write!(f, "; first refusal: {refusal}"))
    }
}

struct Client {
    reader: BufReader<TcpStream>,
    line: String,
    rng: fastrand::Rng,
    counts: Counts,
}

/// Sends the mix until the deadline.
pub(super) fn run(addr: SocketAddr, seed: u64, deadline: Instant) -> Result<Counts> {
    let stream = TcpStream::connect(addr).with_context(|| format!("connecting to {addr}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let reader = BufReader::with_capacity(1 << 16, stream);
    let mut client = Client {
        reader,
        line: String::new(),
        rng: fastrand::Rng::with_seed(seed),
        counts: Counts::default(),
    };
    // Each hundred operations favour another range of sizes: shifts from small to large are what slabs and segments
    // find hard.
    while Instant::now() < deadline {
        let size_bits = client.rng.u32(0..=20);
        for _ in 0..100 {
            client.step(size_bits)?;
        }
    }
    Ok(client.counts)
}

impl Client {
    fn step(&mut self, size_bits: u32) -> Result<()> {
        let id = self.rng.u32(..KEY_COUNT);
        match self.rng.u8(..100) {
            0..45 => self.store("set", id, size_bits),
            45..50 => self.store("add", id, size_bits),
            50..55 => self.store("replace", id, size_bits),
            55..62 => self.store("append", id, size_bits.min(12)),
            62..66 => self.store("prepend", id, size_bits.min(12)),
            66..94 => self.get(id),
            _ => self.delete(id),
        }
    }

    fn store(&mut self, verb: &str, id: u32, size_bits: u32) -> Result<()> {
        // Half of the values within a factor of two of the favoured size, half anywhere: log-uniform.
        let bits = if self.rng.bool() { size_bits } else { self.rng.u32(0..=20) };
        let bits = if matches!(verb, "append" | "prepend") { bits.min(12) } else { bits };
        let bytes = self.rng.usize(1_usize << bits..2 << bits).min(VALUE_BYTES_MAX);
        let exptime = self.rng.choice([0, 0, 0, 1, 2, 5]).unwrap_or(0);
        let mut request = format!("{verb} key:{id} {id} {exptime} {bytes}\r\n").into_bytes();
        request.resize(request.len() + bytes, fill(id));
        request.extend_from_slice(b"\r\n");
        self.send(&request)?;
        self.counts.value_bytes += bytes as u64;
        match self.read_line()? {
            "STORED" => self.counts.stored += 1,
            "NOT_STORED" => self.counts.not_stored += 1,
            refusal if refusal.starts_with("SERVER_ERROR") => {
                // An append may rightly be refused when what it makes is over the limit.
                if matches!(verb, "append" | "prepend") {
                    self.counts.grown_too_large += 1;
                } else {
                    let refusal = format!("{verb} of {bytes} bytes: {refusal}");
                    self.counts.refused += 1;
                    self.counts.first_refusal.get_or_insert(refusal);
                }
            }
            other => bail!("{verb} of {bytes} bytes: {other:?}"),
        }
        Ok(())
    }

    fn get(&mut self, id: u32) -> Result<()> {
        self.send(format!("get key:{id}\r\n").as_bytes())?;
        let line = self.read_line()?;
        if line == "END" {
            self.counts.misses += 1;
            return Ok(());
        }
        let head = format!("VALUE key:{id} {id} ");
        let bytes = line.strip_prefix(&head).and_then(|bytes| bytes.parse::<usize>().ok());
        let bytes = bytes.with_context(|| format!("instead of {head}: {line:?}"))?;
        let mut value = vec![0; bytes + 2];
        self.reader.read_exact(&mut value)?;
        let foreign = value[..bytes].iter().position(|&byte| byte != fill(id));
        ensure!(foreign.is_none() && value.ends_with(b"\r\n"), "key:{id} has a foreign byte at {foreign:?}");
        ensure!(self.read_line()? == "END", "no END behind key:{id}");
        self.counts.hits += 1;
        Ok(())
    }

    fn delete(&mut self, id: u32) -> Result<()> {
        self.send(format!("delete key:{id}\r\n").as_bytes())?;
        match self.read_line()? {
            "DELETED" => self.counts.deleted += 1,
            "NOT_FOUND" => self.counts.misses += 1,
            other => bail!("delete: {other:?}"),
        }
        Ok(())
    }

    fn send(&mut self, request: &[u8]) -> Result<()> {
        self.reader.get_mut().write_all(request).context("sending")
    }

    fn read_line(&mut self) -> Result<&str> {
        self.line.clear();
        let count = self.reader.read_line(&mut self.line).context("waiting for a reply")?;
        ensure!(count > 0, "the server closed the connection");
        Ok(self.line.trim_end())
    }
}

/// The byte that all values of a key are made of.
fn fill(id: u32) -> u8 {
    b'a' + (id % 26) as u8
}

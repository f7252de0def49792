//! How a client notices that a server has joined: a key that only this server has is found.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

/// Enough that a server with one of 1,000 shares owns some, whatever the addresses are.
const PROBES: usize = 1 << 14;

const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that asks one thing after the other.
pub(super) struct Prober(BufReader<TcpStream>);

impl Prober {
    pub(super) fn connect(addr: SocketAddr) -> Result<Prober> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Prober(BufReader::new(stream)))
    }

    /// Stores a server's probes in it.
    pub(super) fn store(&mut self, server: usize) -> Result<()> {
        for number in 0..PROBES {
            self.ask(&format!("set {} 0 0 1\r\n1\r\n", probe(server, number)), "STORED\r\n")?;
        }
        Ok(())
    }

    /// Waits until the server has joined, and gives a probe that it owns.
    pub(super) fn find(&mut self, server: usize) -> Result<String> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            for key in (0..PROBES).map(|number| probe(server, number)) {
                if self.has(&key)? {
                    return Ok(key);
                }
            }
        }
        bail!("a server that has joined the file's pool is asked nothing")
    }

    /// Waits until this key is found.
    pub(super) fn wait_for(&mut self, key: &str) -> Result<()> {
        let start = Instant::now();
        while !self.has(key)? {
            ensure!(start.elapsed() < PATIENCE, "a change of the file is not followed");
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    fn has(&mut self, key: &str) -> Result<bool> {
        let first = self.line(&format!("get {key}\r\n"))?;
        if first == "END\r\n" {
            return Ok(false);
        }
        ensure!(first.starts_with("VALUE "), "{first:?}");
        self.ask("", "1\r\n")?;
        self.ask("", "END\r\n")?;
        Ok(true)
    }

    fn ask(&mut self, request: &str, expected: &str) -> Result<()> {
        let line = self.line(request)?;
        ensure!(line == expected, "{line:?} instead of {expected:?}");
        Ok(())
    }

    fn line(&mut self, request: &str) -> Result<String> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        ensure!(self.0.read_line(&mut line)? > 0, "the connection was closed");
        Ok(line)
    }
}

fn probe(server: usize, number: usize) -> String {
    format!("probe:{server}:{number}")
}

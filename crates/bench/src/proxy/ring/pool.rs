//! A pool of many servers, one of which is replaced again and again.

use std::fs;

use anyhow::Result;
use peerset_testkit::{Memcached, TempDir};

/// The file that names the servers, and the servers.
///
/// All but the last are one memcached that listens on as many addresses of the loopback network: real servers to the
/// proxy, for little memory. The last is one of two `spares` by turns, processes of their own.
pub(super) struct Pool {
    dir: TempDir,
    /// The lines of those that stay.
    staying: String,
    pub(super) crowd: Memcached,
    pub(super) spares: [Memcached; 2],
    /// Which spare is in the pool.
    turn: usize,
}

impl Pool {
    pub(super) fn start(servers: usize) -> Result<Pool> {
        let address = |at: usize| format!("127.0.{}.{}", 1 + at / 250, 1 + at % 250);
        let addresses: Vec<_> = (0..servers - 1).map(address).collect();
        let crowd = Memcached::start(&["-l", &addresses.join(","), "-c", "16384"]);
        let port = crowd.addr().port();
        let pool = Pool {
            dir: TempDir::new()?,
            staying: addresses.iter().map(|address| format!("{address}:{port}\n")).collect(),
            crowd,
            spares: [(); 2].map(|()| Memcached::start(&[])),
            turn: 0,
        };
        pool.write()?;
        Ok(pool)
    }

    /// Where the proxy finds the servers.
    pub(super) fn url(&self) -> String {
        format!("file:{}", self.dir.path().join("pool").display())
    }

    /// Replaces the last server, and says which spare it is now.
    pub(super) fn change(&mut self) -> Result<usize> {
        self.turn = 1 - self.turn;
        self.write()?;
        Ok(self.turn)
    }

    /// Replaces the file as a whole, as tools that write such files do.
    fn write(&self) -> Result<()> {
        let [new, path] = ["new", "pool"].map(|name| self.dir.path().join(name));
        fs::write(&new, format!("{}{}\n", self.staying, self.spares[self.turn].addr()))?;
        Ok(fs::rename(&new, &path)?)
    }
}

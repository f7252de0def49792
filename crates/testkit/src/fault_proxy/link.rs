//! One proxied connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use super::Way;
use super::faults::Faults;

/// Both sides of a connection, and what has become of it.
#[derive(Debug)]
pub(super) struct Link {
    client: TcpStream,
    server: TcpStream,
    swallows: AtomicBool,
    closed: AtomicBool,
}

/// Bytes that arrive at a time; none for the end of the stream.
type Parcel = (Instant, Vec<u8>);

/// Parcels under way in one direction; with more, reading waits, as a full network would.
const PARCELS_MAX: usize = 4096;

impl Link {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> io::Result<Link> {
        // What a test measures is the delay it asked for.
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        Ok(Link { client, server, swallows: AtomicBool::new(false), closed: AtomicBool::new(false) })
    }

    /// Forwards in both directions until both have ended.
    pub(super) fn run(&self, faults: &Faults) {
        thread::scope(|scope| {
            for way in [Way::ToServer, Way::ToClient] {
                // Apart, so that what is late does not hold up what comes behind it.
                let (sender, receiver) = sync_channel(PARCELS_MAX);
                scope.spawn(move || self.collect(way, faults, &sender));
                scope.spawn(move || self.deliver(way, faults, &receiver));
            }
        });
        self.close();
    }

    pub(super) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn swallow(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }

    pub(super) fn inject(&self, bytes: &[u8]) {
        // A client that has closed is noticed by the thread that reads from it.
        let _ = (&self.client).write_all(bytes);
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for side in [&self.client, &self.server] {
            let _ = side.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn half_close(&self, way: Way) {
        let _ = self.ends(way).1.shutdown(Shutdown::Write);
    }

    /// Where bytes come from, and where they go.
    fn ends(&self, way: Way) -> (&TcpStream, &TcpStream) {
        match way {
            Way::ToServer => (&self.client, &self.server),
            Way::ToClient => (&self.server, &self.client),
        }
    }

    fn collect(&self, way: Way, faults: &Faults, parcels: &SyncSender<Parcel>) {
        let mut from = self.ends(way).0;
        let mut chunk = [0; 64 * 1024];
        loop {
            let count = match from.read(&mut chunk) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                // A reset connection has ended, too.
                read => read.unwrap_or(0),
            };
            let parcel = (Instant::now() + faults.latency(way), chunk[..count].to_vec());
            if parcels.send(parcel).is_err() || count == 0 {
                return;
            }
        }
    }

    fn deliver(&self, way: Way, faults: &Faults, parcels: &Receiver<Parcel>) {
        let mut to = self.ends(way).1;
        while let Ok((due, mut bytes)) = parcels.recv() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if bytes.is_empty() {
                break;
            }
            if self.swallows.load(Ordering::SeqCst) {
                continue;
            }
            let ends = faults.apply(way, &mut bytes);
            if to.write_all(&bytes).is_err() || ends {
                self.close();
                return;
            }
        }
        self.half_close(way);
    }
}

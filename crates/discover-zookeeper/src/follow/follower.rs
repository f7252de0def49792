//! The task that follows one set: list, read what is new, wait for the watch, list again.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use peerset_cluster::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use zookeeper_client::{Client, Error, EventType, OneshotWatcher, Stat};

use super::cache::{Bounds, Cache, is_vector};
use super::listing::{Listing, Standing};
use crate::backoff::Backoff;
use crate::session::{Link, Up, is_loss, next_up, no_longer};
use crate::{Problem, ServersetPath, ZookeeperConfig};

pub(super) struct Follower {
    links: watch::Receiver<Link>,
    listings: watch::Sender<Listing>,
    retry_max: Duration,
    reader: Reader,
}

/// What it takes to follow over one connection. What was read stays read over the next of the same client.
struct Reader {
    path: ServersetPath,
    reads_max: usize,
    bounds: Bounds,
    cache: Cache,
    /// The client over which all of the cache was read.
    client: u64,
    /// Each gives the name of a vector that somebody changed in place; of the present connection.
    vectors: FuturesUnordered<BoxFuture<'static, String>>,
    /// The newest transaction heard of.
    zxid: u64,
}

/// What came of reading children.
#[derive(Default)]
struct Read {
    /// Something is new.
    changed: bool,
    /// A child was listed and no longer there when it was read.
    vanished: bool,
}

/// How many lists in a row are passed over since a child vanished behind them, before one is shown all the same: where
/// members come and go all the time, there may be no other.
const PASSED_OVER_MAX: u32 = 5;

/// What was found at a child.
enum Found {
    Data(Vec<u8>, Stat, Option<OneshotWatcher>),
    /// So many bytes that they were not asked for.
    TooLarge(usize),
}

impl Follower {
    pub(super) fn new(
        path: ServersetPath,
        config: ZookeeperConfig,
        links: watch::Receiver<Link>,
        listings: watch::Sender<Listing>,
    ) -> Self {
        let retry_max = config.longest_wait(config.session_timeout);
        let bounds = Bounds { bytes_max: config.member_bytes_max, limits: config.limits };
        let reads_max = config.reads_max.max(1);
        let reader = Reader {
            path,
            reads_max,
            bounds,
            cache: Cache::default(),
            client: 0,
            vectors: FuturesUnordered::new(),
            zxid: 0,
        };
        Follower { links, listings, retry_max, reader }
    }

    /// Follows until nobody has a receiver any more.
    pub(super) async fn run(self) {
        let Follower { links, listings, retry_max, reader } = self;
        tokio::select! {
            () = follow(links, &listings, retry_max, reader) => {}
            () = listings.closed() => {}
        }
    }
}

async fn follow(
    mut links: watch::Receiver<Link>,
    listings: &watch::Sender<Listing>,
    retry_max: Duration,
    mut reader: Reader,
) {
    let mut backoff = Backoff::new(retry_max);
    while let Some(up) = next_up(&mut links).await {
        let error = tokio::select! {
            biased;
            () = no_longer(&mut links, &up) => None,
            error = reader.follow(&up, listings, &mut backoff) => Some(error),
        };
        // That the connection is lost, its keeper says.
        let refused = error.as_ref().filter(|error| !is_loss(error));
        listings.send_if_modified(|listing| {
            if let Some(error) = refused {
                let problem = Problem { node: reader.path.to_string(), reason: error.to_string() };
                listing.refusal = Some(problem.reason.as_str().into());
                listing.problems = [problem].into();
            }
            let changed = !listing.lost || refused.is_some();
            listing.lost = true;
            changed
        });
        if let Some(error) = error {
            tracing::debug!(path = %reader.path, %error, "the set cannot be read; trying again");
            backoff.wait().await;
        }
    }
}

impl Reader {
    /// Follows over one connection until something fails.
    ///
    /// # Cancel safety
    /// What was read is kept, and the listing is whole at any time.
    async fn follow(&mut self, up: &Up, listings: &watch::Sender<Listing>, backoff: &mut Backoff) -> Error {
        let client = &up.client;
        // One client never returns to an older state of the ensemble, since a server that is behind refuses it. Another
        // may meet an ensemble that was wiped or restored from a backup, where known names have other content.
        if std::mem::replace(&mut self.client, up.client_number) != up.client_number {
            self.cache.forget();
        }
        self.vectors.clear();
        let mut watches_vectors = false;
        let mut passed_over = 0;
        // A new session may be with a server that is behind what was seen before, and must not show an older set.
        if let Err(error) = client.sync(self.path.as_str()).await {
            return error;
        }
        loop {
            let ended = match client.get_and_watch_children(self.path.as_str()).await {
                Ok((names, stat, watcher)) => {
                    self.zxid = stat.pzxid.unsigned_abs();
                    self.cache.keep_only(&stat, names, &self.bounds);
                    let mut unread = self.cache.unread();
                    if !watches_vectors {
                        unread.extend(self.cache.vectors());
                    }
                    match self.read(client, &unread).await {
                        Ok(read) => {
                            watches_vectors = true;
                            backoff.reset();
                            // What is gone already was perhaps replaced, and its member never was: the watch, which has
                            // gone off by now, has the list come that shows it.
                            passed_over = if read.vanished { passed_over + 1 } else { 0 };
                            if passed_over == 0 || passed_over > PASSED_OVER_MAX {
                                passed_over = 0;
                                listings.send_replace(self.cache.listing(self.path.as_str(), self.zxid));
                            }
                            self.wait(client, watcher, listings).await
                        }
                        // Half a set is none: the last whole one stays.
                        Err(error) => Err(error),
                    }
                }
                Err(Error::NoNode) => self.wait_for_it(client, listings).await,
                Err(error) => Err(error),
            };
            match ended {
                Ok(()) => backoff.reset(),
                Err(error) => return error,
            }
        }
    }

    /// Waits until the children change, and meanwhile has another look at vectors that change and at members that made no
    /// sense.
    async fn wait(
        &mut self,
        client: &Client,
        watcher: OneshotWatcher,
        listings: &watch::Sender<Listing>,
    ) -> Result<(), Error> {
        let mut changed = std::pin::pin!(watcher.changed());
        loop {
            let due = self.cache.next_due();
            let again = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let names = tokio::select! {
                biased; // nothing is shown of a list that was passed over
                event = &mut changed => return match event.event_type {
                    EventType::Session => Err(Error::SessionExpired),
                    _ => Ok(()),
                },
                Some(name) = self.vectors.next() => vec![name],
                () = again => self.cache.due(Instant::now()),
            };
            if self.read(client, &names).await?.changed {
                listings.send_replace(self.cache.listing(self.path.as_str(), self.zxid));
            }
        }
    }

    /// Says that there is no such set, and waits until there is. Its parents may be missing too.
    async fn wait_for_it(&mut self, client: &Client, listings: &watch::Sender<Listing>) -> Result<(), Error> {
        let (stat, watcher) = client.check_and_watch_stat(self.path.as_str()).await?;
        if stat.is_some() {
            return Ok(()); // made in between
        }
        self.cache.clear();
        let absent = Listing { standing: Standing::Absent, zxid: self.zxid, ..Listing::default() };
        listings.send_replace(absent);
        match watcher.changed().await.event_type {
            EventType::Session => Err(Error::SessionExpired),
            _ => Ok(()),
        }
    }

    /// Reads these children, a bounded number at a time.
    async fn read(&mut self, client: &Client, names: &[String]) -> Result<Read, Error> {
        let (path, bytes_max) = (&self.path, self.bounds.bytes_max);
        let cache = &self.cache;
        let large: HashSet<&String> = names.iter().filter(|name| cache.is_too_large(name)).collect();
        // Requests go out when the future is made, in order, and the client pipelines them.
        let ask = |name: &String| {
            let (child, is_large) = (path.child(name), large.contains(name));
            let member = (!is_vector(name) && !is_large).then(|| client.get_data(&child));
            let name = name.clone();
            async move {
                let found = match member {
                    Some(read) => read.await.map(|(bytes, stat)| Found::Data(bytes, stat, None)),
                    None if is_large => look(client, &child, bytes_max).await,
                    None => client
                        .get_and_watch_data(&child)
                        .await
                        .map(|(bytes, stat, watcher)| Found::Data(bytes, stat, Some(watcher))),
                };
                (name, found)
            }
        };
        let mut names = names.iter();
        let mut reads: FuturesUnordered<_> = names.by_ref().take(self.reads_max).map(ask).collect();
        let mut read = Read::default();
        while let Some((name, found)) = reads.next().await {
            reads.extend(names.next().map(ask));
            let now = Instant::now();
            read.changed |= match found {
                Ok(Found::TooLarge(bytes)) => self.cache.too_large(now, &name, bytes, &self.bounds),
                Ok(Found::Data(bytes, stat, watcher)) => {
                    let changed = self.cache.read(now, &name, &bytes, &stat, &self.bounds);
                    if let Some(watcher) = watcher {
                        self.vectors.push(Box::pin(async move {
                            watcher.changed().await;
                            name
                        }));
                    }
                    changed
                }
                Err(Error::NoNode) => {
                    self.cache.vanished(&name);
                    read.vanished = true;
                    true
                }
                Err(error @ (Error::NoAuth | Error::MarshallingError | Error::Throttled)) => {
                    self.cache.failed(now, &name, error.to_string())
                }
                Err(error) => return Err(error),
            };
        }
        Ok(read)
    }
}

/// Reads a child that was too large if it no longer is.
async fn look(client: &Client, child: &str, bytes_max: usize) -> Result<Found, Error> {
    let stat = client.check_stat(child).await?.ok_or(Error::NoNode)?;
    match usize::try_from(stat.data_length) {
        Ok(bytes) if bytes > bytes_max => Ok(Found::TooLarge(bytes)),
        _ => client.get_data(child).await.map(|(bytes, stat)| Found::Data(bytes, stat, None)),
    }
}

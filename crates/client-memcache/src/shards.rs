//! A pool of servers, each with its share of the keys, followed as its members come and go.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use peerset_cluster::{Endpoint, Snapshot, Watch};
use peerset_placement::Spec;
use peerset_route::{Fleet, OwnerDown};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::error::Error;
use crate::operation::{Get, GetOptions, Keys, Operation, Part};
use crate::server::{Server, settle_time};
use crate::{Key, ServerConfig};

/// See the module. One task follows the members; requests read what it last put in place.
#[derive(Debug)]
pub(crate) struct Shards {
    current: watch::Receiver<Arc<Current>>,
    owner_down: OwnerDown,
    follower: AbortHandle,
}

/// Owners of a key that are asked one after another under [`OwnerDown::Next`], the first included; as many as the proxy
/// asks. With more than these down at once it is not the servers that are away, and telling the order of a whole fleet
/// takes milliseconds.
const NEXT_MAX: usize = 8;

/// The servers at one moment. Requests hold on to it, so that those in flight finish on the server they began with; when
/// the last of them is done, the servers that have left go.
#[derive(Debug)]
struct Current {
    fleet: Fleet,
    /// In the order of the fleet.
    servers: Vec<Arc<Server>>,
}

impl Shards {
    /// Begins with the newest snapshot, whatever its state.
    pub(crate) fn new(
        watch: Watch,
        spec: Spec,
        config: Arc<ServerConfig>,
        owner_down: OwnerDown,
        runtime: &Handle,
    ) -> Result<Shards, peerset_route::FleetError> {
        let follower = Follower { spec, config, runtime: runtime.clone() };
        let first = watch.borrow();
        let current = follower.adopt(&first, None)?;
        let (sender, receiver) = watch::channel(Arc::new(current));
        let follower = runtime.spawn(follower.follow(watch, sender)).abort_handle();
        Ok(Shards { current: receiver, owner_down, follower })
    }

    fn current(&self) -> Arc<Current> {
        self.current.borrow().clone()
    }

    pub(crate) async fn ask<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        match self.ask_owner(operation).await {
            Err(error @ Error::ServerDown { .. }) => self.without_owner(operation, error).await,
            answer => answer,
        }
    }

    pub(crate) async fn ask_owner<O: Operation>(&self, operation: O) -> Result<O::Answer, Error> {
        let current = self.current();
        let Some(owner) = current.fleet.owner(operation.key().as_bytes()) else {
            return Err(self.nobody(&current));
        };
        current.servers[owner].answer(operation).await
    }

    pub(crate) async fn without_owner<O: Operation>(
        &self,
        operation: O,
        error: Error,
    ) -> Result<O::Answer, Error> {
        if !matches!(error, Error::ServerDown { .. }) {
            return Err(error);
        }
        match self.owner_down {
            OwnerDown::Miss => Ok(operation.absent()),
            OwnerDown::Error => Err(error),
            OwnerDown::Next if operation.kind().names_version() => Err(error),
            OwnerDown::Next => self.ask_next(operation, error).await,
        }
    }

    /// Asks one owner after another while they are down.
    async fn ask_next<O: Operation>(&self, operation: O, mut error: Error) -> Result<O::Answer, Error> {
        let current = self.current();
        let owners = current.fleet.owners(operation.key().as_bytes(), NEXT_MAX);
        // Not the one that is known to be down, which is no longer the first if members have come or gone meanwhile.
        let down = error.endpoint().cloned();
        for owner in
            owners.into_iter().filter(|&owner| Some(current.servers[owner].endpoint()) != down.as_ref())
        {
            match current.servers[owner].answer(operation).await {
                Err(down @ Error::ServerDown { .. }) => error = down,
                answer => return answer,
            }
        }
        Err(error)
    }

    pub(crate) async fn get_many(&self, keys: Keys<'_>, picks: &[usize]) -> Part {
        let current = self.current();
        let mut by_owner: HashMap<usize, Vec<usize>> = HashMap::new();
        for &pick in picks {
            match current.fleet.owner(keys.keys[pick].as_bytes()) {
                Some(owner) => by_owner.entry(owner).or_default().push(pick),
                // Then nobody owns anything.
                None => {
                    return Part {
                        failures: vec![(picks.to_vec(), self.nobody(&current))],
                        ..Part::default()
                    };
                }
            }
        }
        let asked = by_owner.iter().map(|(&owner, picks)| keys.ask(&current.servers[owner], picks));
        join_all(asked).await.into_iter().fold(Part::default(), Part::and)
    }

    pub(crate) async fn settle(&self, keys: Keys<'_>, part: Part) -> Part {
        let Part { found, failures } = part;
        let (down, mut failures): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(|(_, error)| matches!(error, Error::ServerDown { .. }));
        match self.owner_down {
            OwnerDown::Miss => Part { found, failures },
            OwnerDown::Error => {
                failures.extend(down);
                Part { found, failures }
            }
            OwnerDown::Next => {
                let options = GetOptions { cas: keys.cas, ..GetOptions::default() };
                let each = down
                    .into_iter()
                    .flat_map(|(picks, error)| picks.into_iter().map(move |pick| (pick, error.clone())));
                let asked = each.map(|(pick, error)| async move {
                    match keys.bound(self.ask_next(Get::new(keys.keys[pick], options), error)).await {
                        Ok(value) => Part::of(pick, value),
                        Err(error) => Part { found: vec![], failures: vec![(vec![pick], error)] },
                    }
                });
                join_all(asked).await.into_iter().fold(Part { found, failures }, Part::and)
            }
        }
    }

    pub(crate) fn locate(&self, key: Key<'_>) -> Option<Endpoint> {
        let current = self.current();
        let owner = current.fleet.owner(key.as_bytes())?;
        Some(current.fleet.servers()[owner].endpoint.clone())
    }

    pub(crate) fn servers(&self) -> Vec<Arc<Server>> {
        self.current().servers.clone()
    }

    fn nobody(&self, current: &Current) -> Error {
        let (pool, state) = (current.fleet.source().clone(), current.fleet.state());
        // The follower ends with the source.
        Error::NoServers { pool, state, closed: self.current.has_changed().is_err() }
    }

    /// Waits until the source has answered, and all servers are connected or known to be down.
    pub(crate) async fn connect(&self) -> Result<(), Error> {
        let mut current = self.current.clone();
        // An error means that the source was closed; what it last said stands.
        let _ = current.wait_for(|current| current.fleet.state().is_answered()).await;
        let current = current.borrow().clone();
        if current.servers.is_empty() {
            return Err(self.nobody(&current));
        }
        let connected = join_all(current.servers.iter().map(|server| server.connect())).await;
        connected.into_iter().collect()
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// What makes servers out of snapshots.
struct Follower {
    spec: Spec,
    config: Arc<ServerConfig>,
    runtime: Handle,
}

impl Follower {
    /// Ends with the source.
    async fn follow(self, mut watch: Watch, sender: watch::Sender<Arc<Current>>) {
        while let Ok(snapshot) = watch.changed().await {
            let before = sender.borrow().clone();
            match self.adopt(&snapshot, Some(&before)) {
                Ok(current) => {
                    self.connect_newcomers(&before, &current).await;
                    tracing::info!(
                        source = %snapshot.source(),
                        revision = %snapshot.revision(),
                        state = %snapshot.state(),
                        servers = current.servers.len(),
                        "ring swapped"
                    );
                    sender.send_replace(Arc::new(current));
                }
                Err(error) => tracing::warn!(%error, "members not taken, the ones before stay"),
            }
        }
        // Its last word stands; who waits for another one hears that none will come. Of a fixed list that was all there is.
        let source = watch.borrow().source().clone();
        if source.as_str() != "static" {
            tracing::warn!(%source, "the source was closed: its members are no longer followed");
        }
    }

    /// The servers of a snapshot: those that stay keep their connections.
    fn adopt(
        &self,
        snapshot: &Snapshot,
        before: Option<&Current>,
    ) -> Result<Current, peerset_route::FleetError> {
        let fleet = Fleet::build(snapshot, &self.spec)?;
        let mut known: HashMap<&Endpoint, Arc<Server>> = before
            .into_iter()
            .flat_map(|before| &before.servers)
            .map(|s| (s.endpoint(), s.clone()))
            .collect();
        let mut servers = Vec::with_capacity(fleet.len());
        for member in fleet.servers() {
            let server = known
                .entry(&member.endpoint)
                .or_insert_with(|| Arc::new(Server::new(&member.endpoint, &self.config, &self.runtime)));
            servers.push(server.clone());
        }
        drop(known);
        Ok(Current { fleet, servers })
    }

    /// Connects new servers before they take traffic. One that cannot be reached holds the others up no longer than it
    /// takes to know so. While nobody has any traffic there is nothing to wait for.
    async fn connect_newcomers(&self, before: &Current, current: &Current) {
        if before.servers.is_empty() {
            return;
        }
        let is_new = |server: &&Arc<Server>| !before.servers.iter().any(|known| Arc::ptr_eq(known, server));
        let newcomers: Vec<_> = current.servers.iter().filter(is_new).collect();
        if newcomers.is_empty() {
            return;
        }
        let connected = join_all(newcomers.iter().map(|server| server.connect()));
        let _ = tokio::time::timeout(settle_time(&self.config), connected).await;
    }
}

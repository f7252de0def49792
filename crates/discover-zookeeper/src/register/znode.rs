//! The one znode of a registration: written, changed, found again after doubt, and taken away.

use std::sync::Arc;

use peerset_cluster::{Limits, Member, MemberId};
use zookeeper_client::{
    Acl, Acls, AuthId, Client, CreateMode, Error, EventType, MultiWriteError, MultiWriteResult,
    OneshotWatcher, Permission, Stat,
};

use super::RegistrationError;
use crate::session::Up;
use crate::{Access, ServersetPath, read_member, write_member};

/// What this process knows of its znode.
///
/// The rule that a process never shows twice is kept here: a znode is created in the same transaction that deletes the
/// one before, and after any doubt the session's own znodes are looked up first.
pub(super) struct Znode {
    id: MemberId,
    set: ServersetPath,
    access: Access,
    bytes_max: usize,
    state: State,
}

enum State {
    /// There is none.
    None,
    There(There),
    /// A change was sent and not confirmed, or somebody touched it. Where it was last is ours whatever it says now.
    Doubt(Option<Place>),
}

/// Where a session created a znode. Of another session the same path may be another member's.
#[derive(Clone)]
struct Place {
    path: String,
    session: i64,
}

struct There {
    path: String,
    /// What it was last looked at over. A watch does not outlive its client, which may give up while the ensemble keeps
    /// the session.
    up: Up,
    /// Fires when somebody deletes or changes it.
    watcher: Option<OneshotWatcher>,
}

/// A znode of this registration as it was read.
struct Found {
    path: String,
    bytes: Vec<u8>,
    /// Counts changes in place; a new znode has version 0.
    version: i32,
}

impl Znode {
    pub(super) fn new(id: MemberId, set: ServersetPath, access: Access, bytes_max: usize) -> Self {
        Znode { id, set, access, bytes_max, state: State::None }
    }

    /// Whether there surely is none.
    pub(super) fn is_none(&self) -> bool {
        matches!(self.state, State::None)
    }

    /// The connection that it is watched over, if it is known to be there.
    pub(super) fn up(&self) -> Option<&Up> {
        match &self.state {
            State::There(there) => Some(&there.up),
            State::None | State::Doubt(_) => None,
        }
    }

    /// Makes it say `member`. Nothing is written if it does already.
    ///
    /// # Cancel safety
    /// What was under way is in doubt then; the next call looks.
    pub(super) async fn put(&mut self, up: &Up, member: &Arc<Member>) -> Result<(), RegistrationError> {
        let bytes = write_member(member, self.bytes_max)?;
        let before = self.doubt();
        self.try_put(up, before, &bytes).await.map_err(|error| self.error(&error))
    }

    async fn try_put(&mut self, up: &Up, before: State, bytes: &[u8]) -> Result<(), Error> {
        let ours = self.ours(up, before).await?;
        let (same, others): (Vec<_>, Vec<_>) = ours.into_iter().partition(|found| found.bytes == bytes);
        let mut old: Vec<String> = others.into_iter().map(|found| found.path).collect();
        let mut same = same.into_iter();
        let (path, version) = match same.next() {
            None => (self.create(&up.client, &old, bytes).await?, 0),
            Some(found) => {
                old.extend(same.map(|found| found.path));
                self.delete(&up.client, &old).await?;
                (found.path, found.version)
            }
        };
        // From here on it is known by its path: whoever changes it now may leave nothing in it that says whose it is.
        self.state = State::Doubt(Some(Place { path: path.clone(), session: up.session }));
        // Somebody may have been quicker to delete or change it.
        let watcher = match up.client.check_and_watch_stat(&path).await? {
            (None, _) => return Err(Error::NoNode),
            (Some(stat), _) if stat.version != version => return Err(Error::BadVersion),
            (Some(_), watcher) => watcher,
        };
        self.state = State::There(There { path, up: up.clone(), watcher: Some(watcher) });
        Ok(())
    }

    /// Makes it be gone.
    ///
    /// # Cancel safety
    /// As for [`put`](Self::put).
    pub(super) async fn take_away(&mut self, up: &Up) -> Result<(), RegistrationError> {
        let before = self.doubt();
        let taken = async {
            let ours = self.ours(up, before).await?;
            let old: Vec<String> = ours.into_iter().map(|found| found.path).collect();
            self.delete(&up.client, &old).await
        };
        match taken.await {
            Ok(()) => {
                self.state = State::None;
                Ok(())
            }
            Err(error) => Err(self.error(&error)),
        }
    }

    /// Leaves the state in doubt, and returns what it was.
    fn doubt(&mut self) -> State {
        let place = match &self.state {
            State::None => None,
            State::There(there) => Some(Place { path: there.path.clone(), session: there.up.session }),
            State::Doubt(place) => place.clone(),
        };
        std::mem::replace(&mut self.state, State::Doubt(place))
    }

    /// Returns when somebody has deleted or changed it, as far as the connection that it is watched over can tell.
    ///
    /// # Cancel safety
    /// The watch is lost with the future; the next [`put`](Self::put) makes another.
    pub(super) async fn gone(&mut self) {
        let watcher = match &mut self.state {
            State::There(there) => there.watcher.take(),
            State::None | State::Doubt(_) => None,
        };
        match watcher {
            Some(watcher) => {
                if watcher.changed().await.event_type == EventType::Session {
                    // The client gave up. Whether the session is over as well, the next connection says.
                    std::future::pending::<()>().await;
                }
                self.doubt();
            }
            None => std::future::pending().await,
        }
    }

    /// The znodes of this registration that there are.
    async fn ours(&self, up: &Up, before: State) -> Result<Vec<Found>, Error> {
        let (path, owner) = match before {
            State::None => return Ok(Vec::new()),
            State::Doubt(place) => return self.find(up, place).await,
            State::There(there) => (there.path, there.up.session),
        };
        match read(&up.client, &path).await? {
            // Somebody may have changed it while nobody watched.
            Some((bytes, stat)) if stat.ephemeral_owner == owner => {
                // A session that is over has taken its znode with it; one that by some rare accident is still there is
                // replaced, whatever it says.
                let bytes = if owner == up.session { bytes } else { Vec::new() };
                Ok(vec![Found { path, bytes, version: stat.version }])
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Looks through the session's ephemeral nodes in the set for those that carry this id, and the one at `place`.
    async fn find(&self, up: &Up, place: Option<Place>) -> Result<Vec<Found>, Error> {
        // The server we reached may be behind the one that took the write; afterwards it is not.
        up.client.sync(self.set.as_str()).await?;
        let mut found = Vec::new();
        for path in self.candidates(&up.client).await? {
            let Some((bytes, stat)) = read(&up.client, &path).await? else { continue };
            let is_known =
                place.as_ref().is_some_and(|known| known.path == path && known.session == up.session);
            let announced = read_member(&bytes, self.bytes_max, &Limits::default());
            let is_ours = is_known || announced.is_ok_and(|announced| announced.member.id == self.id);
            if is_ours && stat.ephemeral_owner == up.session {
                found.push(Found { path, bytes, version: stat.version });
            }
        }
        Ok(found)
    }

    /// The members among which ours are: those of the session, or all if the server is too old to tell.
    async fn candidates(&self, client: &Client) -> Result<Vec<String>, Error> {
        let members = self.set.child("member_");
        let mut paths = match client.list_ephemerals(self.set.as_str()).await {
            // Before 3.6 the request is unknown, which some servers say and others answer with nothing.
            Err(Error::Unimplemented | Error::UnmarshalError { .. }) => {
                match client.list_children(self.set.as_str()).await {
                    Err(Error::NoNode) => Vec::new(),
                    names => names?.iter().map(|name| self.set.child(name)).collect(),
                }
            }
            paths => paths?,
        };
        paths.retain(|path| path.starts_with(&members));
        Ok(paths)
    }

    /// Creates it in place of `old`, in one transaction, and the set before it if that is missing.
    async fn create(&self, client: &Client, old: &[String], bytes: &[u8]) -> Result<String, Error> {
        match self.try_create(client, old, bytes).await {
            Err(Error::NoNode) if old.is_empty() => {
                self.create_set(client).await?;
                self.try_create(client, old, bytes).await
            }
            created => created,
        }
    }

    /// Creates the set, and its parents as far as they are missing: the ensemble refuses to create what is there to who
    /// may not create it, rather than say that it is there. The parents belong to all services, so everybody may use
    /// them.
    async fn create_set(&self, client: &Client) -> Result<(), Error> {
        let acl = self.acl();
        let options = CreateMode::Persistent.with_acls(Acls::new(&acl));
        let mut created = client.create(self.set.as_str(), &[], &options).await;
        if created == Err(Error::NoNode) {
            let parent = self.set.as_str().rsplit_once('/').map_or("/", |(parent, _)| parent);
            client.mkdir(parent, &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
            created = client.create(self.set.as_str(), &[], &options).await;
        }
        match created {
            Ok(_) | Err(Error::NodeExists) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn try_create(&self, client: &Client, old: &[String], bytes: &[u8]) -> Result<String, Error> {
        let prefix = self.set.child("member_");
        let acl = self.acl();
        let options = CreateMode::EphemeralSequential.with_acls(Acls::new(&acl));
        if old.is_empty() {
            // A plain create is understood by servers that know no transactions with it.
            let (_, sequence) = client.create(&prefix, bytes, &options).await?;
            return Ok(format!("{prefix}{sequence}"));
        }
        let mut writer = client.new_multi_writer();
        for path in old {
            writer.add_delete(path, None)?;
        }
        writer.add_create(&prefix, bytes, &options)?;
        let results = writer.commit().await.map_err(single)?;
        let created = results.into_iter().find_map(|result| match result {
            MultiWriteResult::Create { path, .. } => Some(path),
            _ => None,
        });
        created.ok_or(Error::UnexpectedError("a transaction that created nothing".into()))
    }

    async fn delete(&self, client: &Client, old: &[String]) -> Result<(), Error> {
        for path in old {
            match client.delete(path, None).await {
                Ok(()) | Err(Error::NoNode) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn acl(&self) -> Vec<Acl> {
        match self.access {
            Access::Anyone => vec![Acl::new(Permission::ALL, AuthId::anyone())],
            Access::CreatorWrites => vec![
                Acl::new(Permission::READ, AuthId::anyone()),
                Acl::new(Permission::ALL, AuthId::authed()),
            ],
            Access::CreatorOnly => vec![Acl::new(Permission::ALL, AuthId::authed())],
        }
    }

    fn error(&self, error: &Error) -> RegistrationError {
        RegistrationError::new(self.set.as_str(), error)
    }
}

/// What there is at `path`. Whose it is, may be asked of a znode that may not be read, too; its bytes are none then.
async fn read(client: &Client, path: &str) -> Result<Option<(Vec<u8>, Stat)>, Error> {
    match client.get_data(path).await {
        Ok(read) => Ok(Some(read)),
        Err(Error::NoNode) => Ok(None),
        Err(Error::NoAuth) => Ok(client.check_stat(path).await?.map(|stat| (Vec::new(), stat))),
        Err(error) => Err(error),
    }
}

/// The one error of a transaction that failed.
fn single(error: MultiWriteError) -> Error {
    match error {
        MultiWriteError::RequestFailed { source } | MultiWriteError::OperationFailed { source, .. } => source,
    }
}

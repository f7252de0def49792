//! What every scenario needs: sets with members in them, sessions to look through, and who writes.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use peerset_cluster::{Discover, Endpoint, Member, Watch};
use peerset_discover_zookeeper::{
    Serverset, ServersetConfig, ServersetPath, Zookeeper as Session, ZookeeperConfig, write_member,
};
use tokio::time::timeout;
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions};

/// How long anything may take; the bench then fails instead of waiting.
const PATIENCE: Duration = Duration::from_secs(60);

/// The longest that the server grants. There is hardly a ping then, which would be counted among the requests.
const SESSION: Duration = Duration::from_secs(60);

/// Creations that are under way at once.
const WRITES_MAX: u32 = 1000;

/// Where nothing ever is.
const NOWHERE: &str = "/bench/nowhere";

/// Who writes members, over a bare session.
pub(super) struct Writer {
    client: Client,
    written: u32,
}

/// A session without anything of ours on top.
pub(super) async fn bare(addr: SocketAddr) -> Result<Client> {
    let servers = addr.to_string();
    let connector = Client::connector().with_session_timeout(SESSION).with_fail_eagerly();
    let connecting = connector.connect(&servers);
    patiently("a bare session", connecting).await?.context("connecting a bare session")
}

impl Writer {
    pub(super) async fn connect(addr: SocketAddr) -> Result<Writer> {
        Ok(Writer { client: bare(addr).await?, written: 0 })
    }

    /// Makes a set with so many members.
    pub(super) async fn fill(&mut self, set: &str, members: u32) -> Result<()> {
        self.client.mkdir(set, &CreateMode::Persistent.with_acls(Acls::anyone_all())).await?;
        let mut left = members;
        while left > 0 {
            let batch: Vec<Vec<u8>> =
                (0..left.min(WRITES_MAX)).map(|_| self.next_member()).collect::<Result<_>>()?;
            left -= batch.len() as u32;
            let path = prefix(set);
            let options = options();
            // A request is sent when its future is made.
            let writes: Vec<_> =
                batch.iter().map(|bytes| self.client.create(&path, bytes, &options)).collect();
            for write in writes {
                patiently("a member to be written", write).await??;
            }
        }
        Ok(())
    }

    /// Adds a member.
    pub(super) async fn join(&mut self, set: &str) -> Result<()> {
        let bytes = self.next_member()?;
        patiently("a join", self.client.create(&prefix(set), &bytes, &options())).await??;
        Ok(())
    }

    fn next_member(&mut self) -> Result<Vec<u8>> {
        self.written += 1;
        let endpoint: Endpoint = format!("cache{:05}.example.com:11211", self.written).parse()?;
        let mut member = Member::at(endpoint);
        member.shard = Some(self.written);
        Ok(write_member(&member, 1 << 16)?)
    }
}

fn prefix(set: &str) -> String {
    format!("{set}/member_")
}

/// Ephemeral, as real members are.
fn options() -> CreateOptions<'static> {
    CreateMode::EphemeralSequential.with_acls(Acls::anyone_all())
}

/// A session of ours, alone, that is connected.
pub(super) async fn session(addr: SocketAddr) -> Result<Session> {
    let session = Session::connect_alone(&[addr.try_into()?], config())?;
    connected(&session).await?;
    Ok(session)
}

/// The session that everybody in this process shares.
pub(super) fn shared_session(addr: SocketAddr) -> Result<Session> {
    Ok(Session::connect(&[addr.try_into()?], config())?)
}

/// Waits until the server has answered a question.
pub(super) async fn connected(session: &Session) -> Result<()> {
    let nothing = open(session, NOWHERE)?;
    let mut watch = nothing.watch();
    patiently("a session", watch.answer()).await??;
    Ok(())
}

pub(super) fn open(session: &Session, set: &str) -> Result<Serverset> {
    Ok(session.serverset(ServersetPath::new(set)?, ServersetConfig::default()))
}

/// Waits until the set has so many members.
pub(super) async fn until(watch: &mut Watch, members: u32) -> Result<()> {
    let wanted = watch.wait_for(|snapshot| snapshot.len() == members as usize);
    patiently("a snapshot", wanted).await??;
    Ok(())
}

pub(super) async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    timeout(PATIENCE, future).await.with_context(|| format!("waited {PATIENCE:?} for {what}"))
}

fn config() -> ZookeeperConfig {
    let mut config = ZookeeperConfig::default();
    config.session_timeout = SESSION;
    config
}

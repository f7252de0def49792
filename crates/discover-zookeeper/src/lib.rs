//! Finagle-compatible serversets in ZooKeeper: watch a service, register in it.
//!
//! A serverset is a znode whose ephemeral children are the members of a service, in JSON that Finagle, Aurora and
//! go.serversets agree on ([`write_member`] has the bytes). Nothing has to be changed on their side: members written
//! here are found by them, and theirs here.
//!
//! ```text
//!  Zookeeper ── one session: connects, resumes, replaces ──────────────┐
//!     │                                                                │
//!     └─► Followed ── one cache a set: list, read what is new, watch   │
//!             │                                                        │
//!             ├─► Serverset ── one opening: select, weigh, stabilize ──┼─► Watch
//!             └─► Serverset …                                          │
//!                     └─► Membership ── one znode ◄────────────────────┘
//! ```
//!
//! # Watch a service
//! ```no_run
//! use peerset_cluster::{Discover, DiscoveryUrl};
//! use peerset_discover_zookeeper::{Serverset, ServersetConfig, ZookeeperConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url: DiscoveryUrl = "serverset://zk01.internal:2181,zk02.internal:2181/staging/service_name".parse()?;
//! let set = Serverset::from_url(&url, ZookeeperConfig::default(), ServersetConfig::default())?;
//!
//! let mut watch = set.watch();
//! while let Ok(snapshot) = watch.changed().await {
//!     let endpoints = snapshot.members().iter().map(|member| member.endpoint.to_string());
//!     println!("{}: {}", snapshot.state(), endpoints.collect::<Vec<_>>().join(" "));
//! }
//! # Ok(()) }
//! ```
//! A watch ends with the last handle to its set; [`Watch::keeping`](peerset_cluster::Watch::keeping) makes it keep one.
//! The first snapshot comes at once and may be pending; [`Watch::answer`](peerset_cluster::Watch::answer) waits for the
//! ensemble's first word. Unreachable servers are no error, now or later: the set is pending, or stale with the last good
//! members, until one answers.
//!
//! # Register an endpoint, with a ping
//! [`Checked`] calls the ping once a second, registers while it passes and takes the member out while it fails:
//! ```no_run
//! use peerset_cluster::{Member, Register};
//! use peerset_discover_zookeeper::{CheckConfig, Checked};
//! use tokio::net::TcpStream;
//! # use peerset_discover_zookeeper::Serverset;
//!
//! # async fn example(set: Serverset) -> Result<(), Box<dyn std::error::Error>> {
//! let mut member = Member::at("10.0.0.1:8080".parse()?);
//! member.endpoints.insert("admin".into(), "10.0.0.1:9990".parse()?);
//! let membership = set.create_membership(member).await?;
//!
//! let ping = || async { TcpStream::connect("127.0.0.1:8080").await.map(drop) };
//! let checked = Checked::start(membership, CheckConfig::default(), ping);
//! // …
//! checked.close().await?; // returns once this process sees it gone
//! # Ok(()) }
//! ```
//! Who needs no ping calls [`register`](peerset_cluster::Membership::register) of the membership itself:
//! ```no_run
//! # async fn example(membership: peerset_cluster::Membership) -> Result<(), peerset_cluster::RegisterError> {
//! membership.register().await?; // returns once this process sees it in the set
//! // …
//! membership.deregister().await?;
//! # Ok(()) }
//! ```
//! Register once: a lost connection, an expired session, or a znode that somebody deleted is seen to in the background,
//! for as long as the membership lives.
//!
//! # Sharded memcached over a watched set
//! A [`Serverset`] is a [`Discover`](peerset_cluster::Discover), so whatever takes a watch takes it:
//! `Client::sharded(set.watch())` of `peerset-client-memcache`, with the placement `mcset`, finds keys where go.serversets'
//! `mcset` left them. Neither library depends on the other, so the whole program is an example of the one crate that uses
//! both, `crates/node/examples/sharded_serverset.rs`:
//! ```text
//! cargo run -p peerset-node --example sharded_serverset -- serverset://zk01.internal:2181/prod/memcache_nodes
//! ```
//! For clients in other languages there is `peerset proxy --pool serverset://zk01.internal:2181/prod/memcache_nodes`.
//!
//! # Compatible with
//! ZooKeeper 3.5 and later; tested with 3.8. Watching works with older servers too. Before 3.6, finding one's znode again
//! after a connection was lost in the middle of a write reads the whole set.

mod backoff;
mod check;
mod config;
mod error;
mod follow;
#[doc(hidden)]
pub mod fuzzing;
mod member_json;
mod path;
mod register;
mod serverset;
mod session;
mod stabilizer;
#[cfg(feature = "tls")]
mod tls;
mod vector;
mod view;

pub use check::{CheckConfig, Checked, Health};
pub use config::{Access, Credentials, ServersetConfig, Statuses, ZookeeperConfig};
pub use error::{OpenError, Problem};
pub use member_json::{Announced, ReadError, WriteError, read_member, write_member};
pub use path::{Environment, PathError, ServersetPath};
pub use register::RegistrationError;
pub use serverset::Serverset;
pub use session::Zookeeper;
pub use stabilizer::Stabilizer;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};

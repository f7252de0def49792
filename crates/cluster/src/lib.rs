//! Who is there: members, snapshots, watches, and the contract every discovery source keeps.
//!
//! ```text
//!                        what a driver holds │ what everybody else holds
//!  registry ──────────► driver ──► Publisher ┼─► Watch ──► Snapshot ──► placement, balance, route …
//!  file, DNS, gossip,     ▲                  │     conflates   Arc: members sorted by id,
//!  ZooKeeper, etcd …      └──── Intent ◄─────┼─ Membership     state, revision, source
//!                                            │     this process as a member
//! ```
//!
//! Every source meets every client at [`Watch`] and nowhere else, so any of them works with any other. This crate has
//! the contract and the sources that need no server:
//!
//! - A [`Member`] is an identity with an [`Endpoint`]; a [`Snapshot`] is an immutable set of them in a [`State`]:
//!   pending, ready, absent or stale. Losing a source never empties a set.
//! - A [`Watch`] has the newest snapshot and waits for the next one that differs; [`Snapshot::diff`] says what happened.
//! - [`Discover`] and [`Register`] are what a backend offers, usable as `dyn`. A [`Membership`] is this process in a
//!   cluster.
//! - Backends: [`MemoryCluster`], [`StaticSource`], [`FileSource`], and [`Union`] of any others.
//! - [`DiscoveryUrl`] is the one grammar in which library, command line and config name a source.
//! - Drivers start at [`channel`] and [`Intent`], and run the laws of [`contract`]. [`MemoryCluster`] is the smallest
//!   one to read.
//!
//! ```
//! use std::sync::Arc;
//! use peerset_cluster::{Discover, Member, MemoryCluster, Register, Snapshot, StaticSource, Union};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let fixed = StaticSource::parse("10.0.0.1:11211,10.0.0.2:11211@2=big")?;
//! let cluster = MemoryCluster::new("memory");
//! let pool = Union::new("pool", vec![Arc::new(fixed), Arc::new(cluster.clone())])?;
//!
//! let mut watch = pool.watch();
//! let before = watch.changed().await?; // the first snapshot comes at once
//! assert_eq!(before.len(), 2);
//!
//! let membership = cluster.create_membership(Member::at("10.0.0.3:11211".parse()?)).await?;
//! membership.register().await?;
//! let after = watch.changed().await?;
//! assert_eq!(Snapshot::diff(&before, &after).to_string(), "+10.0.0.3:11211");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! Everything is bounded by [`Limits`]; nothing here resolves names or opens connections. Time is tokio's clock, so tests
//! may pause it.

pub mod contract;
mod discover;
mod endpoint;
mod file;
mod fixed;
#[doc(hidden)]
pub mod fuzzing;
mod item;
mod limits;
mod member;
mod membership;
mod memory;
mod percent;
mod snapshot;
mod text;
mod union;
mod url;
mod watch;

pub use discover::{BoxFuture, Discover, Register};
pub use endpoint::{Endpoint, EndpointError, EndpointProblem, Host, HostName, SocketPath};
pub use file::{FileConfig, FileError, FileSource, LineProblem};
pub use fixed::{ItemsError, StaticSource};
pub use item::{Item, ItemError, ItemProblem};
pub use limits::Limits;
pub use member::{Member, MemberError, MemberId, MemberIdError, Status, Weight, WeightError};
pub use membership::{DriverError, Intent, Membership, RegisterError, Wish};
pub use memory::MemoryCluster;
pub use percent::PercentProblem;
pub use snapshot::{Change, Diff, Revision, Snapshot, SourceName, State};
pub use union::{Union, UnionError};
pub use url::{
    AwsElasticacheUrl, DiscoveryUrl, DnsSrvUrl, DnsUrl, ElasticacheUrl, EtcdUrl, FileUrl, GceUrl, GossipUrl,
    Scheme, Select, ServersetUrl, StaticUrl, UrlError, UrlProblem, ZkUrl,
};
pub use watch::{Closed, Published, Publisher, Refused, Watch, channel};

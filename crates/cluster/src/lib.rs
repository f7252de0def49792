//! Who is there: members, snapshots, watches, and the contract every discovery source keeps.

pub mod contract;
mod discover;
mod endpoint;
mod file;
mod fixed;
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

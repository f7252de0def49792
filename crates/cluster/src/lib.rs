//! Who is there: members, snapshots, watches, and the contract every discovery source keeps.

mod discover;
mod endpoint;
mod fixed;
mod item;
mod limits;
mod member;
mod membership;
mod memory;
mod percent;
mod snapshot;
mod text;
mod watch;

pub use discover::{BoxFuture, Discover, Register};
pub use endpoint::{Endpoint, EndpointError, EndpointProblem, Host, HostName, SocketPath};
pub use fixed::{ItemsError, StaticSource};
pub use item::{Item, ItemError, ItemProblem};
pub use limits::Limits;
pub use member::{Member, MemberError, MemberId, MemberIdError, Status, Weight, WeightError};
pub use membership::{DriverError, Intent, Membership, RegisterError, Wish};
pub use memory::MemoryCluster;
pub use percent::PercentProblem;
pub use snapshot::{Change, Diff, Revision, Snapshot, SourceName, State};
pub use watch::{Closed, Published, Publisher, Refused, Watch, channel};

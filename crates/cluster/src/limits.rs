//! How much of everything one snapshot may hold.

/// Bounds on what a source may put into a snapshot. What is over is refused, reported and counted; the rest stays.
///
/// Identifiers carry their own bounds: a [`MemberId`](crate::MemberId) 512 bytes, a host name 253, a socket path 107,
/// a [`SourceName`](crate::SourceName) 256. A usual member takes 200 to 400 bytes here, and its source some more; what
/// the defaults admit at worst is mostly data, 10 000 times 1 MiB, so a process that shares a registry with strangers
/// sets `data_bytes_max` lower.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Members in one snapshot. Over it, those with the smallest ids stay, so that every process keeps the same ones.
    /// Placements grow with it (160 ring points a member, say); 10 000 is ten times the largest fleet we know of.
    pub members_max: usize,
    /// Named endpoints of one member.
    pub endpoints_max: usize,
    /// Metadata pairs of one member. Finagle reads at most 10.
    pub metadata_max: usize,
    /// Bytes of a metadata key or value, of the name of an endpoint, and of a zone.
    pub text_bytes_max: usize,
    /// Bytes of [`Member::data`](crate::Member::data). ZooKeeper and etcd stop at about 1 MiB for the whole record.
    pub data_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            members_max: 10_000,
            endpoints_max: 64,
            metadata_max: 64,
            text_bytes_max: 1024,
            data_bytes_max: 1 << 20,
        }
    }
}

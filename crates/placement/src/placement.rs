//! The answer to "who owns this key?".

use crate::keys::KeyHash;
use crate::owners::Owners;
use crate::ring::Ring;
use crate::rules::{self, Rule};
use crate::{BuildError, Kind, Server, Spec, check};

/// Who owns which key, for an ordered list of servers. Immutable: when the list changes, build another.
///
/// - **Shape**: servers are known by their number in the list, from 0. Rings take 8 bytes a point and a quarter for an
///   index; the others a few bytes a server ([`Placement::bytes`]).
/// - **Cost**: building hashes every point's label and sorts, about 0.1 µs a point; a lookup hashes the key and then
///   reads a line of memory or two. [`owner`](Self::owner) allocates nothing.
/// - **Errors**: only while building. Without servers, or where no server has a point, nobody owns anything.
/// - **Duplicates**: two servers that look the same to the rule lay the same points; the rule for ties gives all of them
///   to one of the two.
///
/// ```
/// use peerset_placement::{Placement, Server, Spec};
///
/// let servers = [Server::new("10.0.0.1", 11211), Server::new("10.0.0.2", 11211), Server::new("10.0.0.3", 11211)];
/// let spec: Spec = "twemproxy:hash=md5,tag={}".parse()?;
/// let placement = Placement::build(&spec, &servers)?;
/// let owner = placement.owner(b"user:{42}:name").expect("there are servers");
/// assert_eq!(placement.owner(b"user:{42}:mail"), Some(owner));
/// assert_eq!(placement.owners(b"user:{42}:name", 2)[0], owner);
/// assert!((placement.shares().iter().sum::<f64>() - 1.0).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Placement {
    spec: Spec,
    servers: Box<[Server]>,
    rule: Rule,
}

impl Placement {
    /// Places keys on `servers`, whose order some placements depend on.
    ///
    /// # Errors
    /// A server that cannot be written into a label, a weight or an option that this kind cannot have, and more than
    /// [`POINTS_MAX`](crate::POINTS_MAX) points, slots or servers.
    pub fn build(spec: &Spec, servers: &[Server]) -> Result<Placement, BuildError> {
        check::servers(spec.kind, servers)?;
        check::options(spec)?;
        let rule = rules::build(spec, servers)?;
        Ok(Placement { spec: spec.clone(), servers: servers.into(), rule })
    }

    /// Which placement, and how it is set.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Short for `spec().kind`.
    pub fn kind(&self) -> Kind {
        self.spec.kind
    }

    /// The servers in the order in which they were given.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The number of the server that owns `key`; any bytes of any length are a key.
    #[inline]
    pub fn owner(&self, key: &[u8]) -> Option<usize> {
        Some(match &self.rule {
            Rule::Nobody => return None,
            Rule::Ring(ring, hash) => ring.owner(hash.narrow(key)),
            Rule::WideRing(ring, hash) => ring.owner(hash.wide(key)),
            Rule::Slots(slots) => slots.owner(key),
            Rule::Jump(jump) => jump.owner(key),
            Rule::Furc(furc) => furc.owner(key),
            Rule::Rendezvous(rendezvous) => rendezvous.owner(key),
            Rule::Pymemcache(rendezvous) => rendezvous.owner(key),
        })
    }

    /// The first `n` distinct servers for `key`, the owner first; fewer when there are fewer.
    ///
    /// The rest are where a copy goes, or whom to ask while the owner is away: on rings and slots whoever comes next, with
    /// rendezvous who has the next greatest score. Jump hash and furc know no next; there it is the owner among the
    /// remaining servers, so that the load of one that is away spreads over all.
    pub fn owners(&self, key: &[u8], n: usize) -> Vec<usize> {
        let mut owners = Owners::new(n, self.servers.len());
        match &self.rule {
            Rule::Nobody => {}
            Rule::Ring(ring, hash) => ring.owners(hash.narrow(key), &mut owners),
            Rule::WideRing(ring, hash) => ring.owners(hash.wide(key), &mut owners),
            Rule::Slots(slots) => slots.owners(key, &mut owners),
            Rule::Jump(jump) => jump.owners(key, &mut owners),
            Rule::Furc(furc) => furc.owners(key, &mut owners),
            Rule::Rendezvous(rendezvous) => rendezvous.owners(key, &mut owners),
            Rule::Pymemcache(rendezvous) => rendezvous.owners(key, &mut owners),
        }
        owners.into_vec()
    }

    /// The part of all keys that each server owns; they add up to 1, or are all 0 when nobody owns anything.
    ///
    /// Exact for rings and slots, where hashes are counted. The others have no points; theirs is the expectation.
    pub fn shares(&self) -> Vec<f64> {
        let count = self.servers.len();
        let of_total = |owned: Vec<u128>, total: u128| -> Vec<f64> {
            owned.into_iter().map(|owned| owned as f64 / total as f64).collect()
        };
        match &self.rule {
            Rule::Nobody => vec![0.0; count],
            Rule::Ring(ring, hash) => of_total(ring.owned(count, hash.bits()), 1 << hash.bits()),
            Rule::WideRing(ring, _) => {
                of_total(ring.owned(count, KeyHash::WIDE_BITS), 1 << KeyHash::WIDE_BITS)
            }
            Rule::Slots(slots) => {
                let (owned, total) = slots.owned(count);
                of_total(owned, total)
            }
            Rule::Jump(_) | Rule::Pymemcache(_) => vec![1.0 / count as f64; count],
            Rule::Furc(furc) => furc.shares(),
            Rule::Rendezvous(rendezvous) => rendezvous.shares(count),
        }
    }

    /// The points of a ring, ascending, each with the number of its server; empty where there is no ring.
    ///
    /// `groupcache-v3` compares hashes as signed numbers. Its points are given with the top bit turned over, which puts
    /// them in ascending order.
    pub fn points(&self) -> Vec<(u64, usize)> {
        match &self.rule {
            Rule::Ring(ring, _) => ring.points().collect(),
            Rule::WideRing(ring, _) => ring.points().collect(),
            _ => Vec::new(),
        }
    }

    /// Bytes that points, slots or scores take, apart from the list of servers.
    pub fn bytes(&self) -> usize {
        match &self.rule {
            Rule::Nobody => 0,
            Rule::Ring(ring, _) => ring.bytes(),
            Rule::WideRing(ring, _) => ring.bytes(),
            Rule::Slots(slots) => slots.bytes(),
            Rule::Jump(_) => 0,
            Rule::Furc(furc) => furc.bytes(),
            Rule::Rendezvous(rendezvous) => rendezvous.bytes(),
            Rule::Pymemcache(rendezvous) => rendezvous.bytes(),
        }
    }

    /// The ring, where that is what it is.
    pub(crate) fn circle(&self) -> Option<Circle<'_>> {
        match &self.rule {
            Rule::Ring(ring, hash) => Some(Circle::Narrow(ring, hash)),
            Rule::WideRing(ring, hash) => Some(Circle::Wide(ring, hash)),
            _ => None,
        }
    }
}

/// A ring of either width, with how keys come onto it.
pub(crate) enum Circle<'p> {
    Narrow(&'p Ring<u32>, &'p KeyHash),
    Wide(&'p Ring<u64>, &'p KeyHash),
}

#[cfg(test)]
mod tests;

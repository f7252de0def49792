//! Jump consistent hash: `jump`, and the default of memcached's built-in proxy.
//!
//! - **Shape**: nothing but the number of servers.
//! - **Cost**: O(log servers) divisions a lookup.
//! - **Balance**: even. A server added at the end takes its share from all and nothing else moves; any other change of the
//!   list moves about half of all keys or more, since servers are known by their place.
//! - **Source**: Lamping and Veach (2014); memcached 1.6 `proxy_jump_hash.c`, whose keys are hashed with XXH3.

use super::memcached_proxy;
use crate::Spec;
use crate::hash::jump;
use crate::keys::KeyHash;
use crate::owners::Owners;

#[derive(Clone, Debug)]
pub(crate) struct Jump {
    servers: u32,
    key_hash: KeyHash,
}

impl Jump {
    /// For at least one server.
    pub(super) fn new(spec: &Spec, servers: usize) -> Jump {
        Jump { servers: servers as u32, key_hash: memcached_proxy::key_hash(spec) }
    }

    #[inline]
    pub(crate) fn owner(&self, key: &[u8]) -> usize {
        jump(self.key_hash.wide(key), self.servers) as usize
    }

    pub(crate) fn owners(&self, key: &[u8], owners: &mut Owners) {
        let hash = self.key_hash.wide(key);
        owners.add(jump(hash, self.servers) as usize);
        others(hash, self.servers as usize, owners);
    }
}

/// Fills up with servers chosen by jump hash among those that are left, so that what one server leaves behind spreads
/// evenly. Takes O(n²) for n owners.
pub(super) fn others(hash: u64, servers: usize, owners: &mut Owners) {
    // Each turn finds one, so that there are never more turns than servers.
    for _ in 0..servers {
        if owners.is_full() {
            return;
        }
        let mut taken: Vec<usize> = owners.found().to_vec();
        taken.sort_unstable();
        // Another sequence of jumps for each place; multiplying by an odd number keeps hashes apart.
        let turn = hash.wrapping_add(taken.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut server = jump(turn, (servers - taken.len()) as u32) as usize;
        for taken in taken {
            server += usize::from(server >= taken);
        }
        owners.add(server);
    }
}

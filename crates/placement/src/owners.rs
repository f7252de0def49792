//! A list of distinct servers that grows to a wanted length.

/// The servers found so far, each once, in the order in which they were added.
pub(crate) struct Owners {
    found: Vec<usize>,
    wanted: usize,
    /// Which servers are found, as bits; empty while the list is short enough to be looked through.
    seen: Vec<u64>,
    servers: usize,
}

/// Looking through so many is as fast as a set of bits.
const SHORT: usize = 16;

impl Owners {
    /// For `wanted` of `servers`, or all when there are fewer.
    pub(crate) fn new(wanted: usize, servers: usize) -> Owners {
        let wanted = wanted.min(servers);
        Owners { found: Vec::with_capacity(wanted), wanted, seen: Vec::new(), servers }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.found.len() == self.wanted
    }

    /// Adds a server unless it is there or the list is full.
    pub(crate) fn add(&mut self, server: usize) {
        if self.is_full() || self.has(server) {
            return;
        }
        self.found.push(server);
        if let Some(word) = self.seen.get_mut(server / 64) {
            *word |= 1 << (server % 64);
        } else if self.found.len() == SHORT {
            self.seen = vec![0; self.servers.div_ceil(64)];
            for &server in &self.found {
                self.seen[server / 64] |= 1 << (server % 64);
            }
        }
    }

    fn has(&self, server: usize) -> bool {
        match self.seen.get(server / 64) {
            Some(word) => word >> (server % 64) & 1 == 1,
            None => self.found.contains(&server),
        }
    }

    pub(crate) fn found(&self) -> &[usize] {
        &self.found
    }

    pub(crate) fn into_vec(self) -> Vec<usize> {
        self.found
    }
}

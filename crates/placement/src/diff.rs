//! Which keys move from whom to whom when one placement follows another.

mod exact;

use crate::Placement;
use std::collections::BTreeMap;

/// Two placements beside each other: two lists of servers, two rules, or both.
///
/// Servers are matched by their endpoint, since that is where a key's value lies. A server that is in the second list at
/// another place, or under another name, is the same; one that took over another's name or shard id is not.
///
/// ```
/// use peerset_placement::{Diff, Kind, Placement, Server};
///
/// let servers = [Server::new("a", 11211), Server::new("b", 11211)];
/// let from = Placement::build(&Kind::LibmemcachedModula.into(), &servers)?;
/// let to = Placement::build(&Kind::Ketama.into(), &servers)?;
/// let diff = Diff::new(&from, &to);
/// let moves = diff.sample((0..1000).map(|number| format!("user:{number}")));
/// assert_eq!(moves.total(), 1000);
/// assert!(moves.moved_share() > 0.3); // another rule on the same servers is a cold cache
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Diff<'p> {
    from: &'p Placement,
    to: &'p Placement,
    /// For each server of `from` its number in `to`.
    same: Vec<Option<usize>>,
}

/// What happens to a key, or to an amount of them. Servers are numbers in their own lists; `None` is nobody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Who owned it, in the first list.
    pub from: Option<usize>,
    /// Who owns it now, in the second list.
    pub to: Option<usize>,
    /// How much: 1 key, or hashes of all there are.
    pub amount: u128,
    stays: bool,
}

impl Step {
    /// Whether the two are different servers.
    pub fn moved(&self) -> bool {
        !self.stays
    }
}

/// The matrix of who gives how much to whom, without empty cells.
///
/// - **Shape**: an entry for each pair of servers that share something; memory does not grow with the number of keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    cells: BTreeMap<(Option<usize>, Option<usize>), (u128, bool)>,
    total: u128,
}

/// Why there is no exact answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// One of them has no points to compare. A sample of keys tells.
    #[error("not both placements are rings; compare them by a sample of keys")]
    NotRings,
    /// They put a key on different places of the circle. A sample of keys tells.
    #[error("the rings hash keys differently; compare them by a sample of keys")]
    Hashes,
}

impl<'p> Diff<'p> {
    /// Compares `to` with `from`, which it follows.
    pub fn new(from: &'p Placement, to: &'p Placement) -> Diff<'p> {
        let mut places = BTreeMap::new();
        for (index, server) in to.servers().iter().enumerate() {
            places.entry((&*server.host, server.port)).or_insert(index);
        }
        let place = |server: &crate::Server| places.get(&(&*server.host, server.port)).copied();
        Diff { from, to, same: from.servers().iter().map(place).collect() }
    }

    /// What becomes of one key.
    pub fn key(&self, key: &[u8]) -> Step {
        self.step(self.from.owner(key), self.to.owner(key), 1)
    }

    /// What becomes of some keys.
    pub fn sample<K: AsRef<[u8]>>(&self, keys: impl IntoIterator<Item = K>) -> Moves {
        let mut moves = Moves::default();
        for key in keys {
            moves.add(self.key(key.as_ref()));
        }
        moves
    }

    /// What becomes of all hashes there are, from the points alone. O(points of both).
    ///
    /// # Errors
    /// Where not both are rings, or where they hash keys differently.
    pub fn exact(&self) -> Result<Moves, DiffError> {
        exact::compare(self)
    }

    fn step(&self, from: Option<usize>, to: Option<usize>, amount: u128) -> Step {
        // Two servers of one endpoint are one, whichever of them the map above found.
        let endpoint = |at: usize| self.to.servers().get(at).map(|server| (&server.host, server.port));
        let stays = match (from, to) {
            (Some(from), Some(to)) => {
                let same = self.same.get(from).copied().flatten();
                same.is_some_and(|same| same == to || endpoint(same) == endpoint(to))
            }
            (None, None) => true,
            _ => false,
        };
        Step { from, to, amount, stays }
    }
}

impl Moves {
    /// Adds what a [`Diff`] of the same two placements said.
    pub fn add(&mut self, step: Step) {
        let cell = self.cells.entry((step.from, step.to)).or_insert((0, step.stays));
        cell.0 += step.amount;
        self.total += step.amount;
    }

    /// Every pair that shares something, by the number of the giving server and then of the taking one. Those who keep
    /// theirs are among them.
    pub fn iter(&self) -> impl Iterator<Item = Step> {
        self.cells.iter().map(|(&(from, to), &(amount, stays))| Step { from, to, amount, stays })
    }

    /// The number of keys, or of all hashes.
    pub fn total(&self) -> u128 {
        self.total
    }

    /// How many of them move.
    pub fn moved(&self) -> u128 {
        self.iter().filter(Step::moved).map(|step| step.amount).sum()
    }

    /// The part that moves, from 0 to 1; 0 of nothing.
    pub fn moved_share(&self) -> f64 {
        self.share(self.moved())
    }

    /// An amount as a part of the total.
    pub fn share(&self, amount: u128) -> f64 {
        if self.total == 0 { 0.0 } else { amount as f64 / self.total as f64 }
    }
}

#[cfg(test)]
mod tests;

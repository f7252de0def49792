//! The rule of each placement, a page a family: for those who want to know exactly.
//!
//! Nothing here is to be called; [`Placement`](crate::Placement) does.

pub mod code_server;
pub mod finagle;
pub mod furc;
pub mod groupcache;
pub mod jump;
pub mod libmemcached;
pub mod maglev;
pub mod mcrouter;
pub mod mcset;
pub mod memcached_proxy;
pub mod modulo;
pub mod pymemcache;
pub mod rendezvous;
pub mod spymemcached;
pub mod stathat;
pub mod twemproxy;

use crate::hash::md5_words;
use crate::keys::KeyHash;
use crate::labels::Label;
use crate::ring::{Builder, Ring, Ties};
use crate::slots::Slots;
use crate::{BuildError, Kind, Server, Spec};

/// How a placement finds a key's owner. A closed set, so that a lookup is a jump and no call through a pointer.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    Nobody,
    Ring(Ring<u32>, KeyHash),
    WideRing(Ring<u64>, KeyHash),
    Slots(Slots),
    Jump(jump::Jump),
    Furc(furc::Furc),
    Rendezvous(rendezvous::Rendezvous),
    Pymemcache(pymemcache::Pymemcache),
}

/// Servers and options have been checked.
pub(crate) fn build(spec: &Spec, servers: &[Server]) -> Result<Rule, BuildError> {
    if servers.is_empty() {
        return Ok(Rule::Nobody);
    }
    match spec.kind {
        Kind::Ketama | Kind::Libmemcached | Kind::KetamaSpy => libmemcached::build(spec, servers),
        Kind::Twemproxy => twemproxy::build(spec, servers),
        Kind::Mcset => mcset::build(spec, servers),
        Kind::Groupcache => groupcache::build(spec, servers),
        Kind::GroupcacheV3 => groupcache::build_v3(spec, servers),
        Kind::Stathat => stathat::build(spec, servers),
        Kind::LibmemcachedModula | Kind::Gomemcache | Kind::SpymemcachedMod | Kind::McrouterCrc32 => {
            modulo::build(spec, servers)
        }
        Kind::Pymemcache => Ok(Rule::Pymemcache(pymemcache::Pymemcache::new(spec, servers))),
        Kind::Spymemcached => spymemcached::build(spec, servers),
        Kind::Evcache => spymemcached::build_evcache(spec, servers),
        Kind::MemcachedProxy | Kind::Jump => Ok(Rule::Jump(jump::Jump::new(spec, servers.len()))),
        Kind::MemcachedProxyRing => memcached_proxy::build(spec, servers),
        Kind::Finagle => finagle::build(spec, servers),
        Kind::McrouterCh3 | Kind::McrouterWch3 => mcrouter::build(spec, servers),
        Kind::McrouterRendezvous | Kind::McrouterWeightedRendezvous | Kind::Rendezvous => {
            Ok(rendezvous::build(spec, servers))
        }
        Kind::CodeServer => code_server::build(spec, servers),
        Kind::Maglev => maglev::build(spec, servers),
    }
}

/// Points of an average server in every ketama, and how many of them come from one label.
const KETAMA_POINTS: u32 = 160;
const POINTS_EACH_LABEL: u32 = 4;
const KETAMA_LABELS: u32 = KETAMA_POINTS / POINTS_EACH_LABEL;

/// A ring of `MD5(label-0)`, `MD5(label-1)` … with four points each: what all ketamas have in common. `servers` gives
/// each server's number and label, and how many labels it has, in the order in which they lay points.
fn ketama(
    servers: impl Iterator<Item = (usize, String, u32)> + Clone,
    ties: Ties,
    key_hash: KeyHash,
) -> Result<Rule, BuildError> {
    let labels: u64 = servers.clone().map(|(_, _, labels)| u64::from(labels)).sum();
    let mut points = Builder::new(labels * u64::from(POINTS_EACH_LABEL))?;
    for (server, label, labels) in servers {
        let label = Label::then_number(&format!("{label}-"));
        label.each(labels, |text| {
            for hash in md5_words(text) {
                points.lay(hash, server);
            }
        });
    }
    Ok(points.ring(ties).map_or(Rule::Nobody, |ring| Rule::Ring(ring, key_hash)))
}

/// A ring of `each` labels a server, `label-0`, `label-1` …, of which every one is a point.
fn point_each_label(
    servers: &[Server],
    label: impl Fn(&Server) -> String,
    each: u32,
    hash: impl Fn(&[u8]) -> u32,
    ties: Ties,
    key_hash: KeyHash,
) -> Result<Rule, BuildError> {
    let mut points = Builder::new(servers.len() as u64 * u64::from(each))?;
    for (index, server) in servers.iter().enumerate() {
        Label::then_number(&format!("{}-", label(server))).each(each, |text| points.lay(hash(text), index));
    }
    Ok(points.ring(ties).map_or(Rule::Nobody, |ring| Rule::Ring(ring, key_hash)))
}

/// Servers in the order of the list, with their labels and as many of them as `counts` says.
fn listed<'s>(
    servers: &'s [Server],
    label: impl Fn(&Server) -> String + Clone + 's,
    counts: impl IntoIterator<Item = u32, IntoIter: Clone + 's>,
) -> impl Iterator<Item = (usize, String, u32)> + Clone + 's {
    let servers = servers.iter().enumerate().zip(counts);
    servers.map(move |((server, of), count)| (server, label(of), count))
}

/// How many labels each server has whose weight is `weights[server]`, in the single precision that libmemcached, twemproxy
/// and spymemcached compute in. Rounding takes a label from everyone at some numbers of equal servers, as it does there.
fn labels_by_weight(weights: &[u32]) -> Vec<u32> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let count = weights.len() as f32;
    let labels = |weight: &u32| {
        let part = *weight as f32 / total as f32;
        (part * KETAMA_POINTS as f32 / POINTS_EACH_LABEL as f32 * count + 1e-10).floor() as u32
    };
    weights.iter().map(labels).collect()
}

/// The weights of servers that were checked to be whole, each at least `least`.
fn whole_weights(servers: &[Server], least: u32) -> Vec<u32> {
    servers.iter().map(|server| (server.weight as u32).max(least)).collect()
}

//! Ours and the crates that do the same, each behind "how long does this take you?".

use anyhow::{Context, Result, bail};
use peerset_placement::{Placement, Server, Spec};

use super::{Key, each, once};

/// What a contender is timed at.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// Find the owner of each key.
    Lookup { servers: usize, points: usize },
    /// Build a ring.
    Build { servers: usize, points: usize },
}

impl Work {
    fn size(self) -> (usize, usize) {
        match self {
            Work::Lookup { servers, points } | Work::Build { servers, points } => (servers, points),
        }
    }
}

pub(super) struct Contender(Box<Timed>);

/// From keys to nanoseconds for one of them, or for a ring.
type Timed = dyn Fn(&[Key]) -> f64;

impl Contender {
    pub(super) fn time(&self, keys: &[Key]) -> f64 {
        (self.0)(keys)
    }

    fn lookup<T: 'static>(owner: impl Fn(&Key) -> T + 'static) -> Contender {
        Contender(Box::new(move |keys| each(keys, &owner)))
    }

    fn build<T>(build: impl Fn() -> T + 'static) -> Contender {
        Contender(Box::new(move |_| once(&build)))
    }

    pub(super) fn ours(name: &str, work: &Work) -> Result<Contender> {
        let (servers, points) = work.size();
        let spec = spec(name, points)?;
        let servers = our_servers(servers);
        let placement = Placement::build(&spec, &servers)?;
        Ok(match work {
            Work::Lookup { .. } => Contender::lookup(move |key| placement.owner(key)),
            Work::Build { .. } => Contender::build(move || Placement::build(&spec, &servers)),
        })
    }

    pub(super) fn rival(name: &str, work: &Work) -> Result<Contender> {
        let (servers, points) = work.size();
        let names: Vec<String> = our_servers(servers).iter().map(Server::endpoint).collect();
        Ok(match (name, work) {
            ("hashring", Work::Lookup { .. }) => {
                let ring = hashring(servers, points);
                Contender::lookup(move |key| ring.get(key).copied())
            }
            ("hashring", Work::Build { .. }) => Contender::build(move || hashring(servers, points)),
            ("ketama", Work::Lookup { .. }) => {
                let ring = ketama(&names);
                Contender::lookup(move |key| ring.route(key))
            }
            ("ketama", Work::Build { .. }) => Contender::build(move || ketama(&names)),
            ("conhash", Work::Lookup { .. }) => {
                let ring = conhash(&names, points);
                Contender::lookup(move |key| ring.get(key).map(|node| node.server))
            }
            ("conhash", Work::Build { .. }) => Contender::build(move || conhash(&names, points)),
            ("hash-rings", Work::Lookup { .. }) => {
                let ring = hash_rings(leak(names), points);
                Contender::lookup(move |key| std::ptr::from_ref(ring.get_node(key)))
            }
            ("hash-rings", Work::Build { .. }) => {
                let names = leak(names);
                Contender::build(move || hash_rings(names, points))
            }
            ("jumphash", _) => {
                let hasher = jumphash::JumpHasher::new_with_keys(1, 2);
                Contender::lookup(move |key| hasher.slot(key, servers as u32))
            }
            ("hash-rings-maglev", _) => {
                let ring = hash_rings::maglev::Ring::new(leak(names).iter().collect());
                Contender::lookup(move |key| std::ptr::from_ref(ring.get_node(key)))
            }
            ("hash-rings-rendezvous", _) => {
                let mut ring = hash_rings::rendezvous::Ring::new();
                leak(names).iter().for_each(|name| ring.insert_node(name, 1));
                Contender::lookup(move |key| std::ptr::from_ref(ring.get_node(key)))
            }
            _ => bail!("no rival {name}"),
        })
    }
}

/// Bytes of a ring of a hundred servers for each of its points.
pub(super) fn bytes_a_point() -> Result<f64> {
    let ring = Placement::build(&"ketama".parse::<Spec>()?, &our_servers(100))?;
    Ok(ring.bytes() as f64 / ring.points().len() as f64)
}

/// Our placement with as many points as the rivals have.
fn spec(name: &str, points: usize) -> Result<Spec> {
    let takes_points = name == "mcset" || name == "groupcache";
    let text = if takes_points { format!("{name}:points={points}") } else { name.to_owned() };
    text.parse().with_context(|| text)
}

fn our_servers(count: usize) -> Vec<Server> {
    (0..count).map(|at| Server::new(format!("10.1.{}.{}", at / 250, at % 250 + 1), 11211)).collect()
}

/// A point of `hashring`: two numbers are less to hash than a name.
type Virtual = (u32, u32);

fn hashring(servers: usize, points: usize) -> hashring::HashRing<Virtual> {
    let nodes = (0..servers as u32).flat_map(|server| (0..points as u32).map(move |point| (server, point)));
    let mut ring = hashring::HashRing::new();
    ring.batch_add(nodes.collect());
    ring
}

fn ketama(names: &[String]) -> ketama::Ring {
    ketama::Ring::build(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

#[derive(Clone)]
struct Node {
    server: usize,
    name: String,
}

impl conhash::Node for Node {
    fn name(&self) -> String {
        self.name.clone()
    }
}

fn conhash(names: &[String], points: usize) -> conhash::ConsistentHash<Node> {
    let mut ring = conhash::ConsistentHash::new();
    for (server, name) in names.iter().enumerate() {
        ring.add(&Node { server, name: name.clone() }, points);
    }
    ring
}

fn hash_rings(names: &'static [String], points: usize) -> hash_rings::consistent::Ring<'static, String> {
    let mut ring = hash_rings::consistent::Ring::new();
    names.iter().for_each(|name| ring.insert_node(name, points));
    ring
}

/// `hash-rings` borrows its nodes; a bench may keep a few names until it ends.
fn leak(names: Vec<String>) -> &'static [String] {
    names.leak()
}

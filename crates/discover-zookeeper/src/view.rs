//! From what is followed to what one opener of the set asked to see.

use std::sync::Arc;

use peerset_cluster::{Member, MemberId, Publisher, Revision, Select};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::follow::{Listing, Node, Standing};
use crate::vector::{Vector, weigh};
use crate::{Problem, ServersetConfig, Stabilizer, Statuses};

/// Turns listings into snapshots. One task owns it.
pub(crate) struct View {
    config: ServersetConfig,
    path: String,
    listings: watch::Receiver<Listing>,
    stabilizer: Option<Stabilizer>,
    outlets: Outlets,
    /// Members that were left out at the last publication, by limits or since they have no service endpoint.
    refused: Vec<Problem>,
}

/// Where a view goes.
pub(crate) struct Outlets {
    /// What was asked for.
    pub(crate) shown: Publisher,
    /// Everybody, selected or not and held by nothing: what registrations are observed by.
    pub(crate) everybody: Publisher,
    /// Whether anybody registers; who only watches need not pay for the above.
    pub(crate) registering: watch::Receiver<bool>,
    pub(crate) problems: watch::Sender<Arc<[Problem]>>,
}

/// Problems kept and logged of one listing; whoever wrote a thousand bad members gets the idea.
const PROBLEMS_MAX: usize = 100;

impl View {
    pub(crate) fn new(
        path: String,
        config: ServersetConfig,
        listings: watch::Receiver<Listing>,
        outlets: Outlets,
    ) -> Self {
        let stabilizer = config.hold_removals.map(Stabilizer::new);
        View { config, path, listings, stabilizer, outlets, refused: Vec::new() }
    }

    /// Publishes until the follower is gone, which it is not while this has a receiver.
    pub(crate) async fn run(mut self) {
        loop {
            let listing = self.listings.borrow_and_update().clone();
            self.heed(&listing);
            let held = self.stabilizer.as_ref().and_then(Stabilizer::timeout).filter(|_| !listing.lost);
            let due = async {
                match held {
                    Some(held) => sleep_until(Instant::from_std(held)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.listings.changed() => if changed.is_err() { return },
                changed = self.outlets.registering.changed() => if changed.is_err() { return },
                () = due => {}
            }
        }
    }

    fn heed(&mut self, listing: &Listing) {
        let revision = Revision(listing.zxid);
        match listing.standing {
            _ if listing.lost => {
                self.outlets.shown.lost();
                self.outlets.everybody.lost();
                self.report(&listing.problems, true);
            }
            Standing::Unknown => {}
            Standing::Absent => {
                self.stabilizer.iter_mut().for_each(Stabilizer::clear);
                self.outlets.shown.absent(revision);
                self.outlets.everybody.absent(revision);
                self.refused.clear();
                self.report(&[], false);
            }
            Standing::Present => {
                let mut members = distinct(select(listing, &self.config));
                if let Some(stabilizer) = &mut self.stabilizer {
                    members = stabilizer.update(Instant::now().into_std(), members);
                }
                // Before the members, so that whoever sees a set can ask what it lacks.
                self.report(&listing.problems, false);
                let published = self.outlets.shown.publish(members, revision);
                // After them, so that whoever sees a registration here sees it above as well.
                if *self.outlets.registering.borrow_and_update() {
                    self.outlets.everybody.publish(distinct(all(listing)), revision);
                }
                let refused = published.refused.iter().map(|refused| Problem {
                    node: format!("{} ({})", self.path, refused.id),
                    reason: refused.error.to_string(),
                });
                let unserving =
                    |node: &&Arc<Node>| self.config.select.endpoint.is_none() && !node.has_service;
                let unserving = listing.members.iter().filter(unserving).map(|node| Problem {
                    node: format!("{}/{}", self.path, node.name),
                    reason: "there is no serviceEndpoint, only named ones".into(),
                });
                self.refused = refused.chain(unserving).take(PROBLEMS_MAX).collect();
                self.report(&listing.problems, false);
            }
        }
    }

    /// Keeps the znodes' problems and the members that were left out, and logs what was not there before.
    fn report(&self, problems: &[Problem], lost: bool) {
        let problems: Vec<Problem> =
            problems.iter().chain(&self.refused).take(PROBLEMS_MAX).cloned().collect();
        for problem in problems.iter().filter(|problem| !self.outlets.problems.borrow().contains(problem)) {
            let (node, reason) = (&problem.node, &problem.reason);
            match *node == self.path {
                false => tracing::warn!(node, reason, "a znode is skipped"),
                true if lost => tracing::warn!(node, reason, "the set cannot be read; still trying"),
                true => tracing::warn!(node, reason, "something is wrong with the set"),
            }
        }
        self.outlets.problems.send_if_modified(|kept| {
            let changed = **kept != *problems;
            *kept = problems.into();
            changed
        });
    }
}

/// A member and the transaction that created its znode.
type Born = (i64, Arc<Member>);

/// What `config` asks for, by the rules of Finagle.
fn select(listing: &Listing, config: &ServersetConfig) -> Vec<Born> {
    let alive = |node: &&Arc<Node>| match config.statuses {
        Statuses::Alive => node.member.status.is_serving(),
        Statuses::All => true,
    };
    let nodes = listing.members.iter().filter(alive);
    nodes.filter_map(|node| Some((node.born, selected(node, &config.select, &listing.vectors)?))).collect()
}

/// Everybody, at their service endpoints.
fn all(listing: &Listing) -> Vec<Born> {
    let nodes = listing.members.iter().filter(|node| node.has_service);
    nodes.map(|node| (node.born, weighed(node, node.member.clone(), &listing.vectors))).collect()
}

/// The member at the endpoint that is asked for; none if it has no such endpoint or is of another shard.
fn selected(node: &Node, select: &Select, vectors: &[Arc<Vector>]) -> Option<Arc<Member>> {
    if select.shard.is_some() && select.shard != node.member.shard {
        return None;
    }
    let mut member = node.member.clone();
    if let Some(name) = &select.endpoint {
        let endpoint = node.member.endpoints.get(name)?.clone();
        let chosen = Arc::make_mut(&mut member);
        if !node.has_own_id {
            // As with the service endpoint: who has no name of its own is known by the address that is used.
            chosen.id = MemberId::new(endpoint.to_string()).ok()?;
        }
        chosen.endpoint = endpoint;
    } else if !node.has_service {
        return None;
    }
    Some(weighed(node, member, vectors))
}

/// The member with the weight that the vectors give it.
fn weighed(node: &Node, mut member: Arc<Member>, vectors: &[Arc<Vector>]) -> Arc<Member> {
    let weight = weigh(vectors, &node.name, &member);
    if weight != member.weight {
        Arc::make_mut(&mut member).weight = weight;
    }
    member
}

/// One member of each id: of several znodes one that is alive counts, and of those the newest.
fn distinct(mut born: Vec<Born>) -> Vec<Arc<Member>> {
    born.sort_by(|(a_born, a), (b_born, b)| {
        let better = (b.status.is_serving(), b_born).cmp(&(a.status.is_serving(), a_born));
        a.id.cmp(&b.id).then(better)
    });
    born.dedup_by(|(_, b), (_, a)| a.id == b.id);
    born.into_iter().map(|(_, member)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use peerset_cluster::Status;

    /// Znodes as `HOST[!STATUS][/SHARD][:NAME=HOST]`, those on host `-` without service endpoint, born in this order, all on port 1.
    fn listing(nodes: &[&str], vector: &str) -> Listing {
        let node = |(at, text): (usize, &&str)| {
            let (text, named) = text.split_once(':').unwrap_or((text, ""));
            let (text, shard) = text.split_once('/').unwrap_or((text, ""));
            let (host, status) = text.split_once('!').unwrap_or((text, "ALIVE"));
            let mut member = Member::at(format!("{host}:1").parse().unwrap());
            member.status = status.parse::<Status>().unwrap();
            member.shard = shard.parse().ok();
            if let Some((name, host)) = named.split_once('=') {
                member.endpoints.insert(name.into(), format!("{host}:1").parse().unwrap());
            }
            Arc::new(Node {
                name: format!("member_{at:010}").into(),
                born: at as i64,
                has_own_id: false,
                has_service: host != "-",
                member: Arc::new(member),
            })
        };
        let vector = Vector::read(format!("{{\"vector\":[{vector}]}}").as_bytes(), 1 << 16);
        Listing {
            standing: Standing::Present,
            members: nodes.iter().enumerate().map(node).collect(),
            vectors: [Arc::new(vector)].into(),
            ..Listing::default()
        }
    }

    #[test]
    fn selects_by_finagles_rules() {
        fn check(config: &ServersetConfig, nodes: &[&str], expected: &str) {
            let vector = r#"{"select":"inet=drained:1","weight":-1.0},{"select":"shard=9","weight":0.5}"#;
            let shown: Vec<_> = distinct(select(&listing(nodes, vector), config))
                .iter()
                .map(|m| format!("{}={}@{}", m.id, m.endpoint, m.weight.value()).replace(":1", ""))
                .collect();
            assert_eq!(shown.join(" "), expected, "{nodes:?}");
        }
        let with = |endpoint: Option<&str>, shard, statuses| ServersetConfig {
            select: Select { endpoint: endpoint.map(Into::into), shard },
            statuses,
            ..ServersetConfig::default()
        };
        let plain = with(None, None, Statuses::Alive);
        check(&plain, &["b", "a", "c!DEAD", "d!WARNING", "e!NONSENSE"], "a=a@1 b=b@1");
        check(&plain, &["a/7", "b/9", "drained"], "a=a@1 b=b@0.5 drained=drained@0");
        check(&plain, &["a", "a/9", "a!DEAD"], "a=a@0.5"); // the newest of those alive
        check(&plain, &["a/9", "a"], "a=a@1");
        check(&with(None, None, Statuses::All), &["a", "b!DEAD"], "a=a@1 b=b@1");
        check(&with(None, Some(7), Statuses::Alive), &["a/7", "b/8", "c"], "a=a@1");
        let named = with(Some("x"), None, Statuses::Alive);
        check(&named, &["a:x=n", "b:y=n", "c"], "n=n@1");
        check(&named, &["a/9:x=n"], "n=n@0.5");
        check(&named, &["-:x=n"], "n=n@1");
        check(&plain, &["-:x=n", "a"], "a=a@1");
        // A drain is of one endpoint.
        check(&plain, &["a:x=drained", "drained:x=n"], "a=a@1 drained=drained@0");
        check(&named, &["a:x=drained", "drained:x=n"], "drained=drained@0 n=n@1");
    }
}

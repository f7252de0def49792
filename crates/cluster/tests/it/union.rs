//! Unions over live sources.

use std::sync::{Arc, Mutex};

use peerset_cluster::{
    Discover, Limits, Member, MemoryCluster, Publisher, Register, Revision, SourceName, StaticSource, Union,
    UnionError, Watch, channel,
};

use crate::{expect, expect_end};

/// A source whose driver is the test: it may hold the publisher, so that closing works.
#[derive(Debug)]
pub(crate) struct Fed(pub(crate) Mutex<Option<Publisher>>, pub(crate) Watch);

impl Fed {
    fn new(name: &str) -> Self {
        let (publisher, watch) = channel(SourceName::new(name), Limits::default());
        Fed(Mutex::new(Some(publisher)), watch)
    }

    fn publish(&self, endpoints: &[&str]) {
        let members = endpoints.iter().map(|endpoint| Member::at(endpoint.parse().unwrap()));
        self.0.lock().unwrap().as_ref().unwrap().publish(members, Revision(1));
    }

    fn lost(&self) {
        self.0.lock().unwrap().as_ref().unwrap().lost();
    }
}

impl Discover for Fed {
    fn source(&self) -> SourceName {
        self.1.borrow().source().clone()
    }

    fn watch(&self) -> Watch {
        self.1.clone()
    }

    fn close(&self) {
        self.0.lock().unwrap().take();
    }
}

#[tokio::test(start_paused = true)]
async fn one_failing_source_keeps_its_own_set() {
    let (one, two) = (Arc::new(Fed::new("one")), Arc::new(Fed::new("two")));
    let union = Union::new("both", vec![one.clone(), two.clone()]).unwrap();
    let watch = union.watch();
    expect(&watch, "pending []").await;
    one.publish(&["a:1"]);
    expect(&watch, "ready [a:1]").await;
    two.publish(&["b:1", "a:1"]);
    expect(&watch, "ready [a:1, b:1]").await;
    one.lost();
    expect(&watch, "stale [a:1, b:1]").await;
    two.publish(&["c:1"]);
    expect(&watch, "stale [a:1, c:1]").await;
    assert_eq!(union.parts().iter().map(crate::show).collect::<Vec<_>>(), ["stale [a:1]", "ready [c:1]"]);
    one.publish(&["d:1"]);
    expect(&watch, "ready [c:1, d:1]").await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_source_is_a_lost_one_and_the_last_ends_the_union() {
    let (one, two) = (Arc::new(Fed::new("one")), Arc::new(Fed::new("two")));
    one.publish(&["a:1"]);
    two.publish(&["b:1"]);
    let union = Union::new("both", vec![one.clone(), two.clone()]).unwrap();
    let watch = union.watch();
    assert_eq!(crate::show(&watch.borrow()), "ready [a:1, b:1]", "without waiting");
    one.close();
    expect(&watch, "stale [a:1, b:1]").await;
    two.publish(&["c:1"]);
    expect(&watch, "stale [a:1, c:1]").await;
    two.close();
    expect_end(watch, "stale [a:1, c:1]").await;
}

#[tokio::test(start_paused = true)]
async fn a_union_of_unions_follows_registrations() {
    let cluster = MemoryCluster::new("memory");
    let inner = Union::new("inner", vec![Arc::new(cluster.clone())]).unwrap();
    let fixed = Arc::new(StaticSource::parse("z:1").unwrap());
    let outer = Union::new("outer", vec![Arc::new(inner), fixed]).unwrap();
    let watch = outer.watch();
    let membership = cluster.create_membership(Member::at("a:1".parse().unwrap())).await.unwrap();
    membership.register().await.unwrap();
    expect(&watch, "ready [a:1, z:1]").await;
    drop(membership);
    expect(&watch, "ready [z:1]").await;
    drop(outer);
    expect_end(watch, "ready [z:1]").await; // the last handle closes it
    assert!(!cluster.watch().is_closed(), "and not its sources");
}

#[test]
fn there_must_be_sources_and_a_runtime() {
    assert_eq!(Union::new("none", vec![]).unwrap_err(), UnionError::NoSources);
    let fixed = Arc::new(StaticSource::parse("a:1").unwrap());
    assert_eq!(Union::new("one", vec![fixed]).unwrap_err(), UnionError::NoRuntime);
}

//! A registrant that is another process, and what happens to it.

use std::process::Command;

use peerset_cluster::{Discover, Watch};
use peerset_discover_zookeeper::ServersetConfig;
use peerset_testkit::{Program, Zookeeper};

use crate::support::{Notes, SET, connect_briefly, join, path, set, until};

/// Names the server that the registrant registers with.
const SERVER: &str = "PEERSET_TEST_REGISTER_WITH";

#[test]
#[ignore = "the process that the other tests here start"]
fn registrant() {
    let server = std::env::var(SERVER).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let set = connect_briefly(server).serverset(path(SET), ServersetConfig::default());
        let _membership = join(&set, "a:1").await;
        std::future::pending::<()>().await;
    });
}

/// Starts this test program again, to be nothing but the registrant.
fn start(server: &Zookeeper) -> Program {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "process::registrant", "--ignored"]).env(SERVER, server.addr().to_string());
    Program::start(&mut command, "it is this program")
}

async fn registered(server: &Zookeeper) -> (Program, Watch, Notes) {
    let program = start(server);
    let set = set(server.addr());
    let watch = set.watch().keeping(set.clone());
    until(&watch, "ready a:1").await;
    (program, watch, Notes::take(&set))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_it_is_gone_within_its_session() {
    let server = Zookeeper::start();
    let (program, watch, _notes) = registered(&server).await;
    drop(program); // kill -9
    until(&watch, "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halted_for_longer_than_its_session_it_comes_back_once() {
    let server = Zookeeper::start();
    let (mut program, watch, notes) = registered(&server).await;
    notes.until("ready a:1").await;
    program.stop();
    notes.until("ready").await;
    program.resume();
    notes.until("ready a:1").await;
    drop(program);
    notes.until("ready").await;
    drop(watch); // and with it the set
    assert_eq!(notes.read().await, ["ready a:1", "ready", "ready a:1", "ready"]);
}

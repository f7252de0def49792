//! Another configuration while the proxy runs.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use peerset_testkit::{
    Answer, FaultProxy, Memcached, Peerset, Program, ScriptedServer, TempDir, Way, wait_for,
};

use super::fleet::{Fleet, PATIENCE, wait_until_known};
use super::load::{Expect, Load};
use crate::wire::{PEERSET, Wire};

/// A proxy with a configuration file: the pool `main` of two servers, the pool `one` of the second of them, and routes.
pub(super) struct Configured {
    pub(super) fleet: Fleet,
    folder: TempDir,
    pub(super) proxy: Peerset,
}

impl Configured {
    #[track_caller]
    pub(super) fn start(routes: &str) -> Configured {
        Configured::start_with(routes, &[])
    }

    /// With more flags.
    #[track_caller]
    pub(super) fn start_with(routes: &str, more: &[&str]) -> Configured {
        let (fleet, folder) = (Fleet::start(2), TempDir::new().unwrap());
        write(&path(&folder), &config(&fleet, routes));
        let config = path(&folder);
        let proxy = Peerset::start_proxy(PEERSET, &[&["--config", config.to_str().unwrap()], more].concat());
        wait_until_known(proxy.addr());
        Configured { fleet, folder, proxy }
    }

    /// Puts settings into the table of the pool `main`, and waits until they have been read.
    #[track_caller]
    fn set_main(&mut self, settings: &str) {
        self.set_main_with(settings, SHARD);
    }

    /// The same with other routes.
    #[track_caller]
    pub(super) fn set_main_with(&mut self, settings: &str, routes: &str) {
        let text = config(&self.fleet, routes).replacen(PATIENT, settings, 1);
        write(&path(&self.folder), &text);
        self.reload();
    }

    /// Has the file read again.
    #[track_caller]
    fn reload(&mut self) {
        let reloads = |program: &Program| program.stderr().matches("config read again").count();
        let before = reloads(self.proxy.program());
        self.proxy.program().signal("HUP");
        let program = self.proxy.program_mut();
        program.wait_until("another reload", |program| (reloads(program) > before).then_some(()));
    }

    fn change(&self, routes: &str) {
        write(&path(&self.folder), &config(&self.fleet, routes));
    }

    /// Waits until a request is answered so.
    #[track_caller]
    pub(super) fn wait_for_answer(&self, request: &str, expected: &str) {
        let mut wire = Wire::connect(self.proxy.addr());
        wait_for(&format!("{expected:?} to {request:?}"), PATIENCE, || {
            wire.send(format!("{request}mn\r\n"));
            (wire.read_until("MN\r\n") == format!("{expected}MN\r\n")).then_some(())
        });
    }

    #[track_caller]
    fn wait_until_logged(&mut self, what: &str) {
        self.proxy
            .program_mut()
            .wait_until(&format!("log {what:?}"), |program| program.stderr().contains(what).then_some(()));
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("proxy.toml")
}

/// A busy machine is no failed server.
const PATIENT: &str = "timeout = \"10s\"\nconnect-timeout = \"10s\"";

fn config(fleet: &Fleet, routes: &str) -> String {
    format!(
        "[pools.main]\ndiscover = \"{}\"\n{PATIENT}\n\n[pools.one]\ndiscover = \"static:{}\"\n{PATIENT}\n\n\
         [routes]\n{routes}\n",
        fleet.url(),
        fleet.servers[1].addr()
    )
}

fn write(path: &Path, text: &str) {
    let aside = path.with_extension("aside");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, path).unwrap();
}

/// A server that answers reads when it is let, and then with a miss.
fn held_back() -> (ScriptedServer, Arc<AtomicBool>) {
    let free = Arc::new(AtomicBool::new(false));
    let let_go = free.clone();
    let server = ScriptedServer::start(move |request| {
        if let ["get" | "mg", ..] = request.words()[..] {
            wait_for("the reply to be let go", PATIENCE, || free.load(Ordering::SeqCst).then_some(()));
        }
        Answer::of_empty_memcached(request)
    });
    (server, let_go)
}

#[test]
fn requests_under_way_go_on_by_the_routes_they_came_on() {
    let folder = TempDir::new().unwrap();
    let second = Memcached::start(&[]);
    Wire::connect(second.addr()).ask("set a 0 0 1\r\n1\r\nset b 0 0 1\r\n2\r\n", "STORED\r\nSTORED\r\n");
    let (first, let_go) = held_back();
    let pool = |name: &str, addr: SocketAddr| {
        format!(
            "[pools.{name}]\ndiscover = \"static:{addr}\"\ntimeout = \"100s\"\nconnect-timeout = \"100s\"\n"
        )
    };
    let text = |order: [&str; 2], routes: &str| {
        let pools = order.map(|name| match name {
            "first" => pool(name, first.addr()),
            _ => pool(name, second.addr()),
        });
        format!("{}[routes]\n{routes}\n", pools.concat())
    };
    let failover = "failover = [\"first\", \"second\"]\non = \"miss\"";
    write(&path(&folder), &text(["first", "second"], failover));
    let mut proxy = Peerset::start_proxy(PEERSET, &["--config", path(&folder).to_str().unwrap()]);
    wait_until_known(proxy.addr());
    let mut clients = ["get a\r\n", "get a b c\r\n", "mg a v\r\n"].map(|request| {
        let mut wire = Wire::connect(proxy.addr());
        wire.send(request);
        wire
    });
    let reads =
        || first.heard().iter().filter(|line| line.contains('a') && !line.starts_with("version")).count();
    wait_for("the first to be asked", PATIENCE, || (reads() > 0).then_some(()));
    // The pools change places, and the routes take another way.
    write(&path(&folder), &text(["second", "first"], "shard = \"second\""));
    proxy.program().signal("HUP");
    proxy
        .program_mut()
        .wait_until("the reload", |program| program.stderr().contains("config read again").then_some(()));
    // By a write, as a read that still took the old route would be held back, too.
    let (mut wire, mut at_second) = (Wire::connect(proxy.addr()), Wire::connect(second.addr()));
    wait_for("the new route", PATIENCE, || {
        wire.ask("set new 0 0 1\r\n1\r\n", "STORED\r\n");
        at_second.send("get new\r\n");
        at_second.read_until("END\r\n").starts_with("VALUE").then_some(())
    });
    let_go.store(true, Ordering::SeqCst);
    let [a, b] = [("a", 1), ("b", 2)].map(|(key, value)| format!("VALUE {key} 0 1\r\n{value}\r\n"));
    clients[0].expect(format!("{a}END\r\n"));
    clients[1].expect(format!("{a}{b}END\r\n"));
    clients[2].expect("VA 1\r\n1\r\n");
}

#[test]
fn what_waits_for_a_restart_is_named_and_the_pool_of_the_file_is_not() {
    let (fleet, folder) = (Fleet::start(2), TempDir::new().unwrap());
    let text = |server: usize, more: &str| {
        format!("[proxy]\npool = \"static:{}\"\n{PATIENT}\n{more}\n", fleet.servers[server].addr())
    };
    write(&path(&folder), &text(0, "max-item = \"2mb\""));
    let flags = ["--max-conns", "100", "--config", path(&folder).to_str().unwrap()].map(str::to_owned);
    let mut proxy = Peerset::start_proxy(PEERSET, &flags.each_ref().map(String::as_str));
    wait_until_known(proxy.addr());
    let mut wire = Wire::connect(proxy.addr());
    wire.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    // What a flag says is not up to the file.
    write(&path(&folder), &text(1, "max-item = \"3mb\"\nidle-timeout = \"1h\"\nmax-conns = 7"));
    proxy.program().signal("HUP");
    proxy
        .program_mut()
        .wait_until("the reload", |program| program.stderr().contains("config read again").then_some(()));
    let log = proxy.program().stderr();
    assert!(log.contains("max-item, idle-timeout") && !log.contains("max-conns"), "{log}");
    wait_for("the other pool", PATIENCE, || {
        wire.send("set b 0 0 1\r\n1\r\n");
        wire.read_until("\r\n");
        let mut second = Wire::connect(fleet.servers[1].addr());
        second.send("mg b\r\n");
        (second.read_until("\r\n") == "HD\r\n").then_some(())
    });
}

#[test]
fn a_signal_without_a_file_is_explained() {
    let fleet = Fleet::start(1);
    let mut proxy = fleet.proxy(&[]);
    proxy.program().signal("HUP");
    proxy.program_mut().wait_until("explain", |program| program.stderr().contains("--config").then_some(()));
}

#[test]
fn a_source_that_does_not_answer_holds_up_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let waiting = format!("[pools.new]\ndiscover = \"zk://{}/nobody\"\n", silent.local_addr().unwrap());
    // The end of the process cuts the waiting for the source short, unless the machine takes longer over the signal.
    let ended_at_once = (0..5).any(|_| {
        let mut configured = Configured::start(SHARD);
        let text = format!("{waiting}{}", config(&configured.fleet, SHARD));
        write(&path(&configured.folder), &text);
        configured.wait_until_logged("reading the config file again");
        configured.proxy.program().signal("TERM");
        configured.wait_until_logged("drained");
        !configured.proxy.program().stderr().contains("has not answered yet")
    });
    assert!(ended_at_once, "the proxy waited for the source before it ended");
}

const SHARD: &str = "shard = \"main\"";
const PREFIX: &str = "prefix = { \"off:\" = { null = true } }\ndefault = { shard = \"main\" }";

#[test]
fn a_changed_file_is_taken_at_once() {
    let configured = Configured::start(SHARD);
    configured.wait_for_answer("set off:a 0 0 1\r\n1\r\n", "STORED\r\n");
    configured.change(PREFIX);
    configured.wait_for_answer("set off:a 0 0 1\r\n1\r\n", "NOT_STORED\r\n");
    configured.wait_for_answer("set a 0 0 1\r\n1\r\nget a\r\n", "STORED\r\nVALUE a 0 1\r\n1\r\nEND\r\n");
    configured.change("error = \"closed for the day\"");
    configured.wait_for_answer("get a\r\n", "SERVER_ERROR closed for the day\r\n");
    configured.change(SHARD);
    configured.wait_for_answer("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n");
}

#[test]
fn a_signal_reads_the_file_again() {
    let mut configured = Configured::start(SHARD);
    // What a signal alone does shows in the log, for the file's change is noticed, too.
    configured.proxy.program().signal("HUP");
    configured.wait_until_logged("config read again");
    configured.change(PREFIX);
    configured.proxy.program().signal("HUP");
    configured.wait_for_answer("set off:a 0 0 1\r\n1\r\n", "NOT_STORED\r\n");
}

#[test]
fn a_bad_file_changes_nothing() {
    let mut configured = Configured::start(SHARD);
    configured.wait_for_answer("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    configured.change("shard = \"nonesuch\"");
    configured.proxy.program().signal("HUP");
    configured.wait_until_logged("nonesuch");
    configured.wait_for_answer("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n");
    fs::remove_file(path(&configured.folder)).unwrap();
    configured.proxy.program().signal("HUP");
    configured.wait_until_logged("No such file");
    configured.wait_for_answer("get a\r\n", "VALUE a 0 1\r\n1\r\nEND\r\n");
    configured.change(PREFIX);
    configured.wait_for_answer("set off:a 0 0 1\r\n1\r\n", "NOT_STORED\r\n");
}

#[test]
fn a_set_that_keeps_changing_does_not_put_the_file_off() {
    let configured = Configured::start(SHARD);
    configured.change(PREFIX);
    let (mut wire, mut changed, mut members) = (Wire::connect(configured.proxy.addr()), Instant::now(), 1);
    wait_for("the new routes", PATIENCE, || {
        // More often than the proxy looks at its file, and not so often that the list never settles.
        if changed.elapsed() > Duration::from_millis(300) {
            changed = Instant::now();
            members = 3 - members;
            configured.fleet.set_members(&[0, 1][..members]);
        }
        wire.send("set off:a 0 0 1\r\n1\r\nmn\r\n");
        (wire.read_until("MN\r\n") == "NOT_STORED\r\nMN\r\n").then_some(())
    });
}

#[test]
fn a_pool_with_other_settings_keeps_its_servers() {
    let mut configured = Configured::start(SHARD);
    let load = Load::start(configured.proxy.addr(), 6, Expect::Exactly);
    for seconds in 11..17 {
        configured.set_main(&format!("timeout = \"{seconds}s\"\nconnect-timeout = \"10s\""));
        load.go_on_for(500);
    }
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
}

#[test]
fn a_pool_with_other_settings_knows_still_which_server_hangs() {
    // No test waits for connections as long as these may take.
    let settings = "timeout = \"1s\"\nconnect-timeout = \"600s\"\nretry-max = \"600s\"";
    // What one worker finds out, the others have to find out themselves.
    let mut configured = Configured::start_with(SHARD, &["--threads", "1"]);
    let keys = configured.fleet.keys_on(0, configured.proxy.addr());
    configured.set_main(settings);
    let mut wire = Wire::connect(configured.proxy.addr());
    let server = format!("STAT main:{}", configured.fleet.servers[0].addr());
    let expected = [format!("{server}:connects 2\r\n"), format!("{server}:connections 1\r\n")];
    wait_for("the new connection to take the place of the old one", PATIENCE, || {
        wire.send("stats servers\r\n");
        let stats = wire.read_until("\r\nEND\r\n");
        expected.iter().all(|line| stats.contains(line)).then_some(())
    });
    configured.fleet.servers[0].stop();
    configured.wait_for_answer(&format!("delete {}\r\n", keys[0]), "NOT_FOUND\r\n");
    configured.set_main(&settings.replace("1s", "2s"));
    wire.ask(format!("get {}\r\nget {}\r\n", keys[1], keys[2]), "END\r\nEND\r\n");
    configured.fleet.servers[0].resume();
    configured.wait_for_answer(&format!("set {} 0 0 1\r\n1\r\n", keys[0]), "STORED\r\n");
}

#[test]
fn a_pool_with_other_settings_keeps_the_order_of_requests() {
    let (server, folder) = (Memcached::start(&[]), TempDir::new().unwrap());
    let network = FaultProxy::start(server.addr());
    let text = |queue| {
        format!("[pools.main]\ndiscover = \"static:{}\"\n{PATIENT}\nqueue = {queue}\n", network.addr())
    };
    write(&path(&folder), &text(100));
    let flags = ["--threads", "1", "--config", path(&folder).to_str().unwrap()].map(str::to_owned);
    let proxy = Peerset::start_proxy(PEERSET, &flags.each_ref().map(String::as_str));
    wait_until_known(proxy.addr());
    let [mut wire, mut another] = [(); 2].map(|()| Wire::connect(proxy.addr()));
    wire.ask("set a 0 0 1\r\n1\r\n", "STORED\r\n");
    let mut wait_for_stat = |stat: &str| {
        let expected = format!("STAT main:{}:{stat}\r\n", network.addr());
        wait_for(stat, PATIENCE, || {
            another.send("stats servers\r\n");
            another.read_until("\r\nEND\r\n").contains(&expected).then_some(())
        });
    };
    // Slow is the old connection only.
    network.delay(Way::ToServer, Duration::from_secs(2));
    wire.send("set a 0 0 1 noreply\r\n2\r\n");
    let sent = Instant::now();
    // Of the first two, one looked whether the pool is known.
    wait_for_stat("requests 3");
    wait_for("the network to have taken it", PATIENCE, || {
        (sent.elapsed() > Duration::from_millis(300)).then_some(())
    });
    network.heal();
    write(&path(&folder), &text(200));
    proxy.program().signal("HUP");
    wait_for_stat("connections 2");
    let connected = Instant::now();
    wait_for("the new connection to be used", PATIENCE, || {
        wait_for_stat("connects 2");
        (connected.elapsed() > Duration::from_millis(100)).then_some(())
    });
    wire.ask("get a\r\n", "VALUE a 0 1\r\n2\r\nEND\r\n");
}

#[test]
fn reloads_drop_no_request() {
    let configured = Configured::start(SHARD);
    let load = Load::start(configured.proxy.addr(), 6, Expect::Exactly);
    for routes in [PREFIX, SHARD].into_iter().cycle().take(8) {
        configured.change(routes);
        // Rather than wait until the proxy looks at the file by itself.
        configured.proxy.program().signal("HUP");
        let answer = if routes == SHARD { "STORED\r\n" } else { "NOT_STORED\r\n" };
        configured.wait_for_answer("set off:a 0 0 1\r\n1\r\n", answer);
        load.go_on_for(500);
    }
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
}

//! Another configuration while the proxy runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use peerset_testkit::{Peerset, Program, TempDir, wait_for};

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
    fn start_with(routes: &str, more: &[&str]) -> Configured {
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
        let text =
            config(&self.fleet, SHARD).replace("\n\n[pools.one]", &format!("\n{settings}\n\n[pools.one]"));
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

fn config(fleet: &Fleet, routes: &str) -> String {
    format!(
        "[pools.main]\ndiscover = \"{}\"\n\n[pools.one]\ndiscover = \"static:{}\"\n\n[routes]\n{routes}\n",
        fleet.url(),
        fleet.servers[1].addr()
    )
}

fn write(path: &Path, text: &str) {
    let aside = path.with_extension("aside");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, path).unwrap();
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
        configured.set_main(&format!("timeout = \"{seconds}s\""));
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
    configured.set_main(settings);
    let keys = configured.fleet.keys_on(0, configured.proxy.addr());
    configured.fleet.servers[0].stop();
    configured.wait_for_answer(&format!("delete {}\r\n", keys[0]), "NOT_FOUND\r\n");
    configured.set_main(&settings.replace("1s", "2s"));
    let mut wire = Wire::connect(configured.proxy.addr());
    wire.ask(format!("get {}\r\nget {}\r\n", keys[1], keys[2]), "END\r\nEND\r\n");
    configured.fleet.servers[0].resume();
    configured.wait_for_answer(&format!("set {} 0 0 1\r\n1\r\n", keys[0]), "STORED\r\n");
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

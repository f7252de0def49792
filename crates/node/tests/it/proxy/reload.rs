//! Another configuration while the proxy runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use peerset_testkit::{Peerset, TempDir, wait_for};

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
        let (fleet, folder) = (Fleet::start(2), TempDir::new().unwrap());
        write(&path(&folder), &config(&fleet, routes));
        let proxy = Peerset::start_proxy(PEERSET, &["--config", path(&folder).to_str().unwrap()]);
        wait_until_known(proxy.addr());
        Configured { fleet, folder, proxy }
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
        let before = configured.proxy.program().stderr().matches("config read again").count();
        let text = config(&configured.fleet, SHARD)
            .replace("\n\n[pools.one]", &format!("\ntimeout = \"{seconds}s\"\n\n[pools.one]"));
        write(&path(&configured.folder), &text);
        configured.proxy.program().signal("HUP");
        configured.proxy.program_mut().wait_until("another reload", |program| {
            (program.stderr().matches("config read again").count() > before).then_some(())
        });
        load.go_on_for(500);
    }
    let tally = load.finish();
    assert_eq!((tally.errors, tally.refused), (0, 0), "{tally:?}");
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

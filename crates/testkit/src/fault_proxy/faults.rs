//! What goes wrong at the moment, set by the test and looked at by every connection.

use std::mem;
use std::sync::Mutex;
use std::time::Duration;

use super::Way;

/// The settings, shared.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Settings>);

/// All faults that hold for some time. Pairs are by [`Way`].
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) latency: [Duration; 2],
    pub(super) manner: Manner,
    pub(super) bytes_left: [Option<usize>; 2],
    pub(super) before_reply: Vec<u8>,
}

/// What becomes of a new connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Manner {
    #[default]
    Forward,
    Stall,
    Refuse,
}

impl Faults {
    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.0.lock().expect("no holder panics"));
    }

    pub(super) fn manner(&self) -> Manner {
        self.0.lock().expect("no holder panics").manner
    }

    pub(super) fn latency(&self, way: Way) -> Duration {
        self.0.lock().expect("no holder panics").latency[way as usize]
    }

    /// Changes bytes that are about to arrive as the faults want it; true if the connection ends behind them.
    pub(super) fn apply(&self, way: Way, bytes: &mut Vec<u8>) -> bool {
        let mut settings = self.0.lock().expect("no holder panics");
        if way == Way::ToClient {
            bytes.splice(..0, mem::take(&mut settings.before_reply));
        }
        let Some(left) = &mut settings.bytes_left[way as usize] else { return false };
        bytes.truncate(*left);
        *left -= bytes.len();
        *left == 0
    }
}

#[test]
fn bytes_are_counted_over_all() {
    let faults = Faults::default();
    faults.change(|settings| settings.bytes_left[Way::ToClient as usize] = Some(5));
    let check = |way, given: &str, expected: (&str, bool)| {
        let mut bytes = given.as_bytes().to_vec();
        let ends = faults.apply(way, &mut bytes);
        assert_eq!((String::from_utf8(bytes).unwrap().as_str(), ends), expected);
    };
    check(Way::ToServer, "1234567", ("1234567", false));
    check(Way::ToClient, "123", ("123", false));
    check(Way::ToClient, "456", ("45", true));
    check(Way::ToClient, "7", ("", true));
}

//! Lines that are no command.

use super::Generator;
use crate::differential::Command;

/// Wrong names, wrong numbers of arguments, wrong spaces. None starts like HTTP or the binary protocol.
const LINES: &[&str] = &[
    "",
    " ",
    "   ",
    "\r",
    "x",
    "ge",
    "gett a",
    "Get a",
    "get",
    "get ",
    "gets",
    "gat",
    "gat 0",
    "gat a",
    "gats 10",
    "get a  b",
    " get a",
    "  set a 0 0 1",
    "set",
    "set a",
    "set a 0 0",
    "set a 0 0 1 noreply x",
    "add a 0",
    "cas a 0 0 1",
    "cas a 0 0 1 2 3 4",
    "cas",
    "append a 0 0",
    "incr",
    "incr a",
    "incr a 1 2 3",
    "decr a",
    "delete",
    "delete  a",
    "delete a 0 0 0",
    "touch",
    "touch a",
    "touch a 0 0 0",
    "verbosity",
    "verbosity 1 2 3",
    "flush_all 0 0 0",
    "flush_allx",
    "versions",
    "mn x y",
    "m",
    "mm a",
    "mx",
    "mg",
    "mg ",
    "ms",
    "ms a",
    "ms a ",
    "md",
    "ma",
    "me",
    "mgs a v",
    "bget a",
    "quitx",
    "noreply",
    "delete a noreply noreply",
    "\u{e9}\u{e9}",
    "\u{7f}",
    "\t",
    "get\ta",
    "get a\t",
];

impl Generator {
    pub(super) fn broken(&mut self) -> Command {
        let line = match self.dice.between(0, 12) {
            // More flags than memcached has room for.
            0 => format!("mg a {}", "k ".repeat(self.dice.between(20, 60))),
            1 => format!("{} a", "x".repeat(self.dice.between(1, 1500))),
            2 => format!("delete {}", "y ".repeat(self.dice.between(2, 60))),
            _ => self.dice.pick(LINES).to_owned(),
        };
        // One of them is taken for a store in spite of its spaces, and brings no value.
        Command::default().bytes(line.into_bytes()).bytes(self.line_end()).swallowing(3)
    }
}

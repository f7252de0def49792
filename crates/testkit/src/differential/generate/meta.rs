//! The meta commands.

use super::Generator;
use super::keys::KeyName;
use crate::differential::Command;

/// Flags that any command takes or ignores.
const COMMON: &[u8] = b"kOqPL";

impl Generator {
    pub(super) fn meta_get(&mut self) -> Command {
        let key = self.meta_key();
        let command = self.meta_head(Command::default(), "mg", &key);
        let command = self.meta_flags(command, &key, b"cfhklstuvvvvNRT");
        command.bytes(self.line_end())
    }

    pub(super) fn meta_set(&mut self) -> Command {
        let (key, value) = (self.meta_key(), self.value());
        let command = self
            .meta_head(Command::default(), "ms", &key)
            .bytes(format!(" {}", value.announced).into_bytes());
        let command = self.meta_flags(command, &key, b"ckCFFITTMM");
        command.bytes(self.line_end()).bytes(value.data).swallowing(value.swallows)
    }

    pub(super) fn meta_delete(&mut self) -> Command {
        let key = self.meta_key();
        let command = self.meta_head(Command::default(), "md", &key);
        let command = self.meta_flags(command, &key, b"kCIIT");
        command.bytes(self.line_end())
    }

    pub(super) fn meta_arithmetic(&mut self) -> Command {
        let key = self.meta_key();
        let settled = Command::default().bytes(self.settled()).waiting();
        let command = self.meta_head(settled, "ma", &key);
        let command = self.meta_flags(command, &key, b"ckstvvCNNJJDDMMT");
        command.bytes(self.line_end())
    }

    pub(super) fn meta_debug(&mut self) -> Command {
        let key = self.meta_key();
        let base64 = if key.base64 { &b" b"[..] } else { b"" };
        let odd = if self.odd(8) { self.dice.pick(&[&b" x"[..], b" v k", b" b b"]) } else { b"" };
        let command =
            self.meta_head(Command::default(), "me", &key).bytes(base64).bytes(odd).bytes(self.line_end());
        if key.base64 { command.to_server_only() } else { command }
    }

    fn meta_head(&mut self, command: Command, verb: &'static str, key: &KeyName) -> Command {
        let command = command.bytes(verb.as_bytes());
        if self.odd(50) {
            // A command without its key. The first flag is taken for one then, and a CAS value is not the same on both
            // sides of a proxy.
            return command.to_server_only();
        }
        command.bytes(&b" "[..]).bytes(key.wire.clone())
    }

    /// Some of the flags that fit, in any order; in a rough batch also twice the same, and ones that do not fit.
    fn meta_flags(&mut self, mut command: Command, key: &KeyName, fitting: &[u8]) -> Command {
        let mut chosen = Vec::new();
        if key.base64 {
            chosen.push(b'b');
        }
        for _ in 0..self.dice.pick(&[0, 1, 2, 2, 3, 4, 6]) {
            let flag = match self.dice.one_in(4) {
                true => self.dice.pick(COMMON),
                false => self.dice.pick(fitting),
            };
            if !chosen.contains(&flag) || self.odd(8) {
                chosen.push(flag);
            }
        }
        if self.odd(10) {
            chosen.push(self.dice.pick(b"SbIMCFTNRJDvzaBW~1!"));
        }
        let newer = if fitting.contains(&b'h') { b'C' } else { b'N' };
        let ignored_once = |flag: &u8| *flag == newer && !fitting.contains(flag);
        chosen.retain(|flag| !ignored_once(flag));
        self.dice.shuffle(&mut chosen);
        for flag in chosen {
            command = self.meta_flag(command.bytes(vec![b' ', flag]), key, flag, fitting);
        }
        command
    }

    /// The token behind a flag, for those that take one.
    fn meta_flag(&mut self, command: Command, key: &KeyName, flag: u8, fitting: &[u8]) -> Command {
        if self.odd(30) {
            // No token where one belongs, or one where none does.
            return command.bytes(self.dice.pick(&[&b""[..], b"x", b"1"]));
        }
        match flag {
            b'T' | b'N' => command.bytes(self.exptime().as_bytes()),
            b'R' => command.bytes(self.dice.pick(&[&b"0"[..], b"30", b"500", b"5000", b"-1"])),
            b'O' => {
                // Commands that return a value find an opaque too long only once they have had their effect.
                let before_effect = !fitting.contains(&b'v');
                let long = if before_effect && self.odd(4) { 32 } else { 31 };
                let opaque = [&b"1"[..], b"opaque", b"0", b"-", &[b'o'; 32][..long]];
                command.bytes(self.dice.pick(&opaque).to_vec())
            }
            b'F' => command.bytes(self.flags().as_bytes()),
            b'C' => self.cas_value(command, &key.shown),
            b'D' | b'J' => command.bytes(self.delta().as_bytes()),
            b'M' => {
                let odd = self.odd(5);
                let modes = if odd { &["X", "", "SS", "s", "0"] } else { &["E", "A", "P", "R", "S"] };
                let counting = ["I", "D", "i", "d", "+", "-"];
                let mode =
                    if self.dice.one_in(2) { self.dice.pick(modes) } else { self.dice.pick(&counting) };
                command.bytes(mode.as_bytes())
            }
            b'P' | b'L' => command.bytes(self.dice.pick(&[&b""[..], b"path", b"1"])),
            _ => command,
        }
    }
}

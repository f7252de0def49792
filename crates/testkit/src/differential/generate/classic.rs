//! The classic commands.

use super::{Generator, LINE_BYTES_MAX, Manner};
use crate::differential::Command;

impl Generator {
    /// One of the retrievals, with keys that a server accepts: the others are [`Generator::refused_retrieval`].
    pub(super) fn retrieve(&mut self) -> Command {
        let verb = self.dice.pick(&["get", "get", "get", "gets", "gets", "gat", "gats"]);
        let mut line = verb.to_owned().into_bytes();
        if verb.starts_with("gat") {
            line.push(b' ');
            line.extend_from_slice(self.exptime().as_bytes());
        }
        // Only a get may be longer than a line, and only where it is not cut off by a value that announced too much.
        let long = self.manner == Manner::Smooth && verb.starts_with("get");
        for _ in 0..self.dice.pick(&[1, 1, 1, 2, 3, 12, 30]) {
            let key = self.key_valid();
            if !long && line.len() + key.len() > LINE_BYTES_MAX {
                break;
            }
            line.push(b' ');
            line.extend_from_slice(&key);
        }
        self.finish(line)
    }

    /// A retrieval with a key that is too long, first, last or among others that nobody stores.
    pub(super) fn refused_retrieval(&mut self) -> Command {
        let mut line = self.dice.pick(&["get", "gets", "gat 0", "gats 100"]).as_bytes().to_vec();
        let mut keys: Vec<_> = vec![b"never".to_vec(); self.dice.pick(&[0, 1, 3, 30])];
        keys.push(self.key_too_long());
        self.dice.shuffle(&mut keys);
        for key in keys {
            line.push(b' ');
            line.extend_from_slice(&key);
        }
        self.finish(line)
    }

    pub(super) fn store(&mut self) -> Command {
        let verb =
            self.dice.pick(&["set", "set", "set", "add", "replace", "append", "prepend", "cas", "cas"]);
        let (key, flags, exptime, value) = (self.key(), self.flags(), self.exptime(), self.value());
        let mut head = format!("{verb} ").into_bytes();
        head.extend_from_slice(&key);
        head.extend_from_slice(format!(" {flags} {exptime} {}", value.announced).as_bytes());
        let mut command = Command::default().bytes(head);
        if verb == "cas" {
            command = self.cas_value(command.bytes(&b" "[..]), &key);
        }
        let end = self.noreply_and_end();
        command.bytes(end).bytes(value.data).swallowing(value.swallows)
    }

    pub(super) fn arithmetic(&mut self) -> Command {
        let verb = self.dice.pick(&["incr", "decr"]);
        let (key, delta) = (self.key(), self.delta());
        let settled = self.settled();
        self.finish([&settled, verb.as_bytes(), b" ", &key, b" ", delta.as_bytes()].concat()).waiting()
    }

    pub(super) fn delete(&mut self) -> Command {
        let key = self.key();
        let mut line = [b"delete ", &key[..]].concat();
        if self.dice.one_in(6) {
            // An ancient argument, of which only zero is left.
            line.extend_from_slice(self.dice.pick(&[&b" 0"[..], b" 1", b" 00", b" x"]));
        }
        self.finish(line)
    }

    pub(super) fn touch(&mut self) -> Command {
        let (key, exptime) = (self.key(), self.exptime());
        self.finish([b"touch ", &key[..], b" ", exptime.as_bytes()].concat())
    }

    /// What concerns the whole server.
    pub(super) fn other(&mut self) -> Command {
        match self.dice.between(0, 12) {
            0..3 => Command::default().bytes(&b"version\r\n"[..]),
            3..5 => {
                let level = self.dice.pick(&["0", "1", "0 0", "", "x", "1 noreply", "noreply"]);
                self.finish(format!("verbosity {level}").into_bytes())
            }
            5..8 => {
                let argument = self.dice.pick(&["", " 0", " noreply", " 0 noreply", " -1", " x"]);
                Command::default().bytes(format!("flush_all{argument}\r\n").into_bytes())
            }
            8..10 => {
                let delay = self.dice.pick(&["50", "2000000000"]);
                self.read_everything().bytes(format!("flush_all {delay}\r\n").into_bytes())
            }
            _ if self.odd(4) => Command::default().bytes(&b"quit\r\n"[..]),
            _ => Command::default().bytes(&b"version 1\r\n"[..]),
        }
    }

    /// Reads every key there can be, which makes memcached free those that were flushed.
    fn read_everything(&self) -> Command {
        let base64 =
            super::keys::all_base64().into_iter().flat_map(|name| [&b"mg "[..], &name, b" b\r\n"].concat());
        // Not the first words of it: a value before may swallow those.
        let all = self.get_all("get").bytes(base64.collect::<Vec<u8>>());
        Command::default().bytes(self.settled()).then(all)
    }

    /// A CAS value: mostly the right one, else one beside it or none at all.
    pub(super) fn cas_value(&mut self, command: Command, key: &[u8]) -> Command {
        if self.odd(6) {
            return command.bytes(self.dice.pick(&[
                &b"x"[..],
                b"-1",
                b"0x1",
                b"18446744073709551616",
                b"1x",
            ]));
        }
        match self.dice.between(0, 10) {
            0 => command.cas_of(key, 1),
            1 => command.cas_of(key, u64::MAX),
            2 => command.bytes(self.dice.pick(&[&b"0"[..], b"18446744073709551615"])),
            _ => command.cas_of(key, 0),
        }
    }

    fn finish(&mut self, line: Vec<u8>) -> Command {
        let end = self.noreply_and_end();
        Command::default().bytes(line).bytes(end)
    }

    /// The rest of a line: rarely an odd argument or spaces, sometimes `noreply`, then its end.
    fn noreply_and_end(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        if self.odd(20) {
            rest.extend_from_slice(self.dice.pick(&[&b" 1"[..], b" x", b"  ", b" noreply x", b" NOREPLY"]));
        }
        // Not for retrievals, where it is one more key, and a good one to have.
        if self.dice.one_in(8) {
            rest.extend_from_slice(b" noreply");
        }
        rest.extend_from_slice(self.line_end());
        rest
    }
}

//! A script from a seed.
//!
//! Keys are few, so that commands meet each other's items. A batch is *smooth* or *rough*: a smooth one has values of
//! any size and only commands that bring the value they announce; a rough one breaks all rules, with short values.
//! The two are kept apart because a long value that is not recognised as one would be read as a line without end,
//! which is one of the [known differences](super::KNOWN_DIFFERENCES).

mod broken;
mod classic;
mod dice;
mod keys;
mod meta;
mod numbers;
mod values;

use dice::Dice;
use keys::Keys;
use values::SWALLOWS_MAX;

use super::{Batch, Command, Script};

/// Longer lines than 2048 bytes are a known difference; this leaves room for what stands around keys.
const LINE_BYTES_MAX: usize = 1900;

/// Whether a batch keeps to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Smooth,
    Rough,
}

/// What all generating functions draw on.
struct Generator {
    dice: Dice,
    keys: Keys,
    manner: Manner,
}

impl Script {
    /// The script of a seed: about 12 batches of 1 to 30 commands.
    ///
    /// The same seed gives the same script for as long as this module does not change.
    pub fn generate(seed: u64) -> Script {
        let mut dice = Dice::new(seed);
        let keys = Keys::choose(&mut dice);
        let mut generator = Generator { dice, keys, manner: Manner::Smooth };
        let batch_count = generator.dice.between(4, 20);
        let batches = (0..batch_count).map(|_| generator.batch()).collect();
        Script { seed, keys: keys::all(), keys_base64: keys::all_base64(), batches }
    }
}

impl Generator {
    fn batch(&mut self) -> Batch {
        self.manner = if self.dice.one_in(3) { Manner::Rough } else { Manner::Smooth };
        if self.rough() && self.dice.one_in(10) {
            return Batch { commands: vec![self.refused_retrieval()] };
        }
        let len = self.dice.between(1, 30);
        let mut commands: Vec<_> = (0..len).map(|_| self.command()).collect();
        // Everything that is stored, and the CAS values that later commands compare with. Not after each batch, for
        // reading marks items as read.
        if self.dice.one_in(2) {
            commands.push(self.get_all("gets"));
        }
        Batch { commands }
    }

    fn command(&mut self) -> Command {
        match self.dice.between(0, 100) {
            0..18 => self.retrieve(),
            18..40 => self.store(),
            40..48 => self.arithmetic(),
            48..53 => self.delete(),
            53..57 => self.touch(),
            57..60 => self.other(),
            60..72 => self.meta_get(),
            72..82 => self.meta_set(),
            82..87 => self.meta_delete(),
            87..92 => self.meta_arithmetic(),
            92..95 => self.meta_debug(),
            95..97 => Command::default().bytes(&b"mn\r\n"[..]),
            _ if self.rough() => self.broken(),
            _ => self.store(),
        }
    }

    fn get_all(&self, verb: &str) -> Command {
        let mut line = verb.as_bytes().to_vec();
        for key in self.keys.pool() {
            line.push(b' ');
            line.extend_from_slice(&key);
        }
        Command::default().bytes(line).bytes(&b"\r\n"[..])
    }

    fn rough(&self) -> bool {
        self.manner == Manner::Rough
    }

    /// One in `chances` in a rough batch, never in a smooth one.
    fn odd(&mut self, chances: usize) -> bool {
        self.rough() && self.dice.one_in(chances)
    }

    /// What makes a server write all replies before it goes on: so many `mn` that one of them is not swallowed.
    ///
    /// Needed in front of incr and decr, see [`KNOWN_DIFFERENCES`](super::KNOWN_DIFFERENCES).
    fn settled(&self) -> Vec<u8> {
        let settle = b"mn\r\n";
        settle.repeat(if self.rough() { SWALLOWS_MAX.div_ceil(settle.len()) + 1 } else { 1 })
    }

    fn line_end(&mut self) -> &'static [u8] {
        match self.dice.one_in(12) {
            true => b"\n",
            false => b"\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differential::replies::CasSeen;

    fn rendered(seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for command in Script::generate(seed).batches.iter().flat_map(|batch| &batch.commands) {
            command.render(&CasSeen::default(), &mut out);
        }
        out
    }

    #[test]
    fn a_seed_is_a_script() {
        assert_eq!(rendered(1), rendered(1));
        assert_ne!(rendered(1), rendered(2));
    }

    #[test]
    fn every_command_occurs() {
        let all: Vec<u8> = (0..40).flat_map(rendered).collect();
        let verbs = "get gets gat gats set add replace append prepend cas delete incr decr touch flush_all version \
                     verbosity mn mg ms md ma me quit";
        let starts =
            |verb: &str| all.windows(verb.len() + 1).any(|w| w[0] == b'\n' && &w[1..] == verb.as_bytes());
        let missing: Vec<_> = verbs.split(' ').filter(|verb| !starts(verb)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert!(all.windows(8).any(|window| window == b" noreply"));
    }
}

//! Keys: few, of all the lengths that matter.

use super::Generator;
use super::dice::Dice;

/// The keys of one script.
pub(super) struct Keys {
    plain: Vec<Vec<u8>>,
}

/// Names in base64: of `a` and `foo`, which have names without it, too, and of bytes that have not.
const BASE64: &[&str] = &["YQ==", "Zm9v", "AP+AfyA="];

/// Keys that no server accepts as base64, or that only a lenient one does.
const BASE64_ODD: &[&str] = &["YQ=", "YQ", "Y", "====", "Y!==", "YQ==YQ==", "a"];

/// The longest key that memcached takes.
const KEY_BYTES_MAX: usize = 250;

/// More than one script uses, so that scripts differ.
fn all_plain() -> Vec<Vec<u8>> {
    let named =
        [&b"a"[..], b"foo", b"user:1", b"0", b"{tag}x", b"tab\tkey", b"caf\xc3\xa9", b"noreply", b"b"];
    let long = [KEY_BYTES_MAX - 1, KEY_BYTES_MAX].map(|len| vec![b'k'; len]);
    named.map(<[u8]>::to_vec).into_iter().chain(long).collect()
}

impl Keys {
    pub(super) fn choose(dice: &mut Dice) -> Keys {
        let mut plain = all_plain();
        dice.shuffle(&mut plain);
        plain.truncate(4);
        Keys { plain }
    }

    /// All keys that can be named without base64, to look at and to delete.
    pub(super) fn pool(&self) -> Vec<Vec<u8>> {
        let mut pool = self.plain.clone();
        // What base64 names, too, where a classic command can say it.
        pool.extend([&b"a"[..], b"foo"].map(<[u8]>::to_vec));
        pool.sort();
        pool.dedup();
        pool
    }
}

/// Every key of any script, for what an earlier script left behind can come to life again, and those that commands
/// take an argument for.
pub(super) fn all() -> Vec<Vec<u8>> {
    all_plain().into_iter().chain([b"x".to_vec(), b"1".to_vec()]).collect()
}

/// Every key named in base64, the odd ones with them: a lenient server may take them for something.
pub(super) fn all_base64() -> Vec<Vec<u8>> {
    BASE64.iter().chain(BASE64_ODD).map(|name| name.as_bytes().to_vec()).collect()
}

/// A key as a command names it.
pub(super) struct KeyName {
    pub(super) wire: Vec<u8>,
    /// What the server calls it in its replies.
    pub(super) shown: Vec<u8>,
    /// Whether the command needs the flag `b`.
    pub(super) base64: bool,
}

impl Generator {
    pub(super) fn key(&mut self) -> Vec<u8> {
        if self.odd(25) { self.key_too_long() } else { self.key_valid() }
    }

    pub(super) fn key_too_long(&mut self) -> Vec<u8> {
        vec![b'x'; KEY_BYTES_MAX + self.dice.pick(&[1, 2, 100])]
    }

    pub(super) fn key_valid(&mut self) -> Vec<u8> {
        let at = self.dice.between(0, self.keys.plain.len());
        self.keys.plain[at].clone()
    }

    /// A key for a meta command, one in six in base64.
    pub(super) fn meta_key(&mut self) -> KeyName {
        if !self.dice.one_in(6) {
            let wire = self.key();
            return KeyName { shown: wire.clone(), wire, base64: false };
        }
        if self.odd(3) {
            let wire = self.dice.pick(BASE64_ODD).as_bytes().to_vec();
            return KeyName { shown: wire.clone(), wire, base64: true };
        }
        let wire = self.dice.pick(BASE64).as_bytes().to_vec();
        KeyName { shown: wire.clone(), wire, base64: true }
    }
}

#[test]
fn keys_are_few_and_valid() {
    for seed in 0..50 {
        let pool = Keys::choose(&mut Dice::new(seed)).pool();
        assert!(pool.len() <= 6);
        assert!(pool.iter().all(|key| (1..=KEY_BYTES_MAX).contains(&key.len()) && !key.contains(&b' ')));
    }
}

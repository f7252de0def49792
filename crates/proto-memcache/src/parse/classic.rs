//! The classic commands.

use memchr::memrchr;

use super::{Failure, Line, Parse, ValueOf, number};
use crate::limits::Parsed;
use crate::request::{
    Administration, Arithmetic, Direction, Fault, Get, Key, Keys, MetaKey, Request, Store, StoreVerb,
    WordIter, Words,
};

const NOREPLY: &[u8] = b"noreply";

impl<'b> Line<'b, '_> {
    /// Commands of three and four letters.
    #[inline]
    pub(super) fn request_of_4(self, command: &[u8], words: WordIter<'b>) -> Parse<'b> {
        match command {
            b"set" => self.store(words, StoreVerb::Set),
            b"add" => self.store(words, StoreVerb::Add),
            b"cas" => self.store(words, StoreVerb::Cas),
            b"gets" => self.get(words, true),
            b"gat" => self.get_and_touch(words, false),
            b"gats" => self.get_and_touch(words, true),
            b"incr" => self.arithmetic(words, Direction::Increment),
            b"decr" => self.arithmetic(words, Direction::Decrement),
            b"quit" => self.complete(Request::Quit),
            b"bget" => self.get(words, false),
            b"lru" => self.administer(words, Administration::Lru),
            _ => Err(self.unknown()),
        }
    }

    /// All others.
    pub(super) fn request_of_many(self, command: &[u8], words: WordIter<'b>) -> Parse<'b> {
        match command {
            b"delete" => self.delete(words),
            b"touch" => self.touch(words),
            b"append" => self.store(words, StoreVerb::Append),
            b"prepend" => self.store(words, StoreVerb::Prepend),
            b"replace" => self.store(words, StoreVerb::Replace),
            b"version" => self.complete(Request::Version),
            b"stats" => self.complete(Request::Stats { arguments: Words::of_line(words.rest()) }),
            b"flush_all" => self.flush_all(words),
            b"verbosity" => self.verbosity(words),
            b"config" => self.config(words),
            b"shutdown" => self.complete(Request::Shutdown),
            b"cache_memlimit" => self.administer(words, Administration::CacheMemlimit),
            b"lru_crawler" => self.administer(words, Administration::LruCrawler),
            b"slabs" => self.administer(words, Administration::Slabs),
            b"watch" => self.administer(words, Administration::Watch),
            b"extstore" => self.administer(words, Administration::Extstore),
            b"refresh_certs" => self.administer(words, Administration::RefreshCerts),
            _ => Err(self.unknown()),
        }
    }

    #[inline]
    pub(super) fn get(self, words: WordIter<'b>, cas: bool) -> Parse<'b> {
        let keys = Words::of_line(words.rest());
        if keys.is_empty() {
            return Err(self.fail(Fault::UnknownCommand));
        }
        self.keys(keys, cas, None)
    }

    fn get_and_touch(self, mut words: WordIter<'b>, cas: bool) -> Parse<'b> {
        let Some(exptime) = words.next() else {
            return Err(self.fail(Fault::UnknownCommand));
        };
        let Some(exptime) = number::i32(exptime) else {
            return Err(self.fail(Fault::BadExptime));
        };
        self.keys(Words::of_line(words.rest()), cas, Some(exptime))
    }

    #[inline]
    fn keys(self, keys: Words<'b>, cas: bool, touch: Option<i32>) -> Parse<'b> {
        let max = self.key_bytes_max();
        if !short_words(keys.as_bytes(), max) {
            return Err(self.fail(Fault::BadLine));
        }
        self.complete(Request::Get(Get { keys: Keys::of_line(keys), cas, touch }))
    }

    fn store(self, words: WordIter<'b>, verb: StoreVerb) -> Parse<'b> {
        let args = Args::<6>::of(words);
        let least = if verb == StoreVerb::Cas { 5 } else { 4 };
        if args.len != least && args.len != least + 1 {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let noreply = args.noreply();
        let [key, flags, exptime, bytes, cas, _] = args.words;
        let numbers = || {
            let cas = if verb == StoreVerb::Cas { number::u64(cas)? } else { 0 };
            Some((number::u32(flags)?, number::i32(exptime)?, Self::value_bytes(bytes)?, cas))
        };
        let (true, Some((flags, exptime, bytes, cas))) = (key.len() <= self.key_bytes_max(), numbers())
        else {
            return Err(self.fail_quietly(Fault::BadLine, noreply));
        };
        if bytes > self.limits.value_bytes_max {
            // memcached unlinks for `set` alone: the others promise something about the item that was there.
            let unlink = (verb == StoreVerb::Set).then(|| MetaKey::of_line(key, false));
            return Err(self.fail_with(Failure {
                fault: Fault::TooLarge,
                noreply,
                value_bytes: Some(bytes),
                unlink,
            }));
        }
        match self.value(bytes) {
            Ok(ValueOf::Here { value, consumed }) => {
                let store = Store { verb, key: Key::of_line(key), flags, exptime, value, cas, noreply };
                Ok(Parsed::Complete { value: Request::Store(store), consumed })
            }
            Ok(ValueOf::Missing { bytes }) => Ok(Parsed::Incomplete { bytes_min: bytes }),
            Err(fault) => {
                Err(self.fail_with(Failure { fault, noreply, value_bytes: Some(bytes), unlink: None }))
            }
        }
    }

    fn delete(self, words: WordIter<'b>) -> Parse<'b> {
        let args = Args::<3>::of(words);
        let [key, hold, _] = args.words;
        let noreply = args.len > 1 && args.noreply();
        // Once there was a time to hold the key back; only 0 is left of it.
        let usage = match args.len {
            1 => true,
            2 => noreply || hold == b"0",
            3 => noreply && hold == b"0",
            _ => return Err(self.fail(Fault::UnknownCommand)),
        };
        if !usage {
            return Err(self.fail_quietly(Fault::DeleteUsage, noreply));
        }
        let key = self.short_key(key, noreply)?;
        self.complete(Request::Delete { key, noreply })
    }

    fn arithmetic(self, words: WordIter<'b>, direction: Direction) -> Parse<'b> {
        let args = Args::<3>::of(words);
        if args.len != 2 && args.len != 3 {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let noreply = args.noreply();
        let key = self.short_key(args.words[0], noreply)?;
        let Some(delta) = number::u64(args.words[1]) else {
            return Err(self.fail_quietly(Fault::BadDelta, noreply));
        };
        self.complete(Request::Arithmetic(Arithmetic { direction, key, delta, noreply }))
    }

    fn touch(self, words: WordIter<'b>) -> Parse<'b> {
        let args = Args::<3>::of(words);
        if args.len != 2 && args.len != 3 {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let noreply = args.noreply();
        let key = self.short_key(args.words[0], noreply)?;
        let Some(exptime) = number::i32(args.words[1]) else {
            return Err(self.fail_quietly(Fault::BadExptime, noreply));
        };
        self.complete(Request::Touch { key, exptime, noreply })
    }

    fn flush_all(self, words: WordIter<'b>) -> Parse<'b> {
        let args = Args::<2>::of(words);
        if args.len > 2 {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let noreply = args.len > 0 && args.noreply();
        let delay = if args.len == usize::from(noreply) { Some(0) } else { number::i32(args.words[0]) };
        let Some(delay) = delay else {
            return Err(self.fail_quietly(Fault::BadExptime, noreply));
        };
        self.complete(Request::FlushAll { delay, noreply })
    }

    fn verbosity(self, words: WordIter<'b>) -> Parse<'b> {
        let args = Args::<2>::of(words);
        if args.len != 1 && args.len != 2 {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let noreply = args.noreply();
        let Some(level) = number::u32(args.words[0]) else {
            return Err(self.fail_quietly(Fault::BadLine, noreply));
        };
        self.complete(Request::Verbosity { level, noreply })
    }

    fn config(self, words: WordIter<'b>) -> Parse<'b> {
        let args = Args::<2>::of(words);
        match args.words {
            [b"get", name] if args.len == 2 && name.len() <= self.key_bytes_max() => {
                self.complete(Request::ConfigGet { name: Key::of_line(name) })
            }
            _ => Err(self.fail(Fault::UnknownCommand)),
        }
    }

    fn administer(self, words: WordIter<'b>, command: Administration) -> Parse<'b> {
        let arguments = Words::of_line(words.rest());
        let len = arguments.iter().count();
        let allowed = match command {
            Administration::CacheMemlimit => len == 1 || len == 2,
            Administration::Lru | Administration::Extstore => len > 0,
            _ => true,
        };
        if !allowed {
            return Err(self.fail(Fault::UnknownCommand));
        }
        let heeds_noreply = match command {
            Administration::LruCrawler => false,
            Administration::Slabs => len > 1 && arguments.iter().next() == Some(b"automove"),
            _ => true,
        };
        let noreply = heeds_noreply && arguments.iter().last() == Some(NOREPLY);
        self.complete(Request::Administer { command, arguments, noreply })
    }

    fn short_key(&self, word: &'b [u8], noreply: bool) -> Result<Key<'b>, crate::RequestError<'b>> {
        if word.len() > self.key_bytes_max() {
            return Err(self.fail_quietly(Fault::BadLine, noreply));
        }
        Ok(Key::of_line(word))
    }
}

/// Whether no word of `text` is longer than `max`. Strides from a last possible space to the next, which for a
/// multi-get of many keys is far cheaper than splitting it, and for one key is free.
#[inline]
fn short_words(mut text: &[u8], max: usize) -> bool {
    while text.len() > max {
        match memrchr(b' ', &text[..=max]) {
            Some(at) => text = &text[at + 1..],
            None => return false,
        }
    }
    true
}

/// The words behind a command that takes few.
struct Args<'b, const N: usize> {
    /// Those there are; the rest empty, which no word is.
    words: [&'b [u8]; N],
    /// How many there are; `N + 1` for more than `N`.
    len: usize,
}

impl<'b, const N: usize> Args<'b, N> {
    #[inline]
    fn of(mut words: WordIter<'b>) -> Args<'b, N> {
        let mut args = Args { words: [&b""[..]; N], len: 0 };
        for word in words.by_ref().take(N) {
            args.words[args.len] = word;
            args.len += 1;
        }
        args.len += usize::from(words.next().is_some());
        args
    }

    /// Whether the last word asks for silence. memcached looks there before it looks at what the word should be.
    fn noreply(&self) -> bool {
        self.words[..self.len.min(N)].last() == Some(&NOREPLY)
    }
}

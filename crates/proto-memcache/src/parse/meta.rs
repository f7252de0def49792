//! The meta commands.

use super::{Failure, Line, Parse, ValueOf, number};
use crate::base64;
use crate::limits::{KEY_BYTES_MAX, Parsed};
use crate::request::meta::OPAQUE_BYTES_MAX;
use crate::request::{
    Direction, Fault, MetaArithmetic, MetaDelete, MetaFlags, MetaGet, MetaKey, MetaSet, Request,
    RequestError, SetMode, WordIter, Words,
};

/// memcached's table of words has 20 places; one is the end, one the command, one the key, one the length of `ms`.
const FLAGS_LEN_MAX: usize = 17;

impl<'b> Line<'b, '_> {
    #[inline]
    pub(super) fn meta_get(self, mut words: WordIter<'b>) -> Parse<'b> {
        let key = self.meta_key(&mut words)?;
        let read = Flags::read(key, &words);
        if read.len > FLAGS_LEN_MAX {
            return Err(self.fail(Fault::MetaGetFlagsTooMany));
        }
        if let Some(fault) = read.fault.or(read.opaque_fault()) {
            return Err(self.fail(fault));
        }
        self.complete(Request::MetaGet(MetaGet {
            key: MetaKey::of_line(key, read.has(b'b')),
            flags: MetaFlags::of_line(Words::of_line(words.rest())),
            value: read.has(b'v'),
            quiet: read.has(b'q'),
            no_bump: read.has(b'u'),
            ttl: read.given(b'T', read.ttl),
            vivify: read.given(b'N', read.vivify),
            recache: read.given(b'R', read.recache),
            cas: read.given(b'C', read.cas),
            cas_new: read.given(b'E', read.cas_new),
        }))
    }

    pub(super) fn meta_set(self, mut words: WordIter<'b>) -> Parse<'b> {
        let key = self.meta_key(&mut words)?;
        let Some(bytes) = words.next() else {
            return Err(self.fail(Fault::BadLine));
        };
        let read = Flags::read(key, &words);
        if read.len > FLAGS_LEN_MAX - 1 {
            return Err(self.fail(Fault::MetaFlagsTooMany));
        }
        let Some(bytes) = Self::value_bytes(bytes) else {
            return Err(self.fail(Fault::BadLine));
        };
        // From here on the length of the value is known, and the value is swallowed with the line.
        let refuse = |fault, unlink| {
            Err(self.fail_with(Failure { fault, noreply: false, value_bytes: Some(bytes), unlink }))
        };
        let mode = read.fault.map_or_else(|| read.set_mode(), Err);
        let mode = match mode {
            Ok(mode) => mode,
            Err(fault) => return refuse(fault, None),
        };
        if let Some(fault) = read.opaque_fault() {
            return refuse(fault, None);
        }
        let key = MetaKey::of_line(key, read.has(b'b'));
        if bytes > self.limits.value_bytes_max {
            return refuse(Fault::TooLarge, Some(key));
        }
        let (value, consumed) = match self.value(bytes) {
            Ok(ValueOf::Here { value, consumed }) => (value, consumed),
            Ok(ValueOf::Missing { bytes }) => return Ok(Parsed::Incomplete { bytes_min: bytes }),
            Err(fault) => return refuse(fault, None),
        };
        let set = MetaSet {
            key,
            flags: MetaFlags::of_line(Words::of_line(words.rest())),
            value,
            mode,
            quiet: read.has(b'q'),
            invalidate: read.has(b'I'),
            client_flags: read.client_flags,
            ttl: read.ttl,
            vivify: read.given(b'N', read.vivify),
            cas: read.given(b'C', read.cas),
            cas_new: read.given(b'E', read.cas_new),
        };
        Ok(Parsed::Complete { value: Request::MetaSet(set), consumed })
    }

    pub(super) fn meta_delete(self, mut words: WordIter<'b>) -> Parse<'b> {
        let key = self.meta_key(&mut words)?;
        let read = self.terse_flags(key, &words)?;
        if let Some(fault) = read.opaque_fault() {
            return Err(self.fail(fault));
        }
        self.complete(Request::MetaDelete(MetaDelete {
            key: MetaKey::of_line(key, read.has(b'b')),
            flags: MetaFlags::of_line(Words::of_line(words.rest())),
            quiet: read.has(b'q'),
            invalidate: read.has(b'I'),
            remove_value: read.has(b'x'),
            ttl: read.given(b'T', read.ttl),
            cas: read.given(b'C', read.cas),
            cas_new: read.given(b'E', read.cas_new),
        }))
    }

    pub(super) fn meta_arithmetic(self, mut words: WordIter<'b>) -> Parse<'b> {
        let key = self.meta_key(&mut words)?;
        let read = self.terse_flags(key, &words)?;
        let direction = match read.mode {
            0 | b'I' | b'+' => Direction::Increment,
            b'D' | b'-' => Direction::Decrement,
            _ => return Err(self.fail(Fault::MetaArithmeticMode)),
        };
        if let Some(fault) = read.opaque_fault() {
            return Err(self.fail(fault));
        }
        self.complete(Request::MetaArithmetic(MetaArithmetic {
            key: MetaKey::of_line(key, read.has(b'b')),
            flags: MetaFlags::of_line(Words::of_line(words.rest())),
            direction,
            quiet: read.has(b'q'),
            value: read.has(b'v'),
            delta: read.given(b'D', read.delta).unwrap_or(1),
            initial: read.initial,
            vivify: read.given(b'N', read.vivify),
            ttl: read.given(b'T', read.ttl),
            cas: read.given(b'C', read.cas),
            cas_new: read.given(b'E', read.cas_new),
        }))
    }

    /// `me` knows one flag, in one place, and ignores all else.
    pub(super) fn meta_debug(self, mut words: WordIter<'b>) -> Parse<'b> {
        let key = words.next().filter(|key| key.len() <= self.key_bytes_max());
        let base64 = words.next() == Some(b"b");
        match key {
            Some(key) if !base64 || decodes(key) => {
                self.complete(Request::MetaDebug { key: MetaKey::of_line(key, base64) })
            }
            _ => Err(self.fail(Fault::BadLine)),
        }
    }

    #[inline]
    fn meta_key(&self, words: &mut WordIter<'b>) -> Result<&'b [u8], RequestError<'b>> {
        match words.next() {
            Some(key) if key.len() <= self.key_bytes_max() => Ok(key),
            Some(_) => Err(self.fail(Fault::BadLine)),
            None => Err(self.fail(Fault::UnknownCommand)),
        }
    }

    /// The flags of `md` and `ma`, which do not say what is wrong with them.
    fn terse_flags(&self, key: &[u8], words: &WordIter<'b>) -> Result<Flags, RequestError<'b>> {
        let read = Flags::read(key, words);
        if read.len > FLAGS_LEN_MAX {
            return Err(self.fail(Fault::MetaFlagsTooMany));
        }
        match read.fault {
            Some(_) => Err(self.fail(Fault::MetaFlags)),
            None => Ok(read),
        }
    }
}

#[cold]
fn decodes(key: &[u8]) -> bool {
    base64::decode(key, &mut [0; KEY_BYTES_MAX]).is_some()
}

/// All flags of a line, read once. Every meta command knows all of them.
#[derive(Default)]
struct Flags {
    /// One bit a letter, from `@`.
    seen: u64,
    len: usize,
    /// What memcached would complain about: the first flag it cannot go on after, else the last bad token.
    fault: Option<Fault>,
    opaque_bytes: usize,
    mode: u8,
    client_flags: u32,
    ttl: i32,
    vivify: i32,
    recache: i32,
    cas: u64,
    cas_new: u64,
    delta: u64,
    initial: u64,
}

impl Flags {
    #[inline]
    fn read(key: &[u8], words: &WordIter<'_>) -> Flags {
        let mut flags = Flags::default();
        let mut words = words.clone();
        while let Some(word) = words.next_short() {
            flags.len += 1;
            if let Err(fault) = flags.one(key, word) {
                flags.fault = Some(fault);
                // The number of flags counts before what is wrong with them.
                flags.len += words.count();
                break;
            }
        }
        flags
    }

    /// An `Err` ends the reading; a bad token is only noted.
    #[inline]
    fn one(&mut self, key: &[u8], word: &[u8]) -> Result<(), Fault> {
        let (letter, token) = (word[0], &word[1..]);
        if !(b'@'..127).contains(&letter) {
            return Err(if letter < 127 { Fault::MetaInvalidFlag } else { Fault::MetaDuplicateFlag });
        }
        let bit = 1 << (letter - b'@');
        if self.seen & bit != 0 {
            return Err(Fault::MetaDuplicateFlag);
        }
        self.seen |= bit;
        match letter {
            b'v' | b'k' | b's' | b't' | b'c' | b'f' | b'h' | b'l' | b'u' | b'q' | b'x' | b'I' | b'P'
            | b'L' => {}
            b'O' => self.opaque_bytes = token.len(),
            _ => return self.with_token(key, letter, token),
        }
        Ok(())
    }

    fn with_token(&mut self, key: &[u8], letter: u8, token: &[u8]) -> Result<(), Fault> {
        let bad = Fault::MetaBadToken;
        match letter {
            b'b' => self.note(decodes(key).then_some(()), Fault::MetaBadKey),
            b'T' => self.ttl = self.note(number::i32(token), bad),
            b'N' => self.vivify = self.note(number::i32(token), bad),
            b'R' => self.recache = self.note(number::i32(token), bad),
            b'C' => self.cas = self.note(number::u64(token), bad),
            b'E' => self.cas_new = self.note(number::u64(token), bad),
            b'D' => self.delta = self.note(number::u64(token), Fault::MetaDelta),
            b'J' => self.initial = self.note(number::u64(token), Fault::MetaInitial),
            // memcached notes that there was an error, but not which: an earlier one's text stays.
            b'F' => self.client_flags = self.note(number::u32(token), self.fault.unwrap_or(Fault::BadLine)),
            b'M' => self.mode = self.note(<[u8; 1]>::try_from(token).ok(), Fault::MetaModeLength)[0],
            _ => return Err(Fault::MetaInvalidFlag),
        }
        Ok(())
    }

    fn note<T: Default>(&mut self, read: Option<T>, fault: Fault) -> T {
        if read.is_none() {
            self.fault = Some(fault);
        }
        read.unwrap_or_default()
    }

    #[inline]
    fn has(&self, letter: u8) -> bool {
        self.seen & (1 << (letter - b'@')) != 0
    }

    #[inline]
    fn given<T>(&self, letter: u8, number: T) -> Option<T> {
        if self.has(letter) { Some(number) } else { None }
    }

    fn set_mode(&self) -> Result<SetMode, Fault> {
        match self.mode {
            0 | b'S' => Ok(SetMode::Set),
            b'E' => Ok(SetMode::Add),
            b'A' => Ok(SetMode::Append),
            b'P' => Ok(SetMode::Prepend),
            b'R' => Ok(SetMode::Replace),
            _ => Err(Fault::MetaSetMode),
        }
    }

    fn opaque_fault(&self) -> Option<Fault> {
        (self.opaque_bytes > OPAQUE_BYTES_MAX).then_some(Fault::MetaOpaqueTooLong)
    }
}

//! Bytes to answers: what a reply must look like, and what a caller gets of it.

use bytes::{Buf, Bytes, BytesMut};
use peerset_proto_memcache::reply::{MetaReply, MetaStatus};
use peerset_proto_memcache::request::MetaFlags;
use peerset_proto_memcache::{Limits, Parsed, Reply, ReplyError, parse_reply};

use crate::error::Misbehaviour;
use crate::key::KeyMark;

/// What a request is answered with. A reply of another kind means that the two ends are out of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// To `mg`: `VA`, `HD` or `EN`. The first two carry the key.
    MetaItem(KeyMark),
    /// To `ms`: `HD`, `NS`, `EX` or `NF`.
    MetaStored,
    /// To `md`: `HD`, `EX` or `NF`.
    MetaDeleted,
    /// To `ma v` without a version: `VA` with a number, `NS` or `NF`.
    MetaNumber,
    /// To `get` and its kin with one key: one `VALUE` or none, and `END`.
    Value(KeyMark),
    /// With many keys: as many or fewer of them.
    Values(usize),
    /// To `set` and its kin: `STORED`, `NOT_STORED`, `EXISTS` or `NOT_FOUND`.
    Stored,
    /// To `delete`: `DELETED` or `NOT_FOUND`.
    Deleted,
    /// To `touch`: `TOUCHED` or `NOT_FOUND`.
    Touched,
    /// To `incr` and `decr`: a number or `NOT_FOUND`.
    Number,
    /// To `flush_all`: `OK`.
    Ok,
    /// To `version`: `VERSION`.
    Version,
    /// To `stats`: any number of `STAT`, and `END`; or `RESET`.
    Stats,
}

/// What a request came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Status(Status),
    Item(Item),
    /// What was found of many keys, in their order; and those whose values were too long, with their lengths.
    Items(Vec<Found>, Vec<(KeyMark, u64)>),
    /// An item whose value, of so many bytes, was longer than the limit and is skipped.
    TooLong(u64),
    Number(u64),
    Version(String),
    Stats(Vec<(String, String)>),
    /// An error line, whole.
    Refused(String),
}

/// What a request without data came to, in the words of both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// `STORED`, `DELETED`, `TOUCHED`, `OK`, `RESET`, `HD`.
    Done,
    /// `NOT_FOUND`, `NF`; an empty `END`, `EN`.
    NotFound,
    /// `NOT_STORED`, `NS`.
    NotStored,
    /// `EXISTS`, `EX`.
    Exists,
}

/// An item as far as a reply tells.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) data: Bytes,
    pub(crate) flags: u32,
    pub(crate) cas: Option<u64>,
    /// Seconds; -1 for ever.
    pub(crate) ttl: Option<i64>,
    /// Seconds.
    pub(crate) last_access: Option<u64>,
    pub(crate) hit_before: Option<bool>,
    pub(crate) won: bool,
    pub(crate) stale: bool,
    pub(crate) already_won: bool,
    key: Option<KeyMark>,
}

/// One of many items.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) data: Bytes,
    pub(crate) flags: u32,
    pub(crate) cas: Option<u64>,
    pub(crate) key: KeyMark,
    /// Which of the caller's keys that is; said by who knows them.
    pub(crate) pick: u32,
}

/// Reads answers, and remembers what a long one has brought so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    item: Option<Item>,
    items: Vec<Found>,
    /// Where the short values of one answer to many keys lie.
    room: BytesMut,
    stats: Vec<(String, String)>,
    /// Values of the present answer that were too long.
    too_long: Vec<(KeyMark, u64)>,
    /// So many bytes of one of them are still to come.
    skip: u64,
    /// More than this has to come before another look is worth it.
    bytes_min: usize,
}

/// Values from this length on share the memory they were read into. Smaller ones are copied, so that they do not hold on
/// to a whole read buffer.
const SHARED_BYTES_MIN: usize = 32 * 1024;

/// Short values of many keys share memory of this size among each other: a few allocations for all of them, and whoever
/// keeps one of them for long keeps no more than this.
const ROOM_BYTES: usize = 4 * 1024;

/// The replies of a `stats` that are kept; memcached has at most some thousands (`stats slabs`).
const STATS_MAX: usize = 64 * 1024;

/// A server that announces more than this is not one: memcached's largest item is a gigabyte.
const SKIPPED_BYTES_MAX: u64 = 1 << 30;

impl Reader {
    /// How many bytes are certainly missing, if the last call found no whole reply.
    pub(super) fn bytes_min(&self) -> usize {
        self.bytes_min
    }

    /// Takes the answer to a request from the front of `input`, if all of it is there.
    pub(super) fn next(
        &mut self,
        input: &mut BytesMut,
        expect: Expect,
        limits: &Limits,
    ) -> Result<Option<Answer>, Misbehaviour> {
        loop {
            if self.skip > 0 && !self.skipped(input) {
                self.bytes_min = 1;
                return Ok(None);
            }
            // A meta reply ends with its value.
            if matches!(expect, Expect::MetaItem(_))
                && let Some((_, bytes)) = self.too_long.pop()
            {
                return Ok(Some(Answer::TooLong(bytes)));
            }
            let (taken, consumed) = match parse_reply(input, limits) {
                Ok(Parsed::Complete { value, consumed }) => (self.take(value, expect)?, consumed),
                Ok(Parsed::Incomplete { bytes_min }) => {
                    self.bytes_min = bytes_min;
                    return Ok(None);
                }
                Err(error @ ReplyError::ValueTooLong { bytes, .. }) if bytes <= SKIPPED_BYTES_MAX => {
                    self.pass_over(input, expect, bytes).ok_or(error)?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            match taken {
                Taken::Answer(answer) => {
                    input.advance(consumed);
                    return Ok(Some(answer));
                }
                Taken::Part => input.advance(consumed),
                Taken::Item(mut item, value_bytes, last) => {
                    item.data = data(input, consumed, value_bytes);
                    if last {
                        return Ok(Some(Answer::Item(item)));
                    }
                    if self.item.replace(item).is_some() {
                        return Err(Misbehaviour::Key);
                    }
                }
                Taken::Found { key, flags, cas, value_bytes } => {
                    let data = if value_bytes <= ROOM_BYTES / 4 {
                        if self.room.capacity() < value_bytes {
                            self.room = BytesMut::with_capacity(ROOM_BYTES);
                        }
                        self.room.extend_from_slice(&input[consumed - 2 - value_bytes..consumed - 2]);
                        input.advance(consumed);
                        self.room.split().freeze()
                    } else {
                        data(input, consumed, value_bytes)
                    };
                    self.items.push(Found { data, flags, cas, key, pick: 0 });
                }
            }
        }
    }

    /// Notes that a value is too long, and drops the line before it. Only who asked for it is to suffer. None if no value
    /// of this key was asked for.
    #[cold]
    fn pass_over(&mut self, input: &mut BytesMut, expect: Expect, bytes: u64) -> Option<()> {
        let end = input.iter().position(|byte| *byte == b'\n')?;
        let mut words = input[..end].trim_ascii_end().split(|byte| *byte == b' ');
        let key = match expect {
            // `VA <bytes> <flags>*`, one of which is `k<key>`.
            Expect::MetaItem(mark) => words
                .find(|word| word.first() == Some(&b'k') && KeyMark::of(&word[1..]) == mark)
                .map(|_| mark),
            // `VALUE <key> <flags> <bytes>`
            Expect::Value(mark) => words.nth(1).map(KeyMark::of).filter(|key| *key == mark),
            Expect::Values(asked) if self.items.len() + self.too_long.len() < asked => {
                words.nth(1).map(KeyMark::of)
            }
            _ => None,
        };
        self.too_long.push((key?, bytes));
        input.advance(end + 1);
        self.skip = bytes + b"\r\n".len() as u64;
        Some(())
    }

    /// Drops what has come of a value that is too long; whether that was all.
    #[cold]
    fn skipped(&mut self, input: &mut BytesMut) -> bool {
        let here = usize::try_from(self.skip).map_or(input.len(), |skip| skip.min(input.len()));
        input.advance(here);
        self.skip -= here as u64;
        self.skip == 0
    }

    fn take(&mut self, reply: Reply<'_>, expect: Expect) -> Result<Taken, Misbehaviour> {
        let status = |status| Ok(Taken::Answer(Answer::Status(status)));
        match (expect, reply) {
            (Expect::MetaItem(mark), Reply::Meta(meta)) => match (meta.status, meta.value) {
                (MetaStatus::Miss, _) => status(Status::NotFound),
                (MetaStatus::Done, value) => {
                    let item = Item::of_flags(meta.flags);
                    if item.key != Some(mark) {
                        return Err(Misbehaviour::Key);
                    }
                    Ok(match value {
                        Some(value) => Taken::Item(item, value.len(), true),
                        None => Taken::Answer(Answer::Item(item)),
                    })
                }
                _ => Err(Misbehaviour::Kind),
            },
            (
                Expect::MetaStored | Expect::MetaDeleted,
                Reply::Meta(MetaReply { status: said, value: None, .. }),
            ) => match said {
                MetaStatus::Done => status(Status::Done),
                MetaStatus::NotFound => status(Status::NotFound),
                MetaStatus::NotStored if expect == Expect::MetaStored => status(Status::NotStored),
                MetaStatus::Exists => status(Status::Exists),
                MetaStatus::NotStored | MetaStatus::Miss => Err(Misbehaviour::Kind),
            },
            (Expect::MetaNumber, Reply::Meta(MetaReply { status: said, value, .. })) => match (said, value) {
                (MetaStatus::Done, Some(digits)) => {
                    // A number that was counted down keeps its length, with spaces behind it.
                    let digits =
                        std::str::from_utf8(digits).ok().and_then(|text| text.trim_end().parse().ok());
                    let number = digits.ok_or(Misbehaviour::Kind)?;
                    Ok(Taken::Answer(Answer::Number(number)))
                }
                (MetaStatus::NotFound, None) => status(Status::NotFound),
                (MetaStatus::NotStored, None) => status(Status::NotStored),
                _ => Err(Misbehaviour::Kind),
            },
            (Expect::Value(mark), Reply::Value(value)) => match KeyMark::of(value.key.as_bytes()) == mark {
                true => {
                    let item = Item { flags: value.flags, cas: value.cas, ..Item::default() };
                    Ok(Taken::Item(item, value.value.len(), false))
                }
                false => Err(Misbehaviour::Key),
            },
            (Expect::Value(_), Reply::End) => match (self.item.take(), self.too_long.pop()) {
                (Some(item), None) => Ok(Taken::Answer(Answer::Item(item))),
                (None, Some((_, bytes))) => Ok(Taken::Answer(Answer::TooLong(bytes))),
                (None, None) => status(Status::NotFound),
                (Some(_), Some(_)) => Err(Misbehaviour::Key),
            },
            (Expect::Values(asked), Reply::Value(value)) => {
                if self.items.len() + self.too_long.len() == asked {
                    return Err(Misbehaviour::Key);
                }
                if self.items.is_empty() {
                    self.items.reserve_exact(asked);
                }
                let key = KeyMark::of(value.key.as_bytes());
                let (flags, cas, value_bytes) = (value.flags, value.cas, value.value.len());
                Ok(Taken::Found { key, flags, cas, value_bytes })
            }
            (Expect::Values(_), Reply::End) => {
                self.room = BytesMut::new();
                let items = std::mem::take(&mut self.items);
                Ok(Taken::Answer(Answer::Items(items, std::mem::take(&mut self.too_long))))
            }
            (Expect::Stored, Reply::Stored) => status(Status::Done),
            (Expect::Stored, Reply::NotStored) => status(Status::NotStored),
            (Expect::Stored, Reply::Exists) => status(Status::Exists),
            (Expect::Deleted, Reply::Deleted) => status(Status::Done),
            (Expect::Touched, Reply::Touched) => status(Status::Done),
            (Expect::Stored | Expect::Deleted | Expect::Touched | Expect::Number, Reply::NotFound) => {
                status(Status::NotFound)
            }
            (Expect::Number, Reply::Number(number)) => Ok(Taken::Answer(Answer::Number(number))),
            (Expect::Ok, Reply::Ok) | (Expect::Stats, Reply::Reset) => status(Status::Done),
            (Expect::Version, Reply::Version(text)) => Ok(Taken::Answer(Answer::Version(lossy(text)))),
            (Expect::Stats, Reply::Stat { name, value }) => {
                if self.stats.len() < STATS_MAX {
                    self.stats.push((lossy(name), lossy(value)));
                }
                Ok(Taken::Part)
            }
            (Expect::Stats, Reply::End) => Ok(Taken::Answer(Answer::Stats(std::mem::take(&mut self.stats)))),
            (_, Reply::Error(text)) => Ok(self.refused("ERROR", text)),
            (_, Reply::ClientError(text)) => Ok(self.refused("CLIENT_ERROR ", text)),
            (_, Reply::ServerError(text)) => Ok(self.refused("SERVER_ERROR ", text)),
            _ => Err(Misbehaviour::Kind),
        }
    }

    /// An error line ends the answer, whatever has come of it before.
    fn refused(&mut self, word: &str, text: &[u8]) -> Taken {
        *self = Reader::default();
        Taken::Answer(Answer::Refused(format!("{word}{}", String::from_utf8_lossy(text))))
    }
}

/// What one reply brings.
enum Taken {
    /// The answer; its bytes go.
    Answer(Answer),
    /// An item, the length of its value, and whether it is all of the answer.
    Item(Item, usize, bool),
    /// One item of many, without its value.
    Found { key: KeyMark, flags: u32, cas: Option<u64>, value_bytes: usize },
    /// A part of an answer, already noted.
    Part,
}

/// Takes `consumed` bytes, which end with a value and a line end, and gives the value.
fn data(input: &mut BytesMut, consumed: usize, value_bytes: usize) -> Bytes {
    let start = consumed - 2 - value_bytes;
    if value_bytes >= SHARED_BYTES_MIN {
        return input.split_to(consumed).freeze().slice(start..start + value_bytes);
    }
    let data = Bytes::copy_from_slice(&input[start..start + value_bytes]);
    input.advance(consumed);
    data
}

impl Item {
    /// Reads what a meta reply tells, in one pass. What makes no sense counts as not said.
    #[inline]
    fn of_flags(flags: MetaFlags<'_>) -> Item {
        let mut item = Item::default();
        for flag in flags {
            match flag.letter {
                b'f' => item.flags = number(flag.token).unwrap_or(0) as u32,
                b'k' => item.key = Some(KeyMark::of(flag.token)),
                b'c' => item.cas = number(flag.token),
                b't' if flag.token == b"-1" => item.ttl = Some(-1),
                b't' => item.ttl = number(flag.token).map(|seconds| seconds as i64),
                b'l' => item.last_access = number(flag.token),
                b'h' => item.hit_before = number(flag.token).map(|number| number != 0),
                b'W' => item.won = true,
                b'X' => item.stale = true,
                b'Z' => item.already_won = true,
                _ => {}
            }
        }
        item
    }
}

#[inline]
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 { None } else { number.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests;

//! What a server understands, read off its version.

/// The commands a server takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialect {
    /// Meta commands (`mg`, `ms`, `md`, `ma`), which stand as they are since memcached 1.6.10. Before that a stored item
    /// was answered `OK`, and lengths were flags.
    pub meta: bool,
    /// What the server said of itself, at most 64 bytes of it; nothing if it did not.
    pub version: String,
}

/// The first release in which meta commands have their final form (memcached/memcached#795).
const META_SINCE: [u32; 3] = [1, 6, 10];
const VERSION_BYTES_MAX: usize = 64;

impl Dialect {
    /// Classic commands only: right for whatever is not known.
    pub fn classic() -> Dialect {
        Dialect { meta: false, version: String::new() }
    }

    /// Reads the text behind `VERSION`.
    ///
    /// Only memcached counts in 1.x.y, so that mcrouter (`37.0.0 mcrouter`) and twemproxy (`0.5.0`) are not taken for
    /// it. What is behind the third number may only be a suffix (`1.6.18_2`, `1.6.9-beta`): `1.6.0 DF` is Dragonfly.
    pub fn of_version(text: &[u8]) -> Dialect {
        let text = &text[..text.len().min(VERSION_BYTES_MAX)];
        let version = String::from_utf8_lossy(text).into_owned();
        let meta = numbers(&version).is_some_and(|numbers| numbers[0] == 1 && numbers >= META_SINCE);
        Dialect { meta, version }
    }
}

/// The three numbers at the front, if nothing foreign is behind them.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.splitn(3, '.');
    let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (patch, suffix) = rest.split_at(digits);
    if suffix.contains(char::is_whitespace) {
        return None;
    }
    Some([major.parse().ok()?, minor.parse().ok()?, patch.parse().ok()?])
}

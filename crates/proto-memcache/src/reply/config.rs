//! The reply to `config get cluster`: how ElastiCache tells its clients the topology.
//!
//! ```text
//! CONFIG cluster 0 <bytes>\r\n
//! <version>\n
//! <host>|<ip>|<port> <host>|<ip>|<port> …\n
//! \r\n
//! END\r\n
//! ```
//! `<bytes>` counts up to and with the `\n` before the empty line; the version grows by one with each change; an ip may
//! be empty, and clients prefer it to the host name where it is not. Source: the ElastiCache user guide, "Adding auto
//! discovery to your client library".

use super::meta::number;
use crate::request::{Key, Words};

/// A `CONFIG` reply. What is in it is looked at when asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config<'b> {
    /// `cluster`, as a rule.
    pub name: Key<'b>,
    /// 0.
    pub flags: u32,
    /// Version line and node line.
    pub payload: &'b [u8],
}

impl<'b> Config<'b> {
    /// The number of the topology; `None` if the first line is no number.
    pub fn version(&self) -> Option<u64> {
        number(self.line(0))
    }

    /// The nodes in the order given. One that makes no sense is reported, and the others are not affected.
    pub fn nodes(&self) -> impl Iterator<Item = Result<ConfigNode<'b>, MalformedNode<'b>>> + use<'b> {
        let line = self.line(1);
        Words::of_line(line)
            .into_iter()
            .enumerate()
            .map(|(at, text)| ConfigNode::parse(text).ok_or(MalformedNode { at, text }))
    }

    fn line(&self, at: usize) -> &'b [u8] {
        let line = self.payload.split(|&byte| byte == b'\n').nth(at).unwrap_or_default();
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

/// One node of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigNode<'b> {
    /// Its DNS name.
    pub host: &'b str,
    /// Its address, which clients prefer; may be empty.
    pub ip: &'b str,
    /// Its port.
    pub port: u16,
}

impl<'b> ConfigNode<'b> {
    fn parse(text: &'b [u8]) -> Option<ConfigNode<'b>> {
        let mut parts = std::str::from_utf8(text).ok()?.split('|');
        let (host, ip, port) = (parts.next()?, parts.next()?, parts.next()?);
        let port = u16::try_from(number(port.as_bytes())?).ok()?;
        let named = !host.is_empty() || !ip.is_empty();
        (named && parts.next().is_none()).then_some(ConfigNode { host, ip, port })
    }
}

/// A node that is not `host|ip|port`. The server's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("node {at} is not host|ip|port: {}", text.escape_ascii())]
pub struct MalformedNode<'b> {
    /// Which, counted from 0.
    pub at: usize,
    /// What it is.
    pub text: &'b [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &str, version: Option<u64>, nodes: &[&str]) {
        let config = Config { name: Key::new(b"cluster").unwrap(), flags: 0, payload: payload.as_bytes() };
        let seen: Vec<_> = config
            .nodes()
            .map(|node| node.map_or_else(|e| e.to_string(), |n| format!("{}/{}/{}", n.host, n.ip, n.port)))
            .collect();
        assert_eq!((config.version(), seen), (version, nodes.iter().map(|n| (*n).to_owned()).collect()));
    }

    #[test]
    fn nodes_are_read_one_by_one() {
        check("12\na.x|10.0.0.1|11211 b.x||11212\n", Some(12), &["a.x/10.0.0.1/11211", "b.x//11212"]);
        check("12\r\na|1|1\r\n", Some(12), &["a/1/1"]);
        check("1\n\n", Some(1), &[]);
        check("1", Some(1), &[]);
        check("", None, &[]);
        check("-1\na|b\n", None, &["node 0 is not host|ip|port: a|b"]);
        check(
            "1\n||1 a|1|70000 a|1|1|1 ok|1|2 \u{fe}|x\n",
            Some(1),
            &[
                "node 0 is not host|ip|port: ||1",
                "node 1 is not host|ip|port: a|1|70000",
                "node 2 is not host|ip|port: a|1|1|1",
                "ok/1/2",
                "node 4 is not host|ip|port: \\xc3\\xbe|x",
            ],
        );
    }
}

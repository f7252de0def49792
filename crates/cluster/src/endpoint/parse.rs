//! Reading an endpoint, and saying exactly what is wrong with one.

use std::fmt;
use std::net::Ipv6Addr;
use std::num::NonZeroU16;
use std::ops::Range;

use super::{Endpoint, Host, HostName, SocketPath};
use crate::text::{Fault, Piece};

/// RFC 1035, section 2.3.4, less the length bytes of the wire form.
const HOST_BYTES_MAX: usize = 253;
/// `sun_path` of Linux holds 108 bytes with the final zero.
const PATH_BYTES_MAX: usize = 107;

/// An endpoint could not be read: what is wrong and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointError {
    input: Box<str>,
    at: Range<usize>,
    problem: EndpointProblem,
}

/// What can be wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointProblem {
    /// There is nothing at all.
    #[error("there is no HOST:PORT")]
    Empty,
    /// Nothing before the colon.
    #[error("the host is missing")]
    NoHost,
    /// No colon and port after the host.
    #[error("there is no port (write HOST:PORT)")]
    NoPort,
    /// The port is not made of digits.
    #[error("the port is not a number")]
    PortNotANumber,
    /// The port is 0 or more than 65535.
    #[error("the port is out of range (1 to 65535)")]
    PortOutOfRange,
    /// An IPv6 address without brackets: where does the port begin?
    #[error("more than one colon; an IPv6 address needs brackets, as in [::1]:11211")]
    BracketsMissing,
    /// `[` without `]`.
    #[error("[ without its ]")]
    BracketOpen,
    /// Something other than `:PORT` follows the `]`.
    #[error("only :PORT may follow the ]")]
    AfterBracket,
    /// What is in brackets is no IPv6 address.
    #[error("what is in brackets is not an IPv6 address")]
    BadIpv6,
    /// `%zone` after an IPv6 address: a zone names an interface of this machine and means nothing on another.
    #[error("an IPv6 zone means nothing on another machine")]
    Ipv6Zone,
    /// Only digits and dots, and not four numbers up to 255.
    #[error("not an IPv4 address (four numbers from 0 to 255)")]
    BadIpv4,
    /// A character that host names do not have.
    #[error("host names hold only letters, digits, '-', '_' and '.'")]
    HostCharacter,
    /// Two dots in a row, or a dot first.
    #[error("the host name has an empty part between dots")]
    EmptyLabel,
    /// The name is longer than DNS carries.
    #[error("the host name is over 253 bytes")]
    HostTooLong,
    /// `unix:` and nothing after it.
    #[error("there is no path after unix:")]
    NoPath,
    /// The path would not fit into a socket address.
    #[error("the socket path is over 107 bytes")]
    PathTooLong,
    /// The path holds a control character.
    #[error("the path holds a control character")]
    PathCharacter,
}

impl EndpointError {
    /// What is wrong.
    pub fn problem(&self) -> EndpointProblem {
        self.problem
    }

    /// The bytes of the input it is wrong with; empty where something is missing.
    pub fn position(&self) -> Range<usize> {
        self.at.clone()
    }

    fn new(input: &str, fault: Fault<EndpointProblem>) -> Self {
        // The input is only for the message: what a peer sent must not choose how much is kept.
        let shown: String = input.chars().take(80).collect();
        EndpointError { input: shown.into(), at: fault.at, problem: fault.problem }
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "endpoint {:?}: {} (byte {})", self.input, self.problem, self.at.start)
    }
}

impl std::error::Error for EndpointError {}

pub(super) fn from_text(text: &str) -> Result<Endpoint, EndpointError> {
    endpoint(Piece::new(text)).map_err(|fault| EndpointError::new(text, fault))
}

pub(super) fn from_parts(host: &str, port: u16) -> Result<Endpoint, EndpointError> {
    let piece = Piece::new(host);
    let read = || {
        let host = if host.contains(':') { ipv6(piece)? } else { bare_host(piece)? };
        let port = NonZeroU16::new(port).ok_or_else(|| piece.end().fault(EndpointProblem::PortOutOfRange))?;
        Ok(Endpoint::Tcp { host, port })
    };
    read().map_err(|fault| EndpointError::new(host, fault))
}

pub(super) fn unix_path(path: &str) -> Result<Endpoint, EndpointError> {
    unix(Piece::new(path), path).map_err(|fault| EndpointError::new(path, fault))
}

/// `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
pub(crate) fn endpoint(piece: Piece<'_>) -> Result<Endpoint, Fault<EndpointProblem>> {
    match piece.strip_prefix("unix:") {
        Some(path) => unix(path, path.text),
        None => tcp(piece),
    }
}

/// `HOST:PORT` or `[IPV6]:PORT`.
pub(crate) fn tcp(piece: Piece<'_>) -> Result<Endpoint, Fault<EndpointProblem>> {
    let (host, port_piece) = host_and_rest(piece)?;
    let port_piece = port_piece.ok_or_else(|| piece.end().fault(EndpointProblem::NoPort))?;
    Ok(Endpoint::Tcp { host, port: port(port_piece)? })
}

/// A decimal number from 1 to 65535, without sign or white space.
pub(crate) fn port(piece: Piece<'_>) -> Result<NonZeroU16, Fault<EndpointProblem>> {
    if piece.is_empty() {
        return Err(piece.fault(EndpointProblem::NoPort));
    }
    if !piece.text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(piece.fault(EndpointProblem::PortNotANumber));
    }
    piece.text.parse().map_err(|_| piece.fault(EndpointProblem::PortOutOfRange))
}

/// A host without brackets that is no IPv6 address.
pub(crate) fn bare_host(piece: Piece<'_>) -> Result<Host, Fault<EndpointProblem>> {
    let text = piece.text;
    if text.is_empty() {
        return Err(piece.fault(EndpointProblem::NoHost));
    }
    if text.len() > HOST_BYTES_MAX {
        return Err(piece.fault(EndpointProblem::HostTooLong));
    }
    if let Some(at) = text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')) {
        return Err(piece.fault_at(at, EndpointProblem::HostCharacter));
    }
    // Before the IPv4 test, so that "1..2" is told about its dots.
    let relative = text.strip_suffix('.').unwrap_or(text);
    if relative.is_empty() || relative.split('.').any(str::is_empty) {
        return Err(piece.fault(EndpointProblem::EmptyLabel));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        // "127.1" and "10" are addresses to inet_aton and names to nobody.
        return text.parse().map(Host::V4).map_err(|_| piece.fault(EndpointProblem::BadIpv4));
    }
    Ok(Host::Name(HostName(text.into())))
}

/// Unix socket path; `shown` is where positions count, `path` what it decodes to.
pub(crate) fn unix(shown: Piece<'_>, path: &str) -> Result<Endpoint, Fault<EndpointProblem>> {
    if path.is_empty() {
        return Err(shown.fault(EndpointProblem::NoPath));
    }
    if path.len() > PATH_BYTES_MAX {
        return Err(shown.fault(EndpointProblem::PathTooLong));
    }
    if path.contains(char::is_control) {
        return Err(shown.fault(EndpointProblem::PathCharacter));
    }
    Ok(Endpoint::Unix(SocketPath(path.into())))
}

/// The host, and what follows its colon.
fn host_and_rest(piece: Piece<'_>) -> Result<(Host, Option<Piece<'_>>), Fault<EndpointProblem>> {
    if piece.is_empty() {
        return Err(piece.fault(EndpointProblem::Empty));
    }
    if let Some(inside) = piece.strip_prefix("[") {
        let (address, rest) =
            inside.split_once(']').ok_or_else(|| piece.fault_at(0, EndpointProblem::BracketOpen))?;
        let host = ipv6(address)?;
        return match rest.strip_prefix(":") {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(rest.fault(EndpointProblem::AfterBracket)),
        };
    }
    match piece.split_once(':') {
        Some((_, rest)) if rest.text.contains(':') => Err(piece.fault(EndpointProblem::BracketsMissing)),
        Some((host, port)) => Ok((bare_host(host)?, Some(port))),
        None => Ok((bare_host(piece)?, None)),
    }
}

fn ipv6(piece: Piece<'_>) -> Result<Host, Fault<EndpointProblem>> {
    if let Some(at) = piece.text.find('%') {
        return Err(piece.split_at(at).1.fault(EndpointProblem::Ipv6Zone));
    }
    piece.text.parse::<Ipv6Addr>().map(Host::V6).map_err(|_| piece.fault(EndpointProblem::BadIpv6))
}

//! `--check http:/PATH`: one request, of whose answer the status line counts.
//!
//! Written by hand: of HTTP/1.1 this takes one line each way, and a client would bring a pool of connections that a check
//! must not use.

use std::fmt;

use peerset_cluster::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{CheckError, Lookup, stream};

/// A status line that is longer is none.
const LINE_BYTES_MAX: usize = 1024;

/// What follows the host in a URL: begins with a slash and has only visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpPath(String);

impl HttpPath {
    pub(super) fn new(path: &str) -> Option<HttpPath> {
        let plain = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then(|| HttpPath(path.to_owned()))
    }
}

impl fmt::Display for HttpPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Asks once, over a connection of its own.
pub(super) async fn check(target: &Endpoint, lookup: &Lookup, path: &HttpPath) -> Result<(), CheckError> {
    let mut stream = stream::connect(target, lookup).await?;
    let host = match target {
        Endpoint::Unix(_) => "localhost".to_owned(),
        tcp => tcp.to_string(),
    };
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: peerset/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        let mut more = [0; LINE_BYTES_MAX];
        let read = stream.read(&mut more).await?;
        answer.extend_from_slice(&more[..read]);
        let line = answer.iter().position(|&byte| byte == b'\n').map(|end| &answer[..end]);
        match line {
            Some(line) => return verdict(line),
            None if answer.is_empty() => return Err(CheckError::Closed),
            None if read == 0 || answer.len() >= LINE_BYTES_MAX => return verdict(&answer),
            None => {}
        }
    }
}

/// What a status line says (RFC 9112, section 4).
fn verdict(line: &[u8]) -> Result<(), CheckError> {
    let line = String::from_utf8_lossy(&line[..line.len().min(100)]);
    let line = line.trim_end();
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    match status {
        Some(status) if status.len() == 3 && status.starts_with('2') => Ok(()),
        _ => Err(CheckError::Answered(line.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, healthy: bool) {
        let verdict = verdict(line.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(verdict, if healthy { Ok(()) } else { Err(format!("it answered {:?}", line.trim_end())) });
    }

    #[test]
    fn only_success_is_healthy() {
        check("HTTP/1.1 200 OK\r", true);
        check("HTTP/1.0 204 No Content\r", true);
        check("HTTP/1.1 299", true);
        check("HTTP/1.1 301 Moved Permanently\r", false);
        check("HTTP/1.1 503 Service Unavailable\r", false);
        check("HTTP/1.1 2000 Odd\r", false);
        check("HTTP/1.1", false);
        check("ERROR\r", false);
        check("SSH-2.0-OpenSSH_9.2 200", false);
    }
}

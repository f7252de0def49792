//! `--check memcached`: a `get` of a key that nobody has.

use peerset_cluster::{Endpoint, MemberId};
use peerset_proto_memcache::reply::Reply;
use peerset_proto_memcache::{Limits, Parsed, parse_reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{CheckError, Lookup, stream};

/// What is read at a time; an answer to this question has five bytes.
const READ_BYTES: usize = 512;

/// Asks, and is content with a miss. A key of its own each time, so that nothing in between can answer from memory.
pub(super) async fn check(target: &Endpoint, lookup: &Lookup) -> Result<(), CheckError> {
    let mut stream = stream::connect(target, lookup).await?;
    stream.write_all(format!("get peerset-check-{}\r\n", MemberId::random()).as_bytes()).await?;
    let mut buffer = Vec::new();
    loop {
        match verdict(&buffer) {
            Some(verdict) => return verdict,
            None if buffer.len() > READ_BYTES => return Err(CheckError::Answered(shown(&buffer))),
            None => {}
        }
        let mut more = [0; READ_BYTES];
        match stream.read(&mut more).await? {
            0 if buffer.is_empty() => return Err(CheckError::Closed),
            0 => return Err(CheckError::Answered(shown(&buffer))),
            read => buffer.extend_from_slice(&more[..read]),
        }
    }
}

/// What the answer says; none while it is not complete.
fn verdict(answer: &[u8]) -> Option<Result<(), CheckError>> {
    match parse_reply(answer, &Limits::default()) {
        Ok(Parsed::Incomplete { .. }) => None,
        Ok(Parsed::Complete { value: Reply::End, .. }) => Some(Ok(())),
        Ok(Parsed::Complete { .. }) | Err(_) => Some(Err(CheckError::Answered(shown(answer)))),
    }
}

/// The first line of an answer, or what there is of it.
fn shown(answer: &[u8]) -> String {
    let line = answer.split(|&byte| byte == b'\r' || byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(&line[..line.len().min(100)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Option<Result<(), &str>>) {
        let verdict = verdict(answer.as_bytes()).map(|verdict| verdict.map_err(|error| error.to_string()));
        assert_eq!(verdict, expected.map(|verdict| verdict.map_err(str::to_owned)), "{answer:?}");
    }

    #[test]
    fn a_miss_is_healthy_and_nothing_else() {
        check("END\r\n", Some(Ok(())));
        check("EN", None);
        check("", None);
        check("SERVER_ERROR out of memory\r\n", Some(Err("it answered \"SERVER_ERROR out of memory\"")));
        check("CLIENT_ERROR unauthenticated\r\n", Some(Err("it answered \"CLIENT_ERROR unauthenticated\"")));
        check("HTTP/1.1 400 Bad Request\r\n", Some(Err("it answered \"HTTP/1.1 400 Bad Request\"")));
        check("SSH-2.0-OpenSSH_9.2\r\n", Some(Err("it answered \"SSH-2.0-OpenSSH_9.2\"")));
    }
}

//! What a client said.

use std::io::{self, BufRead, Read};

use super::Answer;

/// One request line, and the value behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// On which connection it came, from 0 in the order in which they were made.
    pub connection: usize,
    /// Which request of that connection it is, from 0.
    pub number: usize,
    /// The line without its end; bytes that are no UTF-8 are replaced.
    pub line: String,
    /// The value of a storing command, without its end.
    pub value: Vec<u8>,
}

impl Request {
    /// The words of the line.
    pub fn words(&self) -> Vec<&str> {
        self.line.split_ascii_whitespace().collect()
    }

    /// Reads the next one; none at the end of the connection.
    pub(super) fn read(
        input: &mut impl BufRead,
        connection: usize,
        number: usize,
    ) -> io::Result<Option<Request>> {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mut request = Request { connection, number, line, value: Vec::new() };
        if let Some(bytes) = request.value_bytes() {
            // Not reserved: what a line announces need not come.
            input.take(bytes + 2).read_to_end(&mut request.value)?;
            request.value.truncate(bytes as usize);
        }
        Ok(Some(request))
    }

    fn value_bytes(&self) -> Option<u64> {
        let words = self.words();
        let at = match *words.first()? {
            "ms" => 2,
            "set" | "add" | "replace" | "append" | "prepend" | "cas" => 4,
            _ => return None,
        };
        words.get(at)?.parse().ok()
    }
}

pub(super) fn answer_of_empty_memcached(request: &Request) -> Answer {
    let words = request.words();
    if words.last() == Some(&"noreply") {
        return Answer::silence();
    }
    let reply = match words.first().copied().unwrap_or_default() {
        "version" => "VERSION 1.6.18",
        "mn" => "MN",
        "get" | "gets" | "gat" | "gats" => "END",
        "set" | "add" => "STORED",
        "replace" | "append" | "prepend" => "NOT_STORED",
        "cas" | "delete" | "incr" | "decr" | "touch" => "NOT_FOUND",
        "flush_all" | "verbosity" => "OK",
        meta @ ("mg" | "ms" | "md" | "ma") => return answer_to_meta(meta, &words),
        _ => "ERROR",
    };
    Answer::reply(format!("{reply}\r\n"))
}

fn answer_to_meta(verb: &str, words: &[&str]) -> Answer {
    let (key, flags) = (words.get(1).copied().unwrap_or_default(), words.get(2..).unwrap_or_default());
    let flags = if verb == "ms" { flags.get(1..).unwrap_or_default() } else { flags };
    // Quiet about what is expected: a miss of mg, a success of ms. That nothing was found is told all the same.
    let (status, quiet) = match verb {
        "mg" => ("EN", flags.contains(&"q")),
        "ms" => ("HD", flags.contains(&"q")),
        _ => ("NF", false),
    };
    if quiet {
        return Answer::silence();
    }
    let mut reply = status.to_owned();
    for flag in flags {
        match flag.as_bytes().first() {
            Some(b'O') => reply += &format!(" {flag}"),
            Some(b'k') => reply += &format!(" k{key}"),
            Some(b'b') => reply += " b",
            _ => {}
        }
    }
    Answer::reply(reply + "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sent: &str, expected: &[(&str, &str)]) {
        let mut input = sent.as_bytes();
        let found: Vec<_> = (0..).map_while(|n| Request::read(&mut input, 0, n).unwrap()).collect();
        let found: Vec<_> =
            found.iter().map(|r| (r.line.as_str(), std::str::from_utf8(&r.value).unwrap())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_belong_to_their_lines() {
        check("get a b\r\nmn\r\n", &[("get a b", ""), ("mn", "")]);
        check(
            "set a 0 0 4\r\nx\r\ny\r\nms b 2 T0\r\nzz\r\n",
            &[("set a 0 0 4", "x\r\ny"), ("ms b 2 T0", "zz")],
        );
        check("set a 0 0 10\r\nx\r\n", &[("set a 0 0 10", "x\r\n")]);
    }

    #[test]
    fn an_empty_server_answers_like_memcached() {
        let check = |line: &str, expected: &str| {
            let request = Request { connection: 0, number: 0, line: line.into(), value: Vec::new() };
            assert_eq!(answer_of_empty_memcached(&request), Answer::reply(expected), "{line}");
        };
        check("mg a v O7 k", "EN O7 ka\r\n");
        check("mg a v q", "");
        check("ms a 2 T0 O7 k", "HD O7 ka\r\n");
        check("md a q", "NF\r\n");
        check("ms a 2 q", "");
        check("ma a O9", "NF O9\r\n");
        check("set a 0 0 1", "STORED\r\n");
        check("set a 0 0 1 noreply", "");
        check("nonesuch", "ERROR\r\n");
    }
}

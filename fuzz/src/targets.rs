//! What is fuzzed. A new target is a constant here, a folder in `corpus/`, a test in `tests/it/`, and a file in
//! `fuzz_targets/`.

/// A body, and what helps to find inputs for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// On the command line, and as the folder in `corpus/` and `artifacts/`.
    pub name: &'static str,
    /// In a line, for the list of targets.
    pub what: &'static str,
    /// Panics when something is wrong with the code under test. Any bytes are allowed.
    pub body: fn(&[u8]),
    /// Words to put in.
    pub tokens: &'static [&'static [u8]],
    /// Longer inputs are cut: time goes up with the length, and what a long input shows a short one does too. Long enough
    /// for each limit of the code to be passed.
    pub bytes_max: usize,
}

/// Every target, in the order of a run.
pub const TARGETS: &[Target] = &[PARSER, REPLIES, STORE, URLS, PLACEMENTS, ZNODES];

/// Requests as a server reads them.
pub const PARSER: Target = Target {
    name: "parser",
    what: "memcached requests: parse, split anywhere, encode, parse again",
    body: peerset_proto_memcache::fuzzing::check_request_stream,
    tokens: REQUEST_TOKENS,
    bytes_max: 4096,
};

/// Replies as a client reads them.
pub const REPLIES: Target = Target {
    name: "replies",
    what: "memcached replies: parse, split anywhere, encode, parse again",
    body: peerset_proto_memcache::fuzzing::check_reply_stream,
    tokens: REPLY_TOKENS,
    bytes_max: 4096,
};

/// Operations on the store, decoded from bytes of which any make some.
pub const STORE: Target = Target {
    name: "store",
    what: "sequences of operations on the store, compared with a simple model",
    body: peerset_store::fuzzing::check_operations,
    tokens: &[],
    bytes_max: 2048,
};

/// Discovery URLs and items of lists.
pub const URLS: Target = Target {
    name: "urls",
    what: "discovery URLs and items: read, write, read again",
    body: peerset_cluster::fuzzing::check_text,
    tokens: &[
        b"static:",
        b"file:",
        b"zk://",
        b"serverset://",
        b"etcd://",
        b"gossip://",
        b"dns://",
        b"dns+srv://_",
        b"elasticache://",
        b"aws-elasticache://",
        b"gce://",
        b"unix:",
        b"[::1]",
        b"?endpoint=",
        b"&shard=",
        b"@2.5",
        b"=name",
        b",",
        b"%2C",
        b":11211",
    ],
    bytes_max: 1024,
};

/// Names of placements with their options.
pub const PLACEMENTS: Target = Target {
    name: "placements",
    what: "placements and their options: read, write, read again",
    body: peerset_placement::fuzzing::check_spec,
    tokens: &[
        b"twemproxy",
        b"libmemcached",
        b"rendezvous",
        b"maglev",
        b":",
        b"hash=",
        b"md5",
        b"tag=",
        b"{}",
        b",",
        b"seed=",
    ],
    bytes_max: 256,
};

/// Members' znodes, as a registry hands them out.
pub const ZNODES: Target = Target {
    name: "znodes",
    what: "members' znodes: read, write, read again",
    body: peerset_discover_zookeeper::fuzzing::check_znode,
    tokens: &[
        b"{\"serviceEndpoint\":",
        b"{\"host\":\"h\",\"port\":1}",
        b",\"additionalEndpoints\":",
        b",\"status\":\"ALIVE\"",
        b",\"shard\":",
        b",\"metadata\":{",
        b"\"peerset.id\":",
        b"\"",
        b"}",
        b"null",
        b"-1",
        b"1e99",
        b"\\u0000",
    ],
    bytes_max: 4096,
};

const REQUEST_TOKENS: &[&[u8]] = &[
    b"get ",
    b"gets ",
    b"gat 0 ",
    b"gats 60 ",
    b"set k 0 0 1\r\nv\r\n",
    b"add ",
    b"append ",
    b"cas k 0 0 1 1\r\nv\r\n",
    b"delete ",
    b"incr k ",
    b"touch k ",
    b"flush_all",
    b"verbosity ",
    b"version\r\n",
    b"stats ",
    b"config get cluster\r\n",
    b"quit\r\n",
    b" noreply",
    b"mn\r\n",
    b"mg k ",
    b"ms k 1 ",
    b"md k ",
    b"ma k ",
    b"me k\r\n",
    b" b",
    b" k",
    b" v",
    b" f",
    b" c",
    b" s",
    b" t",
    b" q",
    b" x",
    b" I",
    b" T60",
    b" N30",
    b" R30",
    b" C1",
    b" E2",
    b" F7",
    b" J5",
    b" D2",
    b" MA",
    b" MS",
    b" M+",
    b" Oopaque",
    b" P",
    b" L",
    b"Zm9v",
    b"\r\n",
    b"\n",
    b" ",
    b"\t",
    b"\0",
    b"\x80\x00",
    b"GET / HTTP/1.1\r\n",
    b"Host: x\r\n",
];

const REPLY_TOKENS: &[&[u8]] = &[
    b"VALUE k 0 1\r\nv\r\n",
    b"VALUE k 0 1 9\r\nv\r\n",
    b"END\r\n",
    b"STORED\r\n",
    b"NOT_FOUND\r\n",
    b"STAT name value\r\n",
    b"VERSION 1\r\n",
    b"ERROR\r\n",
    b"CLIENT_ERROR ",
    b"SERVER_ERROR ",
    b"CONFIG cluster 0 9\r\n1\nh|i|1\n\r\nEND\r\n",
    b"VA 1 ",
    b"HD",
    b"EN\r\n",
    b"NF",
    b"MN\r\n",
    b"ME k exp=-1\r\n",
    b" f1",
    b" c2",
    b" t-1",
    b" s1",
    b" W",
    b" X",
    b" Z",
    b" b",
    b" kZm9v",
    b" Oopaque",
    b"18446744073709551615\r\n",
    b"\r\n",
    b"\n",
    b" ",
    b"\0",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    #[test]
    fn every_target_has_a_corpus_within_its_bound() {
        for target in TARGETS {
            for seed in corpus::load(target.name).unwrap() {
                let len = seed.bytes.len();
                assert!(len <= target.bytes_max, "{}/{} is cut: {len} bytes", target.name, seed.name);
            }
        }
    }
}

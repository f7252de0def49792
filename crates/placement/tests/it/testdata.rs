//! Reads `testdata/`: keys, lists of servers, and vectors. A file that is missing or does not read is a failure.

use peerset_placement::{Server, Spec};
use std::fs;
use std::path::{Path, PathBuf};

/// What one program answered for one list of servers.
pub(crate) struct Vector {
    /// The name of the list.
    pub(crate) list: String,
    pub(crate) spec: Spec,
    /// Which of a key's owners this is about, from 1.
    pub(crate) rank: usize,
    /// Of each key in order; `None` where the program cannot be asked for it.
    pub(crate) owners: Vec<Option<usize>>,
}

/// All of them, in the order of `owners`.
pub(crate) fn keys() -> Vec<Vec<u8>> {
    read("keys.txt").lines().map(unescaped).collect()
}

/// The servers of `servers/LIST.txt`.
pub(crate) fn servers(list: &str) -> Vec<Server> {
    let text = read(&format!("servers/{list}.txt"));
    text.lines().filter(|line| !line.starts_with('#')).map(server).collect()
}

/// The vectors in `TOPIC/owners.txt`, whose form `vectors.py` describes.
pub(crate) fn vectors(topic: &str) -> Vec<Vector> {
    let text = read(&format!("{topic}/owners.txt"));
    text.lines().map(vector).collect()
}

/// Two servers that share a point, and keys that fall on it.
pub(crate) struct Tie {
    pub(crate) servers: Vec<Server>,
    pub(crate) spec: Spec,
    /// Each with its owner.
    pub(crate) keys: Vec<(String, usize)>,
}

/// The lines of `ties/ties.txt`.
pub(crate) fn ties() -> Vec<Tie> {
    read("ties/ties.txt").lines().map(tie).collect()
}

/// Every folder that has vectors.
pub(crate) fn topics() -> Vec<String> {
    let folders = fs::read_dir(place()).expect("testdata is there").map(|entry| entry.unwrap().path());
    let topics = folders.filter(|folder| folder.join("owners.txt").exists());
    topics.map(|folder| folder.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn read(path: &str) -> String {
    fs::read_to_string(place().join(path)).unwrap_or_else(|error| panic!("testdata/{path}: {error}"))
}

/// A line of keys.txt, where `\xNN` stands for a byte.
fn unescaped(line: &str) -> Vec<u8> {
    let mut parts = line.split("\\x");
    let mut key = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        key.push(u8::from_str_radix(&part[..2], 16).unwrap());
        key.extend_from_slice(&part.as_bytes()[2..]);
    }
    key
}

/// `HOST[/ADDRESS]:PORT[@WEIGHT][#SHARD][=NAME]`.
fn server(line: &str) -> Server {
    let (line, name) = cut(line, '=');
    let (line, shard) = cut(line, '#');
    let (line, weight) = cut(line, '@');
    let (host, port) = line.rsplit_once(':').unwrap();
    let (host, ip) = cut(host, '/');
    let mut server = Server::new(host, port.parse().unwrap());
    server.name = name.map(str::to_owned);
    server.ip = ip.map(str::to_owned);
    server.shard = shard.map(|shard| shard.parse().unwrap());
    server.weighing(weight.map_or(1.0, |weight| weight.parse().unwrap()))
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn vector(line: &str) -> Vector {
    let [list, placement, owners] = line.split(' ').collect::<Vec<_>>().try_into().expect("three words");
    let (spec, rank) = cut(placement, '/');
    let width = if servers(list).len() <= 36 { 1 } else { 2 };
    Vector {
        list: list.to_owned(),
        spec: spec.parse().unwrap_or_else(|error| panic!("{spec}: {error}")),
        rank: rank.map_or(1, |rank| rank.parse().unwrap()),
        owners: owners.as_bytes().chunks(width).map(index).collect(),
    }
}

fn tie(line: &str) -> Tie {
    let [servers, spec, keys, owners] = line.split(' ').collect::<Vec<_>>().try_into().expect("four words");
    let owners = owners.bytes().map(|digit| index(&[digit]).expect("a program was asked"));
    Tie {
        servers: servers.split(',').map(server).collect(),
        spec: spec.parse().unwrap_or_else(|error| panic!("{spec}: {error}")),
        keys: keys.split(',').map(str::to_owned).zip(owners).collect(),
    }
}

fn index(digits: &[u8]) -> Option<usize> {
    let digits = str::from_utf8(digits).unwrap();
    (!digits.starts_with('-')).then(|| usize::from_str_radix(digits, 36).unwrap())
}

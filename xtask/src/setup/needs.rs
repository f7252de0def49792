//! The list of what tests need, as data.

/// One thing that must be there before `cargo xtask test` can pass.
pub(crate) struct Need {
    /// The program looked for, or a file if it begins with `/`; for a Python package its name.
    pub(crate) name: &'static str,
    /// What uses it, for the reader of a log.
    pub(crate) why: &'static str,
    pub(crate) source: Source,
}

/// Where a need is installed from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// A system package; `service` is what its installation would leave running on a port that tests or tours use.
    Apt { package: &'static str, service: Option<&'static str> },
    /// A program from crates.io, at a version that this workspace's Rust can build; one that is there may have another.
    Cargo { package: &'static str, version: &'static str },
    /// A part of the Rust toolchain.
    Component(&'static str),
    /// A Python package at one version, in `target/python` and nowhere else.
    PyPi { package: &'static str, version: &'static str },
}

pub(crate) const NEEDS: &[Need] = &[
    Need { name: "cargo-clippy", why: "lints", source: Source::Component("clippy") },
    Need { name: "rustfmt", why: "formatting", source: Source::Component("rustfmt") },
    Need {
        name: "cargo-nextest",
        why: "runs the tests, each in a process of its own",
        source: Source::Cargo { package: "cargo-nextest", version: "0.9.143" },
    },
    Need {
        name: "memcached",
        why: "what `peerset serve` is compared with, byte for byte and in speed",
        source: Source::Apt { package: "memcached", service: Some("memcached") },
    },
    Need {
        name: "memccapable",
        why: "libmemcached's own test of a server",
        source: Source::Apt { package: "libmemcached-tools", service: None },
    },
    Need {
        name: "nutcracker",
        why: "twemproxy, what `peerset proxy` replaces and is compared with",
        source: Source::Apt { package: "nutcracker", service: Some("nutcracker") },
    },
    Need {
        name: "java",
        why: "runs ZooKeeper",
        source: Source::Apt { package: "default-jre-headless", service: None },
    },
    Need {
        // Not the package `zookeeper`, which is this and scripts, and pulls in Java's windows and sound.
        name: "/usr/share/java/zookeeper.jar",
        why: "ZooKeeper itself",
        source: Source::Apt { package: "libzookeeper-java", service: None },
    },
    Need {
        name: "strace",
        why: "counts system calls in benches",
        source: Source::Apt { package: "strace", service: None },
    },
    Need {
        name: "pkg-config",
        why: "finds OpenSSL",
        source: Source::Apt { package: "pkg-config", service: None },
    },
    Need {
        name: "/usr/include/openssl/ssl.h",
        why: "OpenSSL, which a client that `bench client` compares with is built on",
        source: Source::Apt { package: "libssl-dev", service: None },
    },
    Need {
        name: "openssl",
        why: "makes the certificates of a test",
        source: Source::Apt { package: "openssl", service: None },
    },
    Need {
        name: "kill",
        why: "sends servers the signals that halt and end them",
        source: Source::Apt { package: "procps", service: None },
    },
    Need {
        name: "python3",
        why: "runs a client library of another language",
        source: Source::Apt { package: "python3", service: None },
    },
    Need {
        name: "pymemcache",
        why: "a client library of another language",
        source: Source::PyPi { package: "pymemcache", version: "4.0.0" },
    },
    Need {
        name: "kazoo",
        why: "another implementation that writes and reads what is in ZooKeeper",
        source: Source::PyPi { package: "kazoo", version: "2.11.0" },
    },
    Need {
        name: "elasticache_auto_discovery",
        why: "a client that finds its servers by `config get cluster`",
        source: Source::PyPi { package: "elasticache_auto_discovery", version: "1.0.0" },
    },
];

impl Source {
    /// The command a person would type for it.
    pub(crate) fn by_hand(self) -> String {
        match self {
            Source::Apt { package, .. } => super::apt::by_hand(&[package]),
            Source::Cargo { package, version } => format!("cargo install --locked {package}@{version}"),
            Source::Component(component) => format!("rustup component add {component}"),
            Source::PyPi { package, version } => super::python::by_hand(package, version),
        }
    }
}

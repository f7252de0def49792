use std::path::Path;
use std::time::Duration;

use peerset_client_memcache::handshake::Auth;

use super::*;
use crate::cli::config_file::ConfigFile;

fn read(text: &str) -> ProxyConfig {
    let file = ConfigFile::parse(Path::new("f"), text.to_owned()).unwrap();
    file.proxy().unwrap_or_else(|error| panic!("{error}")).unwrap()
}

/// Two pools, on whose six lines the routes of a test follow.
const POOLS: &str = "[pools.east]\ndiscover = 'static:a:1'\n\n[pools.west]\ndiscover = 'static:b:1'\n\n";

/// The mistakes in `text` and nothing else: for each its place and some of its words.
#[track_caller]
fn check_mistakes(text: &str, expected: &[(&str, &str)]) {
    let file = ConfigFile::parse(Path::new("f"), text.to_owned());
    let error = file.and_then(|file| file.proxy()).expect_err("there is a mistake").to_string();
    let mut mistakes: Vec<String> = Vec::new();
    for line in error.lines().skip(1) {
        match line.strip_prefix("f:") {
            Some(mistake) => mistakes.push(mistake.to_owned()),
            None => *mistakes.last_mut().unwrap() += line,
        }
    }
    assert_eq!(mistakes.len(), expected.len(), "{error}");
    for (mistake, (place, words)) in mistakes.iter().zip(expected) {
        assert!(
            mistake.starts_with(&format!("{place}: ")) && mistake.contains(words),
            "{place} {words}\n{error}"
        );
    }
}

/// The same for what follows two pools; lines count from there.
#[track_caller]
fn check_routes(routes: &str, expected: &[(usize, usize, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(line, column, words)| (format!("{}:{column}", line + 6), *words)).collect();
    let expected: Vec<_> = expected.iter().map(|(place, words)| (&**place, *words)).collect();
    check_mistakes(&format!("{POOLS}{routes}"), &expected);
}

#[test]
fn a_pool_has_all_its_settings() {
    let config = read(
        "[pools.east]\ndiscover = ['static:a:1', 'file:/x']\nplacement = 'twemproxy:hash=md5'\ntimeout = '1s'\n\
         connect-timeout = '250ms'\nowner-down = 'next'\neject-after = 5\nretry-min = '50ms'\nretry-max = '1m'\n\
         queue = 1_000\nprefix = 'app:'\nauth = { user = 'u', password = 'p' }\ntls = false\nmeta = false\n",
    );
    let [pool] = &config.pools[..] else { panic!() };
    assert_eq!((&*pool.name, pool.urls.len(), pool.meta), ("east", 2, false));
    assert_eq!((pool.spec.to_string(), pool.owner_down), ("twemproxy:hash=md5".into(), OwnerDown::Next));
    let server = &pool.server;
    assert_eq!(server.request_timeout, Duration::from_secs(1));
    assert_eq!(server.connect_timeout, Duration::from_millis(250));
    assert_eq!(server.health.eject_after, 5);
    assert_eq!(
        (server.health.retry_min, server.health.retry_max),
        (Duration::from_millis(50), Duration::from_secs(60))
    );
    assert_eq!((server.queue_requests_max, &server.prefix[..]), (1000, &b"app:"[..]));
    assert_eq!(server.auth.as_ref().map(Auth::user), Some("u"));
    assert!(server.tls.is_none());
    assert_eq!(config.route, Route::shard("east"), "one pool needs no routes");
}

#[test]
fn a_drained_server_goes_with_any_placement() {
    for placement in ["twemproxy", "ketama", "jump", "mcset"] {
        read(&format!("[pools.x]\ndiscover = 'static:a:1,b:1@0'\nplacement = '{placement}'"));
    }
}

#[test]
fn routes_are_read() {
    #[track_caller]
    fn check(routes: &str, expected: &[&str]) {
        assert_eq!(read(&format!("{POOLS}{routes}")).route.explain(), expected);
    }
    check("[routes]\nshard = 'east'", &["all keys -> shard east"]);
    check("[routes]\nerror = 'gone'", &["all keys -> error \"gone\""]);
    check("[routes.main]\nnull = true", &["all keys -> null"]);
    check("[routes]\ndefault = 'east'", &["all keys -> shard east"]);
    check("[routes.main]\ndefault = { default = { null = true } }", &["all keys -> null"]);
    check(
        "[routes]\nprefix = { 'a:' = { default = 'east' } }\ndefault = 'west'",
        &["prefix a: -> shard east", "other keys -> shard west"],
    );
    check(
        "[routes]\nfailover = ['east', { shard = 'west' }]\non = 'miss'\nexpiry = '2s'",
        &["all keys -> failover(shard east, shard west for 2s on miss)"],
    );
    check(
        "[routes]\nfailover = ['east', 'west']\nexpiry = '0'",
        &["all keys -> failover(shard east, shard west on error)"],
    );
    check(
        "[routes]\nprefix = { 'z:' = 'east', 'a:' = { route = 'both' } }\ndefault = { null = true }\n\
         [routes.both]\nfailover = ['west', 'east']",
        &[
            "prefix z: -> shard east",
            "prefix a: -> failover(shard west, shard east for 10s on error)",
            "other keys -> null",
        ],
    );
    check(
        "[routes.main]\ndefault = 'west'\n[routes.main.prefix]\n'user:' = { failover = [{ route = 'e' }, { route = 'e' }] }\n\
         [routes.e]\nshard = 'east'",
        &["prefix user: -> failover(shard east, shard east for 10s on error)", "other keys -> shard west"],
    );
}

#[test]
fn wrong_pools_are_placed() {
    check_mistakes("[routes]\nshard = 'x'", &[("1:1", "routes and no pools")]);
    check_mistakes("[pools]", &[("1:1", "[pools.NAME]")]);
    check_mistakes("[pools]\nx = 7", &[("2:5", "table, not an integer")]);
    check_mistakes("[pools.x]\ntimeout = '1s'", &[("1:8", "write discover = ")]);
    check_mistakes("[pools.x]\ndiscover = []", &[("2:12", "empty")]);
    check_mistakes("[pools.'a b']\ndiscover = 'static:a:1'", &[("1:8", "letters")]);
    let doubled = format!("{}[pools]\n[pools]", POOLS.replace("west", "east"));
    check_mistakes(&doubled, &[("4:8", "east is already in this table"), ("8:2", "pools is already")]);
    check_mistakes(POOLS, &[("1:8", "no [routes]")]);
    check_mistakes(
        "[pools.x]\ndiscover = ['static:a:1,b:99999', 'sttic:a:1', 7]",
        &[("2:27", "item 2: the port is out of range"), ("2:36", "did you mean static"), ("2:48", "quotes")],
    );
    // An escaped text is not where it reads, so the whole of it is shown.
    check_mistakes("[pools.x]\ndiscover = \"static:a:1\\u002Cb:0\"", &[("2:12", "item 2")]);
    let pool = |rest: &str| format!("[pools.x]\ndiscover = 'static:a:1'\n{rest}");
    check_mistakes("[pools.x]\ndiscover = 'etcd://a:1/b'", &[("2:12", "no source for `etcd://a:1/b`")]);
    check_mistakes(
        "[pools.x]\ndiscover = ['zk://a:1/zookeeper/x', 'static:a:1']",
        &[("2:13", "belongs to ZooKeeper itself")],
    );
    check_mistakes(
        "[pools.x]\ndiscover = 'static:a:1,b:1@0.5'\nplacement = 'ketama'",
        &[("2:12", "server 1: weight 0.5, where ketama takes")],
    );
    check_mistakes(&pool("timeot = '1s'"), &[("3:1", "did you mean timeout?")]);
    check_mistakes(
        &pool("timeout = '1x'\nqueue = 0"),
        &[("3:11", "not a time"), ("4:9", "from 1 to 16777216")],
    );
    check_mistakes(&pool("timeout = '0'"), &[("3:11", "more than 0")]);
    check_mistakes(&pool("placement = 'ketma'"), &[("3:13", "did you mean ketama?")]);
    check_mistakes(&pool("owner-down = 'retry'"), &[("3:14", "miss, error or next")]);
    check_mistakes(&pool("retry-min = '1m'"), &[("1:8", "retry-max has to be no shorter than retry-min")]);
    check_mistakes(&pool("prefix = 'a b'"), &[("3:10", "key prefix")]);
    check_mistakes(&pool("meta = 'no'"), &[("3:8", "true or false")]);
    check_mistakes(&pool("auth = { user = 'u' }"), &[("3:8", "auth has no password")]);
    check_mistakes(&pool("auth = { user = 'u', password = 'a b' }"), &[("3:8", "the password")]);
    check_mistakes(&pool("discover-auth-file = '/no/such'"), &[("3:22", "cannot read /no/such")]);
    check_mistakes(&pool("discover-auth-file = '/dev/null'"), &[("3:22", "holds no credentials")]);
    // What is no text is not missing as well.
    check_mistakes(
        &pool("zk-tls-cert = 'c'\nzk-tls-key = 7"),
        &[("4:14", "a text in quotes, not an integer")],
    );
    check_mistakes(&pool("auth-file = '/no/such'"), &[("3:13", "cannot read /no/such")]);
    check_mistakes(
        &pool("auth-file = '/dev/null'\nauth = { user = 'u', password = 'p' }"),
        &[("3:13", "exclude each other"), ("3:13", "USER:PASSWORD")],
    );
    check_mistakes(&pool("tls = { ca = '/no/such' }"), &[("3:7", "/no/such")]);
    check_mistakes(&pool("tls = { cert = '/x' }"), &[("3:7", "go together")]);
    check_mistakes(&pool("tls = { cacert = '/x' }"), &[("3:9", "\"cacert\"")]);
}

#[test]
fn wrong_routes_are_placed() {
    check_routes(
        "[routes]\nshard = 'wset'",
        &[(2, 9, "did you mean west?  shard = 'wset'          ^^^^^^  there are east, west")],
    );
    check_routes(
        "[routes]\nshrad = 'west'",
        &[(1, 1, "no route for all keys"), (2, 1, "did you mean shard?")],
    );
    check_routes("[routes]", &[(1, 1, "no route for all keys")]);
    check_routes(
        "[routes]\nshard = 'east'\nnull = true",
        &[(3, 1, "two actions in one route, shard and null")],
    );
    check_routes("[routes]\nshard = 'east'\non = 'miss'", &[(3, 6, "`on` belongs to failover")]);
    check_routes("[routes]\ndefault = 'east'\non = 'miss'", &[(3, 6, "`on` belongs to failover")]);
    check_routes("[routes]\ndefault = 'east'\nshard = 'west'", &[(2, 11, "`default` belongs to prefix")]);
    check_routes("[routes]\nshard = 'east'\n[routes.main]\nshard = 'west'", &[(2, 1, "both here and in")]);
    check_routes(
        "[routes]\nnull = false\n[routes.x]\nerror = \"a\\nb\"",
        &[(2, 8, "null = true"), (4, 9, "one line")],
    );
    check_routes(
        "[routes]\nfailover = [7, {}, { shard = 'x', nul = true }]\non = 'mis'\nexpiry = 'soon'",
        &[
            (2, 13, "a pool's name or a table, not an integer"),
            (2, 16, "no action"),
            (2, 30, "no pool \"x\""),
            (2, 35, "did you mean null?"),
            (3, 6, "\"error\" or \"miss\""),
            (4, 10, "not a time"),
        ],
    );
    check_routes("[routes]\nfailover = []", &[(2, 12, "nobody to ask")]);
    check_routes("[routes]\nfailover = 'east'", &[(2, 12, "list of routes, not a string")]);
    check_routes("[routes]\nprefix = ['a']\ndefault = 'east'", &[(2, 10, "table of routes, not an array")]);
    check_routes("[routes]\nprefix = { 'a' = 'east' }", &[(2, 10, "write default = ")]);
    check_routes(
        "[routes]\ndefault = 'east'\n[routes.prefix]\n'' = 'east'\n'a b' = 'east'\n'é' = 'nowhere'",
        &[(4, 1, "empty"), (5, 1, "no key has spaces"), (6, 7, "no pool \"nowhere\"")],
    );
    check_routes(
        "[routes]\ndefault = 'east'\n[routes.prefix]\n'user:' = 'east'\n'user:' = 'west'",
        &[(5, 1, "already in this table")],
    );
    check_routes(
        "[routes]\nprefix = { 'u:' = 'east', 'u:' = 'west' }\ndefault = 'east'",
        &[(2, 27, "a prefix has one route")],
    );
}

#[test]
fn names_end_somewhere() {
    check_routes("[routes]\nroute = 'a'", &[(2, 9, "there are none")]);
    check_routes("[routes]\nroute = 'lef'\n[routes.left]\nshard = 'east'", &[(2, 9, "did you mean left?")]);
    check_routes(
        "[routes]\nroute = 'a'\n[routes.a]\nfailover = ['east', { route = 'b' }]\n[routes.b]\nroute = 'a'",
        &[(6, 9, "in a circle: a -> b -> a")],
    );
    check_routes("[routes.main]\nroute = 'main'", &[(2, 9, "main -> main")]);
    // Each name doubles what it stands for, so that a short file would be a very large route.
    let double =
        |n: u32| format!("[routes.r{n}]\nfailover = [{{ route = 'r{0}' }}, {{ route = 'r{0}' }}]\n", n + 1);
    let bomb: String = (0..14).map(double).collect();
    let file = format!("{POOLS}[routes]\nroute = 'r0'\n{bomb}[routes.r14]\nshard = 'east'");
    let error = ConfigFile::parse(Path::new("f"), file).unwrap().proxy().unwrap_err().to_string();
    assert!(error.contains("with all names written out there are more than 10000 routes"), "{error}");
    let chain = |n: u32| format!("[routes.r{n}]\nroute = 'r{}'\n", n + 1);
    let chain: String = (0..2_000).map(chain).collect();
    let file = format!("{POOLS}[routes]\nroute = 'r0'\n{chain}[routes.r2000]\nshard = 'east'");
    let error = ConfigFile::parse(Path::new("f"), file).unwrap().proxy().unwrap_err().to_string();
    assert!(error.contains("nested more than 64 deep"), "{error}");
    let nested = (0..16).fold("'east'".to_owned(), |inner, _| format!("{{ failover = [{inner}] }}"));
    check_routes(&format!("[routes]\nfailover = [{nested}]"), &[(1, 1, "more than 16 deep")]);
}

#[test]
fn what_is_probably_not_meant_is_told() {
    let warnings = read(&format!("{POOLS}[routes]\nshard = 'east'\n[routes.spare]\nshard = 'west'")).warnings;
    let places: Vec<_> = warnings.iter().map(|text| text.split(' ').next().unwrap()).collect();
    assert_eq!(places, ["f:4:8:", "f:9:9:"], "{warnings:?}");
    assert!(read(&format!("{POOLS}[routes]\nfailover = ['east', 'west']")).warnings.is_empty());
}

#[test]
fn a_password_is_never_shown() {
    let text = "[pools.x]\ndiscover = 'static:a:1'\nauth = { user = 'u', password = 'secret secret' }";
    let file = ConfigFile::parse(Path::new("f"), text.to_owned()).unwrap();
    let error = file.proxy().unwrap_err().to_string();
    assert!(!error.contains("secret") && error.contains("f:3:8"), "{error}");
    let with = |password| format!("{:?}", read(&text.replace("secret secret", password)).pools);
    assert!(!with("hidden").contains("hidden"), "{}", with("hidden"));
    assert_eq!(with("hidden"), with("hidden"));
    assert_ne!(with("hidden"), with("other"), "a new password is a new pool to who compares them so");

    let folder = peerset_testkit::TempDir::new().unwrap();
    let file = folder.path().join("auth");
    let with = |line: &str| {
        std::fs::write(&file, line).unwrap();
        let text = format!("[pools.x]\ndiscover = 'static:a:1'\nauth-file = '{}'", file.display());
        read(&text).pools.remove(0)
    };
    let (one, other) = (with("user:one\n"), with("user:other:than\nignored"));
    assert_eq!(one.server.auth.as_ref().map(Auth::user), Some("user"));
    assert_ne!(one.secrets, other.secrets);

    let with = |line: &str| {
        std::fs::write(&file, line).unwrap();
        let text = format!("[pools.x]\ndiscover = 'zk://z:1/a'\ndiscover-auth-file = '{}'", file.display());
        read(&text).pools.remove(0)
    };
    let (one, other) = (with("digest:user:hidden\n"), with("digest:user:other"));
    assert!(!format!("{one:?}").contains("hidden"), "{one:?}");
    assert_ne!(one.zookeeper, other.zookeeper);
}

#[test]
fn no_text_is_too_odd() {
    let whole = format!(
        "{POOLS}[pools.'é']\nauth = {{ user = 'u', password = 'p' }}\ntls = {{ ca = '/x' }}\ntimeout = \"1s\"\n\
         [routes]\nprefix = {{ 'a' = {{ route = 'b' }}, 'ü' = {{ null = true }} }}\ndefault = 'east'\n\
         [routes.b]\nfailover = ['east', {{ shard = 'west' }}]\non = 'miss'\nexpiry = '1s'\n"
    );
    let characters: Vec<char> = whole.chars().collect();
    let pieces =
        ["[", "]", "{", "}", "'", "\"", "=", "\n", "é", ".", ",", "\\u00e9", "[routes]\n", "''", "7", "\0"];
    let mut seed = 1_u64;
    let mut below = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % bound
    };
    for _ in 0..3_000 {
        let mut text = characters.clone();
        for _ in 0..=below(3) {
            let start = below(text.len());
            let end = (start + below(6)).min(text.len());
            text.splice(start..end, pieces[below(pieces.len())].chars());
        }
        // Whatever it is, it is told; no panic, and no mistake without words.
        let text: String = text.into_iter().collect();
        let read = ConfigFile::parse(Path::new("f"), text).and_then(|file| file.proxy());
        assert!(read.map_or_else(|error| error.to_string().contains("f:"), |_| true));
    }
}

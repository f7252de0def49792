use super::UrlProblem as P;
use super::*;
use crate::{EndpointProblem, ItemProblem, MemberIdError, PercentProblem, WeightError};
use proptest::prelude::*;

#[test]
fn reads_and_shows() {
    /// `shown` is what the URL becomes; the same if it is empty.
    fn check(input: &str, shown: &str) -> DiscoveryUrl {
        let url: DiscoveryUrl = input.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(url.to_string(), if shown.is_empty() { input } else { shown });
        assert_eq!(url.to_string().parse().as_ref(), Ok(&url));
        url
    }
    check("static:a:1", "");
    check("static:[0::1]:1@1=n,unix:/run/a%2Cb@2", "static:[::1]:1=n,unix:/run/a%2Cb@2");
    check("STATIC:A:1", "static:A:1");
    check("file:pool.txt", "");
    check("file:/a b/c%25", "file:/a%20b/c%25");
    check("file:///etc/pool", "file:/etc/pool");
    check("file:////etc/pool", "");
    check("file:C:\\pool#1", "file:C:\\pool%231");
    check("zk://a:1/p", "");
    check(
        "zk://a:1,[::1]:2181/p/é/q?shard=0&endpoint=x%26y",
        "zk://a:1,[::1]:2181/p/é/q?endpoint=x%26y&shard=0",
    );
    let url = check("zk://a:1/p%3Fq", "");
    assert!(matches!(url, DiscoveryUrl::Zk(ZkUrl { path, .. }) if path == "/p?q"));
    check("serverset://a:1/prod/cache?shard=7", "");
    check("etcd://a:1/p/q", "");
    check("etcds://a:1/p/", "etcds://a:1/p");
    let url = check("etcd://a:1//services/", "etcd://a:1//services");
    assert!(matches!(url, DiscoveryUrl::Etcd(EtcdUrl { prefix, .. }) if prefix == "/services"));
    check("etcd://a:1/p//", "");
    check("gossip://a:1,b:2", "");
    check("dns://cache.internal.:11211", "");
    check("dns+srv://_memcached._tcp.x.y", "");
    check("elasticache://a:1", "");
    check("aws-elasticache://eu-west-1/My-Cluster-1", "");
    check("gce://-/-", "");
    check("gce://p/z?meta.meta.a=1", "");
    let url = check(
        "gce://example.com:proj/zone-1?meta.a=1&tag=x&port=11211&tag=y&nic=nic0&meta.b=%3D",
        "gce://example.com:proj/zone-1?tag=x&tag=y&meta.a=1&meta.b=%3D&nic=nic0&port=11211",
    );
    assert!(
        matches!(url, DiscoveryUrl::Gce(GceUrl { metadata, .. }) if metadata[1] == ("b".into(), "=".into()))
    );
}

#[test]
fn says_what_is_wrong_where_and_with_which_part() {
    fn check(input: &str, part: &str, at: &str, problem: UrlProblem) {
        let error = input.parse::<DiscoveryUrl>().expect_err(input);
        let found = (error.part(), &input[error.position()], error.problem());
        assert_eq!(found, (part, at, problem), "{error}");
    }
    let character = |allowed| P::Character { allowed };

    check("", "scheme", "", P::NoScheme);
    check("pool", "scheme", "", P::NoScheme);
    check("/etc/pool", "scheme", "", P::MeantFile);
    check("./a:b", "scheme", "./a", P::MeantFile);
    check("cache1:11211", "scheme", "cache1", P::MeantStatic);
    check("[::1]:11211", "scheme", "[", P::MeantStatic);
    check(" zk://a:1/p", "scheme", " zk", P::UnknownScheme { nearest: Some("zk") });
    check("statik:a:1", "scheme", "statik", P::UnknownScheme { nearest: Some("static") });
    check("zookeeper://a:1/p", "scheme", "zookeeper", P::UnknownScheme { nearest: Some("zk") });
    check("http://a:1/p", "scheme", "http", P::UnknownScheme { nearest: None });
    check(":a", "scheme", "", P::UnknownScheme { nearest: None });

    check("static:", "item 1", "", P::Item(ItemProblem::Endpoint(EndpointProblem::Empty)));
    check("static://a:1", "scheme", "//", P::SlashesUnwanted);
    check(
        "static:a:1,b:70000",
        "item 2",
        "70000",
        P::Item(ItemProblem::Endpoint(EndpointProblem::PortOutOfRange)),
    );
    check("static:a:1@x", "item 1", "x", P::Item(ItemProblem::Weight(WeightError::NotANumber)));
    check("static:a:1=", "item 1", "", P::Item(ItemProblem::Name(MemberIdError::Empty)));
    check("static:a:1,a:1", "item 2", "a:1", P::Item(ItemProblem::DuplicateEndpoint));
    check("static:a:1=x?y", "parameters", "y", P::QueryUnwanted);

    check("file:", "path", "", P::Missing);
    check("file://host/p", "path", "host/p", P::FileHost);
    check("file:a?b", "parameters", "b", P::QueryUnwanted);
    check("file:a%b", "path", "%", P::Percent(PercentProblem::NotHex));
    check("file:a%00", "path", "a%00", P::Percent(PercentProblem::Control));
    check("file:a\nb", "path", "\n", P::Percent(PercentProblem::Control));

    check("zk:a:1/p", "scheme", "", P::SlashesMissing);
    check("zk:/a:1/p", "scheme", "", P::SlashesMissing);
    check("zk://", "server 1", "", P::Missing);
    check("zk:///p", "server 1", "", P::Missing);
    check("zk://a/p", "server 1", "", P::Endpoint(EndpointProblem::NoPort));
    check("zk://a:1,,b:1/p", "server 2", "", P::Missing);
    check("zk://a:1,b:0/p", "server 2", "0", P::Endpoint(EndpointProblem::PortOutOfRange));
    check("zk://::1:2181/p", "server 1", "::1:2181", P::Endpoint(EndpointProblem::BracketsMissing));
    check("zk://a%20b:1/p", "server 1", "%", P::Endpoint(EndpointProblem::HostCharacter));
    check("zk://me:secret@a:1/p", "credentials", "me:secret", P::Credentials);
    check("zk://a:1", "path", "", P::Missing);
    check("zk://a:1/", "path", "", P::Missing);
    check("zk://a:1//p", "path", "", P::EmptyPart);
    check("zk://a:1/p/", "path", "", P::EmptyPart);
    check("zk://a:1/p/../q", "path", "..", P::DotPart);
    check("zk://a:1/p/%2e", "path", "%2e", P::DotPart);
    check("zk://a:1/p%2Fq", "path", "p%2Fq", P::Slash);
    check("zk://a:1/p?", "parameter", "", P::UnknownParameter { nearest: None });
    check("zk://a:1/p?endpoit=x", "parameter", "endpoit", P::UnknownParameter { nearest: Some("endpoint") });
    check("zk://a:1/p?color=x", "parameter", "color", P::UnknownParameter { nearest: None });
    check("zk://a:1/p?shard", "parameter shard", "", P::NoValue);
    check("zk://a:1/p?shard=", "parameter shard", "", P::NoValue);
    check("zk://a:1/p?shard=-1", "parameter shard", "-1", P::NotANumber);
    check("zk://a:1/p?shard=+1", "parameter shard", "+1", P::NotANumber);
    check("zk://a:1/p?shard=4294967296", "parameter shard", "4294967296", P::NotANumber);
    check("zk://a:1/p?shard=1&shard=2", "parameter shard", "shard=2", P::Repeated);

    check("serverset://a:1", "environment", "", P::Missing);
    check("serverset://a:1/prod", "service", "", P::Missing);
    check("serverset://a:1/prod/", "service", "", P::Missing);
    check("serverset://a:1//cache", "environment", "", P::EmptyPart);
    check("serverset://a:1/prod/a/b", "path", "b", P::TooManyParts);
    check("serverset://a:1/prod/a%2Fb", "service", "a%2Fb", P::Slash);

    check("etcd://a:1", "prefix", "", P::Missing);
    check("etcd://a:1/", "prefix", "", P::Missing);
    check("etcd://a:1/p?x=1", "parameters", "x=1", P::QueryUnwanted);
    check("gossip://a:1/", "path", "", P::PathUnwanted);
    check("gossip://", "server 1", "", P::Missing);
    check("dns://a:1,b:1", "server", "a:1,b:1", P::Endpoint(EndpointProblem::BracketsMissing));
    check("dns://a", "server", "", P::Endpoint(EndpointProblem::NoPort));
    check("dns://", "server", "", P::Missing);
    check("dns+srv://cache.internal", "name", "cache.internal", P::NotSrv);
    check("dns+srv://_a._tcp", "name", "_a._tcp", P::NotSrv);
    check("dns+srv://10.0.0.1", "name", "10.0.0.1", P::NotSrv);
    check("dns+srv://_a._tcp.b:80", "name", ":", P::Endpoint(EndpointProblem::HostCharacter));
    check("elasticache://a:1/p", "path", "p", P::PathUnwanted);
    check("aws-elasticache://eu-west-1", "cluster id", "", P::Missing);
    check("aws-elasticache:///c", "region", "", P::Missing);
    check("aws-elasticache://eu_west/c", "region", "_", character("letters, digits and '-'"));
    check("aws-elasticache://eu-west-1/c/d", "cluster id", "/", character("letters, digits and '-'"));
    check("gce://p", "zone", "", P::Missing);
    check("gce://p/z?port=0", "parameter port", "0", P::Endpoint(EndpointProblem::PortOutOfRange));
    check("gce://p/z?meta.=x", "parameter", "meta.", P::UnknownParameter { nearest: Some("meta.") });
    check("gce://p/z?meta.a=1&meta.a=2", "parameter meta.a", "meta.a=2", P::Repeated);
    check("gce://p/z?tag=", "parameter tag", "", P::NoValue);
}

#[test]
fn the_caret_stands_under_the_place() {
    fn check(input: &str, picture: &str) {
        let message = input.parse::<DiscoveryUrl>().expect_err(input).to_string();
        let lines: Vec<_> = message.lines().skip(1).take(2).collect();
        assert_eq!(lines.join("\n"), picture, "{message}");
    }
    check("zk://é:1,b:0/p", "  zk://é:1,b:0/p\n       ^");
    check("zk://a:1", "  zk://a:1\n          ^");
    check("file:a\nb", "  file:a\u{fffd}b\n        ^");
    let long = "static:a:1,b:0,".to_owned() + &"c:1,".repeat(100);
    check(&long, &format!("  {}…\n               ^", &long[..14 + 60]));
    let late = "static:".to_owned() + &(1..100).map(|n| format!("h{n:02}:1,")).collect::<String>() + "b:0";
    check(&late, &format!("  …{}\n   {}^", &late[late.len() - 61..], " ".repeat(60)));
    let huge = "static:".to_owned() + &"a:1,".repeat(300_000);
    assert!(huge.parse::<DiscoveryUrl>().unwrap_err().to_string().len() < 500);
}

#[test]
fn an_unknown_scheme_lists_the_known() {
    let message = "http://a".parse::<DiscoveryUrl>().unwrap_err().to_string();
    for scheme in Scheme::ALL {
        assert!(message.contains(scheme.as_str()), "{message}");
    }
}

fn any_url() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(Scheme::ALL.map(Scheme::as_str).to_vec());
    (scheme, "(//)?[ab.:_,@=\\[\\]%/1]{0,12}", "(/[ab/%é1-]{0,6})?", "(\\?[a-z.=&%1]{0,12})?")
        .prop_map(|(scheme, authority, path, query)| format!("{scheme}:{authority}{path}{query}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_text_is_an_answer_and_answers_round_trip(text in prop_oneof![any_url(), "\\PC{0,30}", ".{0,30}"]) {
        match text.parse::<DiscoveryUrl>() {
            Ok(url) => prop_assert_eq!(url.to_string().parse(), Ok(url)),
            Err(error) => {
                let _ = &text[error.position()];
                prop_assert!(error.to_string().lines().count() >= 4);
            }
        }
    }

    #[test]
    fn a_mangled_example_never_panics(at in 0usize..12, cut in 0usize..60, junk in "\\PC?") {
        let example = Scheme::ALL[at].example();
        let cut = example.floor_char_boundary(cut.min(example.len()));
        let text = format!("{}{junk}{}", &example[..cut], &example[(cut + 1).min(example.len())..]);
        if let Ok(url) = text.parse::<DiscoveryUrl>() {
            prop_assert_eq!(url.to_string().parse(), Ok(url));
        }
    }
}

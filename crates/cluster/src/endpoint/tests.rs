use super::EndpointProblem as P;
use super::*;
use proptest::prelude::*;

#[test]
fn reads_and_shows() {
    fn check(input: &str, shown: &str) {
        let endpoint: Endpoint = input.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(endpoint.to_string(), shown);
    }
    check("cache1:11211", "cache1:11211");
    check("Cache-1.Example.com.:1", "Cache-1.Example.com.:1");
    check("_svc.a_b:65535", "_svc.a_b:65535");
    check("10.0.0.1:80", "10.0.0.1:80");
    check("[::1]:80", "[::1]:80");
    check("[2001:DB8:0:0::1]:80", "[2001:db8::1]:80");
    check("[::ffff:10.0.0.1]:80", "[::ffff:10.0.0.1]:80");
    check("unix:/run/a b.sock", "unix:/run/a b.sock");
    check("unix:relative", "unix:relative");
    check("host:00080", "host:80");
    check("unix:1", "unix:1"); // a host called "unix" needs a dot: unix.:1
    check("unix.:1", "unix.:1");
}

#[test]
fn says_what_is_wrong_and_where() {
    fn check(input: &str, problem: EndpointProblem, at: &str) {
        let error = input.parse::<Endpoint>().expect_err(input);
        assert_eq!((error.problem(), &input[error.position()]), (problem, at), "{error}");
    }
    check("", P::Empty, "");
    check(":80", P::NoHost, "");
    check("host", P::NoPort, "");
    check("host:", P::NoPort, "");
    check("[::1]", P::NoPort, "");
    check("host:http", P::PortNotANumber, "http");
    check("host:+1", P::PortNotANumber, "+1");
    check("host:-1", P::PortNotANumber, "-1");
    check("host:1 ", P::PortNotANumber, "1 ");
    check("host:0", P::PortOutOfRange, "0");
    check("host:65536", P::PortOutOfRange, "65536");
    check("host:99999999999999999999", P::PortOutOfRange, "99999999999999999999");
    check("::1:80", P::BracketsMissing, "::1:80");
    check("a:b:80", P::BracketsMissing, "a:b:80");
    check("[::1:80", P::BracketOpen, "[");
    check("[::1]80", P::AfterBracket, "80");
    check("[host]:80", P::BadIpv6, "host");
    check("[]:80", P::BadIpv6, "");
    check("[fe80::1%eth0]:80", P::Ipv6Zone, "%eth0");
    check("127.1:80", P::BadIpv4, "127.1");
    check("300.1.1.1:80", P::BadIpv4, "300.1.1.1");
    check("a b:80", P::HostCharacter, " ");
    check("hé:80", P::HostCharacter, "é");
    check("http://host:80", P::BracketsMissing, "http://host:80");
    check("a..b:80", P::EmptyLabel, "a..b");
    check(".:80", P::EmptyLabel, ".");
    check("unix:", P::NoPath, "");
    check("unix:/a\nb", P::PathCharacter, "/a\nb");
    check(&format!("{}:80", "a".repeat(254)), P::HostTooLong, &"a".repeat(254));
    check(&format!("unix:{}", "a".repeat(108)), P::PathTooLong, &"a".repeat(108));
}

#[test]
fn comes_from_parts() {
    fn check(host: &str, port: u16, expected: Result<&str, EndpointProblem>) {
        let found = Endpoint::tcp(host, port).map(|e| e.to_string()).map_err(|e| e.problem());
        assert_eq!(found, expected.map(String::from));
    }
    check("::1", 80, Ok("[::1]:80"));
    check("h", 80, Ok("h:80"));
    check("h", 0, Err(P::PortOutOfRange));
    check("[::1]", 80, Err(P::BadIpv6));
    let zoned: SocketAddr = "[fe80::1%3]:80".parse().unwrap();
    assert_eq!(Endpoint::try_from(zoned).unwrap_err().problem(), P::Ipv6Zone);
    let plain: SocketAddr = "[fe80::1]:80".parse().unwrap();
    assert_eq!(Endpoint::try_from(plain).unwrap().socket_addr(), Some(plain));
}

#[test]
fn sorts_addresses_by_number_then_names_then_sockets() {
    let sorted =
        ["10.0.0.2:9", "10.0.0.10:1", "10.0.0.10:9", "10.0.0.10:10", "[::1]:1", "a:2", "b:1", "unix:/a"];
    let mut endpoints: Vec<Endpoint> = sorted.iter().rev().map(|text| text.parse().unwrap()).collect();
    endpoints.sort();
    assert_eq!(endpoints.iter().map(ToString::to_string).collect::<Vec<_>>(), sorted);
}

proptest! {
    #[test]
    fn any_text_is_an_answer_and_answers_round_trip(text in ".{0,40}|[a:.\\[\\]0-9]{0,20}|unix:.{0,9}") {
        match text.parse::<Endpoint>() {
            Ok(endpoint) => prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint),
            Err(error) => { let _ = &text[error.position()]; }
        }
    }

    #[test]
    fn socket_addresses_round_trip(ip: IpAddr, port in 1u16..) {
        let addr = SocketAddr::new(ip, port);
        let endpoint = Endpoint::try_from(addr).unwrap();
        prop_assert_eq!(endpoint.socket_addr(), Some(addr));
        prop_assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
    }
}

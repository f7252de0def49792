//! Texts of placements with options, forth and back, and what is wrong with others.

use super::*;

#[test]
fn texts_come_back() {
    let check = |text: &str| {
        assert_eq!(text.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(text));
    };
    check("ketama");
    check("ketama:hash=crc,chars=unsigned");
    check("twemproxy:hash=crc32,distribution=modula,tag={}");
    check("twemproxy:tag=,,");
    check("twemproxy:tag==,");
    check("memcached-proxy-ring:hash=md5,omode=evcache,stop=|#|,points=40");
    check("spymemcached:hash=native,format=libmemcached");
    check("ketama-spy:weighted=true");
    check("pymemcache:keys=bytes");
    check("maglev:table=65537");
    check("mcrouter-ch3:salt=a=b");
}

#[test]
fn other_spellings_are_taken() {
    let check = |text: &str, expected: &str| {
        assert_eq!(text.parse::<Spec>().map(|spec| spec.to_string()).as_deref(), Ok(expected));
    };
    check("ketama:", "ketama");
    check("twemproxy:tag={},hash=crc32a,", "twemproxy:hash=crc32a,tag={}");
    check("stathat:hash=crc32", "stathat:hash=crc32a");
    check("finagle:hash=fnv1a-32", "finagle:hash=fnv1a_32");
    check("libmemcached:hash=default", "libmemcached:hash=one_at_a_time");
}

#[test]
fn errors_say_what_there_is() {
    let check = |text: &str, expected: &str| {
        assert_eq!(text.parse::<Spec>().unwrap_err().to_string(), expected);
    };
    check("ketana:hash=md5", "no placement \"ketana\"; did you mean ketama?");
    check("mcset:hash=md5", "mcset has no option \"hash\"; it has points");
    check("rendezvous:x", "rendezvous has no option \"x\"; it has none");
    check("stathat:points=0", "points=\"0\": write a whole number from 1");
    check("stathat:points", "points=\"\": write a whole number from 1");
    check("stathat:points=99999999999", "points=\"99999999999\": write a whole number from 1");
    check("stathat:hash=md5", "hash=\"md5\": write crc32a, or another of crc32a, fnv1a_32");
    check("twemproxy:tag={", "tag=\"{\": write two characters of ASCII");
    check("twemproxy:tag=€", "tag=\"€\": write two characters of ASCII");
    check("twemproxy:distribution=random", "distribution=\"random\": write ketama or modula");
}

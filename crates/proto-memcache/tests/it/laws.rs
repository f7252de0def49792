//! The laws of the parsers, over near-requests, near-replies and noise. See `fuzzing`.

use peerset_proto_memcache::{Limits, Parsed, Request, fuzzing, parse_request, request};
use proptest::prelude::*;
use request::{Key, Keys};

use super::generate;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn request_streams_obey(stream in generate::requests()) {
        fuzzing::check_request_stream(&stream);
    }

    #[test]
    fn reply_streams_obey(stream in generate::replies()) {
        fuzzing::check_reply_stream(&stream);
    }

    #[test]
    fn noise_obeys(stream in prop::collection::vec(any::<u8>(), 0..200)) {
        fuzzing::check_request_stream(&stream);
        fuzzing::check_reply_stream(&stream);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_multi_get_holds_its_keys(
        keys in prop::collection::vec(prop::collection::vec(b'!'..=b'~', 1..=250), 1..20),
        cas: bool,
        touch: Option<i32>,
    ) {
        let mut bytes = Vec::new();
        request::multi_get(&mut bytes, keys.iter().map(|key| Key::new(key).unwrap()), cas, touch);
        let Ok(Parsed::Complete { value: Request::Get(get), consumed }) = parse_request(&bytes, &Limits::default())
        else { panic!() };
        let parsed: Vec<_> = get.keys.iter().map(|key| key.as_bytes().to_vec()).collect();
        prop_assert_eq!((parsed, get.cas, get.touch, consumed), (keys, cas, touch, bytes.len()));
    }
}

#[test]
fn one_key_is_a_multi_get_of_one() {
    let key = Key::new(b"a").unwrap();
    assert_eq!(Keys::one(key).iter().collect::<Vec<_>>(), [key]);
}

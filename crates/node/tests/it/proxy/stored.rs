//! Values that say what they are.

/// A value that only this key can have, and only in this generation.
pub(super) fn value(key: &str, generation: u32) -> Vec<u8> {
    let mut value = format!("{key}={generation}=").into_bytes();
    // Of many lengths, some longer than what is forwarded at a time.
    let length = match generation % 17 {
        0 => 20_000,
        step => step as usize * 40,
    };
    let seed = key.bytes().fold(generation, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    value.extend((0..length as u32).map(|at| b'a' + (seed.wrapping_add(at) % 26) as u8));
    value
}

/// The generation of a key's value; none if it is not one, but another key's or damaged.
pub(super) fn generation(key: &str, found: &[u8]) -> Option<u32> {
    let rest = found.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
    let digits = rest.split(|&byte| byte == b'=').next()?;
    let generation = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (value(key, generation) == found).then_some(generation)
}

#[test]
fn a_value_is_of_one_key_and_whole() {
    for number in 0..40 {
        assert_eq!(generation("a:1", &value("a:1", number)), Some(number));
        assert_eq!(generation("a:2", &value("a:1", number)), None);
        let mut damaged = value("a:1", number);
        damaged.pop();
        assert_eq!(generation("a:1", &damaged), None);
    }
}

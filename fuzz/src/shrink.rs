//! Making a failing input small enough to read.

use crate::run::check;
use crate::targets::Target;
use std::panic;

/// Leaves pieces out, from halves down to single bytes, as long as the body still panics; at most `tries` runs of it.
///
/// Another panic than the first counts too: the smallest input that shows anything is worth most. Panics are not printed
/// meanwhile, for which the process-wide panic hook is replaced and then put back.
pub fn shrink(target: &Target, input: &[u8], tries: usize) -> Vec<u8> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let shrunk = leave_out(input, tries, |smaller| check(target, smaller).is_err());
    panic::set_hook(hook);
    shrunk
}

fn leave_out(input: &[u8], mut tries: usize, fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut smallest = input.to_vec();
    let mut piece = smallest.len().div_ceil(2);
    while piece > 0 {
        let before = smallest.len();
        let mut at = 0;
        while at < smallest.len() {
            if tries == 0 {
                return smallest;
            }
            tries -= 1;
            let end = (at + piece).min(smallest.len());
            let without = [&smallest[..at], &smallest[end..]].concat();
            if fails(&without) {
                smallest = without;
            } else {
                at = end;
            }
        }
        // Leaving out one byte may make another superfluous; larger pieces get a second look as smaller ones.
        if piece > 1 || smallest.len() == before {
            piece /= 2;
        }
    }
    smallest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_what_fails() {
        let check = |input: &str, needed: &str, tries| {
            let fails = |bytes: &[u8]| needed.bytes().all(|byte| bytes.contains(&byte));
            String::from_utf8(leave_out(input.as_bytes(), tries, fails)).unwrap()
        };
        assert_eq!(check("the quick brown fox", "qf", 10_000), "qf");
        assert_eq!(check("aaaa", "", 10_000), "");
        assert_eq!(check("the quick brown fox", "qf", 0), "the quick brown fox");
    }
}

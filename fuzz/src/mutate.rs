//! Varying an input: blindly, and with some knowledge of what breaks parsers.

use fastrand::Rng;

/// Numbers at which lengths, counters and times go wrong; they take the place of numbers in text.
const NUMBERS: &[&str] = &[
    "-1",
    "0",
    "1",
    "00",
    "+1",
    "0x10",
    "250",
    "251",
    "1048576",
    "1048577",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
];

/// Makes inputs out of a corpus. The same seed makes the same inputs.
pub struct Mutator<'c> {
    rng: Rng,
    corpus: &'c [Vec<u8>],
    tokens: &'c [&'c [u8]],
    bytes_max: usize,
}

impl<'c> Mutator<'c> {
    /// `tokens` are words of the language that are put in; an input is cut at `bytes_max`.
    ///
    /// # Panics
    /// If the corpus is empty.
    pub fn new(seed: u64, corpus: &'c [Vec<u8>], tokens: &'c [&'c [u8]], bytes_max: usize) -> Mutator<'c> {
        assert!(!corpus.is_empty(), "there must be something to vary");
        Mutator { rng: Rng::with_seed(seed), corpus, tokens, bytes_max }
    }

    /// The next input: one of the corpus, changed one to eight times, more often a little than a lot.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.pick(self.corpus).clone();
        let changes = 1 + self.rng.u32(0..8).min(self.rng.u32(0..8));
        for _ in 0..changes {
            self.change(&mut input);
        }
        input.truncate(self.bytes_max);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        match self.rng.u32(0..13) {
            0 => self.flip_bit(input),
            1 => self.set_byte(input),
            2 => self.insert_bytes(input),
            3 | 4 => self.insert_token(input),
            5 | 6 => self.replace_number(input),
            7 => self.truncate(input),
            8 => self.delete_range(input),
            9 => self.repeat_range(input),
            10 => self.splice(input),
            11 => self.rearrange_lines(input),
            _ => self.break_line_end(input),
        }
    }

    fn flip_bit(&mut self, input: &mut [u8]) {
        if !input.is_empty() {
            let at = self.rng.usize(..input.len());
            input[at] ^= 1 << self.rng.u32(0..8);
        }
    }

    fn set_byte(&mut self, input: &mut [u8]) {
        if !input.is_empty() {
            let at = self.rng.usize(..input.len());
            input[at] = *self.pick(&[0, 1, b' ', b'\r', b'\n', b'0', b'-', b'A', 0x7f, 0x80, 0xff]);
        }
    }

    fn insert_bytes(&mut self, input: &mut Vec<u8>) {
        // Now and then as many as a key or a line may have, or one more.
        let count = *self.pick(&[1, 1, 2, 3, 8, 249, 250, 251, 2047, 2048]);
        let byte = self.rng.choice([b'a', b' ', b'0', self.rng.clone().u8(..)]).unwrap_or(b'a');
        let at = self.position(input);
        input.splice(at..at, std::iter::repeat_n(byte, count));
    }

    fn insert_token(&mut self, input: &mut Vec<u8>) {
        if !self.tokens.is_empty() {
            let token = *self.pick(self.tokens);
            let at = self.boundary(input);
            input.splice(at..at, token.iter().copied());
        }
    }

    fn replace_number(&mut self, input: &mut Vec<u8>) {
        let start = self.position(input);
        let Some(skipped) = input[start..].iter().position(u8::is_ascii_digit) else { return };
        let from = start + skipped;
        let digits = input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.pick(NUMBERS).bytes();
        input.splice(from..from + digits, number);
    }

    fn truncate(&mut self, input: &mut Vec<u8>) {
        let at = self.position(input);
        input.truncate(at);
    }

    fn delete_range(&mut self, input: &mut Vec<u8>) {
        let range = self.range(input);
        input.drain(range);
    }

    fn repeat_range(&mut self, input: &mut Vec<u8>) {
        let range = self.range(input);
        let piece = input[range.clone()].repeat(self.rng.usize(1..4));
        input.splice(range.end..range.end, piece);
    }

    /// The start of this input and the end of another.
    fn splice(&mut self, input: &mut Vec<u8>) {
        let other = self.pick(self.corpus);
        let (here, there) = (self.boundary(input), self.boundary(other));
        input.truncate(here);
        input.extend_from_slice(&other[there..]);
    }

    fn rearrange_lines(&mut self, input: &mut Vec<u8>) {
        let mut lines: Vec<&[u8]> = input.split_inclusive(|&byte| byte == b'\n').collect();
        if lines.len() > 1 {
            let (one, other) = (self.rng.usize(..lines.len()), self.rng.usize(..lines.len()));
            lines.swap(one, other);
            *input = lines.concat();
        }
    }

    fn break_line_end(&mut self, input: &mut Vec<u8>) {
        let ends: Vec<usize> = (0..input.len()).filter(|&at| input[at] == b'\n').collect();
        if let Some(&at) = self.rng.choice(&ends) {
            let start = if at > 0 && input[at - 1] == b'\r' { at - 1 } else { at };
            let end = self.pick::<&[u8]>(&[
                b"",
                b"\n",
                b"\r",
                b"\r\r\n",
                b"\n\r",
                b" \r\n",
                b"\r\n\r\n",
                b"\0\r\n",
            ]);
            input.splice(start..=at, end.iter().copied());
        }
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.rng.usize(..from.len())]
    }

    /// Any place, the end included.
    fn position(&mut self, input: &[u8]) -> usize {
        self.rng.usize(..=input.len())
    }

    /// Rather a place where a word begins or ends; any where there is none.
    fn boundary(&mut self, input: &[u8]) -> usize {
        let start = self.position(input);
        let word_end = |byte: &u8| matches!(byte, b' ' | b'\r' | b'\n');
        let next = input[start..].iter().position(word_end).map(|skipped| start + skipped);
        next.map_or(start, |at| at + usize::from(self.rng.bool()))
    }

    fn range(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.position(input);
        let longest = (input.len() - start).min(64);
        start..start + self.rng.usize(..=longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn inputs(seed: u64, bytes_max: usize) -> Vec<Vec<u8>> {
        let corpus = [b"set k 0 0 5\r\nhello\r\n".to_vec(), b"get k\r\n".to_vec(), Vec::new()];
        let mut mutator = Mutator::new(seed, &corpus, &[b"noreply"], bytes_max);
        (0..2000).map(|_| mutator.next_input()).collect()
    }

    #[test]
    fn a_seed_decides_every_input() {
        assert_eq!(inputs(7, 4096), inputs(7, 4096));
        assert_ne!(inputs(7, 4096), inputs(8, 4096));
    }

    #[test]
    fn inputs_vary_within_their_bound() {
        let inputs = inputs(1, 300);
        assert!(inputs.iter().all(|input| input.len() <= 300));
        assert!(inputs.iter().collect::<HashSet<_>>().len() > 1000, "most inputs differ");
        let some_has =
            |piece: &[u8]| inputs.iter().any(|input| input.windows(piece.len()).any(|seen| seen == piece));
        assert!(some_has(b"noreply"), "a token was put in");
        assert!(some_has(b"18446744073709551616"), "a number was replaced");
        assert!(some_has(b"\xff") && some_has(b"\0"), "odd bytes were put in");
    }
}

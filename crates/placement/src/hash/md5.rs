//! MD5, written for what placements hash: keys and labels, which fit one block of 64 bytes nearly always.
//!
//! Each of 64 steps waits for the one before, so that the length of that chain is the whole cost. The round functions are
//! therefore arranged to wait for the newest word as late as they can.

use super::le32;
use std::hint::black_box;

/// The MD5 digest (RFC 1321).
pub fn md5(key: &[u8]) -> [u8; 16] {
    let mut digest = [0; 16];
    for (bytes, word) in digest.chunks_exact_mut(4).zip(md5_words(key)) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    digest
}

/// The same as four little-endian words: the points that a ketama label gives. The first is what it hashes keys with.
pub fn md5_words(key: &[u8]) -> [u32; 4] {
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut blocks = key.chunks_exact(64);
    for block in blocks.by_ref() {
        let mut words = [0; 16];
        fill(&mut words, block);
        state = compress(state, &words);
    }
    let rest = blocks.remainder();
    let mut last = [0; 16];
    fill(&mut last, rest);
    // The bit behind the end.
    last[rest.len() / 4] |= 0x80 << (rest.len() % 4 * 8);
    if rest.len() >= 56 {
        state = compress(state, &last);
        last = [0; 16];
    }
    let bits = key.len() as u64 * 8;
    (last[14], last[15]) = (bits as u32, (bits >> 32) as u32);
    compress(state, &last)
}

fn fill(words: &mut [u32; 16], block: &[u8]) {
    for (word, bytes) in words.iter_mut().zip(block.chunks(4)) {
        *word = le32(bytes);
    }
}

fn compress(start: [u32; 4], words: &[u32; 16]) -> [u32; 4] {
    // Seen as constants, the sines would be added last of all, when everything waits.
    let sines = black_box(&SINES);
    let state = round::<0>(start, words, sines);
    let state = round::<1>(state, words, sines);
    let state = round::<2>(state, words, sines);
    let state = round::<3>(state, words, sines);
    std::array::from_fn(|at| start[at].wrapping_add(state[at]))
}

/// Sixteen steps. What a step adds that does not depend on the step before is made ready one step ahead.
#[inline(always)]
fn round<const ROUND: usize>(
    [mut a, mut b, mut c, mut d]: [u32; 4],
    words: &[u32; 16],
    sines: &[u32; 65],
) -> [u32; 4] {
    let prepare = |step: usize, a: u32, c: u32, d: u32| {
        let word = words[(step * [1, 5, 3, 7][ROUND] + [0, 1, 5, 0][ROUND]) % 16];
        let ready = a.wrapping_add(word).wrapping_add(sines[ROUND * 16 + step]);
        // Round 1 adds `b & d | c & !d`, whose halves have no bit in common: the second need not wait for `b`.
        if ROUND == 1 { ready.wrapping_add(c & !d) } else { ready }
    };
    let mut ready = prepare(0, a, c, d);
    for step in 0..16 {
        let waiting = match ROUND {
            0 => d ^ b & (c ^ d),
            1 => b & d,
            2 => b ^ (c ^ d),
            _ => c ^ (b | !d),
        };
        let next = b.wrapping_add(ready.wrapping_add(waiting).rotate_left(ROTATIONS[ROUND][step % 4]));
        (a, b, c, d) = (d, next, b, c);
        // After the last step this is not used.
        ready = prepare(step + 1, a, c, d);
    }
    [a, b, c, d]
}

const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The whole part of 2³² times the sine of 1, 2 … 64, and one more that is never added.
static SINES: [u32; 65] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
    0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_of_rfc_1321() {
        let check = |text: &str, expected: &str| {
            let digest: String = md5(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(digest, expected, "{text:?}");
        };
        check("", "d41d8cd98f00b204e9800998ecf8427e");
        check("a", "0cc175b9c0f1b6a831c399e269772661");
        check("abc", "900150983cd24fb0d6963f7d28e17f72");
        check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
        check("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
        check(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        );
        check(&"1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a");
        check(&"a".repeat(55), "ef1772b6dff9a122358552954ad0df65");
        check(&"a".repeat(64), "014842d480b571495a4a0363793f7367");
    }

    #[test]
    fn words_are_little_endian() {
        assert_eq!(md5_words(b"")[0], 0xd98c_1dd4);
    }
}

//! Bob Jenkins's SpookyHash V2, with which mcrouter's WeightedCh3 throws its dice.

use super::le64;

/// The lower 32 bits of [`spooky2_128`] with one seed for both halves.
pub fn spooky2_32(key: &[u8], seed: u32) -> u32 {
    spooky2_128(key, [seed.into(); 2]).0 as u32
}

/// Both halves of SpookyHash V2. Below 192 bytes it is a quicker function with a quarter of the state.
pub fn spooky2_128(key: &[u8], seeds: [u64; 2]) -> (u64, u64) {
    if key.len() < 2 * BLOCK_BYTES { short(key, seeds) } else { long(key, seeds) }
}

/// Stands where there is no seed and no key.
const FILLER: u64 = 0xdead_beef_dead_beef;
const BLOCK_BYTES: usize = 96;

fn short(key: &[u8], [mut a, mut b]: [u64; 2]) -> (u64, u64) {
    const MIX: [u32; 12] = [50, 52, 30, 41, 54, 48, 38, 37, 62, 34, 5, 36];
    const END: [u32; 11] = [15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63];
    let (mut c, mut d) = (FILLER, FILLER);
    let mut rest = key;
    while let Some((front, behind)) = rest.split_at_checked(16) {
        c = c.wrapping_add(le64(front));
        d = d.wrapping_add(le64(&front[8..]));
        for rotations in MIX.chunks_exact(4) {
            c = c.rotate_left(rotations[0]).wrapping_add(d);
            a ^= c;
            d = d.rotate_left(rotations[1]).wrapping_add(a);
            b ^= d;
            a = a.rotate_left(rotations[2]).wrapping_add(b);
            c ^= a;
            b = b.rotate_left(rotations[3]).wrapping_add(c);
            d ^= b;
        }
        rest = behind;
        // The second half of a whole group of 32 goes in unmixed.
        if let Some((front, behind)) = rest.split_at_checked(16) {
            a = a.wrapping_add(le64(front));
            b = b.wrapping_add(le64(&front[8..]));
            rest = behind;
        }
    }
    d = d.wrapping_add((key.len() as u64) << 56);
    if rest.is_empty() {
        (c, d) = (c.wrapping_add(FILLER), d.wrapping_add(FILLER));
    } else {
        let (low, high) = rest.split_at(rest.len().min(8));
        (c, d) = (c.wrapping_add(le64(low)), d.wrapping_add(le64(high)));
    }
    let mut state = [c, d, a, b];
    for (step, rotation) in END.into_iter().enumerate() {
        let (from, to) = (step % 4, (step + 1) % 4);
        state[to] ^= state[from];
        state[from] = state[from].rotate_left(rotation);
        state[to] = state[to].wrapping_add(state[from]);
    }
    (state[2], state[3])
}

fn long(key: &[u8], [one, two]: [u64; 2]) -> (u64, u64) {
    const MIX: [u32; 12] = [11, 32, 43, 31, 17, 28, 39, 57, 55, 54, 22, 46];
    const END: [u32; 12] = [44, 15, 34, 21, 38, 33, 10, 13, 38, 53, 42, 54];
    let mut state: [u64; 12] = std::array::from_fn(|at| [one, two, FILLER][at % 3]);
    let mut blocks = key.chunks_exact(BLOCK_BYTES);
    for block in blocks.by_ref() {
        for (at, word) in block.chunks_exact(8).enumerate() {
            state[at] = state[at].wrapping_add(le64(word));
            state[(at + 2) % 12] ^= state[(at + 10) % 12];
            state[(at + 11) % 12] ^= state[at];
            state[at] = state[at].rotate_left(MIX[at]);
            state[(at + 11) % 12] = state[(at + 11) % 12].wrapping_add(state[(at + 1) % 12]);
        }
    }
    let rest = blocks.remainder();
    let mut last = [0; BLOCK_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    last[BLOCK_BYTES - 1] = rest.len() as u8;
    for (place, word) in state.iter_mut().zip(last.chunks_exact(8)) {
        *place = place.wrapping_add(le64(word));
    }
    for (at, rotation) in END.into_iter().enumerate().cycle().take(3 * END.len()) {
        let (before, here, after) = ((at + 11) % 12, (at + 1) % 12, (at + 2) % 12);
        state[before] = state[before].wrapping_add(state[here]);
        state[after] ^= state[before];
        state[here] = state[here].rotate_left(rotation);
    }
    (state[0], state[1])
}

#[test]
fn the_authors_vectors() {
    let bytes: Vec<u8> = (0..511_u32).map(|at| (at + 128) as u8).collect();
    for (length, expected) in [
        (0, 0x6bf5_0919),
        (1, 0x70de_1d26),
        (15, 0x83ec_01f9),
        (16, 0xf274_736c),
        (31, 0x027b_ca7c),
        (32, 0xe5cf_c8b6),
        (63, 0x09c1_afb4),
        (191, 0xe13d_9e19),
        (192, 0x77e0_12bd),
        (193, 0x2d05_114c),
        (287, 0xc22c_642d),
        (288, 0x4788_0140),
        (511, 0xcc1c_8250),
    ] {
        assert_eq!(spooky2_32(&bytes[..length], 0), expected, "{length} bytes");
    }
}

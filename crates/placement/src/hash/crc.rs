//! CRC-32 as everyone computes it, what libmemcached keeps of it, and twemproxy's CRC-16.
//!
//! Eight bytes at a time through eight tables, 8 KiB. Crates for CRC-32 are made for long inputs and take keys, which are
//! short, byte by byte.

use super::le32;

/// CRC-32 (IEEE 802.3, reflected): Go's `ChecksumIEEE`, twemproxy's `crc32a`, Finagle's `CRC32_ITU`.
pub fn crc32(key: &[u8]) -> u32 {
    !update(!0, key)
}

/// [`crc32`] of one text behind another.
pub(crate) fn crc32_joined(key: &[u8], suffix: &[u8]) -> u32 {
    !update(update(!0, key), suffix)
}

/// The 15 upper bits but one of [`crc32`]: libmemcached's `crc`, twemproxy's `crc32`, spymemcached's `CRC_HASH`.
///
/// A ring of 32 bits searched with it uses only the first 32,768 positions, so that most of a ring's points own nothing.
pub fn crc32_15(key: &[u8]) -> u32 {
    crc32(key) >> 16 & 0x7fff
}

/// twemproxy's `crc16`: CRC-16/XMODEM in a register of 32 bits, whose upper half keeps what was shifted out.
pub fn crc16(key: &[u8]) -> u32 {
    key.iter().fold(0_u32, |crc, &byte| {
        let index = (crc >> 8 ^ u32::from(byte)) & 0xff;
        crc << 8 ^ u32::from(TABLE_16[index as usize])
    })
}

fn update(crc: u32, bytes: &[u8]) -> u32 {
    let at = |table: usize, byte: u32| TABLES_32[table][(byte & 0xff) as usize];
    let mut words = bytes.chunks_exact(8);
    let crc = words.by_ref().fold(crc, |crc, word| {
        let (low, high) = (crc ^ le32(word), le32(&word[4..]));
        at(7, low)
            ^ at(6, low >> 8)
            ^ at(5, low >> 16)
            ^ at(4, low >> 24)
            ^ at(3, high)
            ^ at(2, high >> 8)
            ^ at(1, high >> 16)
            ^ at(0, high >> 24)
    });
    words.remainder().iter().fold(crc, |crc, byte| crc >> 8 ^ at(0, crc ^ u32::from(*byte)))
}

/// The effect of a byte with no, one … seven bytes of 0 behind it.
static TABLES_32: [[u32; 256]; 8] = tables_32();

const fn tables_32() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut index = 0;
        while index < 256 {
            let before = tables[table - 1][index];
            tables[table][index] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            index += 1;
        }
        table += 1;
    }
    tables
}

static TABLE_16: [u16; 256] = table_16();

const fn table_16() -> [u16; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32_15(b"123456789"), 0x4bf4);
        assert_eq!(crc16(b"123456789") & 0xffff, 0x31c3);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
        assert_eq!(crc32_joined(b"The quick brown fox", b" jumps over the lazy dog"), 0x414f_a339);
        assert_eq!((crc32(b""), crc32_15(b""), crc16(b"")), (0, 0, 0));
    }
}

//! CRC-32 as everyone computes it, what libmemcached keeps of it, and twemproxy's CRC-16.

/// CRC-32 (IEEE 802.3, reflected): Go's `ChecksumIEEE`, twemproxy's `crc32a`, Finagle's `CRC32_ITU`.
pub fn crc32(key: &[u8]) -> u32 {
    crc32fast::hash(key)
}

/// [`crc32`] of one text behind another.
pub(crate) fn crc32_joined(key: &[u8], suffix: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(suffix);
    hasher.finalize()
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

const TABLE_16: [u16; 256] = table_16();

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
        assert_eq!((crc32(b""), crc32_15(b""), crc16(b"")), (0, 0, 0));
    }
}

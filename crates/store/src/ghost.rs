//! The keys evicted lately: what tells an item that came back from one that was never here.
//!
//! Only the tag of a key is remembered, in 4 bytes: buckets of eight, newest first, the oldest falling out. A tag's
//! bucket is found by its high bits, so the low ones tell keys apart; with 10,000 buckets a stranger is taken for a
//! returner once in 20,000 times, and then an item only gets a better place than it earned.

const BUCKET_LEN: usize = 8;
const TAG_BYTES: usize = size_of::<u32>();

/// A bounded set of tags that forgets the oldest.
pub(crate) struct Ghost {
    /// Buckets one after the other; 0 is free.
    tags: Vec<u32>,
    /// The bound, a multiple of the bucket.
    len_max: usize,
}

impl Ghost {
    /// Takes no memory until the first insertion, and never more than `bytes_max`.
    pub(crate) fn new(bytes_max: usize) -> Ghost {
        let len_max = bytes_max / TAG_BYTES / BUCKET_LEN * BUCKET_LEN;
        Ghost { tags: Vec::new(), len_max }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.tags.len() * TAG_BYTES
    }

    /// Forgets everything and gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.tags = Vec::new();
    }

    /// Remembers a tag. `items` is how many the shard holds: as many are worth remembering.
    pub(crate) fn insert(&mut self, tag: u32, items: usize) {
        if self.tags.len() < items / 2 || self.tags.is_empty() {
            self.grow(items);
        }
        self.push(tag);
    }

    /// Whether the tag is remembered; forgets it.
    pub(crate) fn take(&mut self, tag: u32) -> bool {
        let tag = tag.max(1);
        let Some(bucket) = self.bucket(tag) else { return false };
        let Some(at) = bucket.iter().position(|&other| other == tag) else { return false };
        bucket[at..].rotate_left(1);
        bucket[BUCKET_LEN - 1] = 0;
        true
    }

    fn push(&mut self, tag: u32) {
        let tag = tag.max(1);
        if let Some(bucket) = self.bucket(tag) {
            bucket.rotate_right(1);
            bucket[0] = tag;
        }
    }

    fn grow(&mut self, items: usize) {
        let len = items.next_multiple_of(BUCKET_LEN).clamp(BUCKET_LEN, self.len_max.max(BUCKET_LEN));
        if len > self.len_max || len == self.tags.len() {
            return;
        }
        let old = std::mem::replace(&mut self.tags, vec![0; len]);
        // From the back, so that the newest of a bucket is pushed last and stays first.
        old.into_iter().rev().filter(|&tag| tag != 0).for_each(|tag| self.push(tag));
    }

    fn bucket(&mut self, tag: u32) -> Option<&mut [u32]> {
        let buckets = self.tags.len() / BUCKET_LEN;
        let at = ((u64::from(tag) * buckets as u64) >> 32) as usize;
        self.tags.chunks_exact_mut(BUCKET_LEN).nth(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_newest_within_its_bound() {
        let mut ghost = Ghost::new(4096);
        let tags: Vec<u32> = (1..5000u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect();
        tags.iter().for_each(|&tag| ghost.insert(tag, 5000));
        assert!(ghost.bytes() <= 4096);
        let known = tags.iter().rev().take(300).filter(|&&tag| ghost.take(tag)).count();
        assert!(known > 290, "{known} of the newest 300");
        assert!(!ghost.take(tags[0]), "the first was forgotten");
        assert!(!ghost.take(*tags.last().unwrap()), "taken once already");
    }

    #[test]
    fn growing_forgets_nothing() {
        let mut ghost = Ghost::new(1 << 20);
        let tags: Vec<u32> = (1..100u32).map(|n| n.wrapping_mul(0x9E37_79B9)).collect();
        tags.iter().for_each(|&tag| ghost.insert(tag, 1000));
        let before = ghost.bytes();
        ghost.insert(7, 10_000);
        assert!(ghost.bytes() > before);
        assert_eq!(tags.iter().filter(|&&tag| ghost.take(tag)).count(), tags.len());
    }
}

//! The body of the fuzz target that reads discovery URLs and items.

use crate::{DiscoveryUrl, Item};

/// Reads bytes as a discovery URL and as an item of a list. What is read must read the same after it was written, and an
/// error must tell a place inside the text.
///
/// # Panics
/// If something is wrong with the code under test.
pub fn check_text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<DiscoveryUrl>() {
        Ok(url) => assert_eq!(url.to_string().parse().as_ref(), Ok(&url), "{text:?} as {url}"),
        Err(error) => assert!(!error.to_string().is_empty(), "{text:?}"),
    }
    match text.parse::<Item>() {
        Ok(item) => assert_eq!(item.to_string().parse().as_ref(), Ok(&item), "{text:?} as {item}"),
        Err(error) => assert!(error.position().end <= text.len(), "{text:?}: {error}"),
    }
}

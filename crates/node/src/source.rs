//! The source that a discovery URL names.

use std::sync::Arc;

use peerset_cluster::{Discover, DiscoveryUrl, FileSource, StaticSource, Union};

/// A URL that this version cannot follow.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("this version has no source for `{0}`: write the servers as static:HOST:PORT,… or file:PATH")]
    NoSource(String),
    #[error("`{0}` cannot be followed")]
    Open(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Opens a source. Has to be called on the runtime that will drive it.
pub(crate) fn open(url: &DiscoveryUrl) -> Result<Arc<dyn Discover>, SourceError> {
    match url {
        DiscoveryUrl::Static(list) => match StaticSource::new(&list.items) {
            Ok(source) => Ok(Arc::new(source)),
            Err(error) => Err(SourceError::Open(url.to_string(), error.into())),
        },
        DiscoveryUrl::File(file) => match FileSource::open(&file.path) {
            Ok(source) => Ok(Arc::new(source)),
            Err(error) => Err(SourceError::Open(url.to_string(), error.into())),
        },
        other => Err(SourceError::NoSource(other.to_string())),
    }
}

/// Opens several as one: their union, in which each keeps its own last set when it fails.
pub(crate) fn open_all(name: &str, urls: &[DiscoveryUrl]) -> Result<Arc<dyn Discover>, SourceError> {
    if let [one] = urls {
        return open(one);
    }
    let sources = urls.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    match Union::new(name, sources) {
        Ok(union) => Ok(Arc::new(union)),
        Err(error) => Err(SourceError::Open(name.to_owned(), error.into())),
    }
}

//! A source's first answer, waited for with patience and not in silence.

use std::time::Duration;

use peerset_cluster::{Closed, DiscoveryUrl, Snapshot, Watch};
use tokio::time::{sleep, timeout};

use crate::source::{self, Look};

/// A source that takes longer is worth a word to whoever waits.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("`{url}` has not answered within {limit:?}{}", because(.trouble))]
    Limit { url: String, limit: Duration, trouble: Option<String> },
    #[error(transparent)]
    Closed(#[from] Closed),
}

fn because(trouble: &Option<String>) -> String {
    trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default()
}

/// The first snapshot that is not pending. Says so on stderr when that takes a while.
pub(crate) async fn first(
    watch: &mut Watch,
    url: &DiscoveryUrl,
    look: &Look,
    limit: Option<Duration>,
) -> Result<Snapshot, NoAnswer> {
    let note = async {
        sleep(SILENCE).await;
        note_waiting(url);
        std::future::pending().await
    };
    let answer = async {
        tokio::select! {
            biased;
            answer = watch.answer() => Ok(answer?),
            never = note => never,
        }
    };
    let Some(limit) = limit else { return answer.await };
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(NoAnswer::Limit { url: url.to_string(), limit, trouble: source::trouble(url, look) }),
    }
}

/// Says that there is no answer yet.
pub(crate) fn note_waiting(url: &DiscoveryUrl) {
    tracing::info!("waiting for an answer of {url}");
}

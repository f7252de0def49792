//! A source's first answer, waited for with patience and not in silence.

use std::time::Duration;

use peerset_cluster::{Closed, Snapshot, Watch};
use tokio::time::{sleep, timeout};

use crate::source::Source;

/// A source that takes longer is worth a word to whoever waits.
pub(crate) const SILENCE: Duration = Duration::from_secs(1);

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("`{url}` has not answered within {limit:?}{}", because(.trouble))]
    Limit { url: String, limit: Duration, trouble: Option<String> },
    #[error("`{url}` gives no answer: {reason}")]
    Refused { url: String, reason: String },
    #[error(transparent)]
    Closed(#[from] Closed),
}

fn because(trouble: &Option<String>) -> String {
    trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default()
}

/// The first snapshot that is not pending. Says so on stderr when that takes a while. A registry that answers, but not
/// us, is not waited for.
pub(crate) async fn first(
    source: &Source,
    watch: &mut Watch,
    limit: Option<Duration>,
) -> Result<Snapshot, NoAnswer> {
    let note = async {
        sleep(SILENCE).await;
        note_waiting(source);
        std::future::pending().await
    };
    let answer = async {
        tokio::select! {
            biased;
            answer = watch.answer() => Ok(answer?),
            reason = source.refused() => Err(NoAnswer::Refused { url: source.url().to_string(), reason }),
            never = note => never,
        }
    };
    let Some(limit) = limit else { return answer.await };
    match timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(NoAnswer::Limit { url: source.url().to_string(), limit, trouble: source.trouble() }),
    }
}

/// Says that there is no answer yet, and why.
pub(crate) fn note_waiting(source: &Source) {
    tracing::info!("waiting for an answer from {}{}", source.url(), because(&source.trouble()));
}

//! The admin pages, over HTTP on a port of their own.
//!
//! | path | answers |
//! |---|---|
//! | `/` | this list |
//! | `/metrics` | counters and gauges in the Prometheus text format |
//! | `/healthz` | 200 while the process runs |
//! | `/readyz` | 200 while requests are taken, 503 while the process drains |
//! | `/api/members` | of a proxy: its pools and their members, as JSON |
//! | `/api/locate?key=K` | of a proxy: where a key goes, as JSON |

mod listener;
mod metrics;
mod page;
mod proxy;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

pub(crate) use listener::{BoundedListener, CONNECTIONS_MAX};
pub(crate) use proxy::router as proxy_router;

use crate::serve::Node;

const INDEX: &str = "peerset admin pages\n\n/metrics  counters and gauges (Prometheus)\n/healthz  200 while the process runs\n/readyz   200 while requests are taken, 503 while draining\n";

/// The pages of one node.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route("/metrics", get(metrics_page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready_page))
        .fallback(|| async { (StatusCode::NOT_FOUND, INDEX) })
        .with_state(node)
}

async fn ready_page(State(node): State<Arc<Node>>) -> impl IntoResponse {
    if node.draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics_page(State(node): State<Arc<Node>>) -> Response {
    metrics_response(metrics::render(&node))
}

fn metrics_response(page: Result<String, std::fmt::Error>) -> Response {
    match page {
        Ok(text) => ([(header::CONTENT_TYPE, page::CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

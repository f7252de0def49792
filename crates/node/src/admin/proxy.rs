//! The pages of a proxy.

mod metrics;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use peerset_route::{Ask, Operation, PoolId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::output;
use crate::proxy::{Pool, Proxy};

const INDEX: &str = "peerset admin pages\n\n/metrics           counters and gauges (Prometheus)\n/healthz           200 while the process runs\n/readyz            200 while requests are taken, 503 while draining or before the pools are known\n/api/members       pools and their members\n/api/locate?key=K  where a key goes\n";

/// Owners of a key that are named, the first and those after it.
const OWNERS_MAX: usize = 3;

/// The pages of one proxy.
pub(crate) fn router(proxy: Arc<Proxy>) -> Router {
    Router::new()
        .route("/", get(|| async { INDEX }))
        .route(
            "/metrics",
            get(async |State(proxy): State<Arc<Proxy>>| super::metrics_response(metrics::render(&proxy))),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready_page))
        .route("/api/members", get(members_page))
        .route("/api/locate", get(locate_page))
        .fallback(|| async { (StatusCode::NOT_FOUND, INDEX) })
        .with_state(proxy)
}

async fn ready_page(State(proxy): State<Arc<Proxy>>) -> Response {
    if proxy.draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response();
    }
    let plan = proxy.shared.plan();
    for (id, pool) in (0..).map(PoolId).zip(&plan.pools) {
        let state = pool.view().fleet.state();
        if plan.table.uses(id) && !state.is_answered() {
            let why = pool.trouble().map(|trouble| format!(": {trouble}")).unwrap_or_default();
            let text = format!("pool {} is {}{why}\n", pool.name(), output::state(state));
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
    }
    (StatusCode::OK, "ready\n").into_response()
}

fn json_page(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], format!("{value}\n")).into_response()
}

async fn members_page(State(proxy): State<Arc<Proxy>>) -> Response {
    let plan = proxy.shared.plan();
    let pools: Vec<Value> = plan.pools.iter().map(|pool| members(pool)).collect();
    json_page(&json!({ "pools": pools }))
}

fn members(pool: &Pool) -> Value {
    let view = pool.view();
    let counters = pool.tally.servers();
    let servers = view.fleet.servers();
    let members: Vec<Value> = view
        .snapshot
        .members()
        .iter()
        .map(|member| {
            let endpoint = member.endpoint.to_string();
            let server = counters.get(&*endpoint);
            json!({
                "id": member.id.as_str(),
                "endpoint": endpoint,
                "status": member.status.to_string(),
                "weight": member.weight.value(),
                "shard": member.shard,
                "zone": member.zone,
                "metadata": member.metadata,
                "serves": servers.iter().any(|server| server.id == member.id),
                "connections": server.map_or(0, |server| server.connected),
                "down": server.is_some_and(|server| server.ejected > 0),
            })
        })
        .collect();
    json!({
        "pool": pool.name(),
        "source": view.fleet.source().as_str(),
        "state": output::state(view.fleet.state()),
        "trouble": pool.trouble(),
        "revision": view.fleet.revision().0,
        "version": view.number,
        "age_seconds": view.snapshot.age(tokio::time::Instant::now().into()).as_secs_f64(),
        "placement": pool.settings.spec.to_string(),
        "owner_down": pool.settings.owner_down.to_string(),
        "members": members,
    })
}

/// The key as the query has it.
#[derive(Deserialize)]
struct Asked {
    key: String,
}

async fn locate_page(
    State(proxy): State<Arc<Proxy>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(Asked { key })) = asked else {
        return (StatusCode::BAD_REQUEST, "which key? /api/locate?key=user:42\n").into_response();
    };
    let plan = proxy.shared.plan();
    let steps: Vec<Value> = plan
        .table
        .while_all_fail(Operation::Read, key.as_bytes())
        .map(|step| match step.ask {
            Ask::Pool(PoolId(at)) => {
                let pool = &plan.pools[usize::from(at)];
                let view = pool.view();
                let owners: Vec<String> = view
                    .fleet
                    .owners(key.as_bytes(), OWNERS_MAX)
                    .into_iter()
                    .map(|at| view.fleet.servers()[at].endpoint.to_string())
                    .collect();
                json!({
                    "pool": pool.name(),
                    "state": output::state(view.fleet.state()),
                    "owner": owners.first(),
                    "next_owners": owners.get(1..).unwrap_or_default(),
                    "expiry_seconds": step.expiry.map(|expiry| expiry.as_secs()),
                })
            }
            Ask::Absent => json!({ "answer": "miss" }),
            Ask::Error(text) => json!({ "error": text }),
        })
        .collect();
    json_page(&json!({ "key": key, "steps": steps }))
}

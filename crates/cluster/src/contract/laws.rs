//! The laws, one function each.

use super::hands::{Broken, Hands};
use super::{Backend, Law};

mod registering;
mod watching;

pub(super) async fn try_law(law: Law, backend: &Backend) -> Result<(), Broken> {
    let hands = Hands::new(backend);
    match law {
        Law::FirstSnapshot => watching::first_snapshot(hands).await,
        Law::Sorted => watching::sorted(hands).await,
        Law::Conflation => watching::conflation(hands).await,
        Law::NoRepeats => watching::no_repeats(hands).await,
        Law::DropWatch => watching::drop_watch(hands).await,
        Law::Close => watching::close(hands).await,
        Law::Observed => registering::observed(hands).await,
        Law::Idempotent => registering::idempotent(hands).await,
        Law::StableId => registering::stable_id(hands).await,
        Law::DataChange => registering::data_change(hands).await,
        Law::Independent => registering::independent(hands).await,
        Law::DropMembership => registering::drop_membership(hands).await,
        Law::ReusedId => registering::reused_id(hands).await,
        Law::CloseWhileRegistering => registering::close_while_registering(hands).await,
        Law::LastGoodSet => watching::last_good_set(hands).await,
        Law::RegisterWhileLost => registering::register_while_lost(hands).await,
    }
}

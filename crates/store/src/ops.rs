//! What can be asked of a store: one module for each family, an options struct in, an outcome out.

mod arithmetic;
mod delete;
mod get;
mod put;

pub use arithmetic::{Arithmetic, ArithmeticOutcome, Direction};
pub use delete::{Delete, DeleteOutcome};
pub use get::{Get, Hit, Recache};
pub use put::{Mode, Put, PutOutcome};

//! Which executions a query means (`common/persistence/visibility/store/query/converter.go` and `store/sql/`, as the real
//! server's SQLite store understands them).
//!
//! A query is read in two steps. The [`grammar`] makes a [`tree`] of its [`token`]s, and knows nothing of search attributes; in it
//! are [`operand`]s, and [`input`] is what both read. [`convert`] then finds the [`column`]s that the tree names and checks what
//! they are compared with ([`literal`]). What comes of it is a [`query`] with a [`filter`], which tells whether one execution
//! matches. [`words`] are how texts and lists of keywords are searched. [`workers`] are found by queries of the same grammar, and by other
//! columns; those on [`schedules`] are rewritten.

mod column;
mod convert;
mod filter;
mod grammar;
mod input;
mod keywords;
mod literal;
mod operand;
mod query;
mod schedules;
mod token;
mod tree;
mod words;
mod workers;

pub(crate) use column::{Cell, Column, Found, Source, SystemColumn};
pub(crate) use filter::{Needle, Scalar, Sought};
pub(crate) use grammar::check_of_batch;
pub(crate) use query::{ALL, GroupBy, ListFilter};
pub(crate) use words::of_keyword;
pub(crate) use workers::WorkerFilter;

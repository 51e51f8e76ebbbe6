//! Which executions a query means (`common/persistence/visibility/store/query/converter.go` and `store/sql/`, as the real
//! server's SQLite store understands them).
//!
//! A query is read in two steps. The [`grammar`] makes [`tree`]s of its [`token`]s, and knows nothing of search attributes.
//! [`convert`] then finds the [`column`]s that it names and checks what they are compared with ([`literal`]). What comes of it
//! is a [`filter`], which tells whether one execution matches. [`words`] are how texts and lists of keywords are searched.

mod column;
mod convert;
mod filter;
mod grammar;
mod keywords;
mod literal;
mod token;
mod tree;
mod words;

pub(crate) use column::{Cell, Column, Found, Source, SystemColumn};
pub(crate) use convert::{ALL, GroupBy, ListFilter};
pub(crate) use filter::Scalar;
pub(crate) use grammar::check_of_batch;

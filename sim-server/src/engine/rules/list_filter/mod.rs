//! Which executions a query means (`common/persistence/visibility/store/query/converter.go` and `store/sql/`, as the real
//! server's SQLite store understands them).
//!
//! A query is read in two steps. The [`grammar`] makes a [`tree`] of its [`token`]s, and knows nothing of search attributes; in it
//! are [`operand`]s, and [`input`] is what both read. [`convert`] then finds the [`column`]s that the tree names and checks what
//! they are compared with ([`literal`]). What comes of it is a [`filter`], which tells whether one execution matches. [`words`] are
//! how texts and lists of keywords are searched. Queries on [`schedules`] are read a little differently.

mod column;
mod convert;
mod filter;
mod grammar;
mod input;
mod keywords;
mod literal;
mod operand;
mod schedules;
mod token;
mod tree;
mod words;

pub(crate) use column::{Cell, Column, Found, Source, SystemColumn};
pub(crate) use convert::{ALL, GroupBy, ListFilter};
pub(crate) use filter::{Needle, Scalar, Sought};
pub(crate) use grammar::check_of_batch;
pub(crate) use words::of_keyword;

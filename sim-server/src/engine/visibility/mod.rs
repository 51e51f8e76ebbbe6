//! Visibility: finding executions by what they are (`common/persistence/visibility/`, on the SQLite store).
//!
//! The [`index`] owns in which order all executions are listed, and where those are that have a value in a column. It keeps keys,
//! not rows: what an execution is like is asked of its machine. Where listings are late, what they are behind is in [`lag`].
//! [`calls`] has the RPCs, with their page [`token`]s and what they show of an execution ([`info`]), and how other rooms find
//! executions and tell of changes.

mod calls;
mod index;
mod info;
mod lag;
mod token;

pub(crate) use lag::Visibility;

//! Page tokens of lists: the place of the last execution of a page.

use super::index::Place;
use crate::engine::{
    execution::{found::micros, machine::Row},
    rules::list_token::ListToken,
};

/// The end of a page that this is the last execution of.
pub(super) fn at(row: &Row<'_>) -> ListToken {
    ListToken {
        close_micros: row.close_time.map_or(i64::MAX, micros),
        start_micros: micros(row.start_time),
        run_id: row.run_id.to_owned(),
    }
}

/// The first place that is not before the last execution's.
pub(super) fn place(token: &ListToken) -> Place {
    Place::first_at(token.close_micros, token.start_micros, &token.run_id)
}

/// Whether an execution was on a page before, of those from [`place`] on.
pub(super) fn is_behind(token: &ListToken, row: &Row<'_>) -> bool {
    let ListToken { close_micros, start_micros, run_id } = at(row);
    (close_micros, start_micros) == (token.close_micros, token.start_micros) && run_id <= token.run_id
}

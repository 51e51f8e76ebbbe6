//! Page tokens: the place of the last execution of a page (`common/persistence/sql/sqlplugin/visibility.go`). They are texts in
//! JSON, and the same as the real server's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::index::Place;
use crate::engine::{
    execution::{found::micros, machine::Row},
    kernel::error::{Error, Result},
};

/// When what is open closes, as tokens have it.
const OPEN: &str = "9999-12-31T23:59:59Z";
/// The year 1, which Go has where nothing is.
const ZERO_MICROS: i64 = -62_135_596_800_000_000;

/// Where a page ends.
#[derive(Debug, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct PageToken {
    #[serde(rename(serialize = "CloseTime", deserialize = "closetime"))]
    close_time: String,
    #[serde(rename(serialize = "StartTime", deserialize = "starttime"))]
    start_time: String,
    #[serde(rename(serialize = "RunID", deserialize = "runid"))]
    run_id: String,
}

impl Default for PageToken {
    fn default() -> Self {
        let zero = "0001-01-01T00:00:00Z".to_owned();
        Self { close_time: zero.clone(), start_time: zero, run_id: String::new() }
    }
}

impl PageToken {
    /// The end of a page that this is the last execution of.
    pub(super) fn at(row: &Row<'_>) -> Vec<u8> {
        let text = |micros| Timestamp::from_microsecond(micros).map(|at| at.to_string()).unwrap_or_default();
        let token = Self {
            close_time: row.close_time.map_or_else(|| OPEN.to_owned(), |at| text(micros(at))),
            start_time: text(micros(row.start_time)),
            run_id: row.run_id.to_owned(),
        };
        serde_json::to_vec(&token).unwrap_or_default()
    }

    /// Reads a token; `None`: the first page.
    ///
    /// # Errors
    /// UNKNOWN, with a text that says nothing, as on the real server.
    pub(super) fn read(token: &[u8]) -> Result<Option<Self>> {
        if token.is_empty() {
            return Ok(None);
        }
        let wrong = || Error::Unknown("something went wrong, please retry (00000000)".to_owned());
        // Go takes the names of fields in any case.
        let fields: Option<BTreeMap<String, Value>> = serde_json::from_slice(token).map_err(|_| wrong())?;
        let lower = |fields: BTreeMap<String, Value>| fields.into_iter().map(|(name, value)| (name.to_lowercase(), value));
        let token = fields.map(|fields| Self::deserialize(Value::Object(lower(fields).collect())));
        let token = token.transpose().map_err(|_| wrong())?;
        match token {
            Some(token) if token.micros().is_none() => Err(wrong()),
            token => Ok(token),
        }
    }

    /// When the last execution closed and started.
    fn micros(&self) -> Option<(i64, i64)> {
        let micros = |text: &str| text.parse::<Timestamp>().ok().map(|at| at.as_microsecond());
        let close = if self.close_time == OPEN { Some(i64::MAX) } else { micros(&self.close_time) };
        close.zip(micros(&self.start_time))
    }

    /// The first place that is not before the last execution's.
    pub(super) fn place(&self) -> Place {
        let (close, start) = self.micros().unwrap_or((ZERO_MICROS, ZERO_MICROS));
        Place::first_at(close, start, &self.run_id)
    }

    /// Whether an execution was on a page before, of those from [`Self::place`] on.
    pub(super) fn is_behind(&self, row: &Row<'_>) -> bool {
        let close = row.close_time.map_or(i64::MAX, micros);
        self.micros() == Some((close, micros(row.start_time))) && row.run_id <= self.run_id.as_str()
    }
}

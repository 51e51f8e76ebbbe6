//! The tokens of pages of executions (`common/persistence/sql/sqlplugin/visibility.go`): the place of the last one on the page. They
//! are texts in JSON, and the same as the real server's.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{go_json, hidden::hidden, instants::Instant, names};
use crate::engine::kernel::error::{Error, Result};

/// When what is open closes, as tokens have it.
const OPEN: &str = "9999-12-31T23:59:59Z";
/// The year 1, which Go has where nothing is.
const ZERO_MICROS: i64 = -62_135_596_800_000_000;

/// Where a page ends. Instants are in microseconds since the epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListToken {
    /// When the last execution closed; `i64::MAX` if it is open.
    pub(crate) close_micros: i64,
    pub(crate) start_micros: i64,
    pub(crate) run_id: String,
}

/// As it is written.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Written<'a> {
    close_time: String,
    start_time: String,
    #[serde(rename = "RunID")]
    run_id: &'a str,
}

impl ListToken {
    /// The token, as clients get it.
    pub(crate) fn written(&self) -> Vec<u8> {
        let text = |micros| Timestamp::from_microsecond(micros).map(|at| at.to_string()).unwrap_or_default();
        let close_time = if self.close_micros == i64::MAX { OPEN.to_owned() } else { text(self.close_micros) };
        let token = Written { close_time, start_time: text(self.start_micros), run_id: &self.run_id };
        serde_json::to_vec(&token).unwrap_or_default()
    }

    /// Reads a token; `None`: the first page.
    ///
    /// # Errors
    /// UNKNOWN, with a text that says nothing, as on the real server.
    pub(crate) fn read(token: &[u8]) -> Result<Option<Self>> {
        if token.is_empty() {
            return Ok(None);
        }
        if let Some(error) = go_json::syntax_error(token) {
            return Err(hidden(&error));
        }
        match serde_json::from_slice(token).unwrap_or_default() {
            Value::Null => Ok(None),
            Value::Object(fields) => Self::of(&fields).map(Some),
            other => {
                let got = kind(&other);
                let error = format!("json: cannot unmarshal {got} into Go value of type sqlplugin.VisibilityPageToken");
                Err(hidden(&error))
            }
        }
    }

    fn of(fields: &Map<String, Value>) -> Result<Self> {
        let mut token = Self { close_micros: ZERO_MICROS, start_micros: ZERO_MICROS, run_id: String::new() };
        for (name, value) in fields {
            // Go takes the names of fields in any case.
            match (name.to_lowercase().as_str(), value) {
                (_, Value::Null) => {}
                ("closetime", Value::String(text)) if text == OPEN => token.close_micros = i64::MAX,
                ("closetime", value) => token.close_micros = micros(value)?,
                ("starttime", value) => token.start_micros = micros(value)?,
                ("runid", Value::String(text)) => token.run_id.clone_from(text),
                ("runid", other) => {
                    let got = kind(other);
                    let error =
                        format!("json: cannot unmarshal {got} into Go struct field VisibilityPageToken.RunID of type string");
                    return Err(hidden(&error));
                }
                _ => {}
            }
        }
        Ok(token)
    }
}

fn micros(value: &Value) -> Result<i64> {
    let Value::String(text) = value else {
        return Err(hidden("Time.UnmarshalJSON: input is not a JSON string"));
    };
    let nanos = Instant::read(text).and_then(Instant::nanos);
    nanos.and_then(|nanos| i64::try_from(nanos.div_euclid(1000)).ok()).ok_or_else(|| not_a_time(text))
}

/// What Go says of a text that does not begin as an instant does.
fn not_a_time(text: &str) -> Error {
    let text = names::quoted(text);
    hidden(&format!("parsing time {text} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text} as \"2006\""))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Object(_) => "object",
        Value::Null => "null",
    }
}

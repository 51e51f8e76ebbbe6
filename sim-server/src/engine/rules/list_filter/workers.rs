//! Which workers a query means (`service/matching/workers/worker_query_engine.go`). What the query says that no worker can answer
//! is found out worker by worker on the real server, and makes none match.

use std::cmp::Ordering;

use super::{
    grammar,
    literal::micros,
    tree::{Expr, LiteralKind, Test},
};
use crate::{
    engine::{
        kernel::error::{Error, Result},
        rules::{hidden::hidden, names},
    },
    proto::worker::WorkerHeartbeat,
};

/// A query on workers.
#[derive(Clone, Debug)]
pub(crate) struct WorkerFilter(Option<Expr>);

/// What a worker has under a name.
enum Cell {
    Text(String),
    /// Microseconds since the epoch.
    Time(Option<i64>),
}

impl WorkerFilter {
    /// # Errors
    /// It is no filter.
    pub(crate) fn read(query: &str) -> Result<Self> {
        if query.is_empty() {
            return Ok(Self(None));
        }
        let lower = query.trim().to_lowercase();
        if lower.starts_with("where ") || lower.starts_with("select ") {
            return Err(hidden(&format!("invalid filter: {}", query.trim())));
        }
        let query = grammar::parse_of_workers(query).map_err(|text| Error::invalid(format!("malformed query: {text}")))?;
        if query.has_limit {
            return Err(Error::invalid("operation is not supported: 'limit' clause"));
        }
        Ok(Self(query.filter))
    }

    pub(crate) fn matches(&self, worker: &WorkerHeartbeat) -> bool {
        self.0.as_ref().is_none_or(|filter| matches(filter, worker).unwrap_or(false))
    }
}

/// Whether a worker matches. `None` if that cannot be told.
fn matches(filter: &Expr, worker: &WorkerHeartbeat) -> Option<bool> {
    match filter {
        Expr::And(parts) => {
            for part in parts {
                if !matches(part, worker)? {
                    return Some(false);
                }
            }
            Some(true)
        }
        Expr::Or(parts) => {
            for part in parts {
                if matches(part, worker)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        Expr::Paren(inner) => matches(inner, worker),
        Expr::Comparison { left, operator, right } => match cell(left, worker)? {
            Cell::Text(text) => compare_text(&text, operator, &text_of(right)?),
            Cell::Time(time) => compare_time(time.unwrap_or(0), operator, time_of(right)?),
        },
        Expr::Range { operand, is_negated, from, to } => {
            let Cell::Time(time) = cell(operand, worker)? else { return None };
            let (from, to) = (time_of(from)?, time_of(to)?);
            Some(time.is_some_and(|time| (from..=to).contains(&time) != *is_negated))
        }
        Expr::Is { operand, test: Test::Null } => is_nothing(operand, worker),
        Expr::Is { operand, test: Test::NotNull } => is_nothing(operand, worker).map(|is_nothing| !is_nothing),
        _ => None,
    }
}

fn is_nothing(operand: &Expr, worker: &WorkerHeartbeat) -> Option<bool> {
    Some(match cell(operand, worker)? {
        Cell::Text(text) => text.is_empty(),
        Cell::Time(time) => time.is_none(),
    })
}

fn cell(name: &Expr, worker: &WorkerHeartbeat) -> Option<Cell> {
    let Expr::Column(parts) = name else { return None };
    let [name] = parts.as_slice() else { return None };
    let version = worker.deployment_version.as_ref();
    let instant = |stamp: &Option<prost_types::Timestamp>| {
        Cell::Time(stamp.as_ref().map(|at| at.seconds.saturating_mul(1_000_000).saturating_add(i64::from(at.nanos) / 1_000)))
    };
    Some(match name.as_str() {
        "WorkerInstanceKey" => Cell::Text(worker.worker_instance_key.clone()),
        "WorkerIdentity" => Cell::Text(worker.worker_identity.clone()),
        "HostName" => Cell::Text(worker.host_info.as_ref().map(|host| host.host_name.clone()).unwrap_or_default()),
        "TaskQueue" => Cell::Text(worker.task_queue.clone()),
        "DeploymentName" => Cell::Text(version.map(|version| version.deployment_name.clone()).unwrap_or_default()),
        "BuildId" => Cell::Text(version.map(|version| version.build_id.clone()).unwrap_or_default()),
        "SdkName" => Cell::Text(worker.sdk_name.clone()),
        "SdkVersion" => Cell::Text(worker.sdk_version.clone()),
        "StartTime" => instant(&worker.start_time),
        "HeartbeatTime" => instant(&worker.heartbeat_time),
        // A keyword, which the real server's parser makes small.
        name if name == "WorkerStatus" || name.eq_ignore_ascii_case("status") => {
            Cell::Text(names::worker_status(worker.status()))
        }
        _ => return None,
    })
}

/// A text that something is compared with, which is not empty.
fn text_of(value: &Expr) -> Option<String> {
    // The real server takes it as its parser prints it, escapes and all.
    let is_text = matches!(value, Expr::Literal { kind: LiteralKind::String, text } if !text.is_empty());
    let printed = is_text.then(|| value.to_string())?;
    Some(printed.strip_prefix('\'')?.strip_suffix('\'')?.to_owned())
}

/// An instant that something is compared with, in microseconds since the epoch: a time, or a number of nanoseconds.
fn time_of(value: &Expr) -> Option<i64> {
    match value {
        Expr::Literal { kind: LiteralKind::Integer, text } => text.parse::<i64>().ok().map(|nanos| nanos.div_euclid(1_000)),
        value => micros(&text_of(value)?),
    }
}

fn compare_text(text: &str, operator: &str, with: &str) -> Option<bool> {
    Some(match operator {
        "=" => text == with,
        "!=" => text != with,
        "starts_with" => text.starts_with(with),
        "not starts_with" => !text.starts_with(with),
        _ => return None,
    })
}

fn compare_time(time: i64, operator: &str, with: i64) -> Option<bool> {
    let ordering = time.cmp(&with);
    Some(match operator {
        "=" => ordering == Ordering::Equal,
        "!=" => ordering != Ordering::Equal,
        "<" => ordering == Ordering::Less,
        "<=" => ordering != Ordering::Greater,
        ">" => ordering == Ordering::Greater,
        ">=" => ordering != Ordering::Less,
        _ => return None,
    })
}

//! What the real server prints of values: `WORKFLOW_TASK_FAILED_CAUSE_BAD_BINARY` is "BadBinary", and texts are quoted as in Go.

use crate::proto::{
    common::Payload,
    enums::{
        CommandType, IndexedValueType, NamespaceState, TaskQueueKind, TimeoutType, WorkerStatus, WorkflowExecutionStatus,
        WorkflowTaskFailedCause,
    },
    taskqueue::TaskQueue,
};

/// The name of a namespace's state, as in "Namespace has invalid state: Deleted."
pub fn namespace_state(state: NamespaceState) -> &'static str {
    match state {
        NamespaceState::Unspecified => "Unspecified",
        NamespaceState::Registered => "Registered",
        NamespaceState::Deprecated => "Deprecated",
        NamespaceState::Deleted => "Deleted",
    }
}

/// The name of a workflow task's failure cause, as in "BadCancelTimerAttributes: ...".
pub fn cause(cause: WorkflowTaskFailedCause) -> String {
    short(cause.as_str_name(), "WORKFLOW_TASK_FAILED_CAUSE_")
}

/// The name of a command type; the number if it is unknown.
pub fn command(command_type: i32) -> String {
    CommandType::try_from(command_type)
        .map_or_else(|_| command_type.to_string(), |known| short(known.as_str_name(), "COMMAND_TYPE_"))
}

/// The name of a search attribute's type; the number if it is unknown.
pub fn indexed_value(value_type: i32) -> String {
    IndexedValueType::try_from(value_type)
        .map_or_else(|_| value_type.to_string(), |known| short(known.as_str_name(), "INDEXED_VALUE_TYPE_"))
}

/// The name of a timeout type, as in "TemporalTimeout:StartToClose"; the number if it is unknown.
pub fn timeout(timeout_type: i32) -> String {
    TimeoutType::try_from(timeout_type)
        .map_or_else(|_| timeout_type.to_string(), |known| short(known.as_str_name(), "TIMEOUT_TYPE_"))
}

/// The name of a worker's status, as queries on workers have it.
pub fn worker_status(status: WorkerStatus) -> String {
    short(status.as_str_name(), "WORKER_STATUS_")
}

/// A text in quotes, as Go's `%q` has it.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        let escape = match c {
            '"' | '\\' => format!("\\{c}"),
            '\u{7}' => "\\a".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{b}' => "\\v".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\0'..' ' | '\u{7f}' => format!("\\x{:02x}", u32::from(c)),
            // What Rust would escape cannot be printed.
            _ if c.escape_debug().count() == 1 || c == '\'' => c.to_string(),
            '\0'..='\u{ffff}' => format!("\\u{:04x}", u32::from(c)),
            _ => format!("\\U{:08x}", u32::from(c)),
        };
        quoted.push_str(&escape);
    }
    quoted.push('"');
    quoted
}

/// A payload as a protobuf text in one line.
pub(crate) fn payload(payload: &Payload) -> String {
    let of_entry = |(key, value): (&String, &Vec<u8>)| {
        format!("metadata:{{key:{}  value:{}}}", quoted_bytes(key.as_bytes()), quoted_bytes(value))
    };
    let mut metadata: Vec<_> = payload.metadata.iter().collect();
    metadata.sort_unstable();
    let mut parts: Vec<_> = metadata.into_iter().map(of_entry).collect();
    if !payload.data.is_empty() {
        parts.push(format!("data:{}", quoted_bytes(&payload.data)));
    }
    parts.join("  ")
}

/// A task queue as a protobuf text in one line.
pub(crate) fn task_queue(queue: Option<&TaskQueue>) -> String {
    let Some(queue) = queue else { return "<nil>".to_owned() };
    let text = |field: &str, text: &str| (!text.is_empty()).then(|| format!("{field}:{}", quoted_bytes(text.as_bytes())));
    let kind = match TaskQueueKind::try_from(queue.kind) {
        Ok(TaskQueueKind::Unspecified) => None,
        Ok(kind) => Some(format!("kind:{}", kind.as_str_name())),
        Err(_) => Some(format!("kind:{}", queue.kind)),
    };
    let parts = [text("name", &queue.name), kind, text("normal_name", &queue.normal_name)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Bytes in quotes, as the protobuf text format has them.
fn quoted_bytes(bytes: &[u8]) -> String {
    let escape = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0'..' ' | '\u{7f}' => format!("\\x{:02x}", u32::from(c)),
        '\u{80}'..='\u{9f}' => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    let of_chunk = |chunk: std::str::Utf8Chunk<'_>| {
        let text: String = chunk.valid().chars().map(escape).collect();
        let rest: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")).collect();
        text + &rest
    };
    format!("\"{}\"", bytes.utf8_chunks().map(of_chunk).collect::<String>())
}

/// The name of an execution's status, as "ContinuedAsNew".
pub fn status(status: WorkflowExecutionStatus) -> String {
    short(status.as_str_name(), "WORKFLOW_EXECUTION_STATUS_")
}

/// A number, as Go's `%v` has it: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
pub fn float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e6).contains(&magnitude) {
        return value.to_string();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

fn short(name: &str, prefix: &str) -> String {
    let words = name.strip_prefix(prefix).unwrap_or(name).split('_');
    words.map(|word| format!("{}{}", &word[..1], word[1..].to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_pascal_case_without_the_prefix() {
        assert_eq!(
            cause(WorkflowTaskFailedCause::BadSignalWorkflowExecutionAttributes),
            "BadSignalWorkflowExecutionAttributes"
        );
        assert_eq!(command(CommandType::StartTimer as i32), "StartTimer");
        assert_eq!(command(99), "99");
        assert_eq!(indexed_value(IndexedValueType::KeywordList as i32), "KeywordList");
        assert_eq!(timeout(TimeoutType::StartToClose as i32), "StartToClose");
    }

    #[test]
    fn numbers_are_written_as_in_go() {
        let written = [0.0, 12.0, 1.5, 100_000.0, 1e6, 123_456_789.0, 0.0001, 0.00001, 1e21, -2.5e-7].map(float);
        assert_eq!(written, ["0", "12", "1.5", "100000", "1e+06", "1.23456789e+08", "0.0001", "1e-05", "1e+21", "-2.5e-07"]);
    }

    #[test]
    fn payloads_are_protobuf_texts() {
        let metadata = [("type", "Int"), ("encoding", "nope")].map(|(key, value)| (key.to_owned(), value.into()));
        let payload = |metadata, data: &[u8]| payload(&Payload { metadata, data: data.into(), ..Payload::default() });
        let text =
            "metadata:{key:\"encoding\"  value:\"nope\"}  metadata:{key:\"type\"  value:\"Int\"}  data:\"\\xffü\\x00\\n\\\"\"";
        assert_eq!(payload(metadata.into(), b"\xff\xc3\xbc\0\n\""), text);
        assert_eq!(payload(Default::default(), b""), "");
    }

    #[test]
    fn texts_are_quoted_as_in_go() {
        assert_eq!(quoted("it's \"ü\"\n"), r#""it's \"ü\"\n""#);
        assert_eq!(quoted("a\u{1}\u{7f}\u{b}\\"), r#""a\x01\x7f\v\\""#);
        assert_eq!(quoted("\u{200b}\u{e0001}"), r#""\u200b\U000e0001""#);
    }
}

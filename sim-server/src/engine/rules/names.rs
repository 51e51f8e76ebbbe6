//! Proto enum values as the real server prints them: `WORKFLOW_TASK_FAILED_CAUSE_BAD_BINARY` is "BadBinary".

use crate::proto::enums::{CommandType, IndexedValueType, TimeoutType, WorkflowTaskFailedCause};

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
}

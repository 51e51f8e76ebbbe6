//! Messages in protobuf's text format, as the real server's binary prints them in errors. Go's library leaves open whether one blank or two
//! part fields, so that nobody relies on it; in this binary there are two.

use crate::proto::{common::Payload, enums::TaskQueueKind, taskqueue::TaskQueue};

/// A payload.
pub(crate) fn payload(payload: &Payload) -> String {
    let entry =
        |(key, value): (&String, &Vec<u8>)| format!("metadata:{{key:{}  value:{}}}", quoted(key.as_bytes()), quoted(value));
    let data = (!payload.data.is_empty()).then(|| format!("data:{}", quoted(&payload.data)));
    payload.metadata.iter().map(entry).chain(data).collect::<Vec<_>>().join("  ")
}

/// A task queue.
pub(crate) fn task_queue(queue: Option<&TaskQueue>) -> String {
    let Some(queue) = queue else { return "<nil>".to_owned() };
    let text = |field: &str, text: &str| (!text.is_empty()).then(|| format!("{field}:{}", quoted(text.as_bytes())));
    let kind = match TaskQueueKind::try_from(queue.kind) {
        Ok(TaskQueueKind::Unspecified) => None,
        Ok(kind) => Some(format!("kind:{}", kind.as_str_name())),
        Err(_) => Some(format!("kind:{}", queue.kind)),
    };
    let fields = [text("name", &queue.name), kind, text("normal_name", &queue.normal_name)];
    fields.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// A text or bytes in quotes.
fn quoted(bytes: &[u8]) -> String {
    let mut quoted = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => quoted.extend(['\\', c]),
                '\n' => quoted.push_str("\\n"),
                '\r' => quoted.push_str("\\r"),
                '\t' => quoted.push_str("\\t"),
                '\0'..' ' | '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
                '\u{80}'..'\u{a0}' => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
                _ => quoted.push(c),
            }
        }
        for byte in chunk.invalid() {
            quoted.push_str(&format!("\\x{byte:02x}"));
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_printed_as_go_prints_them() {
        let queue = TaskQueue { name: "a\"b".to_owned(), kind: TaskQueueKind::Sticky.into(), normal_name: "n".to_owned() };
        assert_eq!(task_queue(Some(&queue)), r#"name:"a\"b"  kind:TASK_QUEUE_KIND_STICKY  normal_name:"n""#);
        assert_eq!(task_queue(None), "<nil>");
        let metadata = [("encoding".to_owned(), b"x".to_vec()), ("z".to_owned(), vec![0xff, 0])].into();
        let sent = Payload { metadata, data: b"'\\\n\x01\xc3\xa9".to_vec(), ..Payload::default() };
        let expected = r#"metadata:{key:"encoding"  value:"x"}  metadata:{key:"z"  value:"\xff\x00"}  data:"'\\\n\x01é""#;
        assert_eq!(payload(&sent), expected);
    }
}

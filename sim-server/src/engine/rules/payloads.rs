//! Payloads. In a map of them (memo, search attributes) an empty value means "remove the key" (`common/payload/payload.go`). What
//! they say to be stored elsewhere is counted.

use std::collections::BTreeMap;

use crate::proto::{
    HasPayloads,
    common::{Memo, Payload, SearchAttributes},
    history::HistoryEvent,
};

/// The payloads that are stored elsewhere, as the events of a run say (`workflow/external_payload_size.go`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExternalPayloads {
    /// How many there are.
    pub count: i64,
    /// What they take up, in bytes; who writes them says it, so it may be negative.
    pub size_bytes: i64,
}

impl ExternalPayloads {
    /// Counts those of an event.
    pub fn count_of(&mut self, event: &HistoryEvent) {
        event.each_payload(&mut |payload| {
            for external in &payload.external_payloads {
                self.count += 1;
                self.size_bytes = self.size_bytes.wrapping_add(external.size_bytes);
            }
        });
    }
}

/// A payload without word of what is stored elsewhere, as DescribeWorkflowExecution shows it (`clonePayloadMap`).
pub fn without_external(payload: &Payload) -> Payload {
    Payload { metadata: payload.metadata.clone(), data: payload.data.clone(), ..Payload::default() }
}

/// Whether this value removes its key: no data, JSON `null` or `[]`.
pub fn is_nil(payload: &Payload) -> bool {
    matches!(payload.data.as_slice(), b"" | b"null" | b"[]")
}

/// Puts the values of `change` over those of `base`, and removes the keys whose new value [is nil](is_nil).
pub fn merge(base: &mut BTreeMap<String, Payload>, change: BTreeMap<String, Payload>) {
    for (key, payload) in change {
        if is_nil(&payload) {
            base.remove(&key);
        } else {
            base.insert(key, payload);
        }
    }
}

/// A memo as an event keeps it (`FilterNilMemo`): without values that [are nil](is_nil), and none at all if it has no other.
pub fn memo_without_nil(memo: Option<Memo>) -> Option<Memo> {
    let mut memo = memo?;
    memo.fields.retain(|_, payload| !is_nil(payload));
    (!memo.fields.is_empty()).then_some(memo)
}

/// The same of search attributes (`FilterNilSearchAttributes`).
pub fn search_attributes_without_nil(attributes: Option<SearchAttributes>) -> Option<SearchAttributes> {
    let mut attributes = attributes?;
    attributes.indexed_fields.retain(|_, payload| !is_nil(payload));
    (!attributes.indexed_fields.is_empty()).then_some(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nil_values_remove_their_keys() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, Payload> {
            let payload = |data: &str| Payload { data: data.into(), ..Payload::default() };
            pairs.iter().map(|(key, data)| ((*key).to_owned(), payload(data))).collect()
        };
        let mut merged = of(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        merge(&mut merged, of(&[("a", "9"), ("b", "null"), ("c", "[]"), ("d", ""), ("e", "5")]));
        assert_eq!(merged, of(&[("a", "9"), ("e", "5")]));
    }
}

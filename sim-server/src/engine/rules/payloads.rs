//! Maps of payloads: memo and search attributes, where an empty value means "remove the key" (`common/payload/payload.go`).

use std::collections::BTreeMap;

use crate::proto::common::Payload;

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

//! Puts stand-ins into JSON. All else stays as it is written: keys and their order, spaces, escapes.

use super::{keep::Step, stand_ins::StandIns};

/// What decides and what is told while JSON is gone through.
pub(super) trait Decide {
    /// Whether the value at this place stays, with all that it has.
    fn keeps(&mut self, path: &[Step]) -> bool;

    /// The text or the number at this place is replaced.
    fn replaces(&mut self, path: &[Step]);
}

/// JSON with stand-ins; `None` if it is no JSON.
pub(super) fn rewrite(json: &[u8], decide: &mut impl Decide, stand_ins: &mut StandIns) -> Option<Vec<u8>> {
    // It also ends at a depth that would be too much for the stack.
    serde_json::from_slice::<serde_json::Value>(json).ok()?;
    let mut pass = Pass { rest: std::str::from_utf8(json).ok()?, out: Vec::new(), path: Vec::new(), decide, stand_ins };
    pass.value()?;
    pass.out.extend_from_slice(pass.rest.as_bytes());
    Some(pass.out)
}

struct Pass<'a, D> {
    rest: &'a str,
    out: Vec<u8>,
    path: Vec<Step>,
    decide: &'a mut D,
    stand_ins: &'a mut StandIns,
}

impl<'a, D: Decide> Pass<'a, D> {
    fn value(&mut self) -> Option<()> {
        self.copy_spaces();
        if self.decide.keeps(&self.path) {
            let length = length_of_value(self.rest)?;
            self.copy(length);
            return Some(());
        }
        match self.rest.as_bytes().first()? {
            b'{' => self.members(b'}', |pass, _| {
                let key = pass.take(length_of_text(pass.rest)?);
                pass.out.extend_from_slice(key.as_bytes());
                pass.copy_spaces();
                pass.copy(1);
                Some(Step::Key(serde_json::from_str(key).ok()?))
            })?,
            b'[' => self.members(b']', |_, index| Some(Step::Index(index)))?,
            b'"' => {
                self.decide.replaces(&self.path);
                let text = self.take(length_of_text(self.rest)?);
                self.out.extend_from_slice(text_like(text, self.stand_ins)?.as_bytes());
            }
            b't' | b'f' | b'n' => self.copy(length_of_word(self.rest)),
            _ => {
                self.decide.replaces(&self.path);
                let number = self.take(length_of_word(self.rest));
                self.out.extend_from_slice(self.stand_ins.number(number).as_bytes());
            }
        }
        Some(())
    }

    /// The members of an object or an array up to `end`. `step` takes what stands before each value.
    fn members(&mut self, end: u8, step: impl Fn(&mut Self, usize) -> Option<Step>) -> Option<()> {
        self.copy(1);
        for index in 0.. {
            self.copy_spaces();
            if self.rest.as_bytes().first()? == &end {
                break;
            }
            let step = step(self, index)?;
            self.path.push(step);
            self.value()?;
            self.path.pop();
            self.copy_spaces();
            if self.rest.as_bytes().first()? == &b',' {
                self.copy(1);
            }
        }
        self.copy(1);
        Some(())
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn copy(&mut self, length: usize) {
        let taken = self.take(length);
        self.out.extend_from_slice(taken.as_bytes());
    }

    fn copy_spaces(&mut self) {
        self.copy(self.rest.len() - self.rest.trim_start().len());
    }
}

/// The length of a text with its quotation marks.
fn length_of_text(json: &str) -> Option<usize> {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.map(|end| end + 2)
}

fn length_of_word(json: &str) -> usize {
    json.find(|char: char| char.is_whitespace() || matches!(char, ',' | ']' | '}')).unwrap_or(json.len())
}

/// The length of a value of any kind.
fn length_of_value(json: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    loop {
        at += match json.as_bytes().get(at)? {
            b'"' => length_of_text(&json[at..])?,
            b'{' | b'[' => {
                depth += 1;
                1
            }
            b'}' | b']' => {
                depth -= 1;
                1
            }
            b',' | b':' => 1,
            byte if byte.is_ascii_whitespace() => 1,
            _ => length_of_word(&json[at..]),
        };
        if depth == 0 {
            return Some(at);
        }
    }
}

/// A character of a text as JSON writes it.
struct Written<'a> {
    char: char,
    json: &'a str,
}

/// A text of JSON, and its stand-in with escapes where it has them.
fn text_like(json: &str, stand_ins: &mut StandIns) -> Option<String> {
    let inner = json.get(1..json.len() - 1)?;
    let written = written(inner)?;
    let text: String = written.iter().map(|it| it.char).collect();
    let stand_in = stand_ins.text(&text);
    let mut out = String::from('"');
    for (before, char) in written.iter().zip(stand_in.chars()) {
        match before.json {
            same if before.char == char => out += same,
            escaped if escaped.starts_with("\\u") => {
                let mut units = [0; 2];
                char.encode_utf16(&mut units).iter().for_each(|unit| out += &format!("\\u{unit:04x}"));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    Some(out)
}

/// The characters of a text; `None` if it has half of a pair.
fn written(inner: &str) -> Option<Vec<Written<'_>>> {
    let mut all = Vec::new();
    let mut rest = inner;
    while let Some(first) = rest.chars().next() {
        let length = match rest.as_bytes() {
            [b'\\', b'u', ..] if rest.get(6..).is_some_and(|rest| rest.starts_with("\\u")) && is_surrogate(rest) => 12,
            [b'\\', b'u', ..] => 6,
            [b'\\', ..] => 2,
            _ => first.len_utf8(),
        };
        let (json, after) = rest.split_at_checked(length)?;
        let text =
            if length == first.len_utf8() { json.to_owned() } else { serde_json::from_str(&format!("\"{json}\"")).ok()? };
        all.push(Written { char: text.chars().next()?, json });
        rest = after;
    }
    Some(all)
}

/// Whether `\uXXXX` is the first half of a pair.
fn is_surrogate(json: &str) -> bool {
    json.get(2..6).and_then(|digits| u16::from_str_radix(digits, 16).ok()).is_some_and(|unit| (0xD800..0xDC00).contains(&unit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{
        super::{
            keep::{Keep, Where},
            names::Names,
        },
        *,
    };

    impl Decide for Keep {
        fn keeps(&mut self, path: &[Step]) -> bool {
            Keep::keeps(self, Where { of: "", entry: None, path })
        }

        fn replaces(&mut self, _: &[Step]) {}
    }

    fn redacted(json: &str, keep: &[&str]) -> String {
        let mut keep = Keep(keep.iter().map(|pattern| pattern.parse().unwrap()).collect());
        let out = rewrite(json.as_bytes(), &mut keep, &mut StandIns::new(Names::default())).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What must be the same before and after.
    fn shape(value: &Value) -> Value {
        match value {
            Value::String(text) => json!([text.len(), text.chars().count()]),
            Value::Number(number) => json!({ "digits": number.to_string().len(), "is zero": number.as_f64() == Some(0.0) }),
            Value::Array(all) => all.iter().map(shape).collect(),
            Value::Object(all) => all.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
            other => other.clone(),
        }
    }

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(text(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn spaces_escapes_and_the_order_of_keys_stay() {
        let json = " { \"b\" : [ 12 , true, null ] ,\n \"a\":\"x\\u00e9\\ud83d\\ude00\\n\\/<\\u003c\" } ";
        let made = redacted(json, &[]);
        assert_eq!(made.len(), json.len());
        assert!(made.starts_with(" { \"b\" : [ ") && made.contains(", true, null ] ,\n \"a\":\""), "{made}");
        assert!(made.contains("\\n\\/<\\u003c\" } "), "{made}");
    }

    #[test]
    fn what_is_on_the_list_stays() {
        let json =
            r#"{"plan":{"kind":"gold","owner":"Alice"},"items":[{"kind":"book","title":"Emma"}],"status":{"code":"paid"}}"#;
        let made = redacted(json, &["status", "$.plan.kind", "$.items[*].kind"]);
        for kept in [r#""kind":"gold""#, r#""kind":"book""#, r#""code":"paid""#] {
            assert!(made.contains(kept), "{made}");
        }
        for gone in ["Alice", "Emma"] {
            assert!(!made.contains(gone), "{made}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn redacted_json_has_the_same_shape_and_length(json in any_json(), is_pretty in any::<bool>()) {
            let text = if is_pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
            let made = redacted(&text, &[]);
            prop_assert_eq!(made.len(), text.len());
            let made: Value = serde_json::from_str(&made).unwrap();
            prop_assert_eq!(shape(&made), shape(&json));
        }

        #[test]
        fn kept_json_is_the_same(json in any_json()) {
            let text = serde_json::to_string(&json).unwrap();
            prop_assert_eq!(redacted(&text, &["$"]), text);
        }
    }
}

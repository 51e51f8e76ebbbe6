//! JSON as Go writes it (`encoding/json`), where that differs from others: numbers, and what could be read as HTML.

use serde_json::Value;

/// From here on, and below its inverse of a million, a number has an exponent.
const EXPONENT_FROM: f64 = 1e21;
const EXPONENT_BELOW: f64 = 1e-6;

/// A value that Go has read without knowing its type: every number in it is a float.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), float),
        Value::String(_) => escaped(&value.to_string()),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            let field = |(key, value): (&String, &Value)| format!("{}:{}", text(&Value::from(key.as_str())), text(value));
            format!("{{{}}}", fields.into_iter().map(field).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

fn float(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude == 0.0 || (EXPONENT_BELOW..EXPONENT_FROM).contains(&magnitude) {
        return value.to_string();
    }
    let scientific = format!("{value:e}");
    if scientific.contains("e-") { scientific } else { scientific.replace('e', "e+") }
}

fn escaped(json: &str) -> String {
    let escapes = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
    escapes.into_iter().fold(json.to_owned(), |json, (from, to)| json.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_go() {
        let cases = [
            ("1.0", "1"),
            ("-0.0", "-0"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("1e-7", "1e-7"),
            ("123456789012345678", "123456789012345680"),
            ("[ \"a\", null, true ]", "[\"a\",null,true]"),
            ("\"a<b>&\\u2028\\u00fc\\t\"", "\"a\\u003cb\\u003e\\u0026\\u2028ü\\t\""),
            ("{\"b\": 1, \"a\": {}}", "{\"a\":{},\"b\":1}"),
        ];
        for (read, written) in cases {
            assert_eq!(text(&serde_json::from_str(read).expect("JSON")), written);
        }
    }
}

//! What Go says of text that is no JSON (`encoding/json`).

use super::names;

/// What is wrong with a text; `None` if it is JSON.
pub(crate) fn syntax_error(text: &[u8]) -> Option<String> {
    let mut reader = Reader { text, at: 0 };
    match reader.document() {
        Ok(()) => None,
        Err(Wrong { context }) => Some(match text.get(reader.at) {
            Some(byte) => format!("invalid character {} {context}", quoted(*byte)),
            None => "unexpected end of JSON input".to_owned(),
        }),
    }
}

/// The next byte fits nothing, or is missing.
struct Wrong {
    /// Where that is, in Go's words.
    context: String,
}

type Read<T = ()> = Result<T, Wrong>;

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn document(&mut self) -> Read {
        // What is open: whether it is an object.
        let mut open: Vec<bool> = Vec::new();
        loop {
            let begun = self.value_begins()?;
            if let Some(is_object) = begun {
                open.push(is_object);
                self.blanks();
                let is_empty = self.takes(if is_object { b'}' } else { b']' });
                if is_empty {
                    open.pop();
                } else {
                    if is_object {
                        self.name()?;
                    }
                    continue;
                }
            }
            loop {
                self.blanks();
                let Some(&is_object) = open.last() else {
                    return if self.at == self.text.len() { Ok(()) } else { wrong("after top-level value") };
                };
                if self.takes(b',') {
                    if is_object {
                        self.blanks();
                        self.name()?;
                    }
                    break;
                }
                if !self.takes(if is_object { b'}' } else { b']' }) {
                    return wrong(if is_object { "after object key:value pair" } else { "after array element" });
                }
                open.pop();
            }
        }
    }

    /// A value to its end, or the beginning of an object (`true`) or a list.
    fn value_begins(&mut self) -> Read<Option<bool>> {
        self.blanks();
        match self.text.get(self.at) {
            Some(b'{' | b'[') => {
                self.at += 1;
                return Ok(Some(self.text[self.at - 1] == b'{'));
            }
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return wrong("looking for beginning of value"),
        }
        Ok(None)
    }

    /// The name of an object's field, and its colon.
    fn name(&mut self) -> Read {
        if self.text.get(self.at) != Some(&b'"') {
            return wrong("looking for beginning of object key string");
        }
        self.string()?;
        self.blanks();
        if self.takes(b':') { Ok(()) } else { wrong("after object key") }
    }

    fn string(&mut self) -> Read {
        self.at += 1;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(0..b' ') | None => return wrong("in string literal"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Read {
        match self.text.get(self.at) {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.text.get(self.at).is_some_and(u8::is_ascii_hexdigit) {
                        return wrong("in \\u hexadecimal character escape");
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => wrong("in string escape code"),
        }
    }

    fn number(&mut self) -> Read {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits("in numeric literal")?;
        }
        if self.takes(b'.') {
            self.digits("after decimal point in numeric literal")?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Read {
        if !self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            return wrong(context);
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Read {
        for expected in word.bytes() {
            if !self.takes(expected) {
                return wrong(&format!("in literal {word} (expecting {})", quoted(expected)));
            }
        }
        Ok(())
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }
}

fn wrong<T>(context: &str) -> Read<T> {
    Err(Wrong { context: context.to_owned() })
}

/// A byte as Go's errors name it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => r#"'"'"#.to_owned(),
        _ => {
            let quoted = names::quoted(&char::from(byte).to_string());
            format!("'{}'", quoted.trim_matches('"'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_go_s_words() {
        for (text, expected) in [
            ("", "unexpected end of JSON input"),
            ("  ", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("not a token", "invalid character 'o' in literal null (expecting 'u')"),
            ("\0", "invalid character '\\x00' looking for beginning of value"),
            ("\u{fe}", "invalid character 'Ã' looking for beginning of value"),
            ("'", "invalid character '\\'' looking for beginning of value"),
            ("1\"", "invalid character '\"' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.", "unexpected end of JSON input"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("{", "unexpected end of JSON input"),
            ("{x", "invalid character 'x' looking for beginning of object key string"),
            ("{\"a\" 1", "invalid character '1' after object key"),
            ("{\"a\":1 x", "invalid character 'x' after object key:value pair"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("[1 x", "invalid character 'x' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("\"\n", "invalid character '\\n' in string literal"),
            ("\"\\q", "invalid character 'q' in string escape code"),
            ("\"\\u12x", "invalid character 'x' in \\u hexadecimal character escape"),
        ] {
            assert_eq!(syntax_error(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
        for text in ["{}", "[]", "[[],{}]", "null", "-0.5e-3", " {\"a\" : [1, {\"b\":true}] , \"c\":\"\\u00e9\\n\"} "] {
            assert_eq!(syntax_error(text.as_bytes()), None, "{text}");
        }
    }
}

//! The tokens of a query, with the positions that error texts name. The SQL is that of MySQL as `temporalio/sqlparser` reads it
//! (`token.go`): keywords in any case, two kinds of quotes, comments.

use super::keywords;

/// A token of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// What an error text says that it is near to: of names and values only.
    pub(super) text: Option<String>,
    /// The position behind it that an error text names, counted from 1.
    pub(super) position: usize,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, or a keyword that may be one.
    Name,
    /// A keyword that the grammar knows or that is no name: in lower case.
    Keyword(&'static str),
    String,
    Integer,
    Float,
    /// `x'1f'`.
    Hex,
    /// `0x1f`.
    HexNumber,
    /// `b'101'`.
    Bits,
    /// `:name` or `?`.
    Argument,
    /// `::name`.
    ListArgument,
    /// An operator or a mark.
    Mark(&'static str),
    /// What is no token: the query ends here for the parser.
    Wrong,
    End,
}

const MARKS: &[&str] = &[
    "<=>", "->>", "<=", ">=", "<>", "!=", "<<", ">>", "->", "=", "<", ">", ",", ";", "(", ")", "+", "-", "*", "/", "%", "^",
    "~", "&", "|", "!", ".",
];

/// All tokens of a query, the last of which is [`Kind::End`].
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let mut scanner = Scanner { bytes: sql.as_bytes(), at: 0, argument_count: 0 };
    let mut tokens = Vec::new();
    loop {
        let (kind, text) = scanner.scan();
        let text = text.filter(|bytes| !bytes.is_empty()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        tokens.push(Token { kind, text, position: scanner.at + 1 });
        if matches!(kind, Kind::End | Kind::Wrong) {
            return tokens;
        }
    }
}

type Scanned = (Kind, Option<Vec<u8>>);

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    argument_count: usize,
}

impl Scanner<'_> {
    fn scan(&mut self) -> Scanned {
        loop {
            self.take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
            match self.comment() {
                None => break,
                Some(Ok(())) => {}
                Some(Err(unfinished)) => return (Kind::Wrong, Some(unfinished)),
            }
        }
        let Some(first) = self.peek() else { return (Kind::End, None) };
        match first {
            b'x' | b'X' if self.at(1) == Some(b'\'') => self.digits_in_quotes(Kind::Hex, |byte| byte.is_ascii_hexdigit()),
            b'b' | b'B' if self.at(1) == Some(b'\'') => self.digits_in_quotes(Kind::Bits, |byte| matches!(byte, b'0' | b'1')),
            _ if is_letter(first) => self.word(),
            b'0'..=b'9' => self.number(),
            b'.' if self.at(1).is_some_and(|byte| byte.is_ascii_digit()) => self.number(),
            b'\'' | b'"' => self.string(first),
            b'`' => self.name_in_backticks(),
            b':' => self.argument(),
            b'?' => {
                self.at += 1;
                self.argument_count += 1;
                (Kind::Argument, Some(format!(":v{}", self.argument_count).into_bytes()))
            }
            _ => self.mark(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.at(0)
    }

    fn at(&self, offset: usize) -> Option<u8> {
        self.bytes.get(self.at + offset).copied()
    }

    fn take_while(&mut self, is_part: impl Fn(u8) -> bool) -> Vec<u8> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len());
        self.at += length;
        rest[..length].to_vec()
    }

    /// Skips one comment, if there is one; the text of one that does not end.
    fn comment(&mut self) -> Option<Result<(), Vec<u8>>> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"/*") {
            let end = rest[2..].windows(2).position(|pair| pair == b"*/");
            self.at += end.map_or(rest.len(), |end| end + 4);
            return Some(end.map(drop).ok_or_else(|| rest.to_vec()));
        }
        let is_line = rest.starts_with(b"#") || rest.starts_with(b"--") || rest.starts_with(b"//");
        is_line.then(|| {
            self.take_while(|byte| byte != b'\n');
            Ok(())
        })
    }

    fn word(&mut self) -> Scanned {
        let is_variable = self.bytes[self.at..].starts_with(b"@@");
        let is_quote = |byte| matches!(byte, b'.' | b'\'' | b'"' | b'`');
        let word = self.take_while(|byte| is_letter(byte) || byte.is_ascii_digit() || is_variable && is_quote(byte));
        let lower = String::from_utf8_lossy(&word).to_ascii_lowercase();
        match keywords::find(&lower) {
            Some(keyword) if keywords::is_reserved(keyword) => (Kind::Keyword(keyword), Some(lower.into_bytes())),
            Some(_) => (Kind::Name, Some(lower.into_bytes())),
            None if lower == "dual" => (Kind::Name, Some(lower.into_bytes())),
            None => (Kind::Name, Some(word)),
        }
    }

    fn number(&mut self) -> Scanned {
        let start = self.at;
        let mut kind = Kind::Integer;
        if self.peek() == Some(b'0') && matches!(self.at(1), Some(b'x' | b'X')) {
            kind = Kind::HexNumber;
            self.at += 2;
            self.take_while(|byte| byte.is_ascii_hexdigit());
        } else {
            self.take_while(|byte| byte.is_ascii_digit());
            if self.peek() == Some(b'.') {
                kind = Kind::Float;
                self.at += 1;
                self.take_while(|byte| byte.is_ascii_digit());
            }
            if matches!(self.peek(), Some(b'e' | b'E')) {
                kind = Kind::Float;
                self.at += 1;
                if matches!(self.peek(), Some(b'+' | b'-')) {
                    self.at += 1;
                }
                self.take_while(|byte| byte.is_ascii_digit());
            }
        }
        // A letter cannot follow a number.
        if self.peek().is_some_and(is_letter) {
            kind = Kind::Wrong;
        }
        (kind, Some(self.bytes[start..self.at].to_vec()))
    }

    fn digits_in_quotes(&mut self, kind: Kind, is_digit: fn(u8) -> bool) -> Scanned {
        self.at += 2;
        let digits = self.take_while(is_digit);
        let mut is_right = self.peek() == Some(b'\'');
        if is_right {
            self.at += 1;
            is_right = kind != Kind::Hex || digits.len().is_multiple_of(2);
        }
        (if is_right { kind } else { Kind::Wrong }, Some(digits))
    }

    /// A string ends with the quote that it began with. Two of them are one, and a backslash escapes.
    fn string(&mut self, quote: u8) -> Scanned {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.peek() else { return (Kind::Wrong, Some(text)) };
            self.at += 1;
            if byte == b'\\' {
                let Some(escaped) = self.peek() else { return (Kind::Wrong, Some(text)) };
                self.at += 1;
                text.push(unescaped(escaped));
            } else if byte != quote {
                text.push(byte);
            } else if self.peek() == Some(quote) {
                self.at += 1;
                text.push(quote);
            } else {
                return (Kind::String, Some(text));
            }
        }
    }

    fn name_in_backticks(&mut self) -> Scanned {
        self.at += 1;
        let mut name = Vec::new();
        loop {
            let Some(byte) = self.peek() else { return (Kind::Wrong, Some(name)) };
            self.at += 1;
            if byte == b'`' {
                if self.peek() != Some(b'`') {
                    break;
                }
                self.at += 1;
            }
            name.push(byte);
        }
        (if name.is_empty() { Kind::Wrong } else { Kind::Name }, Some(name))
    }

    fn argument(&mut self) -> Scanned {
        let colons = if self.at(1) == Some(b':') { 2 } else { 1 };
        let start = self.at;
        self.at += colons;
        if !self.peek().is_some_and(is_letter) {
            return (Kind::Wrong, Some(self.bytes[start..self.at].to_vec()));
        }
        self.take_while(|byte| is_letter(byte) || byte.is_ascii_digit() || byte == b'.');
        let kind = if colons == 2 { Kind::ListArgument } else { Kind::Argument };
        (kind, Some(self.bytes[start..self.at].to_vec()))
    }

    fn mark(&mut self) -> Scanned {
        let rest = &self.bytes[self.at..];
        for (mark, keyword) in [("&&", "and"), ("||", "or")] {
            if rest.starts_with(mark.as_bytes()) {
                self.at += mark.len();
                return (Kind::Keyword(keyword), None);
            }
        }
        match MARKS.iter().find(|mark| rest.starts_with(mark.as_bytes())) {
            Some(mark) => {
                self.at += mark.len();
                (Kind::Mark(mark), None)
            }
            None => {
                self.at += 1;
                (Kind::Wrong, Some(rest[..1].to_vec()))
            }
        }
    }
}

pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@')
}

/// What a backslash and this byte stand for in a string.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'0' => 0,
        b'b' => 8,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 26,
        other => other,
    }
}

//! How texts and lists of keywords are searched: with the full-text index of SQLite (FTS5, tokenizer `unicode61`), as the schema
//! of the real server's SQLite store configures it.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Keywords of a list are joined with it, so it parts them.
const SEPARATOR: char = '♡';

/// What is searched for: one word, or several that follow each other.
pub(super) type Phrase = Vec<String>;

/// The words of a text: letters and digits, without case and diacritics.
pub(super) fn of_text(text: &str) -> Vec<String> {
    let plain: String = text.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The words of a keyword: itself without case.
pub(crate) fn of_keyword(keyword: &str) -> Vec<String> {
    let lower = keyword.to_lowercase();
    lower.split(SEPARATOR).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The parts of what a text is searched for.
pub(super) fn searched(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// Whether the phrase is among the words.
pub(super) fn contain(words: &[String], phrase: &Phrase) -> bool {
    !phrase.is_empty() && words.windows(phrase.len()).any(|part| part == phrase)
}

/// A value as it gets into SQL. The real server escapes what SQLite does not, so these are found by none who writes them.
pub(super) fn in_sql(value: &str) -> String {
    let mut written = String::new();
    for c in value.chars() {
        match c {
            '"' => written.push_str("\\\""),
            '\u{8}' => written.push_str("\\b"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '\\' => written.push_str("\\\\"),
            _ => written.push(c),
        }
    }
    written
}

/// What SQLite says of a search for these values, written as in SQL: a quote among them breaks its syntax.
pub(super) fn syntax_error(values: &[String]) -> Option<String> {
    if !values.iter().any(|value| value.contains('"')) {
        return None;
    }
    let search = format!("(\"{}\")", values.join("\" OR \""));
    let mut rest = search.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                if !rest.by_ref().any(|c| c == '"') {
                    return Some("unterminated string".to_owned());
                }
            }
            '(' | ')' | '{' | '}' | ':' | ',' | '+' | '*' | '^' | ' ' | '\t' | '\n' | '\r' | '_' => {}
            _ if c.is_ascii_alphanumeric() || !c.is_ascii() => {}
            _ => return Some(format!("fts5: syntax error near \"{c}\"")),
        }
    }
    None
}

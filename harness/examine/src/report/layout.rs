//! Text of limited width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Characters of what two texts have in common that stand before where they part.
const CONTEXT_CHARS: usize = 10;

/// What is written to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Whether it shows colours.
    pub is_coloured: bool,
    /// In columns. `None`: nobody knows, and nothing is wrapped.
    pub width: Option<usize>,
}

/// The columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text without what would move a terminal's cursor, change its colours, or turn the direction of reading. Lines stay lines.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' => out.push('\n'),
            '\t' => out += "    ",
            '\r' => {}
            char if char.is_control() || turns(char) => out.extend(char.escape_unicode()),
            char => out.push(char),
        }
    }
    out
}

/// The same on one line.
pub fn on_one_line(text: &str) -> String {
    printable(text).replace('\n', " ")
}

/// Whether it turns the direction of reading, so that a text looks like another one.
fn turns(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of a text that is too wide.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |char: &char| {
        let wide = char.width().unwrap_or(0);
        let fits = wide <= left;
        left = left.saturating_sub(wide);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// Two texts, each cut to its columns so that where they part is still seen.
pub(super) fn cut_both(one: (&str, usize), other: (&str, usize)) -> (String, String) {
    let same = one.0.chars().zip(other.0.chars()).take_while(|(one, other)| one == other).count();
    let fits = |(text, columns)| width(text) <= columns;
    if one.0 == other.0 || fits(one) && fits(other) || same < one.1.min(other.1) / 2 {
        return (cut(one.0, one.1), cut(other.0, other.1));
    }
    let left_out = same.saturating_sub(CONTEXT_CHARS);
    let tail = |(text, columns): (&str, usize)| -> String {
        cut(&std::iter::once('…').chain(text.chars().skip(left_out)).collect::<String>(), columns)
    };
    (tail(one), tail(other))
}

/// A text with spaces behind it.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// A line that is indented, and continued further in where it is too wide.
pub(super) fn wrapped(text: &str, indent: usize, columns: Option<usize>) -> String {
    let margin = " ".repeat(indent);
    let Some(columns) = columns else { return format!("{margin}{text}\n") };
    let (mut out, mut taken, mut is_line_begun) = (margin.clone(), indent, false);
    for word in text.split(' ') {
        if is_line_begun && taken + 1 + width(word) > columns {
            out += &format!("\n{margin}  ");
            (taken, is_line_begun) = (indent + 2, false);
        }
        if is_line_begun {
            out.push(' ');
            taken += 1;
        }
        out += word;
        taken += width(word);
        is_line_begun = true;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_it_may_be() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("日本語の文", 6), "日本…");
        assert_eq!(width(&cut("👩‍👩‍👧 family", 4)), 4.min(width(&cut("👩‍👩‍👧 family", 4))));
    }

    #[test]
    fn where_two_texts_part_is_seen() {
        let (one, other) = (format!("{}1 and more", "x".repeat(60)), format!("{}2 and more", "x".repeat(60)));
        assert_eq!(cut_both((&one, 16), (&other, 16)), ("…xxxxxxxxxx1 an…".to_owned(), "…xxxxxxxxxx2 an…".to_owned()));
        assert_eq!(cut_both(("short", 16), ("other", 16)), ("short".to_owned(), "other".to_owned()));
    }

    #[test]
    fn words_go_on_in_the_next_line() {
        assert_eq!(wrapped("one two three", 2, Some(9)), "  one two\n    three\n");
        assert_eq!(wrapped("one two three", 2, None), "  one two three\n");
        assert_eq!(wrapped("averyverylongword x", 2, Some(9)), "  averyverylongword\n    x\n");
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\tc\u{202e}"), "a\\u{1b}[31mb\n    c\\u{202e}");
        assert_eq!(on_one_line("a\nb"), "a b");
    }
}

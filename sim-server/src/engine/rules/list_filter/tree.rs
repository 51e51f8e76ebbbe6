//! A query as it is written, before anything is known of search attributes. Error texts show parts of it as the real server's
//! parser prints them, and name the parser's types.

use std::fmt;

use super::{keywords, token::is_letter};

/// The clauses of a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    pub(super) filter: Option<Expr>,
    pub(super) group_by: Vec<Expr>,
    pub(super) order_by: Vec<Expr>,
    pub(super) has_limit: bool,
}

/// An expression. Whatever no filter may contain is [`Expr::Other`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Paren(Box<Expr>),
    Comparison {
        left: Box<Expr>,
        operator: &'static str,
        right: Box<Expr>,
    },
    Range {
        operand: Box<Expr>,
        is_negated: bool,
        from: Box<Expr>,
        to: Box<Expr>,
    },
    Is {
        operand: Box<Expr>,
        test: Test,
    },
    Literal {
        kind: LiteralKind,
        text: String,
    },
    Bool(bool),
    Null,
    /// The parts of a column's name.
    Column(Vec<String>),
    Tuple(Vec<Expr>),
    Unary {
        operator: &'static str,
        operand: Box<Expr>,
    },
    Function,
    GroupConcat,
    /// By the name of its type.
    Other(&'static str),
}

/// What `IS` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Null,
    NotNull,
    /// `TRUE`, `FALSE` and their negations.
    Other,
}

/// How a literal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LiteralKind {
    String,
    Integer,
    Float,
    Hex,
    HexNumber,
    Bits,
    Argument,
}

impl Expr {
    /// The type that the real server's parser has for it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::And(_) => "*sqlparser.AndExpr",
            Self::Or(_) => "*sqlparser.OrExpr",
            Self::Not(_) => "*sqlparser.NotExpr",
            Self::Paren(_) => "*sqlparser.ParenExpr",
            Self::Comparison { .. } => "*sqlparser.ComparisonExpr",
            Self::Range { .. } => "*sqlparser.RangeCond",
            Self::Is { .. } => "*sqlparser.IsExpr",
            Self::Literal { .. } => "*sqlparser.SQLVal",
            Self::Bool(_) => "sqlparser.BoolVal",
            Self::Null => "*sqlparser.NullVal",
            Self::Column(_) => "*sqlparser.ColName",
            Self::Tuple(_) => "sqlparser.ValTuple",
            Self::Unary { .. } => "*sqlparser.UnaryExpr",
            Self::Function => "*sqlparser.FuncExpr",
            Self::GroupConcat => "*sqlparser.GroupConcatExpr",
            Self::Other(name) => name,
        }
    }
}

/// As the real server's parser prints it, for what error texts show.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paren(inner) => write!(f, "({inner})"),
            Self::Literal { kind: LiteralKind::String, text } => write!(f, "'{}'", escaped(text)),
            Self::Literal { kind: LiteralKind::Hex, text } => write!(f, "X'{text}'"),
            Self::Literal { kind: LiteralKind::Bits, text } => write!(f, "B'{text}'"),
            Self::Literal { text, .. } => f.write_str(text),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::Column(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| name(part)).collect();
                f.write_str(&parts.join("."))
            }
            Self::Tuple(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "({})", items.join(", "))
            }
            Self::Unary { operator, operand } if matches!(**operand, Self::Unary { .. }) => write!(f, "{operator} {operand}"),
            Self::Unary { operator, operand } => write!(f, "{operator}{operand}"),
            other => f.write_str(other.type_name()),
        }
    }
}

/// A name, in backticks if it could be read as something else.
fn name(name: &str) -> String {
    let is_plain = name.bytes().enumerate().all(|(at, byte)| is_letter(byte) || at > 0 && byte.is_ascii_digit());
    if is_plain && keywords::find(&name.to_ascii_lowercase()).is_none() {
        name.to_owned()
    } else {
        format!("`{}`", name.replace('`', "``"))
    }
}

/// A string's text, as MySQL escapes it.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\0' => Some('0'),
        '\u{8}' => Some('b'),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\u{1a}' => Some('Z'),
        '\'' | '"' | '\\' => Some(c),
        _ => None,
    };
    text.chars().flat_map(|c| escape(c).map_or_else(|| vec![c], |escape| vec!['\\', escape])).collect()
}

//! What a query asks of each execution, with the three truth values of SQL: what is compared with nothing is neither true nor
//! false.

use std::{borrow::Cow, cmp::Ordering};

use super::{
    column::{Cell, Column, Found},
    literal,
    words::{self, Phrase},
};
use crate::{
    engine::rules::search_attributes::json,
    proto::{common::Payload, enums::IndexedValueType},
};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Compare {
        column: Column,
        comparison: Comparison,
        value: Scalar,
    },
    In {
        column: Column,
        is_negated: bool,
        values: Vec<Scalar>,
    },
    Range {
        column: Column,
        is_negated: bool,
        from: Scalar,
        to: Scalar,
    },
    IsNull {
        column: Column,
        is_negated: bool,
    },
    /// Of a text, whatever the case of its ASCII letters.
    StartsWith {
        column: Column,
        is_negated: bool,
        prefix: String,
    },
    /// One of the phrases is in the text or the list. What has no value has none of them.
    Has {
        column: Column,
        is_negated: bool,
        phrases: Vec<Phrase>,
    },
    /// What the real server cannot execute.
    Broken,
}

/// How a column is compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
}

/// A value that columns are compared with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    /// Microseconds since the epoch.
    Micros(i64),
}

/// What a row may have in a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needle<'a> {
    pub(crate) column: &'a Column,
    pub(crate) value: Sought<'a>,
}

/// What is looked for in a column.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sought<'a> {
    Value(&'a Scalar),
    /// A word of a text or a list, as [`words`] has it.
    Word(&'a str),
    /// What lies between two values, of which one may be missing: these as well, and others that are close.
    Span(Option<&'a Scalar>, Option<&'a Scalar>),
}

impl Filter {
    /// Whether the row is in the condition; `None`: neither true nor false.
    pub(super) fn test(&self, row: &impl Found) -> Option<bool> {
        match self {
            Self::And(all) => {
                let mut outcome = Some(true);
                for filter in all {
                    match filter.test(row) {
                        Some(true) => {}
                        Some(false) => return Some(false),
                        None => outcome = None,
                    }
                }
                outcome
            }
            Self::Or(any) => {
                let mut outcome = Some(false);
                for filter in any {
                    match filter.test(row) {
                        Some(false) => {}
                        Some(true) => return Some(true),
                        None => outcome = None,
                    }
                }
                outcome
            }
            Self::Not(filter) => filter.test(row).map(|outcome| !outcome),
            Self::Compare { column, comparison, value } => Some(comparison.holds(value.order(&column.cell(row))?)),
            Self::In { column, is_negated, values } => {
                let cell = column.cell(row);
                let is_in = |value: &Scalar| value.order(&cell) == Some(Ordering::Equal);
                (cell != Cell::Null).then(|| values.iter().any(is_in) != *is_negated)
            }
            Self::Range { column, is_negated, from, to } => {
                let cell = column.cell(row);
                let is_in = from.order(&cell)?.is_ge() && to.order(&cell)?.is_le();
                Some(is_in != *is_negated)
            }
            Self::IsNull { column, is_negated } => Some((column.cell(row) == Cell::Null) != *is_negated),
            Self::StartsWith { column, is_negated, prefix } => match column.cell(row) {
                Cell::Text(text) => {
                    let start = text.as_bytes().get(..prefix.len());
                    Some(start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes())) != *is_negated)
                }
                _ => None,
            },
            Self::Has { column, is_negated, phrases } => {
                let words = match column.cell(row) {
                    Cell::Text(text) => words::of_text(&text),
                    Cell::Texts(all) => all.iter().flat_map(|keyword| words::of_keyword(keyword)).collect(),
                    _ => Vec::new(),
                };
                Some(phrases.iter().any(|phrase| words::contain(&words, phrase)) != *is_negated)
            }
            Self::Broken => None,
        }
    }

    /// What all that is found has: of each group, one at least.
    pub(super) fn needles(&self) -> Vec<Vec<Needle<'_>>> {
        let equal = |column, value| Needle { column, value: Sought::Value(value) };
        match self {
            Self::And(all) => all.iter().flat_map(Self::needles).collect(),
            // The first group of each is enough: there is rarely another.
            Self::Or(any) => {
                let groups: Option<Vec<_>> = any.iter().map(|filter| filter.needles().into_iter().next()).collect();
                groups.map(|groups| groups.into_iter().flatten().collect()).into_iter().collect()
            }
            Self::Compare { column, comparison, value } => {
                let span = |from, to| Needle { column, value: Sought::Span(from, to) };
                vec![vec![match comparison {
                    Comparison::Equal => equal(column, value),
                    Comparison::NotEqual => return Vec::new(),
                    Comparison::Less | Comparison::LessOrEqual => span(None, Some(value)),
                    Comparison::Greater | Comparison::GreaterOrEqual => span(Some(value), None),
                }]]
            }
            Self::Range { column, is_negated: false, from, to } => {
                vec![vec![Needle { column, value: Sought::Span(Some(from), Some(to)) }]]
            }
            Self::In { column, is_negated: false, values } => {
                vec![values.iter().map(|value| equal(column, value)).collect()]
            }
            Self::Has { column, is_negated: false, phrases } => {
                let words: Option<Vec<&str>> = phrases.iter().map(|phrase| Some(phrase.first()?.as_str())).collect();
                let needle = |word| Needle { column, value: Sought::Word(word) };
                words.map(|words| words.into_iter().map(needle).collect()).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Comparison {
    pub(super) fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            ">" => Self::Greater,
            "<=" => Self::LessOrEqual,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::Greater => order.is_gt(),
            Self::LessOrEqual => order.is_le(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Scalar {
    /// How the cell stands to this value; `None` if nothing is there.
    fn order(&self, cell: &Cell<'_>) -> Option<Ordering> {
        match (cell, self) {
            (Cell::Text(cell), Self::Text(value)) => Some((**cell).cmp(value)),
            (Cell::Bool(cell), Self::Bool(value)) => Some(cell.cmp(value)),
            (Cell::Int(cell), Self::Int(value)) => Some(cell.cmp(value)),
            (Cell::Int(cell), Self::Double(value)) => order_of_int(*cell, *value),
            (Cell::Double(cell), Self::Int(value)) => order_of_int(*value, *cell).map(Ordering::reverse),
            (Cell::Double(cell), Self::Double(value)) => cell.partial_cmp(value),
            (Cell::Micros(cell), Self::Micros(value)) => Some(cell.cmp(value)),
            // They are compared as texts: that of an attribute has three decimals, that of a query no zeros at its end.
            (Cell::Millis(cell), Self::Micros(value)) => {
                let has_zero = if cell % 10 == 0 { Ordering::Greater } else { Ordering::Equal };
                Some(cell.saturating_mul(1000).cmp(value).then(has_zero))
            }
            _ => None,
        }
    }
}

/// How a whole number stands to another, to the last digit.
fn order_of_int(int: i64, double: f64) -> Option<Ordering> {
    let order = (int as f64).partial_cmp(&double)?;
    // The nearest double is the other one: it is a whole number then.
    Some(order.then_with(|| i128::from(int).cmp(&(double as i128))))
}

impl<'a> Cell<'a> {
    /// What the store makes of a search attribute of this type.
    pub(crate) fn of(payload: &'a Payload, value_type: IndexedValueType) -> Self {
        use IndexedValueType as T;
        let Some(value) = json(payload, value_type) else { return Cell::Null };
        if let (T::KeywordList, serde_json::Value::Array(items)) = (value_type, &value) {
            let items = match items.as_slice() {
                // Of one empty list, the store makes a list of one empty keyword.
                [serde_json::Value::Array(inner)] if inner.is_empty() => return Cell::Texts(vec![String::new()]),
                [serde_json::Value::Array(inner)] => inner,
                _ => items,
            };
            let texts: Vec<_> = items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect();
            return if texts.is_empty() { Cell::Null } else { Cell::Texts(texts) };
        }
        let value = match value {
            serde_json::Value::Array(items) => items.into_iter().next().unwrap_or_default(),
            value => value,
        };
        match (value_type, value) {
            (T::Text | T::Keyword, serde_json::Value::String(text)) => Cell::Text(Cow::Owned(text)),
            (T::Int, value) => value.as_i64().map_or(Cell::Null, Cell::Int),
            (T::Double, value) => value.as_f64().map_or(Cell::Null, Cell::Double),
            (T::Bool, value) => value.as_bool().map_or(Cell::Null, Cell::Bool),
            (T::Datetime, serde_json::Value::String(text)) => literal::millis(&text).map_or(Cell::Null, Cell::Millis),
            _ => Cell::Null,
        }
    }
}

//! From a query to what it asks: which columns it names, whether they may be compared so, and with what.

use super::{
    column::{Column, SystemColumn},
    filter::{Comparison, Filter, Scalar},
    grammar,
    literal::{self, Value},
    query::{ALL, GroupBy, ListFilter},
    tree::{Expr, LiteralKind, Test},
    words,
};
use crate::{
    engine::rules::{names, search_attributes::Registry},
    proto::enums::{IndexedValueType as Type, WorkflowExecutionStatus as Status},
};

const DIVISION: &str = "TemporalNamespaceDivision";

/// Why a query is refused, without "invalid query: " before it.
pub(super) type Refused<T> = std::result::Result<T, String>;

/// Reads a query on executions of the namespace that has these search attributes, or on its schedules.
pub(super) fn read(query: &str, registry: &Registry, is_of_schedules: bool) -> Refused<ListFilter> {
    let mut converter = Converter { registry, is_of_schedules, read: ALL.clone() };
    converter.query(query)?;
    Ok(converter.read)
}

/// What is no query.
pub(super) fn malformed(error: String) -> String {
    format!("malformed SQL query: {error}")
}

struct Converter<'a> {
    registry: &'a Registry,
    /// They have columns of their own; statuses and orders are not looked at.
    is_of_schedules: bool,
    /// What has been read so far.
    read: ListFilter,
}

impl Converter<'_> {
    fn query(&mut self, text: &str) -> Refused<()> {
        let query = grammar::parse(text).map_err(malformed)?;
        if query.has_limit {
            return Err("operation is not supported: 'LIMIT' clause".to_owned());
        }
        self.read.condition = query.filter.as_ref().map(|expr| self.condition(expr)).transpose()?;
        if query.group_by.len() > 1 {
            return Err("operation is not supported: 'GROUP BY' clause supports only a single field".to_owned());
        }
        self.read.group_by = query.group_by.first().map(|expr| self.group_by(expr)).transpose()?;
        for expr in &query.order_by {
            if self.column(expr)?.value_type == Type::Text {
                return Err("operation is not supported: unable to sort by search attribute type Text".to_owned());
            }
        }
        if !query.order_by.is_empty() && !self.is_of_schedules {
            return Err("operation is not supported: 'ORDER BY' clause".to_owned());
        }
        Ok(())
    }

    fn group_by(&mut self, expr: &Expr) -> Refused<GroupBy> {
        let column = self.column(expr)?;
        if column.is(SystemColumn::ExecutionStatus) {
            return Ok(GroupBy::Status);
        }
        if column.is_attribute(DIVISION) {
            return Ok(GroupBy::Division);
        }
        let alias = column.alias;
        Err(format!("operation is not supported: 'GROUP BY' clause is not supported for search attribute {alias}"))
    }

    fn condition(&mut self, expr: &Expr) -> Refused<Filter> {
        match expr {
            Expr::Paren(inner) => self.condition(inner),
            Expr::Not(inner) => Ok(Filter::Not(self.condition(inner)?.into())),
            Expr::And(all) => Ok(Filter::And(self.conditions(all)?)),
            Expr::Or(any) => Ok(Filter::Or(self.conditions(any)?)),
            Expr::Comparison { left, operator, right } => {
                let column = self.column(left)?;
                let value = self.value(right, &column)?;
                self.comparison(column, operator, value)
            }
            Expr::Range { operand, is_negated, from, to } => self.range(operand, *is_negated, from, to),
            Expr::Is { operand, test } => {
                let column = self.column(operand)?;
                if *test == Test::Other {
                    let text = "invalid expression: 'IS' operator can only be used as 'IS NULL' or 'IS NOT NULL'";
                    return Err(text.to_owned());
                }
                Ok(Filter::IsNull { column, is_negated: *test == Test::NotNull })
            }
            Expr::Function => Err("operation is not supported: function expression".to_owned()),
            Expr::Column(_) => Err("invalid expression: incomplete expression".to_owned()),
            other => Err(format!("operation is not supported: expression of type {}", other.type_name())),
        }
    }

    fn conditions(&mut self, exprs: &[Expr]) -> Refused<Vec<Filter>> {
        exprs.iter().map(|expr| self.condition(expr)).collect()
    }

    fn column(&mut self, expr: &Expr) -> Refused<Column> {
        let Expr::Column(parts) = expr else {
            return Err(format!("invalid expression: must be a column name but was {}", expr.type_name()));
        };
        let alias = parts.join(".").replace('`', "");
        let column = Column::find(&alias, self.registry);
        let column = column.or_else(|| Column::of_schedules(&alias).filter(|_| self.is_of_schedules));
        let column = column.ok_or_else(|| format!("invalid search attribute: {alias}"))?;
        self.read.columns.insert(alias.clone());
        self.read.mentions_division |= column.is_attribute(DIVISION);
        if column.has_no_place() {
            self.cannot_execute(format!("no such column: {alias}"));
        }
        Ok(column)
    }

    fn cannot_execute(&mut self, why: String) -> Filter {
        self.read.database_error.get_or_insert(format!("SQL logic error: {why} (1)"));
        Filter::Broken
    }

    fn comparison(&mut self, column: Column, operator: &str, value: Value) -> Refused<Filter> {
        let (operator, is_negated) = operator.strip_prefix("not ").map_or((operator, false), |operator| (operator, true));
        let is_supported = match column.value_type {
            Type::Keyword => Comparison::of(operator).is_some() || matches!(operator, "in" | "starts_with"),
            Type::KeywordList => matches!(operator, "=" | "!=" | "in"),
            Type::Text => matches!(operator, "=" | "!="),
            _ => Comparison::of(operator).is_some() || operator == "in",
        };
        if !is_supported {
            let operator = format!("{}{}", if is_negated { "NOT " } else { "" }, operator.to_uppercase());
            let (of, alias) = (type_name(column.value_type), column.alias);
            return Err(format!(
                "operation is not supported: operator '{operator}' not supported for {of} type search attribute '{alias}'"
            ));
        }
        if matches!(column.value_type, Type::KeywordList | Type::Text) {
            return self.search(column, operator, is_negated || operator == "!=", value);
        }
        match (operator, value) {
            ("starts_with", Value::Text(prefix)) if !column.is(SystemColumn::ExecutionStatus) => {
                Ok(Filter::StartsWith { column, is_negated, prefix: words::in_sql(&prefix) })
            }
            ("starts_with", value) => {
                let operator = names::quoted(if is_negated { "not starts_with" } else { "starts_with" });
                Err(format!(
                    "invalid expression: right-hand side of {operator} operator must be a literal string (got: {value})"
                ))
            }
            ("in", Value::List(values)) => match values.into_iter().map(|value| scalar(&column, value)).collect() {
                Some(values) => Ok(Filter::In { column, is_negated, values }),
                None => Ok(self.row_misused()),
            },
            (operator, value) => match Comparison::of(operator).zip(scalar(&column, value)) {
                Some((comparison, value)) => Ok(Filter::Compare { column, comparison, value }),
                None => Ok(self.row_misused()),
            },
        }
    }

    fn row_misused(&mut self) -> Filter {
        self.cannot_execute("row value misused".to_owned())
    }

    /// A search in a text or a list.
    fn search(&mut self, column: Column, operator: &str, is_negated: bool, value: Value) -> Refused<Filter> {
        let expected_text = |got: &Value, place: &str| {
            Err(format!("invalid expression: unexpected value type{place} (expected string, got {})", in_sql(got)))
        };
        let values = match (column.value_type, value) {
            (Type::Text, Value::Text(text)) => words::searched(&text).map(words::in_sql).collect(),
            (_, Value::Text(keyword)) => vec![words::in_sql(&keyword)],
            (Type::KeywordList, Value::List(values)) if operator == "in" => {
                let mut keywords = Vec::new();
                for value in &values {
                    let Value::Text(keyword) = value else { return expected_text(value, " in tuple") };
                    keywords.push(words::in_sql(keyword));
                }
                keywords
            }
            (_, value) => return expected_text(&value, ""),
        };
        if let Some(error) = words::syntax_error(&values) {
            return Ok(self.cannot_execute(error));
        }
        let words = if column.value_type == Type::Text { words::of_text } else { words::of_keyword };
        let phrases = values.iter().map(|value| words(value)).collect();
        Ok(Filter::Has { column, is_negated, phrases })
    }

    fn range(&mut self, operand: &Expr, is_negated: bool, from: &Expr, to: &Expr) -> Refused<Filter> {
        let column = self.column(operand)?;
        if !matches!(column.value_type, Type::Datetime | Type::Double | Type::Int | Type::Keyword) {
            let (of, alias) = (type_name(column.value_type), column.alias);
            return Err(format!("invalid expression: cannot do range condition on search attribute '{alias}' of type {of}"));
        }
        let from = self.value(from, &column)?;
        let to = self.value(to, &column)?;
        match scalar(&column, from).zip(scalar(&column, to)) {
            Some((from, to)) => Ok(Filter::Range { column, is_negated, from, to }),
            None => Ok(self.row_misused()),
        }
    }

    fn typed(&self, value: Value, column: &Column) -> Refused<Value> {
        // A query on schedules that names statuses is refused for that alone.
        let is_ignored = self.is_of_schedules && column.is(SystemColumn::ExecutionStatus);
        if is_ignored { Ok(value) } else { typed(value, column) }
    }

    fn value(&mut self, expr: &Expr, column: &Column) -> Refused<Value> {
        match expr {
            Expr::Literal { kind, text } => self.typed(Value::of(*kind, text).ok_or_else(|| unreadable(expr))?, column),
            Expr::Bool(value) => of_type(Value::Bool(*value), column),
            Expr::Tuple(items) => items.iter().map(|item| self.value(item, column)).collect::<Refused<_>>().map(Value::List),
            Expr::Unary { operator: operator @ ("+" | "-"), operand } => match &**operand {
                Expr::Literal { kind, text } if *kind != LiteralKind::String => {
                    // A refusal names the value without its sign.
                    let value = self.typed(Value::of(*kind, text).ok_or_else(|| unreadable(operand))?, column)?;
                    Ok(if *operator == "-" { value.negated() } else { value })
                }
                _ => {
                    let expr = names::quoted(&expr.to_string());
                    Err(format!("invalid expression: unary operator not supported in {expr}"))
                }
            },
            Expr::Unary { operator, .. } => {
                Err(format!("operation is not supported: unary operator {}", names::quoted(operator)))
            }
            Expr::GroupConcat => Err("operation is not supported: 'group_concat'".to_owned()),
            Expr::Function => Err("operation is not supported: nested func".to_owned()),
            Expr::Column(_) => Err(format!(
                "operation is not supported: column name on the right side of comparison expression \
                 (did you forget to quote {}?)",
                names::quoted(&expr.to_string())
            )),
            other => Err(format!("invalid expression: unexpected value type {}", other.type_name())),
        }
    }
}

fn unreadable(expr: &Expr) -> String {
    format!("invalid expression: unable to parse value {}", names::quoted(&expr.to_string()))
}

/// The value of a literal, as its column has it.
fn typed(value: Value, column: &Column) -> Refused<Value> {
    if column.is(SystemColumn::ExecutionStatus) {
        let status = match &value {
            Value::Int(number) => Status::try_from(*number as i32).ok(),
            Value::Text(name) => literal::status(name),
            other => return Err(unexpected(other, "ExecutionStatus")),
        };
        let shown = match &value {
            Value::Text(name) => format!("'{name}'"),
            other => other.to_string(),
        };
        let status = status.ok_or_else(|| format!("invalid expression: invalid ExecutionStatus value {shown}"))?;
        return Ok(Value::Text(names::status(status)));
    }
    if column.is(SystemColumn::ExecutionDuration) {
        return match &value {
            Value::Int(_) => Ok(value),
            Value::Text(text) => literal::nanos(text).map(Value::Int).ok_or_else(|| {
                format!("invalid expression: invalid duration value for search attribute ExecutionDuration: {text}")
            }),
            other => Err(unexpected(other, "ExecutionDuration")),
        };
    }
    of_type(value, column)
}

fn unexpected(value: &Value, name: &str) -> String {
    format!("invalid expression: unexpected value type {} for search attribute {name}", value.type_name())
}

/// A value of the column's type; an instant in nanoseconds stays a number.
fn of_type(value: Value, column: &Column) -> Refused<Value> {
    let fits = match column.value_type {
        Type::Int | Type::Double => matches!(value, Value::Int(_) | Value::Double(_)),
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Datetime => matches!(value, Value::Int(_) | Value::Text(_)),
        _ => matches!(value, Value::Text(_)),
    };
    if !fits {
        return Err(format!(
            "invalid expression: invalid value type for search attribute {} of type {}: {} (type: {})",
            column.alias,
            type_name(column.value_type),
            value.as_source(),
            value.type_name(),
        ));
    }
    match &value {
        Value::Text(text) if column.value_type == Type::Text && words::searched(text).next().is_none() => {
            let alias = &column.alias;
            Err(format!("invalid expression: no tokens found filtering on Text type search attribute {alias}"))
        }
        Value::Text(text) if column.value_type == Type::Datetime && literal::micros(text).is_none() => {
            Err(format!("invalid expression: unable to parse datetime '{text}'"))
        }
        _ => Ok(value),
    }
}

/// The value as rows have it; `None` for a tuple.
fn scalar(column: &Column, value: Value) -> Option<Scalar> {
    Some(match (column.value_type, value) {
        (_, Value::List(_)) => return None,
        (Type::Datetime, Value::Int(nanos)) => Scalar::Micros(nanos.div_euclid(1000)),
        (Type::Datetime, Value::Text(text)) => Scalar::Micros(literal::micros(&text)?),
        (_, Value::Text(name)) if column.is(SystemColumn::ExecutionStatus) => {
            Scalar::Int(i64::from(literal::status(&name)? as i32))
        }
        (_, Value::Text(text)) => Scalar::Text(words::in_sql(&text)),
        (_, Value::Int(value)) => Scalar::Int(value),
        (_, Value::Double(value)) => Scalar::Double(value),
        (_, Value::Bool(value)) => Scalar::Bool(value),
    })
}

/// A value as the real server's SQL has it.
fn in_sql(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("'{}'", words::in_sql(text).replace('\'', "''")),
        Value::List(values) => format!("({})", values.iter().map(in_sql).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn type_name(value_type: Type) -> String {
    names::indexed_value(value_type as i32)
}

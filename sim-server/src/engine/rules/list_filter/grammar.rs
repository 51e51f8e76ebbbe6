//! The grammar of a query, as `temporalio/sqlparser` has it (`sql.y`): the clauses behind `select * from table1`, and of these
//! every expression ([`operand`](super::operand)) but subqueries, whose insides are skipped.
//!
//! One token tells what comes next everywhere, so nothing is tried twice, and the first token that fits nothing is the one that
//! the error names.

use winnow::{
    ModalResult, Parser,
    stream::{Stateful, Stream, TokenSlice},
};

use super::{
    input::{
        Input, Nesting, deeper, expect, in_parens, is_next, keyword, kind, list, skip_parens, subquery, takes, takes_keyword,
        word, wrong,
    },
    operand::value,
    token::{Kind, Token, tokens},
    tree::{Expr, Query, Test},
};

/// What stands before every query: the real server completes it to a statement, and counts positions in that.
const STATEMENT: &str = "select * from table1 ";
/// Reads a query.
///
/// # Errors
/// The text of the real server's parser, as "syntax error at position 29 near 'x'".
pub(super) fn parse(query: &str) -> Result<Query, String> {
    let query = query.trim();
    let lower = query.to_lowercase();
    let is_clause = query.is_empty() || lower.starts_with("order by") || lower.starts_with("group by");
    parse_statement(&format!("{STATEMENT}{}{query}", if is_clause { "" } else { "where " }))
}

/// Reads the query of a batch operation, of which the real server makes another statement first.
///
/// # Errors
/// As for [`parse`].
pub(crate) fn check_of_batch(query: &str) -> Result<(), String> {
    parse_statement(&format!("select * from dummy where {query}")).map(drop)
}

/// Reads a query on schedules where the real server puts it: behind what all schedules have. That is shown by positions only.
///
/// # Errors
/// As for [`parse`].
pub(super) fn check_of_schedules(query: &str) -> Result<(), String> {
    let running = |division: &str, column: &str| format!("TemporalNamespaceDivision = '{division}' AND {column} = 'Running'");
    let ours = running("TemporalScheduler", "TemporalSystemExecutionStatus");
    // The other kind of schedules has a number of nine digits.
    let others = running("000000000", "ExecutionStatus");
    parse_statement(&format!("{STATEMENT}where (({ours}) OR ({others})) AND ({query})")).map(drop)
}

/// Reads a query on workers, of which the real server makes a statement whatever it begins with. Of blanks it makes none.
///
/// # Errors
/// As for [`parse`].
pub(super) fn parse_of_workers(query: &str) -> Result<Query, String> {
    let query = query.trim();
    parse_statement(&if query.is_empty() { String::new() } else { format!("{STATEMENT}where {query}") })
}

fn parse_statement(sql: &str) -> Result<Query, String> {
    let tokens = tokens(sql);
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: Nesting::default() };
    statement.parse_next(&mut input).map_err(|_| {
        let is_too_deep = input.state.is_too_deep;
        let what = if is_too_deep { "max nesting level reached" } else { "syntax error" };
        // What is too deep is the token before; what does not fit is the next one, of which the last is the end.
        let at = (tokens.len() - input.input.len() - usize::from(is_too_deep)).min(tokens.len() - 1);
        let Token { text, position, .. } = &tokens[at];
        let near = text.as_ref().map(|text| format!(" near '{text}'")).unwrap_or_default();
        format!("{what} at position {position}{near}")
    })
}

fn statement(input: &mut Input<'_>) -> ModalResult<Query> {
    keyword(input, "select")?;
    expect(input, Kind::Mark("*"))?;
    keyword(input, "from")?;
    expect(input, Kind::Name)?;
    let mut query = Query::default();
    if takes_keyword(input, "where") {
        query.filter = Some(expression(input)?);
    }
    if takes_keyword(input, "group") {
        keyword(input, "by")?;
        query.group_by = list(input, expression)?;
    }
    if takes_keyword(input, "having") {
        expression(input)?;
    }
    if takes_keyword(input, "order") {
        keyword(input, "by")?;
        query.order_by = list(input, order)?;
    }
    if takes_keyword(input, "limit") {
        query.has_limit = true;
        expression(input)?;
        if takes(input, Kind::Mark(",")) || word(input, "offset").is_ok() {
            expression(input)?;
        }
    }
    lock(input)?;
    takes(input, Kind::Mark(";"));
    expect(input, Kind::End)?;
    Ok(query)
}

fn order(input: &mut Input<'_>) -> ModalResult<Expr> {
    let expr = expression(input)?;
    if !takes_keyword(input, "asc") {
        takes_keyword(input, "desc");
    }
    Ok(expr)
}

/// `FOR UPDATE` or `LOCK IN SHARE MODE`, which mean nothing here.
fn lock(input: &mut Input<'_>) -> ModalResult<()> {
    if takes_keyword(input, "for") {
        return keyword(input, "update");
    }
    if takes_keyword(input, "lock") {
        keyword(input, "in")?;
        word(input, "share")?;
        return word(input, "mode");
    }
    Ok(())
}

pub(super) fn expression(input: &mut Input<'_>) -> ModalResult<Expr> {
    let mut operands = vec![conjunction(input)?];
    while takes_keyword(input, "or") {
        operands.push(conjunction(input)?);
    }
    Ok(one_or(operands, Expr::Or))
}

fn conjunction(input: &mut Input<'_>) -> ModalResult<Expr> {
    let mut operands = vec![negation(input)?];
    while takes_keyword(input, "and") {
        operands.push(negation(input)?);
    }
    Ok(one_or(operands, Expr::And))
}

fn one_or(mut operands: Vec<Expr>, several: fn(Vec<Expr>) -> Expr) -> Expr {
    match operands.pop() {
        Some(only) if operands.is_empty() => only,
        last => {
            operands.extend(last);
            several(operands)
        }
    }
}

fn negation(input: &mut Input<'_>) -> ModalResult<Expr> {
    if takes_keyword(input, "not") {
        return deeper(input, negation).map(|operand| Expr::Not(operand.into()));
    }
    let mut expr = predicate(input)?;
    while takes_keyword(input, "is") {
        let is_negated = takes_keyword(input, "not");
        let test = match kind(input) {
            Kind::Keyword("null") if is_negated => Test::NotNull,
            Kind::Keyword("null") => Test::Null,
            Kind::Keyword("true" | "false") => Test::Other,
            _ => return wrong(),
        };
        input.next_token();
        expr = Expr::Is { operand: expr.into(), test };
    }
    Ok(expr)
}

fn predicate(input: &mut Input<'_>) -> ModalResult<Expr> {
    if takes_keyword(input, "exists") {
        subquery(input)?;
        return Ok(Expr::Other("*sqlparser.ExistsExpr"));
    }
    if takes_keyword(input, "default") {
        if is_next(input, Kind::Mark("(")) {
            in_parens(input, |input| expect(input, Kind::Name))?;
        }
        return Ok(Expr::Other("*sqlparser.Default"));
    }
    let left = value(input, 0)?;
    let compare =
        |operator: &'static str, right: Expr, left: Expr| Expr::Comparison { left: left.into(), operator, right: right.into() };
    if let Kind::Mark(operator @ ("=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" | "<=>")) = kind(input) {
        input.next_token();
        let operator = if operator == "<>" { "!=" } else { operator };
        return Ok(compare(operator, value(input, 0)?, left));
    }
    let is_negated = takes_keyword(input, "not");
    let pick = |positive: &'static str, negative: &'static str| if is_negated { negative } else { positive };
    let Kind::Keyword(operator) = kind(input) else { return if is_negated { wrong() } else { Ok(left) } };
    if !matches!(operator, "in" | "like" | "regexp" | "rlike" | "starts_with" | "between") {
        return if is_negated { wrong() } else { Ok(left) };
    }
    input.next_token();
    match operator {
        "in" => Ok(compare(pick("in", "not in"), tuple(input)?, left)),
        "like" => {
            let right = value(input, 0)?;
            if takes_keyword(input, "escape") {
                value(input, 0)?;
            }
            Ok(compare(pick("like", "not like"), right, left))
        }
        "starts_with" => Ok(compare(pick("starts_with", "not starts_with"), value(input, 0)?, left)),
        "between" => {
            let from = value(input, 0)?;
            keyword(input, "and")?;
            let to = value(input, 0)?;
            Ok(Expr::Range { operand: left.into(), is_negated, from: from.into(), to: to.into() })
        }
        _ => Ok(compare(pick("regexp", "not regexp"), value(input, 0)?, left)),
    }
}

/// What `IN` is followed by.
fn tuple(input: &mut Input<'_>) -> ModalResult<Expr> {
    if takes(input, Kind::ListArgument) {
        return Ok(Expr::Other("sqlparser.ListArg"));
    }
    in_parens(input, |input| {
        if is_next(input, Kind::Keyword("select")) {
            skip_parens(input)?;
            return Ok(Expr::Other("*sqlparser.Subquery"));
        }
        list(input, expression).map(Expr::Tuple)
    })
}

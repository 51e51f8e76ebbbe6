//! The grammar of a query, as `temporalio/sqlparser` has it (`sql.y`): the clauses behind `select * from table1`, and of these
//! every expression but subqueries, whose insides are skipped.
//!
//! One token tells what comes next everywhere, so nothing is tried twice, and the first token that fits nothing is the one that
//! the error names.

use winnow::{
    ModalResult, Parser,
    combinator::{cut_err, separated},
    error::{ContextError, ErrMode},
    stream::{Stateful, Stream, TokenSlice},
    token::any,
};

use super::{
    token::{Kind, Token, tokens},
    tree::{Expr, LiteralKind, Query, Test},
};

/// What stands before every query: the real server completes it to a statement, and counts positions in that.
const STATEMENT: &str = "select * from table1 ";
/// As deep may parentheses and negations be nested.
const NESTING_MAX: usize = 200;

/// The tokens that are left, and how deep the parser is.
type Input<'t> = Stateful<TokenSlice<'t, Token>, Nesting>;

#[derive(Debug, Default)]
struct Nesting {
    depth: usize,
    is_too_deep: bool,
}

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

fn kind(input: &Input<'_>) -> Kind {
    input.input.first().map_or(Kind::End, |token| token.kind)
}

fn is_next(input: &Input<'_>, expected: Kind) -> bool {
    kind(input) == expected
}

fn wrong<T>() -> ModalResult<T> {
    Err(ErrMode::Cut(ContextError::new()))
}

/// Takes a token of this kind, if it is next.
fn takes(input: &mut Input<'_>, expected: Kind) -> bool {
    let is_next = is_next(input, expected);
    if is_next {
        input.next_token();
    }
    is_next
}

fn expect(input: &mut Input<'_>, expected: Kind) -> ModalResult<()> {
    if takes(input, expected) { Ok(()) } else { wrong() }
}

fn mark<'t>(mark: &'static str) -> impl Parser<Input<'t>, (), ErrMode<ContextError>> {
    any.verify(move |token: &Token| token.kind == Kind::Mark(mark)).void()
}

fn takes_keyword(input: &mut Input<'_>, keyword: &'static str) -> bool {
    takes(input, Kind::Keyword(keyword))
}

fn keyword(input: &mut Input<'_>, keyword: &'static str) -> ModalResult<()> {
    expect(input, Kind::Keyword(keyword))
}

/// Takes a name that is this word, which is a keyword elsewhere.
fn word(input: &mut Input<'_>, word: &str) -> ModalResult<()> {
    let is_it = |token: &&Token| token.kind == Kind::Name && token.text.as_deref() == Some(word);
    if input.input.first().filter(is_it).is_none() {
        return wrong();
    }
    input.next_token();
    Ok(())
}

fn deeper<T>(input: &mut Input<'_>, parse: impl FnOnce(&mut Input<'_>) -> ModalResult<T>) -> ModalResult<T> {
    input.state.depth += 1;
    if input.state.depth == NESTING_MAX {
        input.state.is_too_deep = true;
        return wrong();
    }
    let parsed = parse(input)?;
    input.state.depth -= 1;
    Ok(parsed)
}

/// What is in parentheses, the first of which is next.
fn in_parens<T>(input: &mut Input<'_>, parse: impl FnOnce(&mut Input<'_>) -> ModalResult<T>) -> ModalResult<T> {
    expect(input, Kind::Mark("("))?;
    deeper(input, |input| {
        let parsed = parse(input)?;
        expect(input, Kind::Mark(")"))?;
        Ok(parsed)
    })
}

fn list<'t, T>(input: &mut Input<'t>, item: impl Parser<Input<'t>, T, ErrMode<ContextError>>) -> ModalResult<Vec<T>> {
    separated(1.., cut_err(item), mark(",")).parse_next(input)
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

fn expression(input: &mut Input<'_>) -> ModalResult<Expr> {
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

/// How strongly an operator between two values binds.
fn strength(kind: Kind) -> Option<u8> {
    match kind {
        Kind::Mark("|") => Some(1),
        Kind::Mark("&") => Some(2),
        Kind::Mark("<<" | ">>") => Some(3),
        Kind::Mark("+" | "-") => Some(4),
        Kind::Mark("*" | "/" | "%") | Kind::Keyword("div" | "mod") => Some(5),
        Kind::Mark("^") => Some(6),
        Kind::Keyword("collate") => Some(8),
        _ => None,
    }
}

/// The strength of an operator before a value.
const PREFIX: u8 = 7;

/// A value, with the operators that bind more strongly than `weakest`.
fn value(input: &mut Input<'_>, weakest: u8) -> ModalResult<Expr> {
    let mut left = prefixed(input)?;
    while let Some(strength) = strength(kind(input)).filter(|strength| *strength > weakest) {
        let is_collation = takes_keyword(input, "collate");
        left = if is_collation {
            if !takes(input, Kind::String) {
                expect(input, Kind::Name)?;
            }
            Expr::Other("*sqlparser.CollateExpr")
        } else {
            input.next_token();
            value(input, strength)?;
            Expr::Other("*sqlparser.BinaryExpr")
        };
    }
    Ok(left)
}

fn prefixed(input: &mut Input<'_>) -> ModalResult<Expr> {
    let operator = match kind(input) {
        Kind::Mark(mark @ ("+" | "-" | "~" | "!")) => mark,
        Kind::Keyword("binary") => "binary ",
        Kind::Keyword("_binary") => "_binary ",
        Kind::Keyword("interval") => {
            input.next_token();
            deeper(input, |input| {
                value(input, 0)?;
                expect(input, Kind::Name)
            })?;
            return Ok(Expr::Other("*sqlparser.IntervalExpr"));
        }
        _ => return primary(input),
    };
    input.next_token();
    let operand = deeper(input, |input| value(input, PREFIX))?;
    Ok(match (operator, operand) {
        ("+", Expr::Literal { kind: LiteralKind::Integer, text }) => Expr::Literal { kind: LiteralKind::Integer, text },
        ("-", Expr::Literal { kind: LiteralKind::Integer, text }) => {
            let text = text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned);
            Expr::Literal { kind: LiteralKind::Integer, text }
        }
        (operator, operand) => Expr::Unary { operator, operand: operand.into() },
    })
}

fn primary(input: &mut Input<'_>) -> ModalResult<Expr> {
    let Some(token) = input.input.first() else { return wrong() };
    let text = token.text.clone().unwrap_or_default();
    let literal = match token.kind {
        Kind::String => LiteralKind::String,
        Kind::Integer => LiteralKind::Integer,
        Kind::Float => LiteralKind::Float,
        Kind::Hex => LiteralKind::Hex,
        Kind::HexNumber => LiteralKind::HexNumber,
        Kind::Bits => LiteralKind::Bits,
        Kind::Argument => LiteralKind::Argument,
        Kind::Name => return named(input),
        Kind::Keyword(keyword) => return of_keyword(input, keyword),
        Kind::Mark("(") => return parenthesised(input),
        _ => return wrong(),
    };
    input.next_token();
    Ok(Expr::Literal { kind: literal, text })
}

fn parenthesised(input: &mut Input<'_>) -> ModalResult<Expr> {
    in_parens(input, |input| {
        if is_next(input, Kind::Keyword("select")) {
            skip_parens(input)?;
            return Ok(Expr::Other("*sqlparser.Subquery"));
        }
        let mut items = list(input, expression)?;
        Ok(match items.pop() {
            Some(only) if items.is_empty() => Expr::Paren(only.into()),
            last => Expr::Tuple(items.into_iter().chain(last).collect()),
        })
    })
}

/// A column or a function.
fn named(input: &mut Input<'_>) -> ModalResult<Expr> {
    let name = |input: &mut Input<'_>| input.next_token().and_then(|token| token.text.clone()).unwrap_or_default();
    let mut parts = vec![name(input)];
    while parts.len() < 3 && takes(input, Kind::Mark(".")) {
        if !matches!(kind(input), Kind::Name | Kind::Keyword(_)) {
            return wrong();
        }
        parts.push(name(input));
    }
    if parts.len() < 3 && is_next(input, Kind::Mark("(")) {
        return function(input);
    }
    if takes(input, Kind::Mark("->")) || takes(input, Kind::Mark("->>")) {
        primary(input)?;
        return Ok(Expr::Other("*sqlparser.BinaryExpr"));
    }
    Ok(Expr::Column(parts))
}

/// The arguments of a function.
fn function(input: &mut Input<'_>) -> ModalResult<Expr> {
    in_parens(input, |input| {
        takes_keyword(input, "distinct");
        if !is_next(input, Kind::Mark(")")) {
            let _: Vec<()> = list(input, argument)?;
        }
        Ok(Expr::Function)
    })
}

fn argument(input: &mut Input<'_>) -> ModalResult<()> {
    if takes(input, Kind::Mark("*")) {
        return Ok(());
    }
    expression(input)?;
    if takes_keyword(input, "as") {
        return expect(input, Kind::Name);
    }
    takes(input, Kind::Name);
    Ok(())
}

/// A value that begins with a keyword.
fn of_keyword(input: &mut Input<'_>, keyword: &'static str) -> ModalResult<Expr> {
    let skipped = match keyword {
        "null" => Some(Expr::Null),
        "true" | "false" => Some(Expr::Bool(keyword == "true")),
        _ => None,
    };
    if let Some(expr) = skipped {
        input.next_token();
        return Ok(expr);
    }
    let call = match keyword {
        "left" | "right" | "if" | "database" | "mod" | "replace" => {
            input.next_token();
            return function(input);
        }
        "current_timestamp" | "current_date" | "current_time" | "localtime" | "localtimestamp" | "utc_date" | "utc_time"
        | "utc_timestamp" => {
            input.next_token();
            if is_next(input, Kind::Mark("(")) {
                in_parens(input, |_| Ok(()))?;
            }
            return Ok(Expr::Function);
        }
        "case" => return case(input),
        "group_concat" => Expr::GroupConcat,
        "convert" | "cast" => Expr::Other("*sqlparser.ConvertExpr"),
        "substr" | "substring" => Expr::Other("*sqlparser.SubstrExpr"),
        "match" => Expr::Other("*sqlparser.MatchExpr"),
        "values" => Expr::Other("*sqlparser.ValuesFuncExpr"),
        _ => return wrong(),
    };
    input.next_token();
    in_parens(input, skip_parens)?;
    if keyword == "match" {
        word(input, "against")?;
        in_parens(input, skip_parens)?;
    }
    Ok(call)
}

fn case(input: &mut Input<'_>) -> ModalResult<Expr> {
    keyword(input, "case")?;
    if !is_next(input, Kind::Keyword("when")) {
        expression(input)?;
    }
    keyword(input, "when")?;
    loop {
        expression(input)?;
        keyword(input, "then")?;
        expression(input)?;
        if !takes_keyword(input, "when") {
            break;
        }
    }
    if takes_keyword(input, "else") {
        expression(input)?;
    }
    keyword(input, "end")?;
    Ok(Expr::Other("*sqlparser.CaseExpr"))
}

fn subquery(input: &mut Input<'_>) -> ModalResult<()> {
    in_parens(input, |input| {
        if !is_next(input, Kind::Keyword("select")) {
            return wrong();
        }
        skip_parens(input)
    })
}

/// Skips to the parenthesis that closes. What is between is no filter, whatever it says.
fn skip_parens(input: &mut Input<'_>) -> ModalResult<()> {
    loop {
        match kind(input) {
            Kind::Mark(")") => return Ok(()),
            Kind::Mark("(") => in_parens(input, skip_parens)?,
            Kind::End | Kind::Wrong => return wrong(),
            _ => {
                input.next_token();
            }
        }
    }
}

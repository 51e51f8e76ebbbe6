//! The operands of a query's conditions: values, columns, functions, and the operators between them.

use winnow::{ModalResult, stream::Stream};

use super::{
    grammar::expression,
    input::{Input, deeper, expect, in_parens, is_next, keyword, kind, list, skip_parens, takes, takes_keyword, word, wrong},
    token::Kind,
    tree::{Expr, LiteralKind},
};

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
pub(super) fn value(input: &mut Input<'_>, weakest: u8) -> ModalResult<Expr> {
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
        return if takes(input, Kind::String) { Ok(()) } else { expect(input, Kind::Name) };
    }
    if !takes(input, Kind::String) {
        takes(input, Kind::Name);
    }
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

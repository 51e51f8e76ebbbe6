//! What the parser reads: the tokens that are left, what it takes of them, and how deep it is.

use winnow::{
    ModalResult, Parser,
    combinator::{cut_err, separated},
    error::{ContextError, ErrMode},
    stream::{Stateful, Stream, TokenSlice},
    token::any,
};

use super::token::{Kind, Token};

/// As deep may parentheses and negations be nested.
const NESTING_MAX: usize = 200;

/// The tokens that are left, and how deep the parser is.
pub(super) type Input<'t> = Stateful<TokenSlice<'t, Token>, Nesting>;

#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: usize,
    pub(super) is_too_deep: bool,
}

pub(super) fn kind(input: &Input<'_>) -> Kind {
    input.input.first().map_or(Kind::End, |token| token.kind)
}

pub(super) fn is_next(input: &Input<'_>, expected: Kind) -> bool {
    kind(input) == expected
}

pub(super) fn wrong<T>() -> ModalResult<T> {
    Err(ErrMode::Cut(ContextError::new()))
}

/// Takes a token of this kind, if it is next.
pub(super) fn takes(input: &mut Input<'_>, expected: Kind) -> bool {
    let is_next = is_next(input, expected);
    if is_next {
        input.next_token();
    }
    is_next
}

pub(super) fn expect(input: &mut Input<'_>, expected: Kind) -> ModalResult<()> {
    if takes(input, expected) { Ok(()) } else { wrong() }
}

pub(super) fn mark<'t>(mark: &'static str) -> impl Parser<Input<'t>, (), ErrMode<ContextError>> {
    any.verify(move |token: &Token| token.kind == Kind::Mark(mark)).void()
}

pub(super) fn takes_keyword(input: &mut Input<'_>, keyword: &'static str) -> bool {
    takes(input, Kind::Keyword(keyword))
}

pub(super) fn keyword(input: &mut Input<'_>, keyword: &'static str) -> ModalResult<()> {
    expect(input, Kind::Keyword(keyword))
}

/// Takes a name that is this word, which is a keyword elsewhere.
pub(super) fn word(input: &mut Input<'_>, word: &str) -> ModalResult<()> {
    let is_it = |token: &&Token| token.kind == Kind::Name && token.text.as_deref() == Some(word);
    if input.input.first().filter(is_it).is_none() {
        return wrong();
    }
    input.next_token();
    Ok(())
}

pub(super) fn deeper<T>(input: &mut Input<'_>, parse: impl FnOnce(&mut Input<'_>) -> ModalResult<T>) -> ModalResult<T> {
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
pub(super) fn in_parens<T>(input: &mut Input<'_>, parse: impl FnOnce(&mut Input<'_>) -> ModalResult<T>) -> ModalResult<T> {
    expect(input, Kind::Mark("("))?;
    deeper(input, |input| {
        let parsed = parse(input)?;
        expect(input, Kind::Mark(")"))?;
        Ok(parsed)
    })
}

pub(super) fn list<'t, T>(
    input: &mut Input<'t>,
    item: impl Parser<Input<'t>, T, ErrMode<ContextError>>,
) -> ModalResult<Vec<T>> {
    separated(1.., cut_err(item), mark(",")).parse_next(input)
}

pub(super) fn subquery(input: &mut Input<'_>) -> ModalResult<()> {
    in_parens(input, |input| {
        if !is_next(input, Kind::Keyword("select")) {
            return wrong();
        }
        skip_parens(input)
    })
}

/// Skips to the parenthesis that closes. What is between is no filter, whatever it says.
pub(super) fn skip_parens(input: &mut Input<'_>) -> ModalResult<()> {
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

//! The search, with a register as the model, against a search through all orders.

use crate::linear::search::{Call, Model, Unexplained, Verdict, check, check_within};

/// A number that is 0 at first.
struct Register;

#[derive(Clone, Copy, Debug)]
enum Asked {
    Write(u8),
    Read,
    /// From the first to the second; it is answered with whether it was the first.
    Swap(u8, u8),
}

impl Model for Register {
    type State = u8;
    type Asked = Asked;
    type Given = u8;

    fn begin(&self) -> u8 {
        0
    }

    fn step(&self, state: &u8, asked: &Asked, given: Option<&u8>) -> Vec<u8> {
        let (answer, next) = match *asked {
            Asked::Write(value) => (0, value),
            Asked::Read => (*state, *state),
            Asked::Swap(from, to) if *state == from => (1, to),
            Asked::Swap(..) => (0, *state),
        };
        if given.is_none_or(|given| *given == answer) { vec![next] } else { Vec::new() }
    }
}

type RegisterCall = Call<Asked, u8>;

fn heard(began_ns: u64, ended_ns: u64, asked: Asked, given: u8) -> RegisterCall {
    Call { asked, given: Some(given), began_ns, ended_ns: Some(ended_ns) }
}

fn unheard(began_ns: u64, asked: Asked) -> RegisterCall {
    Call { asked, given: None, began_ns, ended_ns: None }
}

#[test]
fn a_read_that_overlaps_a_write_may_see_either_value() {
    for seen in [0, 1] {
        let calls = [heard(0, 10, Asked::Write(1), 0), heard(5, 6, Asked::Read, seen)];
        assert_eq!(check(&Register, &calls), Ok(Verdict::Explained), "it saw {seen}");
    }
}

#[test]
fn a_read_after_a_write_does_not_see_the_value_before() {
    let calls = [heard(0, 10, Asked::Write(1), 0), heard(11, 12, Asked::Read, 0)];
    assert_eq!(check(&Register, &calls), Err(Unexplained { explained: vec![0], state: 1, stuck: vec![1] }));
}

#[test]
fn calls_that_touch_overlap() {
    let calls = [heard(0, 10, Asked::Write(1), 0), heard(10, 12, Asked::Read, 0)];
    assert_eq!(check(&Register, &calls), Ok(Verdict::Explained));
}

#[test]
fn an_unheard_write_may_come_late_once_or_never() {
    let late = [unheard(0, Asked::Write(1)), heard(10, 11, Asked::Read, 0), heard(20, 21, Asked::Read, 1)];
    assert_eq!(check(&Register, &late), Ok(Verdict::Explained));
    let never = [unheard(0, Asked::Write(1)), heard(10, 11, Asked::Read, 0)];
    assert_eq!(check(&Register, &never), Ok(Verdict::Explained));
    let twice = [
        unheard(0, Asked::Write(1)),
        heard(10, 11, Asked::Read, 1),
        heard(20, 21, Asked::Write(2), 0),
        heard(30, 31, Asked::Read, 1),
    ];
    assert_eq!(check(&Register, &twice).map_err(|unexplained| unexplained.stuck), Err(vec![3]));
    let before = [heard(0, 1, Asked::Read, 1), unheard(2, Asked::Write(1))];
    assert!(check(&Register, &before).is_err(), "the write had not begun");
}

#[test]
fn the_longest_explained_order_is_told_with_the_calls_that_are_open() {
    let calls = [
        heard(0, 1, Asked::Write(1), 0),
        heard(2, 3, Asked::Read, 1),
        heard(4, 6, Asked::Read, 2),
        heard(5, 9, Asked::Read, 3),
    ];
    assert_eq!(check(&Register, &calls), Err(Unexplained { explained: vec![0, 1], state: 1, stuck: vec![2, 3] }));
}

#[test]
fn a_search_that_comes_to_its_bound_decides_nothing() {
    let mut calls: Vec<_> = (0..12).map(|value| heard(0, 100, Asked::Write(value), 0)).collect();
    calls.push(heard(0, 100, Asked::Read, 99));
    assert_eq!(check_within(&Register, &calls, 1_000), Ok(Verdict::NotDecided));
    assert!(check(&Register, &calls).is_err());
}

/// All orders in which two clients make three calls each, with some of all answers.
#[test]
fn the_search_agrees_with_a_search_through_all_orders() {
    const ANSWERS: u32 = 24;
    let (mut explained, mut unexplained, mut draws) = (0, 0, Draws(7));
    for instants in interleavings(6, 6) {
        for _ in 0..ANSWERS {
            let calls = calls_at(&instants, &mut draws);
            let found = check(&Register, &calls).map_err(|_| ());
            let is_explained = some_order(&calls, &mut Vec::new(), 0);
            assert_eq!(found, if is_explained { Ok(Verdict::Explained) } else { Err(()) }, "{calls:#?}");
            if is_explained { explained += 1 } else { unexplained += 1 }
        }
    }
    assert_eq!(explained + unexplained, 924 * ANSWERS);
    assert!(explained > 3_000 && unexplained > 3_000, "{explained} explained, {unexplained} not");
}

/// Whose instant each is, in every order; `true` for the second client.
fn interleavings(first: usize, second: usize) -> Vec<Vec<bool>> {
    if first == 0 || second == 0 {
        return vec![[vec![false; first], vec![true; second]].concat()];
    }
    let begin = |is_second: bool, rest: Vec<Vec<bool>>| rest.into_iter().map(move |rest| [vec![is_second], rest].concat());
    begin(false, interleavings(first - 1, second)).chain(begin(true, interleavings(first, second - 1))).collect()
}

/// A linear congruential generator: the same draws each time.
pub(super) struct Draws(pub(super) u64);

impl Draws {
    /// A number from 0 on that is less than `count`.
    pub(super) fn below(&mut self, count: u8) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(count)) as u8
    }
}

/// Calls that begin and end at these instants by turns. One in eight is not heard of.
fn calls_at(instants: &[bool], draws: &mut Draws) -> Vec<RegisterCall> {
    let mut calls: Vec<RegisterCall> = Vec::new();
    let mut open = [None, None];
    for (now_ns, client) in (0..).zip(instants) {
        let open = &mut open[usize::from(*client)];
        if let Some(call) = open.take() {
            let call: &mut RegisterCall = &mut calls[call];
            let is_heard = draws.below(8) > 0;
            call.ended_ns = is_heard.then_some(now_ns);
            call.given = call.given.filter(|_| is_heard);
            continue;
        }
        let (asked, answers) = match draws.below(3) {
            0 => (Asked::Write(1 + draws.below(2)), 1),
            1 => (Asked::Read, 3),
            _ => (Asked::Swap(draws.below(3), draws.below(3)), 2),
        };
        *open = Some(calls.len());
        calls.push(Call { asked, given: Some(draws.below(answers)), began_ns: now_ns, ended_ns: None });
    }
    calls
}

/// Whether some order of all answered calls, and some of the others, begins with `order`, respects time and is explained.
fn some_order(calls: &[RegisterCall], order: &mut Vec<usize>, state: u8) -> bool {
    let left: Vec<usize> = (0..calls.len()).filter(|call| !order.contains(call)).collect();
    if left.iter().all(|call| calls[*call].ended_ns.is_none()) {
        return true;
    }
    let is_before = |one: usize, other: usize| calls[one].ended_ns.is_some_and(|ended_ns| ended_ns < calls[other].began_ns);
    for &next in &left {
        if left.iter().any(|other| is_before(*other, next)) {
            continue;
        }
        for state in Register.step(&state, &calls[next].asked, calls[next].given.as_ref()) {
            order.push(next);
            let is_explained = some_order(calls, order, state);
            order.pop();
            if is_explained {
                return true;
            }
        }
    }
    false
}

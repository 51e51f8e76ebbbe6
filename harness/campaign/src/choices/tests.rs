//! What is drawn, recorded and repeated.

use super::*;

fn draw(choices: &mut Choices) -> Vec<u64> {
    (0..40).map(|n| choices.below(if n % 3 == 0 { Label::Schedule } else { Label::Latency }, 1000)).collect()
}

#[test]
fn a_tape_repeats_what_its_seed_drew() {
    let mut first = Choices::from_seed(7, "test");
    let drawn = draw(&mut first);
    let written = serde_json::to_string(&first.tape()).expect("JSON");
    let tape: Tape = serde_json::from_str(&written).expect("a tape");
    assert_eq!(draw(&mut Choices::from_tape(tape)), drawn);
    assert_ne!(draw(&mut Choices::from_seed(8, "test")), drawn);
}

#[test]
fn a_label_more_leaves_the_other_labels_alone() {
    let mut plain = Choices::from_seed(7, "test");
    let alone: Vec<_> = (0..9).map(|_| plain.below(Label::Schedule, 100)).collect();
    let mut mixed = Choices::from_seed(7, "test");
    let among: Vec<_> = (0..9)
        .map(|_| {
            mixed.below(Label::Deploy, 100);
            mixed.below(Label::Schedule, 100)
        })
        .collect();
    assert_eq!(alone, among);
}

#[test]
fn the_hash_of_draws_depends_on_their_order_in_a_stream_and_on_no_other() {
    let draw = |labels: [Label; 3], bound: u64| {
        let mut choices = Choices::from_seed(7, "test");
        for label in labels {
            choices.below(label, bound);
        }
        choices.hash()
    };
    let (schedule, latency) = (Label::Schedule, Label::Latency);
    assert_eq!(draw([schedule, latency, latency], 1 << 40), draw([latency, schedule, latency], 1 << 40));
    assert_ne!(draw([schedule, latency, latency], 1 << 40), draw([schedule, schedule, latency], 1 << 40));
    assert_ne!(draw([schedule, latency, latency], 1 << 40), draw([schedule, latency, latency], 1 << 20));
}

#[test]
fn a_tape_that_has_run_out_says_so_and_goes_on_from_its_source() {
    let mut first = Choices::from_seed(7, "test");
    let drawn = draw(&mut first);
    let mut again = Choices::from_tape(first.tape());
    assert_eq!(draw(&mut again), drawn);
    assert_eq!(again.rot(), None);
    again.below(Label::Latency, 1000);
    let rot = again.rot().expect("it has no more");
    assert_eq!((&*rot.label, rot.number, rot.how, rot.is_of_test), ("latency", 27, Misfit::RanOut, false));
}

#[test]
fn a_tape_says_where_the_code_asks_for_another_draw() {
    let mut first = Choices::from_seed(7, "test");
    draw(&mut first);
    let rot = |ask: &dyn Fn(&mut Choices)| {
        let mut again = Choices::from_tape(first.tape());
        ask(&mut again);
        again.rot().map(|rot| rot.to_string())
    };
    let other_bound = rot(&|again| assert!(again.below(Label::Schedule, 999) < 999));
    assert_eq!(other_bound.as_deref(), Some("at schedule, number 1, the code asks for one of 999; the tape has one of 1000"));
    let gone = rot(&|_| ());
    assert_eq!(gone.as_deref(), Some("at latency, number 1, the tape has a draw that the code does not ask for"));
}

/// Draws an input whose value is its generator's seed.
fn input(choices: &mut Choices, label: &str) -> String {
    let (name, seed, path) = choices.input(label, "");
    let value = seed.to_string();
    let (at, name) = (name.at(), name.to_string());
    choices.drew(Input { name, at, path, value: value.clone(), has_moved: true, is_given: true, is_of_activity: false });
    value
}

#[test]
fn a_tape_fits_when_something_new_is_drawn_and_not_when_something_is_no_longer_drawn() {
    let mut first = Choices::from_seed(7, "test");
    let plan = input(&mut first, "plan");
    input(&mut first, "amount");
    let mut more = Choices::from_tape(first.tape());
    input(&mut more, "note");
    assert_eq!(input(&mut more, "plan"), plan);
    input(&mut more, "amount");
    assert_eq!(more.rot(), None);
    let mut fewer = Choices::from_tape(first.tape());
    input(&mut fewer, "amount");
    let rot = fewer.rot().expect("the plan is gone");
    assert_eq!((&*rot.label, rot.how, rot.is_of_test), ("plan", Misfit::Gone, true));
}

#[test]
fn an_input_belongs_to_its_label_and_its_number_there() {
    let mut first = Choices::from_seed(7, "test");
    let [one, two, other] = ["plan", "plan", "amount"].map(|label| input(&mut first, label));
    assert_ne!(one, two);
    let mut again = Choices::from_seed(7, "test");
    assert_eq!(["amount", "plan", "plan"].map(|label| input(&mut again, label)), [other, one, two]);
    let names: Vec<&str> = again.inputs().iter().map(|input| &*input.name).collect();
    assert_eq!(names, ["amount", "plan", "plan 2"]);
    assert_eq!(again.input("a\nb", "").0.to_string(), "\"a\\nb\"");
}

#[test]
fn the_path_of_an_input_is_given_and_recorded() {
    let mut first = Choices::from_seed(7, "test");
    let at = first.input("plan", "").0.at();
    let path: Path = "12s2cs".parse().expect("a path");
    assert_eq!(path.steps().len(), 15);
    assert_eq!(path.to_string(), "12s2cs");
    assert!(["x", "12", "3x", "s9", "99999999s"].iter().all(|wrong| wrong.parse::<Path>().is_err()));
    let only: Only = format!("crash-1,{at}:12s2cs@2").parse().expect("it is understood");
    assert_eq!(only.to_string(), format!("crash-1,{at}:12s2cs@2"));
    let mut simpler = Choices::from_seed(7, "test").only(only);
    let (name, seed, given) = simpler.input("plan", "");
    assert_eq!(given, path);
    simpler.drew(Input {
        name: name.to_string(),
        at,
        path: given,
        value: String::new(),
        has_moved: true,
        is_given: true,
        is_of_activity: false,
    });
    let (_, seed_of_tape, path_of_tape) = Choices::from_tape(simpler.tape()).input("plan", "");
    assert_eq!((seed_of_tape, path_of_tape), (seed, path));
}

#[test]
fn draws_are_those_of_the_tape_up_to_a_point_and_others_from_there() {
    let mut first = Choices::from_seed(7, "test");
    let drawn = draw(&mut first);
    let redraw = Redraw { after: 20, source: 99, keeps_inputs: false };
    let redrawn = draw(&mut Choices::from_tape(first.tape()).redrawn(Some(redraw)));
    assert_eq!(redrawn[..20], drawn[..20]);
    assert_ne!(redrawn[20..], drawn[20..]);
}

#[test]
fn a_fault_of_the_tests_own_has_a_stream_of_its_own() {
    let strikes = |choices: &mut Choices, name: &str| {
        (0..20).map(|_| choices.custom_strikes_with(name, "order-1", 0.3, false)).collect::<Vec<_>>()
    };
    let mut alone = Choices::from_seed(7, "test");
    let expected = strikes(&mut alone, "the mail is lost");
    assert!(expected.contains(&true) && expected.contains(&false), "{expected:?}");
    let mut beside = Choices::from_seed(7, "test");
    strikes(&mut beside, "the parcel is lost");
    assert_eq!(strikes(&mut beside, "the mail is lost"), expected);
    let mut taped = Choices::from_tape(alone.tape());
    assert_eq!(strikes(&mut taped, "the parcel is lost"), [false; 20], "no new fault strikes when a tape is repeated");
    assert_eq!(strikes(&mut taped, "the mail is lost"), expected);
    assert_eq!(taped.rot(), None);
    let nth = expected.iter().position(|strikes| !strikes).expect("it does not always") + 1;
    let at = alone.strikes()[0].at_nth(nth as u64);
    let only = strikes(&mut Choices::from_seed(7, "test").only(Only::these([at])), "the mail is lost");
    assert_eq!(only.iter().position(|strikes| *strikes), Some(nth - 1));
}

#[test]
fn the_same_seed_is_another_story_in_another_test() {
    assert_ne!(draw(&mut Choices::from_seed(7, "test")), draw(&mut Choices::from_seed(7, "another test")));
}

#[test]
fn a_strike_that_is_left_out_is_harmless_on_the_tape_too() {
    let strikes = |choices: &mut Choices| {
        (0..30)
            .map(|n| choices.strikes_with(Fault::ReplyLost, Place::BeforeReply(["a", "b"][n % 2]), 0.3, false))
            .collect::<Vec<_>>()
    };
    let mut all = Choices::from_seed(7, "test");
    let struck: Vec<usize> =
        strikes(&mut all).into_iter().enumerate().filter_map(|(at, strikes)| strikes.then_some(at)).collect();
    let expected: Vec<bool> = (0..30).map(|at| at == struck[0] || at == struck[2]).collect();
    let only = |text: &str| text.parse::<Only>().expect("it is understood");
    let mut fewer = Choices::from_seed(7, "test").only(only("reply-lost-1,reply-lost-3"));
    assert_eq!(strikes(&mut fewer), expected);
    assert_eq!(fewer.strikes().iter().map(|it| &*it.name).collect::<Vec<_>>(), ["reply-lost-1", "reply-lost-3"]);
    let mut taped = Choices::from_tape(fewer.tape());
    assert_eq!(strikes(&mut taped), expected);
    assert_eq!(taped.hash(), fewer.hash());
    assert_ne!(fewer.hash(), all.hash());
    assert_eq!(strikes(&mut Choices::from_seed(7, "test").only(only("none"))), [false; 30]);
    for wrong in ["bogus", "bogus-1", "crash-0", "crash:xyz:1", "crash:12ab"] {
        assert_eq!(only(wrong).impossible(|kind| kind == "crash"), Some(wrong));
    }
    assert_eq!(only("crash-1,crash:12ab:3").impossible(|kind| kind == "crash"), None);
    assert!("crash-1@x".parse::<Only>().is_err());
    let text = "reply-lost-1,reply-lost-3@2";
    assert_eq!(only(text).to_string(), text);
    assert_eq!(strikes(&mut Choices::from_seed(7, "test").only(only(text))), expected);
}

#[test]
fn a_strike_may_be_had_where_it_was_not_drawn() {
    let strikes = |choices: &mut Choices| {
        (0..30)
            .map(|n| choices.strikes_with(Fault::Crash, Place::Attempt(["here", "there"][n % 2]), 0.2, false))
            .collect::<Vec<_>>()
    };
    let mut all = Choices::from_seed(8, "test");
    let drawn = strikes(&mut all);
    let there = all.strikes()[0].at_nth(4);
    let at = if drawn.iter().position(|strikes| *strikes).is_some_and(|at| at % 2 == 0) { 6 } else { 7 };
    assert!(!drawn[at], "this seed has nothing there: {drawn:?}");
    let mut only = Choices::from_seed(8, "test").only(Only::these([there.clone()]));
    let expected: Vec<bool> = (0..30).map(|n| n == at).collect();
    assert_eq!(strikes(&mut only), expected);
    assert_eq!(only.strikes()[0].at, there);
    assert_eq!(strikes(&mut Choices::from_tape(only.tape())), expected);
    let places = only.opportunities();
    assert_eq!(places.values().copied().collect::<Vec<_>>(), [15, 15]);
    assert!(places.keys().any(|place| format!("{place}:4") == there), "{places:?}");
}

#[test]
fn a_strike_that_is_asked_for_by_its_place_is_not_held_back() {
    let strikes =
        |choices: &mut Choices| (0..9).map(|_| choices.strikes_with(Fault::Crash, Place::Await, 0.2, true)).collect::<Vec<_>>();
    let mut all = Choices::from_seed(7, "test");
    assert_eq!(strikes(&mut all), [false; 9]);
    assert_eq!((all.count(), all.opportunities().into_values().next()), (0, Some(9)));
    let place = all.opportunities().into_keys().next().expect("a place");
    let expected: Vec<bool> = (1..=9).map(|nth| nth == 4).collect();
    let mut only = Choices::from_seed(7, "test").only(Only::these([format!("{place}:4")]));
    assert_eq!(strikes(&mut only), expected);
    assert_eq!(strikes(&mut Choices::from_tape(only.tape())), expected);
}

#[test]
fn what_a_strike_brings_with_it_does_not_depend_on_the_strikes_before() {
    let downtimes = |only: Only| {
        let mut choices = Choices::from_seed(7, "test").only(only);
        let mut one = || {
            let strikes = choices.strikes_with(Fault::Crash, Place::Await, 0.3, false);
            strikes.then(|| choices.span(Label::Downtime, Duration::from_millis(1), Duration::from_secs(60)))
        };
        (0..30).map(|_| one()).collect::<Vec<_>>()
    };
    let all = downtimes(Only::default());
    let last = all.iter().rposition(Option::is_some).expect("it crashes");
    let number = all.iter().flatten().count();
    assert!(number > 2, "{all:?}");
    let alone = downtimes(Only::these([format!("crash-{number}")]));
    assert_eq!(alone.iter().flatten().count(), 1);
    assert_eq!(alone[last], all[last]);
}

#[test]
fn a_span_stays_between_its_ends() {
    let mut choices = Choices::from_seed(1, "test");
    let (from, to) = (Duration::from_millis(1), Duration::from_secs(100));
    for _ in 0..1000 {
        let span = choices.span(Label::Delay, from, to);
        assert!(span >= from && span <= to, "{span:?}");
    }
}

#[test]
fn a_strike_knows_its_fault_and_is_called_as_ever() {
    let mut choices = Choices::from_seed(7, "test");
    assert!(choices.strikes_with(Fault::Crash, Place::Await, 1.0, false));
    assert!(choices.custom_strikes_with("crash", "order-1", 1.0, false));
    assert!(choices.custom_strikes_with("the mail is lost", "", 1.0, false));
    let strikes = choices.strikes();
    let names: Vec<&str> = strikes.iter().map(|strike| &*strike.name).collect();
    assert_eq!(names, ["crash-1", "custom-1", "custom-2"]);
    let faults: Vec<_> = strikes.iter().map(Strike::fault).collect();
    let expected = [(Some("crash"), None), (Some("custom"), Some("crash")), (Some("custom"), Some("the mail is lost"))];
    assert_eq!(faults, expected);
    let written = strikes.iter().map(|strike| serde_json::to_string(strike).expect("JSON")).collect::<Vec<_>>();
    let of_before = r#"{"name":"crash-1","at":"crash:"#;
    assert!(written[0].starts_with(of_before) && !written[0].contains("custom"), "{}", written[0]);
    let read: Vec<Strike> = written.iter().map(|text| serde_json::from_str(text).expect("a strike")).collect();
    assert_eq!(read, strikes);
}

//! Whole runs of a seed.

use std::io;

use foretime_campaign::{
    case::Case,
    finding::FindingKind,
    result::{Order as Ordered, RunResult},
};
use foretime_network::run::{self, MakeService};
use foretime_server::{
    config::Config,
    engine::{Connection, Notice, Order, Ticket, View, time::Time},
    rpc::{Answer, Call, Serve, Served, Service},
};

fn run(seed: u64, service: MakeService) -> RunResult {
    let case = Case {
        name: "machines".to_owned(),
        target: None,
        claims: Vec::new(),
        runs: 1,
        starts_at: None,
        program: || Err(io::Error::other("there is only this process")),
        arguments: Vec::new(),
        twice_every: 1,
        shows_one: false,
        regressions: None,
        command: String::new(),
    };
    run::run(&case, &Ordered::of(seed), service)
}

fn plain(config: &Config) -> Box<dyn Serve> {
    Service::boxed(config).expect("a service")
}

#[test]
fn the_same_seed_makes_the_same_run_and_another_seed_another() {
    let (first, again, other) = (run(1, plain), run(1, plain), run(2, plain));
    assert!(first.steps > 100 && first.failures.is_empty(), "{} steps, {:?}", first.steps, first.failures);
    let told = |result: &RunResult| (result.hash, result.steps, result.draws, result.virtual_ns);
    assert_eq!(told(&first), told(&again));
    assert_ne!(first.hash, other.hash);
}

/// What seeds have found in the server, each mended since.
#[test]
fn seeds_that_have_found_a_fault_pass() {
    // A worker counted as gone when a connection closed that it had given up, if its last polls there had come late.
    let result = run(6539, plain);
    assert!(result.failures.is_empty(), "{:?}", result.failures);
}

/// A service that panics at its third call.
struct Panicking {
    service: Box<dyn Serve>,
    calls_count: u64,
}

impl Serve for Panicking {
    fn call(&mut self, now: Time, call: Call, order: &mut Order<'_>) -> Served {
        self.calls_count += 1;
        assert!(self.calls_count != 3, "at the third call, on purpose");
        self.service.call(now, call, order)
    }

    fn closed(&mut self, now: Time, connection: Connection, order: &mut Order<'_>) {
        self.service.closed(now, connection, order);
    }

    fn abandon(&mut self, now: Time, ticket: Ticket, order: &mut Order<'_>) {
        self.service.abandon(now, ticket, order);
    }

    fn advance(&mut self, now: Time, order: &mut Order<'_>) {
        self.service.advance(now, order);
    }

    fn next_deadline(&self) -> Option<Time> {
        self.service.next_deadline()
    }

    fn next_answer(&mut self) -> Option<(Ticket, Answer)> {
        self.service.next_answer()
    }

    fn next_notice(&mut self) -> Option<Notice> {
        self.service.next_notice()
    }

    fn view(&self) -> View<'_> {
        self.service.view()
    }
}

#[test]
fn a_panic_of_the_service_is_found_and_the_run_goes_on() {
    let service: MakeService = |config| Box::new(Panicking { service: plain(config), calls_count: 0 });
    let (usual, panicked) = (run(1, plain), run(1, service));
    let found = panicked.failures.first().expect("a finding");
    assert_eq!(found.kind, FindingKind::Panic);
    let text = format!("{} {}", found.title, found.detail);
    assert!(text.contains("at the third call, on purpose"), "{text}");
    assert!(panicked.steps > usual.steps / 2, "{} steps", panicked.steps);
}

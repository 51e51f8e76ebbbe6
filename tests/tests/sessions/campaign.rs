//! A campaign: the sessions that all tests of this target look at. They are played once, by the test that comes first.

use std::{
    cell::RefCell,
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use foretime_server::proto::history::HistoryEvent;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::{
    coverage::Coverage,
    step::{Played, Session},
};

/// Sessions of a campaign, unless PROPTEST_CASES says otherwise.
const CASES: u32 = 300;
/// Attempts to make a failing session smaller.
const SHRINKS: u32 = 20_000;
/// How many sessions leave their histories to the tests of the grammar.
const KEPT: u32 = CASES;

/// What the sessions of a campaign came to.
#[derive(Debug, Default)]
pub(crate) struct Campaign {
    session_count: u32,
    pub(crate) coverage: Coverage,
    /// The histories of all runs, as they were when their session ended.
    pub(crate) histories: Vec<Vec<HistoryEvent>>,
}

impl Campaign {
    /// The campaign of this process.
    ///
    /// # Errors
    /// A session failed: what went wrong, and the smallest session found in which it does.
    pub(crate) fn played() -> &'static Result<Self, String> {
        static CAMPAIGN: LazyLock<Result<Campaign, String>> = LazyLock::new(Campaign::play);
        &CAMPAIGN
    }

    /// Whether there were enough sessions to expect everything of them that can happen.
    pub(crate) fn is_whole(&self) -> bool {
        self.session_count >= CASES
    }

    fn play() -> Result<Self, String> {
        let campaign = RefCell::new(Self::default());
        let outcome = runner().run(&Session::any(), |session| {
            let played = play(&session).map_err(TestCaseError::fail)?;
            campaign.borrow_mut().add(played);
            Ok(())
        });
        match outcome {
            Ok(()) => Ok(campaign.into_inner()),
            Err(TestError::Abort(reason)) => Err(reason.to_string()),
            Err(TestError::Fail(_, session)) => {
                let session = session.smallest(|session| play(session).is_err());
                let wrong = play(&session).err().unwrap_or_default();
                Err(format!("{wrong}\nin the session\n{session:?}"))
            }
        }
    }

    fn add(&mut self, played: Played) {
        self.coverage.add(played.coverage);
        if self.session_count < KEPT {
            self.histories.extend(played.histories);
        }
        self.session_count += 1;
    }
}

/// A number from the environment.
fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// The runner, seeded by PROPTEST_RNG_SEED. Without its feature `std`, proptest neither reads the environment nor catches
/// panics.
fn runner() -> TestRunner {
    let seed: u64 = asked("PROPTEST_RNG_SEED").unwrap_or(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = asked("PROPTEST_CASES").unwrap_or(CASES);
    let config = Config { cases, max_shrink_iters: SHRINKS, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// Plays a session; a panic counts as a failure.
fn play(session: &Session) -> Result<Played, String> {
    catch_unwind(AssertUnwindSafe(|| session.play())).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Err(format!("the service panicked: {}", text.unwrap_or_default()))
    })
}

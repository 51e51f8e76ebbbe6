//! Draws scripts.

use super::{
    activity::Activity,
    digest::Digest,
    script::{AtParentsClose, Ending, Script, Step},
};

/// How often a chain continues as new; that of a child once less.
const CONTINUES_MAX: u32 = 2;
const STEPS_MAX: u64 = 5;
/// Children have fewer steps, so that one is not longer than all the rest.
const CHILD_STEPS_MAX: u64 = 3;
const ACTIVITY_TYPES: [&str; 4] = ["charge", "ship", "mail", "count"];
/// The waits are of all magnitudes: each is up to one of these.
const WAITS_MS: [u64; 8] = [10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000];
const START_TO_CLOSE_MS: [u64; 4] = [2_000, 10_000, 60_000, 600_000];

/// How long a chain of runs waits at most, in all its timers and for all its activities together, if workers are quick. When that is
/// used up, there are but waits of milliseconds and activities of seconds.
const LONGEST_MS: u64 = 3 * 86_400_000;

/// A script that is being drawn.
struct Drawing<'a, D> {
    draw: &'a mut D,
    /// How long what is still to come may take.
    left_ms: u64,
    /// 0 for the workflows of clients, 1 for their children.
    depth: u32,
}

impl Script {
    /// Draws a script. `draw` gives a number below its bound. `depth`: 0 for the workflows of clients, which may have children; 1 for
    /// those children, which have none.
    pub fn draw(draw: &mut impl FnMut(u64) -> u64, nonce: &str, depth: u32) -> Self {
        Drawing { draw, left_ms: LONGEST_MS, depth }.run(nonce, 0)
    }
}

impl<D: FnMut(u64) -> u64> Drawing<'_, D> {
    /// `base`: the nonce of the first run of the chain. `continued`: how often the chain has continued as new before.
    fn run(&mut self, base: &str, continued: u32) -> Script {
        let nonce = if continued == 0 { base.to_owned() } else { format!("{base}~{continued}") };
        let count = 1 + self.below(if self.depth == 0 { STEPS_MAX } else { CHILD_STEPS_MAX });
        let steps = (0..count).map(|at| self.step(&nonce, at)).collect();
        let ending = match self.below(6) {
            0 => Ending::Fail { message: format!("{nonce} gives up") },
            1 | 2 if continued + self.depth < CONTINUES_MAX => Ending::ContinueAsNew(Box::new(self.run(base, continued + 1))),
            _ => Ending::Complete,
        };
        Script { nonce, so_far: Digest::default(), steps, ending }
    }

    /// `nonce`: of its script. `at`: its number there, from 0.
    fn step(&mut self, nonce: &str, at: u64) -> Step {
        match self.below(12) {
            0..3 => Step::Activity(self.activity(format!("{nonce}/a{at}"))),
            3 | 4 => {
                let count = 2 + self.below(2);
                Step::Activities((0..count).map(|index| self.activity(format!("{nonce}/a{at}.{index}"))).collect())
            }
            5 | 6 => Step::Timer { ms: self.wait_ms() },
            7 | 8 => Step::Signals { count: if self.below(3) == 0 { 2 } else { 1 }, within_ms: self.wait_ms() },
            9 if self.depth == 0 => self.child(format!("{nonce}.c{at}")),
            10 => Step::Memo { value: format!("{nonce}/m{at}") },
            _ => Step::Marker { name: format!("version-{at}") },
        }
    }

    fn child(&mut self, nonce: String) -> Step {
        let at_parents_close =
            [AtParentsClose::Terminated, AtParentsClose::Abandoned, AtParentsClose::Cancelled][self.index(3)];
        let mut drawing = Drawing { draw: &mut *self.draw, left_ms: self.left_ms, depth: self.depth + 1 };
        let script = Box::new(drawing.run(&nonce, 0));
        self.left_ms = drawing.left_ms;
        Step::Child { script, at_parents_close }
    }

    fn activity(&mut self, nonce: String) -> Activity {
        let activity_type = ACTIVITY_TYPES[self.index(ACTIVITY_TYPES.len())].to_owned();
        let fails = if self.below(2) == 0 { 0 } else { 1 + self.below(3) as u32 };
        let attempts_max = 2 + self.below(4) as u32;
        let fits = |timeout_ms: &&u64| **timeout_ms * u64::from(attempts_max) <= self.left_ms;
        let fitting = START_TO_CLOSE_MS.iter().filter(fits).count().max(1);
        let start_to_close_ms = START_TO_CLOSE_MS[self.index(fitting)];
        // One in ten takes longer than it may.
        let is_late = self.below(10) == 0;
        let takes_ms = if is_late { start_to_close_ms + 1 + self.below(5_000) } else { self.below(start_to_close_ms / 2) };
        self.left_ms = self.left_ms.saturating_sub(start_to_close_ms * u64::from(attempts_max));
        let (heartbeats, is_effect) = (self.below(3) == 0, self.below(2) == 0);
        Activity { activity_type, nonce, fails, attempts_max, takes_ms, start_to_close_ms, heartbeats, is_effect }
    }

    fn wait_ms(&mut self) -> u64 {
        let scale_ms = WAITS_MS[self.index(WAITS_MS.len())];
        let wait_ms = (1 + self.below(scale_ms)).min(self.left_ms.max(WAITS_MS[0]));
        self.left_ms = self.left_ms.saturating_sub(wait_ms);
        wait_ms
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.draw)(bound)
    }

    /// A place in something of this length.
    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// When the time is up, each step may still be a child whose steps are all activities of up to five attempts of two seconds.
    const OVERTIME_MS: u64 = (3 * 5) * (2 * 3) * 5 * 2_000;

    /// How long the chain of a script takes at most, if workers are quick; without what passes between two attempts.
    fn longest_ms(script: &Script) -> u64 {
        let activity_ms = |activity: &Activity| u64::from(activity.attempts_max) * activity.start_to_close_ms;
        let steps_ms = script.steps.iter().map(|step| match step {
            Step::Activity(activity) => activity_ms(activity),
            Step::Activities(all) => all.iter().map(activity_ms).max().unwrap_or(0),
            Step::Timer { ms } | Step::Signals { within_ms: ms, .. } => *ms,
            Step::Child { script, .. } => longest_ms(script),
            Step::Marker { .. } | Step::Memo { .. } => 0,
        });
        let next_ms = if let Ending::ContinueAsNew(next) = &script.ending { longest_ms(next) } else { 0 };
        steps_ms.sum::<u64>() + next_ms
    }

    fn depth(script: &Script) -> u32 {
        let child = |step: &Step| if let Step::Child { script, .. } = step { 1 + depth(script) } else { 0 };
        script.steps.iter().map(child).max().unwrap_or(0)
    }

    fn run_count(script: &Script) -> u32 {
        if let Ending::ContinueAsNew(next) = &script.ending { 1 + run_count(next) } else { 1 }
    }

    /// Numbers below their bounds, from a seed.
    pub(crate) fn numbers(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut source = crate::plan::draw::Draw::new(seed);
        move |bound| source.below(bound)
    }

    #[test]
    fn drawn_scripts_are_bounded_and_survive_their_json() {
        let (mut longest, mut runs_max, mut depth_max) = (0, 0, 0);
        for seed in 0..2_000 {
            let script = Script::draw(&mut numbers(seed), "n", 0);
            assert!((1..=5).contains(&script.steps.len()));
            longest = longest.max(longest_ms(&script));
            runs_max = runs_max.max(run_count(&script));
            depth_max = depth_max.max(depth(&script));
            let json = serde_json::to_vec(&script).unwrap();
            assert_eq!(serde_json::from_slice::<Script>(&json).unwrap(), script);
        }
        assert!((LONGEST_MS / 3..=LONGEST_MS + OVERTIME_MS).contains(&longest), "{longest} ms");
        assert_eq!((runs_max, depth_max), (3, 1), "all that may be is drawn, and no more");
    }

    #[test]
    fn the_same_numbers_draw_the_same_script() {
        let draw = |seed| Script::draw(&mut numbers(seed), "n", 0);
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}

//! What every simulation is checked for, whatever it is about.

pub(crate) mod grammar;

// Beside the module, not in it: the crate foretime-tests compiles the module too.
#[cfg(test)]
#[path = "grammar/tests/mod.rs"]
mod grammar_tests;

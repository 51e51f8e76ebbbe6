//! `#[foretime::test]` will live here; it comes with the simulation.

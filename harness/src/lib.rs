//! Foretime.

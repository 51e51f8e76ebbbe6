//! What the environment says about one simulation.

use std::{env, path::PathBuf, time::Duration};

use foretime_campaign::runner::settings::{read, span};

use crate::world::Limits;

/// Whether to run without simulating.
pub(super) fn is_staged() -> bool {
    env::var("FORETIME_STAGED").is_ok_and(|value| !["", "0"].contains(&&*value))
}

/// Where histories are kept, if they are.
pub(crate) fn save_histories() -> Option<PathBuf> {
    env::var_os("FORETIME_SAVE_HISTORIES").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// Checks the variables that only the processes for seeds need, so that a mistake is reported once.
///
/// # Errors
/// Names a variable that is not understood.
pub(super) fn check() -> Result<(), String> {
    read_limits()?;
    span("FORETIME_PATIENCE")?;
    Ok(())
}

/// How long a thread may keep its turn.
pub(super) fn patience() -> Duration {
    span("FORETIME_PATIENCE").ok().flatten().unwrap_or(Duration::from_secs(30))
}

/// How far a run may go.
pub(super) fn limits() -> Limits {
    read_limits().unwrap_or_default()
}

fn read_limits() -> Result<Limits, String> {
    let usual = Limits::default();
    let cut_events_max = match env::var("FORETIME_CUTS").as_deref() {
        Ok("all") => usize::MAX,
        _ => read("FORETIME_CUTS")?.unwrap_or(usual.cut_events_max),
    };
    Ok(Limits { steps_max: read("FORETIME_STEPS")?.unwrap_or(usual.steps_max), cut_events_max })
}

/// Whether one OS thread runs the code of all simulated threads.
pub(super) fn carries() -> bool {
    env::var("FORETIME_THREADS").map_or(true, |value| value != "system")
}

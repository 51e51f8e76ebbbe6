//! Histories that can be passed on: redacted, replayed, and only then saved.

use std::path::PathBuf;

use foretime_history::redact::{Keep, Pattern, redact};

use crate::{
    examine::{Examiner, Subject},
    run::Run,
};

/// So many values are tried one after the other to find those that have to stay.
const TRIED_MAX: usize = 40;

/// Saves the history of a run, the bytes of a `History`. Returns where, or why not.
pub type Save = Box<dyn Fn(&Run, &[u8]) -> Result<PathBuf, String>>;

/// How histories are redacted, and where they go.
pub struct Redaction {
    /// The values that stay.
    pub keep: Keep,
    /// Who saves what comes of it.
    pub save: Save,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Payloads that stayed because they are encrypted.
    pub encrypted_count: usize,
}

impl Redaction {
    /// Redacts the history of a run that replays, has the worker replay what comes of it, and saves that.
    ///
    /// # Errors
    /// It is not saved: why, as one sentence.
    pub(crate) async fn of(&self, examiner: Examiner<'_>, subject: &Subject, run: &Run) -> Result<Saved, String> {
        examiner.read(subject).await?;
        let redacted = redact(subject.readable(), &self.keep)?;
        let again = |encoded: Vec<u8>| Subject::new(encoded, &run.summary, subject.task_queue().to_owned());
        if let Err(why) = examiner.replays(&again(redacted.encoded.clone())).await {
            let needed = self.needed(examiner, subject, run, redacted.replaced.into_iter().collect()).await;
            let advice = match needed {
                Some(needed) => format!("; with --keep-values {} it does", needed.join(",")),
                None => String::new(),
            };
            return Err(format!("the redacted history does not replay{advice} ({why})"));
        }
        let path = (self.save)(run, &redacted.encoded)?;
        Ok(Saved { path, encrypted_count: redacted.encrypted_count })
    }

    /// Values without which the history does not replay: none of them can be left out. `None` if it does not even replay with all of them.
    async fn needed(&self, examiner: Examiner<'_>, subject: &Subject, run: &Run, replaced: Vec<String>) -> Option<Vec<String>> {
        if replaced.len() > TRIED_MAX || !self.replays_with(examiner, subject, run, &replaced).await {
            return None;
        }
        let mut needed = replaced.clone();
        for pattern in &replaced {
            let without: Vec<String> = needed.iter().filter(|other| *other != pattern).cloned().collect();
            if self.replays_with(examiner, subject, run, &without).await {
                needed = without;
            }
        }
        Some(needed)
    }

    async fn replays_with(&self, examiner: Examiner<'_>, subject: &Subject, run: &Run, kept: &[String]) -> bool {
        let mut keep = self.keep.clone();
        keep.0.extend(kept.iter().filter_map(|pattern| pattern.parse::<Pattern>().ok()));
        let Ok(redacted) = redact(subject.readable(), &keep) else { return false };
        examiner.replays(&Subject::new(redacted.encoded, &run.summary, subject.task_queue().to_owned())).await.is_ok()
    }
}

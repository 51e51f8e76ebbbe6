//! What a story says of statics. Whether the code under test keeps state in one or a fake does, its reader should know that the
//! state is one process's own.

use crate::view::View;

/// The most statics that are named.
const TOLD_MAX: usize = 3;

/// Names the statics that workers changed, in a sentence, if they changed any.
pub(super) fn that_workers_changed(view: &View<'_>) -> Option<String> {
    let told = &view.changed_statics[..view.changed_statics.len().min(TOLD_MAX)];
    Some(match told {
        [] => return None,
        [one] => format!("Workers changed the static {one}: each process has its own, and it dies with it."),
        [all @ .., last] => {
            let all = all.join(", ");
            format!("Workers changed the statics {all} and {last}: each process has its own, and they die with it.")
        }
    })
}

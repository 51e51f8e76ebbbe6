//! What the calls and the handlers of updates tell a reader beyond the histories: none of those tells of a rejection, of a
//! caller that stopped waiting, or of a handler that went on elsewhere.

use std::collections::BTreeMap;

use super::{Interest, Moment, RunNames, history::brief, name};
use crate::{
    log::{UpdateEnd, UpdateSpan},
    view::View,
};

/// The moments of all calls and handlers.
pub(super) fn moments(view: &View<'_>, names: &RunNames) -> Vec<Moment> {
    let mut handlers_before: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    let mut all = Vec::new();
    for span in &view.log.updates {
        if span.is_handler() {
            let before = handlers_before.entry((&span.run_id, &span.update_id)).or_default();
            all.extend((*before > 0 && span.is_replayed).then(|| goes_on(view, names, span)));
            *before += 1;
        }
        all.extend(end(view, names, span));
    }
    all
}

fn goes_on(view: &View<'_>, names: &RunNames, span: &UpdateSpan) -> Moment {
    let text = format!("{} went on with {}", name(view, span.process), subject(names, span));
    Moment::new(span.from_ns, span.from_step, text, Interest::Turn)
}

fn end(view: &View<'_>, names: &RunNames, span: &UpdateSpan) -> Option<Moment> {
    let (who, what) = (name(view, span.process), subject(names, span));
    let text = match span.ended.as_ref()? {
        UpdateEnd::Rejected(why) => format!("{who} rejected {what}: {why}"),
        UpdateEnd::GivenUp if !span.is_handler() => format!("{who} stopped waiting for {what}"),
        _ => return None,
    };
    Some(Moment::new(span.to_ns?, span.to_step?, text, Interest::Turn))
}

/// The update, within a sentence.
fn subject(names: &RunNames, span: &UpdateSpan) -> String {
    let UpdateSpan { name, input, workflow_id, run_id, .. } = span;
    format!("the update \"{name}\"{} of {}", brief(input.as_ref()), names.name(workflow_id, run_id))
}

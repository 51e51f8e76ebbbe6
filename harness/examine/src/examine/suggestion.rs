//! What could be done about a divergence. It is a suggestion: only the team knows what was meant.

use foretime_history::verdict::{Divergence, Thing};

/// How code asks whether a run has a change, in the language of an SDK that calls itself so; `id` is quoted as that language does.
fn guard(client_name: &str, id: &str) -> String {
    match client_name {
        "temporal-python" => format!("workflow.patched(\"{id}\")"),
        "temporal-typescript" => format!("patched('{id}')"),
        "temporal-dotnet" => format!("Workflow.Patched(\"{id}\")"),
        "temporal-ruby" => format!("Temporalio::Workflow.patched('{id}')"),
        "temporal-java" => format!("Workflow.getVersion(\"{id}\", Workflow.DEFAULT_VERSION, 1)"),
        name if name.starts_with("temporal-go") => {
            format!("workflow.GetVersion(ctx, \"{id}\", workflow.DefaultVersion, 1)")
        }
        name if name.starts_with("temporal-php") => format!("Workflow::getVersion('{id}', Workflow::DEFAULT_VERSION, 1)"),
        _ => format!("patched(\"{id}\")"),
    }
}

/// What could be done, as a sentence. `None` where the code fails by itself: that is to be mended. `breaks`: whether the SDK refuses.
pub(super) fn suggestion(divergence: &Divergence, client_name: &str, breaks: bool) -> Option<String> {
    let Divergence { recorded, asked, .. } = divergence;
    divergence.task?;
    if let Some(patch) = recorded.as_ref().filter(|it| it.command == "RecordMarker" && asked.is_none()) {
        let id = patch.name.split(", version").next().unwrap_or_default();
        let guard = guard(client_name, id);
        return Some(format!("put {guard} back, or its deprecation: this run has recorded it, and must find it again"));
    }
    if recorded.is_none() && asked.is_none() {
        return None;
    }
    let guard = guard(client_name, "my-change");
    let was = recorded.as_ref().map_or_else(|| "nothing here".to_owned(), |it| told(it, divergence, |field| &field.recorded));
    let is = asked.as_ref().map_or_else(|| "nothing here".to_owned(), |it| told(it, divergence, |field| &field.asked));
    let place =
        divergence.stack_after.as_deref().and_then(first_frame).map_or_else(String::new, |frame| format!(", near {frame}"));
    Some(match breaks {
        true => format!("guard the change with {guard}{place}: runs that began before it go on with {was}, new ones with {is}"),
        false => {
            format!("the SDK takes it; if runs that began before the change shall keep {was}, guard it with {guard}{place}")
        }
    })
}

/// A thing by what the code asks for, with the field that differs, if that is short.
fn told(
    thing: &Thing,
    divergence: &Divergence,
    side: impl Fn(&foretime_history::compare::FieldDifference) -> &String,
) -> String {
    const CHARS_MAX: usize = 40;
    // An update's answer is a message among many.
    if thing.command == "ProtocolMessage" {
        return thing.kind.clone();
    }
    // Some SDKs name timers by numbers of their own.
    let name = if thing.command.ends_with("Timer") { "" } else { &thing.name };
    let what = match (thing.command.as_str(), thing.kind.as_str()) {
        ("RecordMarker", "the local activity") => "the local activity",
        ("RecordMarker", _) => "the marker",
        (command, _) => command,
    };
    let thing = format!("{what} {name}");
    match divergence.fields.first().filter(|field| side(field).chars().count() <= CHARS_MAX && !side(field).is_empty()) {
        Some(field) => format!("{} ({} {})", thing.trim_end(), field.field, side(field)),
        None => thing.trim_end().to_owned(),
    }
}

/// The innermost frame of the user's code in the deepest of the stacks, if it has a place.
fn first_frame(stack: &str) -> Option<&str> {
    let has_place =
        |line: &&str| line.contains(" at ") && line.rsplit(':').next().is_some_and(|end| end.parse::<u32>().is_ok());
    let frames = |stack: &&str| stack.lines().filter(has_place).count();
    stack.split("\n\n").max_by_key(frames)?.lines().map(str::trim).find(has_place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(command: &str, name: &str) -> Option<Thing> {
        Some(Thing { kind: command.to_owned(), command: command.to_owned(), name: name.to_owned(), fields: Vec::new() })
    }

    #[test]
    fn a_change_is_guarded_in_the_language_of_the_worker() {
        let divergence = Divergence {
            task: Some(5),
            recorded: thing("StartTimer", "1"),
            asked: thing("ScheduleActivityTask", "charge"),
            ..Divergence::default()
        };
        let told = suggestion(&divergence, "temporal-typescript", true).expect("a suggestion");
        assert_eq!(
            told,
            "guard the change with patched('my-change'): runs that began before it go on with StartTimer, new ones with ScheduleActivityTask \
             charge"
        );
    }

    #[test]
    fn a_patch_that_was_removed_is_put_back() {
        let divergence = Divergence { task: Some(18), recorded: thing("RecordMarker", "discount"), ..Divergence::default() };
        let told = suggestion(&divergence, "temporal-python", true).expect("a suggestion");
        assert!(told.starts_with("put workflow.patched(\"discount\") back"), "{told}");
    }

    #[test]
    fn code_that_fails_gets_none() {
        let divergence = Divergence { task: Some(1), message: "boom".to_owned(), ..Divergence::default() };
        assert_eq!(suggestion(&divergence, "temporal-go", true), None);
    }
}

//! What was recorded against what the code asks for, as rows of a table.

use foretime_history::verdict::{Divergence, Thing};

/// A row: a field, and its value on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its name, as the API spells it; empty for what both sides are as a whole.
    pub(super) field: String,
    /// Empty if that side has no such field.
    pub(super) recorded: String,
    pub(super) asked: String,
    /// Whether that is where they part.
    pub(super) is_different: bool,
}

/// All rows; none if nothing is known of either side.
pub(super) fn rows(divergence: &Divergence) -> Vec<Row> {
    let (recorded, asked) = (divergence.recorded.as_ref(), divergence.asked.as_ref());
    if recorded.is_none() && asked.is_none() {
        return Vec::new();
    }
    let whole = |thing: Option<&Thing>| thing.map_or_else(|| "nothing".to_owned(), Thing::to_string);
    let of_whole = |thing: &Thing| (thing.command.clone(), thing.name.clone());
    let mut rows = vec![Row {
        field: String::new(),
        recorded: whole(recorded),
        asked: whole(asked),
        is_different: recorded.map(of_whole) != asked.map(of_whole),
    }];
    let is_of_one_kind = recorded.zip(asked).is_some_and(|(recorded, asked)| recorded.command == asked.command);
    rows.extend(divergence.fields.iter().map(|it| Row {
        field: it.field.clone(),
        recorded: it.recorded.clone(),
        asked: it.asked.clone(),
        is_different: true,
    }));
    let names = recorded.iter().chain(&asked).flat_map(|thing| &thing.fields).map(|(name, _)| name);
    for name in names {
        let is_there =
            |row: &Row| row.field == *name || row.field.strip_prefix(name.as_str()).is_some_and(|it| it.starts_with('.'));
        let (recorded, asked) = (value(recorded, name), value(asked, name));
        // Of one kind, the server fills in what the command leaves out: that is no difference, and only what both have tells more.
        if rows.iter().any(is_there) || is_of_one_kind && recorded != asked {
            continue;
        }
        rows.push(Row { field: name.clone(), recorded, asked, is_different: false });
    }
    rows
}

fn value(thing: Option<&Thing>, name: &str) -> String {
    let fields = thing.iter().flat_map(|thing| &thing.fields);
    fields.filter(|(known, _)| known == name).map(|(_, value)| value.clone()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn fields(rows: &[Row]) -> Vec<(&str, bool)> {
        rows.iter().map(|row| (row.field.as_str(), row.is_different)).collect()
    }

    #[test]
    fn two_kinds_differ_as_a_whole_and_one_kind_in_fields() {
        let report = sample::report();
        let kinds = rows(&report.breaks[0].divergence);
        assert_eq!(fields(&kinds)[..2], [("", true), ("timer_id", false)]);
        assert_eq!((kinds[1].recorded.as_str(), kinds[1].asked.as_str()), ("1", ""));
        let one = rows(&report.differs[0].divergence);
        assert_eq!(fields(&one), [("", false), ("input", true), ("activity_id", false), ("task_queue", false)]);
        assert!(rows(&Divergence::default()).is_empty());
    }
}

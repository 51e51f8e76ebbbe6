//! What the forms look like, and that nothing in a history can break out of one.

use insta::assert_snapshot;

use super::{
    Repository, Terminal, annotations, layout, markdown, quoted,
    sample::{self, HOSTILE},
    sarif, text, xml,
};

fn at(width: usize) -> Terminal {
    Terminal { is_coloured: false, width: Some(width) }
}

#[test]
fn text_as_wide_as_it_needs() {
    assert_snapshot!(text(&sample::report(), Terminal::default()));
}

#[test]
fn text_on_80_columns() {
    assert_snapshot!(text(&sample::report(), at(80)));
}

#[test]
fn text_on_50_columns_has_the_sides_below_each_other() {
    assert_snapshot!(text(&sample::report(), at(50)));
}

#[test]
fn nothing_but_a_long_word_runs_over_the_width() {
    for columns in [30, 40, 57, 80, 120, 200] {
        let text = text(&sample::report(), at(columns));
        let is_too_wide = |line: &&str| layout::width(line) > columns && line.trim_start().contains(' ');
        // Two words at least, each of which may be longer than the line.
        let wide: Vec<&str> = text.lines().filter(is_too_wide).collect();
        assert!(wide.is_empty(), "on {columns} columns: {wide:#?}");
    }
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let coloured = text(&sample::report(), Terminal { is_coloured: true, width: None });
    assert!(coloured.contains("\x1b[1;31mbreaks\x1b[0m"));
    let without = coloured.split('\x1b').map(|piece| piece.split_once('m').map_or(piece, |(_, rest)| rest));
    let plain = text(&sample::report(), Terminal::default());
    let (first, rest) = coloured.split_once('\x1b').expect("colours");
    assert!(first.is_empty() && !rest.is_empty());
    assert_eq!(without.collect::<String>(), plain);
}

#[test]
fn all_replay() {
    assert_eq!(
        text(&sample::all_replay(), Terminal::default()),
        "1 run took 1 path through the code, 1 history was checked: 1 replays\n"
    );
}

#[test]
fn json() {
    assert_snapshot!(serde_json::to_string_pretty(&sample::report()).unwrap());
}

#[test]
fn markdown_for_a_pull_request() {
    assert_snapshot!(markdown(&sample::report()));
}

#[test]
fn markdown_stays_within_what_github_takes() {
    let mut report = sample::report();
    let cause = || sample::report().breaks.remove(0);
    report.breaks = (0..500).map(|_| cause()).collect();
    report.breaks.iter_mut().for_each(|cause| cause.divergence.message = "<&>".repeat(10_000));
    let markdown = markdown(&report);
    assert!(markdown.chars().count() < 60_000, "{}", markdown.chars().count());
    assert!(markdown.contains("451 more causes are in the other reports.") && markdown.contains("more sections have no room"));
}

#[test]
fn junit_xml() {
    assert_snapshot!(xml(&sample::report()).unwrap());
}

#[test]
fn sarif_json() {
    assert_snapshot!(sarif(&sample::report(), &Repository::default()).unwrap());
}

#[test]
fn github_annotations() {
    assert_snapshot!(annotations(&sample::report(), &Repository::default()));
}

#[test]
fn a_terminal_is_not_steered() {
    let text = text(&sample::hostile(), at(80));
    assert!(!text.contains(['\x1b', '\u{0}', '\r', '\u{202e}']), "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("::")));
}

#[test]
fn xml_holds_hostile_text() {
    let xml = xml(&sample::hostile()).unwrap();
    assert!(!xml.contains("<img") && !xml.contains("]]>") && !xml.contains(['\x1b', '\u{0}']));
    let mut reader = quick_xml::Reader::from_str(&xml);
    let mut cases = 0;
    loop {
        match reader.read_event().expect("it is XML") {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(start) if start.name().as_ref() == "testcase" => cases += 1,
            quick_xml::events::Event::Empty(empty) if empty.name().as_ref() == "testcase" => cases += 1,
            _ => {}
        }
    }
    assert_eq!(cases, 5);
}

#[test]
fn an_annotation_is_one_line_and_nothing_else_is_obeyed() {
    let report = sample::hostile();
    let annotations = annotations(&report, &Repository::default());
    assert_eq!(annotations.lines().count(), report.causes().count() + report.could_not_tell.len());
    for line in annotations.lines() {
        let (head, data) = line[2..].split_once("::").expect("data");
        assert!(head.starts_with("error file=") || head.starts_with("warning file="), "{head}");
        assert!(!head.contains(':') && head.matches(",title=").count() == 1, "{head}");
        assert!(data.contains("%250A%0A"), "a % of the text is a %: {data}");
    }
    let text = text(&report, Terminal::default());
    let quoted = quoted(&text);
    let (first, rest) = quoted.split_once('\n').unwrap();
    let token = first.strip_prefix("::stop-commands::").expect("commands are stopped");
    assert!(!text.contains(token) && rest.ends_with(&format!("::{token}::\n")));
}

#[test]
fn markdown_holds_hostile_text() {
    let markdown = markdown(&sample::hostile());
    assert!(!markdown.contains("<img") && !markdown.contains("@team]") && !markdown.contains('\x1b'));
    assert_eq!(markdown.matches("<pre>").count(), markdown.matches("</pre>").count());
    // A row of the table has as many cells as its head, whatever is in them.
    let rows: Vec<&str> = markdown.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() == 3 && rows.iter().all(|row| row.matches('|').count() == 7), "{rows:#?}");
}

#[test]
fn sarif_holds_hostile_text() {
    let sarif = sarif(&sample::hostile(), &Repository::default()).unwrap();
    let log: serde_json::Value = serde_json::from_str(&sarif).unwrap();
    let uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(uri.bytes().all(|it| it.is_ascii_alphanumeric() || b"%-._~/".contains(&it)), "{uri}");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 4);
    assert!(HOSTILE.contains('\u{202e}') && !sarif.contains('\u{202e}'));
}

#[test]
fn a_history_of_a_cluster_has_no_file() {
    let mut report = sample::report();
    let examples = report.breaks.iter_mut().chain(&mut report.differs);
    examples.for_each(|cause| (cause.place, cause.example.file, cause.example.line) = (None, None, None));
    report.checked.iter_mut().for_each(|history| (history.file, history.line) = (None, None));
    let annotations = annotations(&report, &Repository::default());
    assert!(annotations.starts_with("::error title=Subscription breaks"), "{annotations}");
    let sarif: serde_json::Value = serde_json::from_str(&sarif(&report, &Repository::default()).unwrap()).unwrap();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(location, "histories/Subscription");
    assert!(!xml(&report).unwrap().contains("file="));
}

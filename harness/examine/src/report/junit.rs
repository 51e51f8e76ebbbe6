//! JUnit's XML: a test case for each history that was checked, and one for each file that could not be read.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use super::{
    layout::printable,
    model::{History, Report},
    text,
};

/// All of it.
///
/// # Errors
/// Memory cannot be written to, which does not happen.
pub fn xml(report: &Report) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let unreadable: Vec<_> = report.could_not_tell.iter().filter(|it| it.is_unreadable).collect();
    let unreadable_count: usize = unreadable.iter().map(|it| it.of.len()).sum();
    let tests = (report.checked.len() + unreadable_count).to_string();
    let failures = (report.counts.breaks + report.counts.differs).to_string();
    let errors = (report.counts.could_not_tell + report.counts.unreadable).to_string();
    let counts = [("tests", tests.as_str()), ("failures", &failures), ("errors", &errors)];
    let named = [("name", "foretime check")];
    let suites = writer.create_element("testsuites").with_attributes(named).with_attributes(counts);
    suites.write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attributes(named).with_attributes(counts);
        suite.write_inner_content(|writer| {
            for history in &report.checked {
                case(writer, report, history)?;
            }
            for untold in unreadable {
                for file in &untold.of {
                    let file = clean(file);
                    let named = [("classname", "foretime.check.unreadable"), ("name", file.as_str())];
                    let case = writer.create_element("testcase").with_attributes(named);
                    case.write_inner_content(|writer| result(writer, "error", "unreadable", &untold.why, &untold.why))?;
                }
            }
            Ok(())
        })?;
        Ok(())
    })?;
    let mut xml = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    xml.push('\n');
    Ok(xml)
}

fn case(writer: &mut Writer<Vec<u8>>, report: &Report, history: &History) -> io::Result<()> {
    let (class, name) = (clean(&history.workflow_type), clean(&name(history)));
    let mut case = writer.create_element("testcase").with_attributes([("classname", class.as_str()), ("name", name.as_str())]);
    let file = history.file.as_deref().map(clean);
    if let Some(file) = &file {
        case = case.with_attribute(("file", file.as_str()));
    }
    let line = history.line.map(|line| line.to_string());
    if let Some(line) = &line {
        case = case.with_attribute(("line", line.as_str()));
    }
    match (history.verdict, report.cause_of(history)) {
        ("breaks" | "differs", cause) => {
            let details = cause.map_or_else(String::new, text::details);
            let body = format!("{}\n{details}", history.why);
            case.write_inner_content(|writer| result(writer, "failure", history.verdict, &history.why, &body))?;
        }
        ("could_not_tell", _) => {
            case.write_inner_content(|writer| result(writer, "error", history.verdict, &history.why, &history.why))?;
        }
        _ => {
            case.write_empty()?;
        }
    }
    Ok(())
}

/// The workflow's id, which is what people know it by, and the file, which no two of them share.
fn name(history: &History) -> String {
    format!("{} ({})", history.run.name(), history.name)
}

fn result(writer: &mut Writer<Vec<u8>>, element: &str, kind: &str, message: &str, body: &str) -> io::Result<()> {
    let (message, body) = (clean(message.lines().next().unwrap_or_default()), clean(body));
    let element = writer.create_element(element).with_attributes([("message", message.as_str()), ("type", kind)]);
    element.write_text_content(BytesText::new(&body))?;
    Ok(())
}

/// A text without characters that XML cannot have.
fn clean(text: &str) -> String {
    printable(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

//! The records as tables in Markdown, one for each measure, and the first server's ratio to the others.

use std::fmt::Write;

use serde_json::Value;

use super::record::{Record, median};

/// All the records, grouped by measure in order of appearance.
pub fn render(records: &[Record]) -> String {
    let mut measures: Vec<&str> = Vec::new();
    for record in records {
        if !measures.contains(&record.measure) {
            measures.push(record.measure);
        }
    }
    let mut text = String::new();
    for measure in measures {
        let group: Vec<&Record> = records.iter().filter(|record| record.measure == measure).collect();
        table(&mut text, measure, &group);
    }
    text + &ratios(records)
}

fn table(text: &mut String, measure: &str, group: &[&Record]) {
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in group.iter().flat_map(|record| &record.figures) {
        if !columns.contains(name) {
            columns.push(name);
        }
    }
    let mut line = |cells: Vec<String>| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    line([measure].into_iter().chain(columns.iter().copied()).map(str::to_owned).collect());
    line(vec!["---".to_owned(); columns.len() + 1]);
    for record in group {
        let cell = |column: &&str| record.figures.iter().find(|(name, _)| name == column).map(|(_, value)| show(value));
        let cells = columns.iter().map(|column| cell(column).unwrap_or_default());
        line([record.server.clone()].into_iter().chain(cells).collect());
    }
    text.push('\n');
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// For each size of the throughput load: the ratio of the first server to each other one, by the median of its repetitions.
fn ratios(records: &[Record]) -> String {
    let runs: Vec<&Record> = records.iter().filter(|record| record.measure == "throughput").collect();
    let mut keys: Vec<(&str, usize)> = Vec::new();
    for run in &runs {
        let key = (run.server.as_str(), size(run));
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let Some(&(first, _)) = keys.first() else { return String::new() };
    let figure = |(server, workflows): (&str, usize), name: &str| {
        let of_key = runs.iter().filter(|run| run.server == server && size(run) == workflows);
        median(of_key.filter_map(|run| run.figure(name)).collect())
    };
    let mut text = String::new();
    for &(peer, workflows) in keys.iter().filter(|(server, _)| *server != first) {
        let ratio = |name: &str| figure((first, workflows), name) / figure((peer, workflows), name);
        let _ = writeln!(
            text,
            "{first} against {peer}, {workflows} workflows: {:.1} x the throughput, {:.3} x the server CPU time per workflow",
            ratio("workflow_tasks_per_s"),
            ratio("server_cpu_ms_per_workflow")
        );
    }
    text
}

fn size(record: &Record) -> usize {
    record.figure("workflows").unwrap_or_default() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(server: &str, rate: f64, cpu_ms: f64) -> Record {
        let record = Record::new("throughput", server).count("workflows", 100);
        record.real("workflow_tasks_per_s", rate).real("server_cpu_ms_per_workflow", cpu_ms)
    }

    #[test]
    fn a_table_for_each_measure_and_the_ratio_of_the_medians() {
        let startup = Record::new("startup", "ours").count("starts", 2);
        let records =
            [startup, run("ours", 9000.0, 1.0), run("peer", 1500.0, 10.0), run("peer", 3000.0, 20.0), run("peer", 1400.0, 9.0)];
        let text = render(&records);
        assert!(text.starts_with("| startup | starts |\n| --- | --- |\n| ours | 2 |\n\n| throughput | workflows |"), "{text}");
        let ratio = "ours against peer, 100 workflows: 6.0 x the throughput, 0.100 x the server CPU time per workflow\n";
        assert!(text.ends_with(ratio), "{text}");
    }
}

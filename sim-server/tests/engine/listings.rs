//! Lists and counts of executions: at once or late, in virtual time, by index and by scan.

use foretime_server::{
    config::{Config, Personality, SearchAttributeType, TimeMode},
    proto::{
        command::{Command, UpsertWorkflowSearchAttributesCommandAttributes, command::Attributes},
        common::{Payload, SearchAttributes},
        enums::CommandType,
        operatorservice::RemoveSearchAttributesRequest,
        workflow::WorkflowExecutionInfo,
        workflowservice::*,
    },
};

use crate::support::*;

fn list(query: &str) -> ListWorkflowExecutionsRequest {
    ListWorkflowExecutionsRequest {
        namespace: NAMESPACE.to_owned(),
        query: query.to_owned(),
        ..ListWorkflowExecutionsRequest::default()
    }
}

fn ids(executions: Vec<WorkflowExecutionInfo>) -> String {
    let ids = executions.into_iter().filter_map(|info| info.execution).map(|execution| execution.workflow_id);
    ids.collect::<Vec<_>>().join(" ")
}

impl Transcript {
    /// The workflow ids that a query finds, in order.
    #[track_caller]
    fn lists(&mut self, query: &str) -> String {
        ids(self.calls(list(query)).executions)
    }

    #[track_caller]
    fn counts(&mut self, query: &str) -> i64 {
        self.calls(CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() }).count
    }

    /// A server in place of the dev server, with a search attribute of each type.
    fn with_attributes(config: Config) -> Self {
        let attributes = SearchAttributeType::ALL.map(|of| (format!("My{}", of.name()), of));
        Self::with(Config { personality: Personality::DevServer, search_attributes: attributes.into(), ..config })
    }

    fn starts_found_by(&mut self, workflow_id: &str, attributes: &[(&str, &str)]) {
        self.starts_with(StartWorkflowExecutionRequest {
            search_attributes: search_attributes(attributes),
            ..start(workflow_id)
        });
    }
}

/// Names with their values in JSON.
fn search_attributes(attributes: &[(&str, &str)]) -> Option<SearchAttributes> {
    let field = |(name, json): &(&str, &str)| ((*name).to_owned(), Payload { data: json.as_bytes().to_vec(), ..payload("") });
    Some(SearchAttributes { indexed_fields: attributes.iter().map(field).collect() })
}

fn upsert(attributes: &[(&str, &str)]) -> Command {
    let attributes = UpsertWorkflowSearchAttributesCommandAttributes { search_attributes: search_attributes(attributes) };
    Command {
        command_type: CommandType::UpsertWorkflowSearchAttributes.into(),
        attributes: Some(Attributes::UpsertWorkflowSearchAttributesCommandAttributes(attributes)),
        ..Command::default()
    }
}

#[test]
fn what_has_just_happened_is_listed() {
    let mut t = Transcript::with_attributes(Config::default());
    t.starts("first");
    t.time_passes(seconds(1));
    t.starts("second");
    assert_eq!(t.lists(""), "second first", "the last started comes first");
    t.terminates("second");
    assert_eq!([t.lists(""), t.lists("CloseTime IS NULL")], ["first second", "first"]);
    t.runs_workflow_task([upsert(&[("MyKeyword", "\"red\""), ("MyInt", "3")])]);
    assert_eq!(t.lists("MyKeyword = 'red' AND MyInt > 2"), "first");
    t.signals("first", "go");
    t.runs_workflow_task([upsert(&[("MyKeyword", "\"blue\""), ("MyInt", "null")])]);
    assert_eq!([t.lists("MyKeyword = 'red'"), t.lists("MyKeyword = 'blue'"), t.lists("MyInt IS NOT NULL")], ["", "first", ""]);
}

#[test]
fn the_test_server_lists_too_and_knows_each_namespace_apart() {
    let mut t = Transcript::skipping();
    t.starts("here");
    t.starts_with(StartWorkflowExecutionRequest { namespace: "elsewhere".to_owned(), ..start("there") });
    assert_eq!(t.lists(""), "here");
    let elsewhere = ListWorkflowExecutionsRequest { namespace: "elsewhere".to_owned(), ..list("") };
    assert_eq!(ids(t.calls(elsewhere).executions), "there");
}

#[test]
fn closes_are_in_virtual_time() {
    let mut t = Transcript::skipping();
    t.starts("early");
    t.starts_with(StartWorkflowExecutionRequest {
        workflow_run_timeout: span(seconds(3_600)),
        task_queue: task_queue("nobody"),
        ..start("timed-out")
    });
    t.runs_workflow_task([complete("done")]);
    t.time_passes(seconds(4_000));
    assert_eq!(t.lists("CloseTime IS NOT NULL"), "timed-out early");
    assert_eq!(t.lists("ExecutionDuration >= '1h'"), "timed-out");
    assert_eq!(t.lists("ExecutionStatus IN ('TimedOut', 'Failed')"), "timed-out");
}

#[test]
fn pages_go_on_where_they_ended_whatever_happens_in_between() {
    let mut t = Transcript::with_attributes(Config::default());
    for n in 0..5 {
        t.time_passes(seconds(1));
        t.starts(&format!("wf-{n}"));
    }
    let first = t.calls(ListWorkflowExecutionsRequest { page_size: 2, ..list("") });
    assert_eq!(ids(first.executions), "wf-4 wf-3");
    t.time_passes(seconds(1));
    t.starts("wf-5");
    t.terminates("wf-2");
    let next_page_token = first.next_page_token;
    let second = t.calls(ListWorkflowExecutionsRequest { page_size: 2, next_page_token, ..list("") });
    assert_eq!(ids(second.executions), "wf-1 wf-0");
    let next_page_token = second.next_page_token;
    let third = t.calls(ListWorkflowExecutionsRequest { page_size: 2, next_page_token, ..list("") });
    assert_eq!((ids(third.executions), third.next_page_token), ("wf-2".to_owned(), Vec::new()));
}

/// What stands alone is looked up; what is negated twice is looked for.
#[test]
fn what_is_looked_up_is_what_is_looked_for() {
    let mut t = Transcript::with_attributes(Config::default());
    let colours = ["\"red\"", "\"blue\"", "[\"red\"]", "null"];
    let numbers = ["1", "2", "[2]", "0"];
    let weights = ["1", "1.0", "2.5", "-0.0"];
    let lists = ["[\"red\"]", "[\"Red\",\"blue\"]", "[]", "[[\"green\"]]"];
    let instants =
        ["1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00.002+00:00", "1969-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z"];
    let instants = instants.map(|instant| format!("{instant:?}"));
    for n in 0..64_usize {
        let id = format!("wf-{}", n % 40);
        let of = |values: &[&'static str; 4], by: usize| values[n / by % 4];
        let attributes = [
            ("MyKeyword", of(&colours, 1)),
            ("MyInt", of(&numbers, 4)),
            ("MyDouble", of(&weights, 3)),
            ("MyKeywordList", of(&lists, 2)),
            ("MyDatetime", instants[n / 7 % 4].as_str()),
            ("MyBool", if n % 3 == 0 { "true" } else { "false" }),
            ("TemporalScheduledById", if n % 5 == 0 { "\"daily\"" } else { "\"hourly\"" }),
        ];
        if n >= 40 {
            t.terminates(&id);
        }
        t.starts_found_by(&id, &attributes);
    }
    let mut found = 0;
    for query in [
        "WorkflowId = 'wf-7'",
        "WorkflowId IN ('wf-8')",
        "WorkflowId = 'wf'",
        "WorkflowType = 'W'",
        "ExecutionStatus = 'Running'",
        "ExecutionStatus = 'Terminated'",
        "ExecutionStatus = 'Failed'",
        "MyKeyword = 'red'",
        "MyKeyword = 'blue' AND MyBool = true",
        "MyInt = 2",
        "MyInt = 0",
        "MyInt = 2.0",
        "MyDouble = 1",
        "MyDouble = 2.5",
        "MyDouble = 0",
        "MyBool = false",
        "TemporalScheduledById = 'daily'",
        "ScheduledById = 'daily' AND ExecutionStatus = 'Terminated'",
        "(WorkflowId = 'wf-7' AND ExecutionStatus = 'Terminated')",
        "WorkflowId IN ('wf-9', 'wf-8', 'wf-9', 'nothing')",
        "WorkflowId = 'wf-1' OR WorkflowId = 'wf-2' AND MyBool = true OR MyInt = 2",
        "WorkflowId = 'wf-1' OR MyInt > 1",
        "WorkflowType IN ('W', 'V')",
        "MyKeywordList = 'RED'",
        "MyKeywordList IN ('green', 'blue', 'red')",
        "MyDatetime = '1970-01-01T00:00:00.001Z'",
        "MyDatetime = '1970-01-01T00:00:00.0015Z'",
        "MyDatetime > '1970-01-01T00:00:00.0015Z'",
        "MyDatetime <= '1970-01-01T00:00:00.0015Z'",
        "MyDatetime BETWEEN '1969-12-31T23:59:59.9985Z' AND '1970-01-01T00:00:00.001Z'",
        "MyInt > 1",
        "MyInt >= 1.5",
        "MyInt < 2 AND MyKeyword = 'red'",
        "MyInt NOT BETWEEN 1 AND 1",
        "MyDouble > -1",
        "MyDouble < 1",
        "MyDouble BETWEEN 0 AND 2.5",
        "MyBool > false",
        "ExecutionStatus > 1",
    ] {
        let (by_index, by_scan) = (t.lists(query), t.lists(&format!("NOT NOT ({query})")));
        assert_eq!(by_index, by_scan, "{query}");
        assert_eq!(t.counts(query), by_index.split_whitespace().count() as i64, "{query}");
        found += by_index.split_whitespace().count();
    }
    assert!(found > 200, "only {found} were found");
}

#[test]
fn where_too_many_lie_between_two_values_all_are_looked_at() {
    let mut t = Transcript::with_attributes(Config::default());
    for n in 0..2_100 {
        t.starts_found_by(&format!("wf-{n}"), &[("MyInt", &n.to_string())]);
    }
    assert_eq!([t.counts("MyInt >= 0"), t.counts("MyInt > 99"), t.counts("MyInt > 2097")], [2_100, 2_000, 2]);
    let page = t.calls(ListWorkflowExecutionsRequest { page_size: 3, ..list("MyInt < 10") });
    let (next_page_token, mut listed) = (page.next_page_token, ids(page.executions));
    listed += &format!(" {}", ids(t.calls(ListWorkflowExecutionsRequest { next_page_token, ..list("MyInt < 10") }).executions));
    assert_eq!(listed, t.lists("NOT NOT MyInt < 10"));
}

#[test]
fn counts_follow_what_happens() {
    let mut t = Transcript::with_attributes(Config::default());
    for n in 0..3 {
        t.starts(&format!("wf-{n}"));
    }
    t.starts_found_by("no workflow", &[("TemporalNamespaceDivision", "\"Another\"")]);
    assert_eq!([t.counts(""), t.counts("ExecutionStatus = 'Running'")], [3, 3]);
    t.terminates("wf-1");
    assert_eq!([t.counts(""), t.counts("ExecutionStatus = 'Running'"), t.counts("ExecutionStatus = 'Terminated'")], [3, 2, 1]);
    assert_eq!(t.counts("TemporalNamespaceDivision = 'Another'"), 1);
    let query = "GROUP BY ExecutionStatus".to_owned();
    let grouped = t.calls(CountWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query });
    let groups: Vec<_> = grouped.groups.iter().map(|group| (&group.group_values[0].data[..], group.count)).collect();
    assert_eq!(groups, [(&b"\"Running\""[..], 2), (b"\"Terminated\"", 1)]);
}

#[test]
fn an_attribute_that_is_removed_is_neither_shown_nor_searched() {
    let mut t = Transcript::with_attributes(Config::default());
    t.starts_found_by("order", &[("MyKeyword", "\"red\""), ("MyInt", "1")]);
    let search_attributes = vec!["MyKeyword".to_owned()];
    t.calls(RemoveSearchAttributesRequest { namespace: NAMESPACE.to_owned(), search_attributes });
    t.refuses(list("MyKeyword = 'red'"), "InvalidArgument: invalid query: invalid search attribute: MyKeyword");
    let mut executions = t.calls(list("MyInt = 1")).executions;
    let shown = executions.remove(0).search_attributes.unwrap_or_default().indexed_fields;
    assert_eq!(shown.into_keys().collect::<Vec<_>>(), ["MyInt"]);
}

#[test]
fn a_query_that_is_refused_changes_nothing() {
    let mut t = Transcript::with_attributes(Config { visibility_lag: seconds(1), ..Config::default() });
    t.starts("order");
    t.time_passes(seconds(1));
    t.refuses(list("WorkflowId ="), "InvalidArgument: invalid query: malformed SQL query: syntax error at position 40");
    t.refuses(
        ListWorkflowExecutionsRequest { next_page_token: b"bad".to_vec(), ..list("") },
        "Unknown: something went wrong, please retry (620ff7e0)",
    );
    assert_eq!(t.lists(""), "order");
}

#[test]
fn listings_may_be_late() {
    let lag = seconds(10);
    let mut t = Transcript::with_attributes(Config { visibility_lag: lag, ..Config::default() });
    t.starts_found_by("order", &[("MyKeyword", "\"red\"")]);
    assert_eq!([t.lists(""), t.lists("MyKeyword = 'red'")], ["", ""]);
    t.time_passes(seconds(9));
    assert_eq!(t.lists(""), "");
    t.runs_workflow_task([upsert(&[("MyKeyword", "\"blue\"")])]);
    t.terminates("order");
    t.time_passes(seconds(1));
    assert_eq!([t.lists("MyKeyword = 'red'"), t.lists("MyKeyword = 'blue'")], ["order", ""], "it is seen as it was");
    let info = t.calls(list("")).executions.remove(0);
    assert_eq!((info.status, info.close_time, info.history_length), (1, None, 0));
    assert_eq!(t.counts("GROUP BY ExecutionStatus"), 1);
    t.time_passes(seconds(9));
    assert_eq!([t.lists("MyKeyword = 'red'"), t.lists("MyKeyword = 'blue' AND ExecutionStatus = 'Terminated'")], ["", "order"]);
}

#[test]
fn late_listings_are_late_in_virtual_time_and_do_not_move_it() {
    let mut t =
        Transcript::with_attributes(Config { visibility_lag: seconds(10), time: TimeMode::Skipping, ..Config::default() });
    t.starts("order");
    t.runs_workflow_task([complete("done")]);
    t.time_passes(seconds(1));
    assert_eq!(t.elapsed(), seconds(1), "nothing is due");
    assert_eq!(t.lists(""), "");
    t.starts("sleeper");
    t.runs_workflow_task([start_timer("t", seconds(3_600))]);
    t.time_skips();
    assert_eq!(t.lists(""), "sleeper order");
}

#[test]
fn what_is_deleted_is_no_longer_listed() {
    let mut t = Transcript::with_attributes(Config::default());
    t.starts_found_by("order", &[("MyKeyword", "\"red\"")]);
    t.starts("other");
    t.terminates("order");
    let deletion = |workflow_id| DeleteWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution(workflow_id),
    };
    t.calls(deletion("order"));
    t.calls(deletion("other"));
    for query in ["", "MyKeyword = 'red'", "ExecutionStatus = 'Terminated'", "WorkflowId = 'order'", "WorkflowType = 'W'"] {
        assert_eq!((t.lists(query), t.counts(query)), (String::new(), 0), "{query}");
    }
}

#[test]
fn a_run_that_begins_with_a_reset_is_listed_and_deleted_as_any_other() {
    let mut t = Transcript::with_attributes(Config::default());
    t.starts_found_by("order", &[("MyKeyword", "\"red\"")]);
    t.runs_workflow_task([]);
    t.time_passes(seconds(5));
    t.calls(ResetWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_execution: execution("order"),
        workflow_task_finish_event_id: 4,
        request_id: "reset".to_owned(),
        ..ResetWorkflowExecutionRequest::default()
    });
    assert_eq!([t.lists("MyKeyword = 'red'"), t.lists("ExecutionStatus = 'Running'")], ["order order", "order"]);
    for run_id in [t.run_id("order", 1), t.run_id("order", 2)] {
        let workflow_execution = run("order", &run_id);
        t.calls(DeleteWorkflowExecutionRequest { namespace: NAMESPACE.to_owned(), workflow_execution });
    }
    assert_eq!([t.lists(""), t.lists("MyKeyword = 'red'")], ["", ""]);
}

//! Schedules are listed and counted.

use foretime_server::proto::{
    common::{Memo, Payload, SearchAttributes},
    enums::ScheduleOverlapPolicy,
    schedule::{Schedule, ScheduleSpec, ScheduleState},
    workflowservice::*,
};
use foretime_tests::script::*;

crate::scripts![what_is_listed, search_attributes_are_listed, by_query, in_order, by_next_action, refused_queries, in_pages];

/// What a schedule is found by, so that the scripts of one server do not see each other's.
fn coloured(s: &Script, id: &str, colour: &str, is_paused: bool) -> CreateScheduleRequest {
    let state = ScheduleState { notes: "the notes".to_owned(), paused: is_paused, ..Default::default() };
    let spec = ScheduleSpec { cron_string: vec!["0 0 1 7 * 2020".to_owned()], ..Default::default() };
    CreateScheduleRequest {
        schedule: Some(Schedule { spec: Some(spec), state: Some(state), ..s.new_schedule("wf") }),
        search_attributes: Some(SearchAttributes { indexed_fields: [("Colour".to_owned(), payload(colour))].into() }),
        ..s.new_create_schedule(id)
    }
}

fn list(query: &str) -> ListSchedulesRequest {
    ListSchedulesRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned(), ..Default::default() }
}

fn count(query: &str) -> CountSchedulesRequest {
    CountSchedulesRequest { namespace: NAMESPACE.to_owned(), query: query.to_owned() }
}

/// Waits until so many are listed: listings are late on the real server.
async fn await_count(s: &Script, query: &str, expected: i64) {
    let look = async {
        while s.client.call(count(query)).await.expect("they are counted").count != expected {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), look).await.expect("so many are listed");
}

async fn what_is_listed(s: &Script) {
    let query = "Colour = 'listed'";
    let memo = Some(Memo { fields: [("note".to_owned(), payload("the memo"))].into() });
    let _ = s.call(CreateScheduleRequest { memo, ..coloured(s, "s", "listed", false) }).await;
    await_count(s, query, 1).await;
    let _ = s.call(list(query)).await;
    s.step("it has acted");
    s.trigger("s", "2026-01-01T00:00:00Z", ScheduleOverlapPolicy::Unspecified).await;
    s.await_actions("s", 1).await;
    s.await_restart_interval().await;
    let _ = s.call(list(query)).await;
    s.step("it is deleted");
    s.delete_schedule("s").await;
    await_count(s, query, 0).await;
    let _ = s.call(list(query)).await;
    s.step("without memo");
    let _ = s.call(coloured(s, "t", "listed", true)).await;
    await_count(s, query, 1).await;
    let _ = s.call(list(query)).await;
}

/// As the store has them.
async fn search_attributes_are_listed(s: &Script) {
    let values = [
        ("Colour", " [\"as stored\"]"),
        ("Weight", "1.0"),
        ("Picked", "\"2026-01-01T00:00:00.500Z\""),
        ("Tags", "[ \"a\", \"b<\" ]"),
        ("Note", "\"\\u00fc\""),
    ];
    let value = |text: &str| Payload { data: text.into(), ..payload("") };
    let search_attributes =
        SearchAttributes { indexed_fields: values.into_iter().map(|(name, text)| (name.to_owned(), value(text))).collect() };
    let create = CreateScheduleRequest { search_attributes: Some(search_attributes), ..coloured(s, "s", "", false) };
    let _ = s.call(create).await;
    let query = format!("ScheduleId = '{}'", s.id("s"));
    await_count(s, &query, 1).await;
    let listed = s.client.call(list(&query)).await.expect("it is listed");
    s.show_message("listed", &listed.schedules[0].search_attributes.clone().unwrap_or_default());
}

async fn in_order(s: &Script) {
    for id in ["a", "b"] {
        let _ = s.call(coloured(s, id, "ordered", false)).await;
        s.await_restart_interval().await;
    }
    let these = format!("ScheduleId STARTS_WITH '{}'", s.id(""));
    await_count(s, &these, 2).await;
    for order in ["ScheduleId ASC", "Colour DESC, Size"] {
        let listed = s.client.call(list(&format!("{these} ORDER BY {order}"))).await.expect("the order is ignored");
        let ids: Vec<_> = listed.schedules.into_iter().map(|entry| entry.schedule_id).collect();
        s.note(format_args!("{order}: {ids:?}"));
    }
    for query in [
        "ORDER BY Colour",
        " Colour = 'x'  order by ScheduleId",
        "Colour = 'x' ORDER BY StartTime",
        "Colour = 'x' ORDER BY Nope",
        "ORDER BY Note",
        "TemporalScheduleId = 'x' ORDER BY Colour",
    ] {
        s.step(query);
        let _ = s.call(list(query)).await;
        let _ = s.call(count(query)).await;
    }
}

/// Schedules of this kind have no such time.
async fn by_next_action(s: &Script) {
    let _ = s.call(coloured(s, "s", "next", false)).await;
    await_count(s, "Colour = 'next'", 1).await;
    for query in [
        "Colour = 'next' AND ScheduleNextActionTime IS NULL",
        "Colour = 'next' AND ScheduleNextActionTime > '2020-01-01T00:00:00Z'",
        "ScheduleNextActionTime = '2020-01-01'",
        "GROUP BY ScheduleNextActionTime",
        "ScheduleNextActionTime IS NULL ORDER BY ScheduleNextActionTime",
        "TemporalScheduleNextActionTime IS NULL",
    ] {
        s.step(query);
        let _ = s.call(count(query)).await;
    }
    let workflows = "ScheduleNextActionTime IS NULL".to_owned();
    let request = ListWorkflowExecutionsRequest { namespace: NAMESPACE.to_owned(), query: workflows, ..Default::default() };
    let _ = s.call(request).await;
}

async fn by_query(s: &Script) {
    for (id, colour, is_paused) in [("a", "query-red", false), ("b", "query-blue", true), ("c", "query-red", true)] {
        let _ = s.call(coloured(s, id, colour, is_paused)).await;
        s.await_restart_interval().await;
    }
    await_count(s, "Colour STARTS_WITH 'query-' AND TemporalSchedulePaused IS NOT NULL", 3).await;
    let (a, b) = (s.id("a"), s.id("b"));
    for query in [
        "Colour = 'query-red'".to_owned(),
        "Colour IN ('query-red', 'query-blue')".to_owned(),
        "Colour STARTS_WITH 'query-' AND TemporalSchedulePaused = true".to_owned(),
        "Colour STARTS_WITH 'query-' AND SchedulePaused = false".to_owned(),
        "Colour STARTS_WITH 'query-' AND NOT TemporalSchedulePaused = true".to_owned(),
        format!("ScheduleId = '{a}'"),
        format!("ScheduleId IN ('{a}', '{b}')"),
        format!("ScheduleId != '{a}' AND Colour STARTS_WITH 'query-'"),
        format!("ScheduleId STARTS_WITH '{}'", s.id("")),
        "ScheduleId IS NULL".to_owned(),
        format!("ScheduleId IN ('{a}', '{b}') ORDER BY ScheduleId"),
        format!("ScheduleId BETWEEN '{a}' AND '{b}'"),
        format!("ScheduleId >= '{b}' AND Colour STARTS_WITH 'query-'"),
        format!("ScheduleId < '{b}' AND Colour STARTS_WITH 'query-'"),
        format!("NOT (ScheduleId = '{a}' OR ScheduleId NOT IN ('{a}', '{b}')) AND Colour STARTS_WITH 'query-'"),
        "ScheduleNextActionTime IS NULL AND Colour STARTS_WITH 'query-'".to_owned(),
        "ScheduleNextActionTime > '2020-01-01T00:00:00Z'".to_owned(),
        "`Colour` = 'query-blue' OR Colour = 'query-green'".to_owned(),
    ] {
        let listed = s.client.call(list(&query)).await.expect("they are listed");
        let ids: Vec<_> = listed.schedules.into_iter().map(|entry| entry.schedule_id).collect();
        let counted = s.client.call(count(&query)).await.expect("they are counted");
        s.note(format_args!("{query}: {ids:?}, {}", counted.count));
    }
}

async fn refused_queries(s: &Script) {
    for query in [
        "WorkflowId = 'x'",
        "RunId = 'x'",
        "ExecutionStatus = 'Running'",
        "StartTime > '2020-01-01T00:00:00Z'",
        "TemporalNamespaceDivision = 'x'",
        "TemporalScheduledById = 'x'",
        "TemporalScheduleId = 'x'",
        "BuildIds = 'x'",
        "Nope = 1",
        "Colour = 'red' GROUP BY Colour",
        "GROUP BY ExecutionStatus",
        "Colour = 'red' LIMIT 5",
        "foo bar",
        "Colour = 'red') OR (Colour = 'blue'",
        "Size = 'x'",
        "ORDER BY ScheduleId",
        "ORDER BY StartTime DESC",
        "Colour = 'red' ORDER BY Colour",
        "Colour = 'red' ORDER BY Note",
        "Colour = 'red' -- all",
        "Colour = 'red';",
        "ExecutionStatus = 'bogus'",
        "ExecutionStatus = 'bogus' OR Nope = 1",
        "ScheduleId = 1",
        "TemporalScheduleNextActionTime IS NULL",
    ] {
        s.step(query);
        let _ = s.call(list(query)).await;
        let _ = s.call(count(query)).await;
    }
    s.step("no namespace");
    let _ = s.call(ListSchedulesRequest { namespace: "nowhere".to_owned(), ..list("") }).await;
    let _ = s.call(CountSchedulesRequest { namespace: String::new(), ..count("") }).await;
}

async fn in_pages(s: &Script) {
    for id in ["a", "b", "c"] {
        let _ = s.call(coloured(s, id, "paged", false)).await;
        s.await_restart_interval().await;
    }
    let query = "Colour = 'paged'";
    await_count(s, query, 3).await;
    for size in [1, 2, 3, 4] {
        let mut token = Vec::new();
        loop {
            let request = ListSchedulesRequest { maximum_page_size: size, next_page_token: token, ..list(query) };
            let page = s.client.call(request).await.expect("a page");
            let ids: Vec<_> = page.schedules.into_iter().map(|entry| entry.schedule_id).collect();
            s.note(format_args!("{size} at most: {ids:?}"));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
    }
}

//! A lock on time holds. While a client has locked time, and is connected as it was then, virtual time goes no faster than the wall,
//! whatever others unlock: each connection has its own balance.

use super::{broken::Broken, reading::Reading};

/// Checks what time it was while clients had locked it.
pub fn check(read: &Reading<'_>) -> Option<Broken> {
    let &Reading { record, .. } = read;
    record.locked.iter().find_map(|span| {
        let wall_ns = i64::try_from(span.reached_ns.saturating_sub(span.sent_ns)).unwrap_or(i64::MAX);
        let passed_ns = span.last_ns.saturating_sub(span.first_ns);
        let detail = || format!("{}: {passed_ns} ns of virtual time passed within {wall_ns} ns", span.client);
        (passed_ns > wall_ns).then(|| Broken {
            title: "time skipped though a client had locked it".to_owned(),
            detail: detail(),
            at_ns: span.reached_ns,
            process: Some(span.process),
        })
    })
}

#[cfg(test)]
mod tests {
    use foretime_campaign::process::ProcessId;

    use super::*;
    use crate::record::Record;
    use crate::record::locked::LockedSpan;

    fn title(passed_ns: i64) -> Option<String> {
        let (client, process) = ("client-1".to_owned(), ProcessId(1));
        let span = LockedSpan { client, process, first_ns: 700, last_ns: 700 + passed_ns, sent_ns: 20, reached_ns: 50 };
        check(&Reading::of(&Record { locked: vec![span], ..Record::default() }, &[])).map(|broken| broken.title)
    }

    #[test]
    fn locked_time_goes_no_faster_than_the_wall() {
        assert_eq!(title(30), None);
        assert_eq!(title(0), None);
        assert_eq!(title(31).as_deref(), Some("time skipped though a client had locked it"));
    }
}

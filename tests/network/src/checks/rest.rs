//! Whether a service is at rest when all have gone: nothing is left but closed runs.

use foretime_server::engine::View;

use super::broken::Broken;
use crate::record::Record;

/// Checks what is left in the service, and that no call is without an end.
pub fn check(record: &Record, view: View<'_>) -> Option<Broken> {
    let remains = view.remains();
    if !remains.is_empty() {
        let title = "something is left in the service though all have gone".to_owned();
        return Some(Broken { title, detail: remains.to_string(), at_ns: 0, process: None });
    }
    let open = record
        .exchanges
        .iter()
        .enumerate()
        .find(|(number, exchange)| exchange.answered.is_none() && !record.given_up.contains(number));
    let (number, exchange) = open?;
    let detail = format!("{}, message {number}", exchange.method);
    Some(Broken::at(exchange, "a call was never answered and never given up", detail))
}

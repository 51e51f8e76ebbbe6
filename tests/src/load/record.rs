//! One measurement: what was measured, on which server, and its figures in a readable order.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::tally::Tally;

/// A measurement of one server. The figures' names end in their units.
#[derive(Clone, Debug)]
pub struct Record {
    /// What was measured. Records of one measure have the same figures.
    pub measure: &'static str,
    /// The server's name.
    pub server: String,
    /// The figures.
    pub figures: Vec<(&'static str, Value)>,
}

impl Record {
    /// A record without figures.
    pub fn new(measure: &'static str, server: &str) -> Self {
        Self { measure, server: server.to_owned(), figures: Vec::new() }
    }

    /// Adds a figure that is a count.
    pub fn count(mut self, name: &'static str, count: usize) -> Self {
        self.figures.push((name, count.into()));
        self
    }

    /// Adds a measured figure, rounded to four digits or a whole number: more would exceed the precision of the measurement.
    pub fn real(mut self, name: &'static str, figure: f64) -> Self {
        let digits = if figure == 0.0 { 0 } else { (3 - figure.abs().log10().floor() as i32).max(0) };
        let scale = 10_f64.powi(digits);
        self.figures.push((name, ((figure * scale).round() / scale).into()));
        self
    }

    /// Adds words.
    pub fn words(mut self, name: &'static str, words: &str) -> Self {
        self.figures.push((name, words.into()));
        self
    }

    /// Adds how many calls failed, and why the first ones did.
    pub fn failures(self, tally: &Tally) -> Self {
        let record = self.count("failed_calls", tally.failures());
        let notes = tally.notes();
        if notes.is_empty() { record } else { record.words("notes", &notes.join("; ")) }
    }

    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(figure, _)| *figure == name).and_then(|(_, value)| value.as_f64())
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.figures.len()))?;
        map.serialize_entry("measure", self.measure)?;
        map.serialize_entry("server", &self.server)?;
        for (name, value) in &self.figures {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The median; for an even number of figures the upper of the two in the middle; 0 if there are none.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_order_and_four_digits() {
        let record = Record::new("throughput", "x").real("z_per_s", 1234.567).count("a", 3).real("b_ms", 0.001_234_56);
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(line, r#"{"measure":"throughput","server":"x","z_per_s":1235.0,"a":3,"b_ms":0.001235}"#);
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(Vec::new()), 0.0);
    }
}

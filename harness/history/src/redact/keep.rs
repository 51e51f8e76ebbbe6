//! Which values stay.

use std::str::FromStr;

/// The way from a payload to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A value that stays, with all that it has: `KEY`, which is a key of JSON, a search attribute, an entry of a memo or a header, or a field of an
/// event, wherever it is; or `$.PATH` in a payload. Before it, `OF:` restricts it to the payloads of an activity, a workflow, a signal or
/// an update of that name. A `*` is any text, a step `*` or `[*]` any key or index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    of: Option<String>,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Key(String),
    Path(Vec<String>),
}

/// The values that stay.
#[derive(Clone, Debug, Default)]
pub struct Keep(pub Vec<Pattern>);

/// A value: what its payload is of, under which key of an event's map, and where in the payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Where<'a> {
    pub(super) of: &'a str,
    pub(super) entry: Option<&'a str>,
    pub(super) path: &'a [Step],
}

impl Keep {
    pub(super) fn keeps(&self, value: Where<'_>) -> bool {
        self.0.iter().any(|pattern| pattern.matches(value))
    }

    /// Whether a field of events, which is text, stays.
    pub(super) fn keeps_field(&self, of: &str, field: &str) -> bool {
        self.keeps(Where { of, entry: Some(field), path: &[] })
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, what) = match text.split_once(':') {
            Some((of, what)) if !of.contains('$') => (Some(of.to_owned()), what),
            _ => (None, text),
        };
        if what.is_empty() {
            return Err("expected a key, such as status, or a path, such as $.plan.kind".to_owned());
        }
        let what = match what.strip_prefix('$') {
            Some(path) => What::Path(steps(path).ok_or_else(|| format!("{what} is no path such as $.plan.items[*].kind"))?),
            None => What::Key(what.to_owned()),
        };
        Ok(Self { of, what })
    }
}

/// `.a.b[0]` as `a`, `b`, `0`.
fn steps(path: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let step;
        (step, rest) = match rest.strip_prefix('[') {
            Some(index) => index.split_once(']')?,
            None => {
                let name = rest.strip_prefix('.')?;
                name.split_at(name.find(['.', '[']).unwrap_or(name.len()))
            }
        };
        if step.is_empty() {
            return None;
        }
        steps.push(step.to_owned());
    }
    Some(steps)
}

impl Pattern {
    fn matches(&self, value: Where<'_>) -> bool {
        if self.of.as_ref().is_some_and(|of| !is_like(value.of, of)) {
            return false;
        }
        match &self.what {
            What::Key(key) => {
                let keys = value.path.iter().filter_map(|step| match step {
                    Step::Key(key) => Some(key.as_str()),
                    Step::Index(_) => None,
                });
                keys.chain(value.entry).any(|known| is_like(known, key))
            }
            What::Path(steps) => {
                steps.len() <= value.path.len()
                    && steps.iter().zip(value.path).all(|(wanted, step)| match step {
                        Step::Key(key) => is_like(key, wanted),
                        Step::Index(index) => wanted == "*" || *wanted == index.to_string(),
                    })
            }
        }
    }
}

/// Whether `text` is what `pattern` says, in which `*` is any text.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeps(pattern: &str, of: &str, entry: Option<&str>, path: &str) -> bool {
        let step = |step: String| step.parse().map_or(Step::Key(step), Step::Index);
        let path: Vec<Step> = steps(path).unwrap().into_iter().map(step).collect();
        Keep(vec![pattern.parse().unwrap()]).keeps(Where { of, entry, path: &path })
    }

    #[test]
    fn a_key_keeps_what_is_under_it_wherever_it_is() {
        assert!(keeps("status", "", None, ".order.status"));
        assert!(keeps("status", "", None, ".status.code[0]"));
        assert!(keeps("*_status", "", None, "[0].order_status"));
        assert!(keeps("Region", "", Some("Region"), ""));
        assert!(!keeps("status", "", None, ".order.status_text"));
    }

    #[test]
    fn a_path_keeps_what_is_under_it_and_nothing_else() {
        assert!(keeps("$.plan.kind", "", None, ".plan.kind"));
        assert!(!keeps("$.plan.kind", "", None, ".old.plan.kind"));
        assert!(keeps("$.items[*].kind", "", None, ".items[3].kind"));
        assert!(keeps("$.*.kind", "", None, ".b.kind"));
        assert!(!keeps("$.items[0]", "", None, ".items[1]"));
        assert!(keeps("decide:$", "decide", None, ""));
        assert!(!keeps("decide:$", "charge", None, ""));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "$plan", "$.", "decide:", "$.a..b", "$.a[0"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}

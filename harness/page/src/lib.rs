//! What the HTML reports share. Each is one file that needs no network.
//!
//! Everything in a report may have been chosen by an adversary of the page (a workflow id such as `</script><img
//! onerror=...>`). Text goes through [`escaped`], data through [`embedded`], both into a template that is [`filled`] once, and the
//! page's [`POLICY`] allows no other script than its own.

use serde::Serialize;

/// The colours, light and dark, and what elements look like that all pages have.
pub const STYLE: &str = include_str!("base.css");

/// The content security policy: no network, no style and no script but those with the nonce `foretime`.
pub const POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'nonce-foretime'; script-src 'nonce-foretime'";

/// Puts values in place of `{{name}}`, in one pass: what a value contains is never taken for a slot.
pub fn filled(template: &str, value: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (slot, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        page += &value(slot);
        page += rest;
    }
    page
}

/// Text for an element's content or a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            other => safe.push(other),
        }
    }
    safe
}

/// JSON for a `<script>` element: `<`, which only strings can contain, is what could end the element or begin a comment in it.
///
/// # Panics
/// The data has a map with keys other than strings.
pub fn embedded(data: &impl Serialize) -> String {
    serde_json::to_string(data).expect("a report has no map with keys other than strings").replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_no_template() {
        let page = filled("<a>{{one}}</a>{{two}}", |slot| format!("{{{{{slot}}}}}"));
        assert_eq!(page, "<a>{{one}}</a>{{two}}");
    }

    #[test]
    fn text_ends_no_element_and_no_attribute() {
        assert_eq!(escaped("</p>\"'&"), "&lt;/p&gt;&quot;&#39;&amp;");
    }

    #[test]
    fn data_ends_no_script() {
        let data = embedded(&["</script><!--"]);
        assert!(!data.contains('<'));
        assert_eq!(serde_json::from_str::<Vec<String>>(&data).unwrap(), ["</script><!--"]);
    }
}

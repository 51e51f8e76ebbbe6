//! A line of the user's own code, from a stack.

use std::path::{Path, PathBuf};

use serde::Serialize;

/// A line of the user's own code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Its file, relative to the current directory, with slashes.
    pub file: String,
    /// From 1.
    pub line: usize,
}

/// Folders that hold other people's code, though they may be in the user's directory.
const OTHERS: [&str; 7] = ["node_modules", "site-packages", "dist-packages", ".venv", "venv", "vendor", "target"];
/// Where Java and Kotlin, whose stacks name no folder, have their sources.
const SOURCES: [&str; 4] = ["src/main/java", "src/main/kotlin", "src/test/java", "app/src/main/java"];

/// The innermost line in `directory`, in a file that exists, of the stack that has most such lines: the others are of what waits for it.
pub(super) fn of(stacks: &str, directory: &Path) -> Option<Place> {
    let is_end = |line: &str| line.trim().is_empty() || line.contains("Stack for <") || line.contains(" waits for ");
    let lines: Vec<&str> = stacks.lines().collect();
    let places = lines.split(|line| is_end(line)).map(|stack| {
        let named = stack.iter().filter_map(|line| named(line));
        named.filter_map(|(file, line)| Some(Place { file: within(&file, directory)?, line })).collect::<Vec<_>>()
    });
    // The first of the deepest.
    let deepest = places.reduce(|one, other| if other.len() > one.len() { other } else { one })?;
    // Python alone has the innermost line at the end.
    let is_python = lines.iter().any(|line| line.contains(", line "));
    let mut deepest = deepest.into_iter();
    if is_python { deepest.next_back() } else { deepest.next() }
}

/// The file and line that a line of a stack names.
fn named(line: &str) -> Option<(PathBuf, usize)> {
    let line = line.trim();
    // `File "FILE", line LINE, in name`, and the same without quotes.
    if let Some((file, rest)) = line.split_once(", line ") {
        let file = file.strip_prefix("File ").unwrap_or(file).trim_matches('"');
        return Some((file.into(), leading_number(rest)?));
    }
    if let Some((_, rest)) = line.split_once(" in ").filter(|(_, rest)| rest.contains(":line ")) {
        let (file, rest) = rest.rsplit_once(":line ")?;
        return Some((file.into(), leading_number(rest)?));
    }
    let inside = line.rsplit_once('(').map(|(before, inside)| (before, inside.trim_end_matches(')')));
    if let Some((method, inside)) = inside.filter(|(_, inside)| inside.contains(".java:") || inside.contains(".kt:")) {
        let (file, rest) = inside.split_once(':')?;
        return Some((in_package(method, file), leading_number(rest)?));
    }
    // `at name (FILE:LINE:COLUMN)`, `at FILE:LINE:COLUMN`, `name at FILE:LINE`, `FILE:LINE +0x1f`, `FILE:LINE:in 'name'`.
    let text = inside.map_or(line, |(_, inside)| inside);
    let text = text
        .rsplit_once(" at ")
        .map_or(text, |(_, file)| file)
        .trim_start_matches("at ")
        .trim_start_matches("async ")
        .trim_start_matches("file://");
    let (at, number) = text.match_indices(':').find_map(|(at, _)| Some((at, leading_number(&text[at + 1..])?)))?;
    Some((text[..at].into(), number))
}

/// The file of `a.b.Class.method`, as it lies below a folder of sources.
fn in_package(method: &str, file: &str) -> PathBuf {
    let method = method.rsplit(['/', ' ']).next().unwrap_or(method);
    let mut names: Vec<&str> = method.split('.').collect();
    names.truncate(names.len().saturating_sub(2));
    names.into_iter().chain([file]).collect()
}

fn leading_number(text: &str) -> Option<usize> {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok().filter(|number| *number > 0)
}

/// The file relative to the directory, if it is there and the user's own.
fn within(file: &Path, directory: &Path) -> Option<String> {
    let candidates = match file.is_absolute() {
        true => vec![file.strip_prefix(directory).ok()?.to_owned()],
        false => std::iter::once(file.to_owned()).chain(SOURCES.map(|folder| Path::new(folder).join(file))).collect(),
    };
    let file = candidates.into_iter().find(|file| directory.join(file).is_file())?;
    let parts: Option<Vec<&str>> = file.iter().map(|part| part.to_str()).collect();
    let parts = parts.filter(|parts| !parts.iter().any(|part| OTHERS.contains(part) || *part == ".."))?;
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This crate's own directory has the files that the stacks name.
    fn found(stack: &str) -> Option<(String, usize)> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        let stack = stack.replace("DIR", env!("CARGO_MANIFEST_DIR"));
        of(&stack, directory).map(|place| (place.file, place.line))
    }

    fn lib_rs(line: usize) -> Option<(String, usize)> {
        Some(("src/lib.rs".to_owned(), line))
    }

    #[test]
    fn stacks_of_every_language_name_a_line() {
        let python = "Stack for <Task> (most recent call last):\n  File \"DIR/src/said.rs\", line 3, in run\n    await x\n  \
                      File \"DIR/src/lib.rs\", line 12, in charge\n  File \"/usr/lib/python3/asyncio.py\", line 9, in wait";
        assert_eq!(found(python), lib_rs(12));
        assert_eq!(found("    at async Subscription (DIR/src/lib.rs:13:5)\n    at DIR/src/said.rs:1:1"), lib_rs(13));
        assert_eq!(found("    at file://DIR/src/lib.rs:14:5"), lib_rs(14));
        assert_eq!(found("coroutine root [blocked]:\nmain.Run(...)\n\tDIR/src/lib.rs:15 +0x1f"), lib_rs(15));
        assert_eq!(found("   at Some.Run() in DIR/src/lib.rs:line 16"), lib_rs(16));
        assert_eq!(found("DIR/src/lib.rs:17:in 'Some#run'"), lib_rs(17));
        assert_eq!(
            found("run waits for activity: charge\n  DIR/src/said.rs, line 3, in run\n  DIR/src/lib.rs, line 18, in charge"),
            lib_rs(18)
        );
        assert_eq!(found("Changed.send at DIR/src/lib.rs:19\nChanged.run at DIR/src/said.rs:2"), lib_rs(19));
    }

    #[test]
    fn of_several_stacks_the_deepest_counts() {
        assert_eq!(found("run at DIR/src/said.rs:1\n\nsend at DIR/src/lib.rs:20\nrun at DIR/src/said.rs:2"), lib_rs(20));
    }

    #[test]
    fn other_peoples_code_is_no_place() {
        for stack in ["", "at x (DIR/node_modules/a.js:1:1)", "at x (DIR/src/gone.rs:1:1)", "at x (/etc/passwd:1:1)", "at x ()"]
        {
            assert_eq!(found(stack), None, "{stack}");
        }
    }

    #[test]
    fn java_names_packages() {
        assert_eq!(in_package("app//com.shop.Orders.run", "Orders.java"), Path::new("com/shop/Orders.java"));
    }
}

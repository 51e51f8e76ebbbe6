//! Paths as a code host knows them: from the top of the repository, wherever in it the check runs.

use std::path::{Component, Path, PathBuf};

/// Where the check runs, within its repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// From the top to the current directory.
    below: PathBuf,
}

impl Repository {
    /// That of this directory: the nearest one around it that has a `.git`. Without one, the directory itself is the top.
    pub fn around(directory: Option<&Path>) -> Self {
        let top = directory.and_then(|directory| directory.ancestors().find(|it| it.join(".git").exists()));
        let below = top.zip(directory).and_then(|(top, directory)| directory.strip_prefix(top).ok());
        Self { below: below.map(Path::to_owned).unwrap_or_default() }
    }

    /// A path relative to the current directory, as one relative to the top, with slashes; an absolute path as it is.
    pub(super) fn path(&self, path: &str) -> String {
        if Path::new(path).is_absolute() {
            return path.to_owned();
        }
        let mut names: Vec<String> = Vec::new();
        for component in self.below.components().chain(Path::new(path).components()) {
            match component {
                Component::ParentDir if names.last().is_some_and(|name| name != "..") => drop(names.pop()),
                Component::CurDir => {}
                component => names.push(component.as_os_str().to_string_lossy().into_owned()),
            }
        }
        names.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_top() {
        let repository = Repository { below: "services/orders".into() };
        for (path, from_top) in [
            ("histories/a.json", "services/orders/histories/a.json"),
            ("./a.json", "services/orders/a.json"),
            ("../billing/a.json", "services/billing/a.json"),
            ("../../../a.json", "../a.json"),
            ("/tmp/a.json", "/tmp/a.json"),
        ] {
            assert_eq!(repository.path(path), from_top);
        }
        assert_eq!(Repository::default().path("./a.json"), "a.json");
    }

    #[test]
    fn the_top_is_where_git_is() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let top = here.ancestors().find(|it| it.join("Cargo.lock").exists()).expect("the workspace");
        if top.join(".git").exists() {
            assert_eq!(Repository::around(Some(here)).path("src"), "harness/examine/src");
        }
        assert_eq!(Repository::around(None).path("src"), "src");
    }
}

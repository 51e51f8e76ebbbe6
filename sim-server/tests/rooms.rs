//! The rooms keep to their arrows: what each file uses of the crate is read off its `use` lines.

use std::{
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, UseTree};

/// The rooms of the engine, each with those that it may use besides itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("rules", &["kernel"]),
    ("skipping", &["kernel"]),
    ("namespace", &["kernel", "rules"]),
    ("matching", &["kernel", "rules"]),
    ("worker", &["kernel"]),
    ("execution", &["kernel", "rules", "matching", "skipping"]),
    ("activity", &["kernel", "rules", "matching", "skipping", "execution"]),
    ("visibility", &["kernel", "rules", "execution"]),
    ("schedule", &["kernel", "rules", "execution"]),
    ("batch", &["kernel"]),
    ("workflow", &["kernel", "rules", "namespace", "matching", "skipping", "execution", "activity"]),
];

/// The files that act on the whole engine: calls, what is answered to them, and what passes between two machines.
const OF_THE_ENGINE: [&str; 3] = ["calls", "reply", "between"];

/// The parts of the crate, each with those that it may use besides itself.
const PARTS: &[(&str, &[&str])] = &[
    ("proto", &[]),
    ("config", &["proto"]),
    ("engine", &["config", "proto"]),
    ("rpc", &["engine", "config", "proto"]),
    ("replay", &["rpc", "engine", "config", "proto"]),
];

/// A file, and the paths in the crate that it uses.
struct File {
    /// Its module, as `["engine", "workflow", "calls", "start"]`.
    module: Vec<String>,
    /// As `["engine", "kernel", "time", "Time"]`.
    uses: Vec<Vec<String>>,
}

#[test]
fn the_engine_knows_neither_the_wire_nor_its_shell() {
    let broken: Vec<String> = files()
        .iter()
        .filter_map(|file| {
            let (_, may) = PARTS.iter().find(|(part, _)| *part == file.module[0])?;
            let wrong = |used: &&Vec<String>| used[0] != file.module[0] && !may.contains(&used[0].as_str());
            Some(file.uses.iter().filter(wrong).map(|used| told(file, used)).collect::<Vec<_>>())
        })
        .flatten()
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn rooms_use_what_is_below_them() {
    let mut broken = Vec::new();
    let mut arrows_seen = 0;
    for file in files() {
        let Some((room, may)) = file.module.get(1).and_then(|room| ARROWS.iter().find(|(name, _)| name == room)) else {
            continue;
        };
        if file.module.iter().any(|part| OF_THE_ENGINE.contains(&part.as_str())) {
            continue;
        }
        for used in file.uses.iter().filter(|used| used[0] == "engine") {
            arrows_seen += 1;
            let is_room = ARROWS.iter().any(|(name, _)| *name == used[1]);
            if used[1] != *room && !(is_room && may.contains(&used[1].as_str())) {
                broken.push(told(&file, used));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(arrows_seen > 100, "only {arrows_seen} arrows were read");
}

#[test]
fn every_room_of_the_engine_has_its_arrows() {
    let engine = source().join("engine");
    let mut rooms: Vec<String> = fs::read_dir(engine)
        .expect("the engine's folder")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .collect();
    rooms.sort();
    let mut named: Vec<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    named.sort_unstable();
    assert_eq!(rooms, named);
}

fn told(file: &File, used: &[String]) -> String {
    format!("{} may not use {}", file.module.join("::"), used.join("::"))
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files() -> Vec<File> {
    let mut files = Vec::new();
    read(&source(), &[], &mut files);
    assert!(files.len() > 60, "only {} files were found", files.len());
    files
}

fn read(folder: &Path, module: &[String], files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let mut inner = module.to_vec();
        if path.is_dir() {
            inner.push(stem);
            read(&path, &inner, files);
            continue;
        }
        if stem != "mod" && stem != "lib" {
            inner.push(stem);
        }
        if !inner.is_empty() {
            let text = fs::read_to_string(&path).expect("a file");
            let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            files.push(File { uses: uses(&parsed.items, &inner), module: inner });
        }
    }
}

/// The paths in the crate that these items use, those in functions and modules apart.
fn uses(items: &[Item], module: &[String]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for item in items {
        if let Item::Use(item) = item {
            flatten(&item.tree, Vec::new(), &mut all);
        }
    }
    all.into_iter().filter_map(|path| absolute(&path, module)).filter(|path| path.len() > 1).collect()
}

fn flatten(tree: &UseTree, mut path: Vec<String>, all: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            flatten(&part.tree, path, all);
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, path.clone(), all)),
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            all.push(path);
        }
        UseTree::Rename(name) => {
            path.push(name.ident.to_string());
            all.push(path);
        }
        UseTree::Glob(_) => all.push(path),
    }
}

/// The path from the crate's root; `None` for another crate's.
fn absolute(path: &[String], module: &[String]) -> Option<Vec<String>> {
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => {
            let supers = path.iter().take_while(|part| *part == "super").count();
            Some([&module[..module.len() - supers], &path[supers..]].concat())
        }
        _ => None,
    }
}

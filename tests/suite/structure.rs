//! The structure of the sources: no circle between the files of a crate, no arrow between rooms that runs
//! up. A reader can take any file with those that it names, and no more.
//!
//! In: the sources of every crate, parsed. An arrow goes from a file to the file that defines a name it
//! uses. Re-exports are followed and are no use themselves; tests and the inside of macros are left out.
//! Out: the circles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, Meta, Token, UseTree};

/// The crates of the workspace, each with those of them that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("akin-base", &[]),
    ("akin-kernels", &[]),
    ("akin-dump", &["akin-base"]),
    ("akin-index", &["akin-base"]),
    ("akin-library", &["akin-base"]),
    ("akin-encoder", &["akin-base", "akin-kernels"]),
    ("akin-export", &["akin-base"]),
    ("akin-fetch", &["akin-base", "akin-dump"]),
    ("akin-testing", &[]),
];

/// Libraries that one crate of the workspace alone may know, tests aside.
const OWNED: &[(&str, &str)] = &[
    ("candle-core", "akin-encoder"),
    ("candle-nn", "akin-encoder"),
    ("tokenizers", "akin-encoder"),
    ("hf-hub", "akin-fetch"),
    ("ureq", "akin-fetch"),
    ("rusqlite", "akin-library"),
    ("hnsw_rs", "akin-index"),
    ("tantivy", "akin-index"),
    ("frostem", "akin-index"),
    ("zstd", "akin-dump"),
    ("bzip2", "akin-dump"),
    ("liblzma", "akin-dump"),
    ("zip", "akin-dump"),
    ("htmlize", "akin-dump"),
    ("biblatex", "akin-dump"),
    ("encoding_rs", "akin-dump"),
];

/// The rooms of the package itself, from the ground up: a room uses those of lower floors only.
const FLOORS: &[&[&str]] = &[
    &["space", "search"],
    &["ingest"],
    &["digest", "eval", "check"],
    &["cli"],
];

/// Circles that stay by design: a graph lies in a stored segment, which is walked through the graph.
const BY_DESIGN: &[[&str; 2]] = &[["index/src/graph.rs", "index/src/stored.rs"]];

type ModulePath = Vec<String>;

/// A file as a module: what it defines, what its names stand for, and what it uses.
#[derive(Default)]
struct Module {
    file: PathBuf,
    defined: BTreeSet<String>,
    /// Names that `use` brings in, with their whole paths.
    imported: BTreeMap<String, ModulePath>,
    /// Modules all of whose names are brought in.
    globs: Vec<ModulePath>,
    /// Paths that occur in code, as they are written.
    used: BTreeSet<ModulePath>,
}

/// Collects the paths of a file, without its tests.
struct Paths<'a> {
    module: &'a mut Module,
}

impl Visit<'_> for Paths<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let segments = path.segments.iter();
        let segments: ModulePath = segments.map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.module.used.insert(segments);
        }
        visit::visit_path(self, path);
    }

    /// `pub(in crate::room)` names whom it is shown to, and uses nothing.
    fn visit_visibility(&mut self, _: &syn::Visibility) {}

    fn visit_item_use(&mut self, item: &ItemUse) {
        let mut used = std::mem::take(&mut self.module.used);
        self.add_tree(Vec::new(), &item.tree);
        if matches!(item.vis, syn::Visibility::Inherited) {
            used.append(&mut self.module.used);
        }
        self.module.used = used;
    }

    fn visit_item(&mut self, item: &Item) {
        let (attributes, name) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Mod(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Union(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => return visit::visit_item(self, item),
        };
        if attributes.iter().any(is_for_tests) {
            return;
        }
        self.module.defined.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }
}

impl Paths<'_> {
    fn add_tree(&mut self, mut path: ModulePath, tree: &UseTree) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.add_tree(path, &part.tree);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let alias = path.last().cloned().unwrap_or_default();
                self.add_import(alias, path);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.add_import(name.ident.to_string(), path);
            }
            UseTree::Rename(name) => {
                path.push(name.ident.to_string());
                self.add_import(name.rename.to_string(), path);
            }
            UseTree::Glob(_) => self.module.globs.push(path),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(path.clone(), tree);
                }
            }
        }
    }

    fn add_import(&mut self, alias: String, path: ModulePath) {
        self.module.used.insert(path.clone());
        self.module.imported.insert(alias, path);
    }
}

/// Whether an attribute is `cfg(test)` or a `cfg(all(…))` with `test` in it.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else {
        return false;
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let is_test = |meta: &Meta| match meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(all) if all.path.is_ident("all") => all
            .tokens
            .to_string()
            .split(',')
            .any(|part| part.trim() == "test"),
        _ => false,
    };
    list.path.is_ident("cfg") && parts.is_ok_and(|parts| parts.iter().any(is_test))
}

/// The modules of a crate, by their paths in it.
fn modules_of(source: &Path) -> BTreeMap<ModulePath, Module> {
    let mut modules = BTreeMap::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if !name.ends_with(".rs") || name == "main.rs" || name.starts_with("test") {
                continue;
            }
            let inside = path.strip_prefix(source).unwrap().with_extension("");
            let parts = inside.iter().map(|part| part.to_str().unwrap().to_owned());
            let mut module_path: ModulePath = parts.collect();
            if module_path
                .last()
                .is_some_and(|last| last == "mod" || last == "lib")
            {
                module_path.pop();
            }
            if module_path.iter().any(|part| part == "tests") {
                continue;
            }
            let mut module = Module {
                file: path.clone(),
                ..Module::default()
            };
            let text = std::fs::read_to_string(&path).unwrap();
            let parsed = syn::parse_file(&text).unwrap();
            Paths {
                module: &mut module,
            }
            .visit_file(&parsed);
            modules.insert(module_path, module);
        }
    }
    modules
}

/// A path as written in a module, from the root of its crate on; `None` for another crate's.
fn absolute(
    modules: &BTreeMap<ModulePath, Module>,
    from: &ModulePath,
    path: &[String],
) -> Option<ModulePath> {
    let mut base = from.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {}
        first => {
            let mut child = from.clone();
            child.push(first.to_owned());
            if let Some(import) = modules[from].imported.get(first) {
                let mut whole = import.clone();
                whole.extend_from_slice(&path[1..]);
                let is_itself = import.first().is_some_and(|name| name == first);
                return (!is_itself)
                    .then(|| absolute(modules, from, &whole))
                    .flatten();
            }
            if !modules.contains_key(&child) {
                return None;
            }
        }
    }
    while rest.first().is_some_and(|part| part == "super") {
        base.pop()?;
        rest = &rest[1..];
    }
    base.extend_from_slice(rest);
    Some(base)
}

/// The module that defines what a path leads to.
fn home_of(
    modules: &BTreeMap<ModulePath, Module>,
    path: &ModulePath,
    depth: usize,
) -> Option<ModulePath> {
    let n = (0..=path.len())
        .rev()
        .find(|n| modules.contains_key(&path[..*n]))?;
    let module_path = path[..n].to_vec();
    let module = &modules[&module_path];
    let Some(name) = path.get(n) else {
        return Some(module_path);
    };
    if depth == 0 || module.defined.contains(name) {
        return Some(module_path);
    }
    if let Some(import) = module.imported.get(name) {
        let target = absolute(modules, &module_path, import)?;
        return home_of(modules, &target, depth - 1);
    }
    for glob in &module.globs {
        let mut target = absolute(modules, &module_path, glob)?;
        target.push(name.clone());
        let home = home_of(modules, &target, depth - 1)?;
        if modules[&home].defined.contains(name) {
            return Some(home);
        }
    }
    Some(module_path)
}

/// What every module uses, by the modules' paths.
fn arrows(modules: &BTreeMap<ModulePath, Module>) -> BTreeMap<ModulePath, BTreeSet<ModulePath>> {
    let of_module = |(path, module): (&ModulePath, &Module)| {
        let used = module.used.iter();
        let targets = used.filter_map(|used| absolute(modules, path, used));
        let mut homes: BTreeSet<ModulePath> = targets
            .filter_map(|target| home_of(modules, &target, 8))
            .collect();
        homes.remove(path);
        (path.clone(), homes)
    };
    modules.iter().map(of_module).collect()
}

/// Everything that can be reached from a module.
fn reached(
    arrows: &BTreeMap<ModulePath, BTreeSet<ModulePath>>,
    from: &ModulePath,
) -> BTreeSet<ModulePath> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&ModulePath> = arrows[from].iter().collect();
    while let Some(path) = open.pop() {
        if reached.insert(path.clone()) {
            open.extend(&arrows[path]);
        }
    }
    reached
}

/// The circles of a crate: groups of modules that reach one another, with the arrows between them.
fn circles(modules: &BTreeMap<ModulePath, Module>) -> Vec<Vec<String>> {
    let arrows = arrows(modules);
    let reached: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = arrows
        .keys()
        .map(|path| (path, reached(&arrows, path)))
        .collect();
    let mut groups: BTreeSet<Vec<&ModulePath>> = BTreeSet::new();
    for (path, targets) in &reached {
        if targets.contains(*path) {
            let group = reached
                .iter()
                .filter(|(other, back)| targets.contains(**other) && back.contains(*path));
            groups.insert(group.map(|(other, _)| *other).collect());
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let name = |path: &ModulePath| {
        let file = &modules[path].file;
        file.strip_prefix(root)
            .unwrap_or(file)
            .display()
            .to_string()
    };
    let shown = |group: Vec<&ModulePath>| {
        let inside = group.iter().flat_map(|from| {
            let to = arrows[*from].iter().filter(|to| group.contains(to));
            to.map(|to| format!("{} -> {}", name(from), name(to)))
        });
        inside.collect()
    };
    groups.into_iter().map(shown).collect()
}

#[test]
fn no_circle_between_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let members = std::fs::read_dir(root.join("crates")).unwrap();
    let mut sources: Vec<PathBuf> = members
        .map(|member| member.unwrap().path().join("src"))
        .collect();
    sources.push(root.join("src"));
    let mut found = Vec::new();
    let mut n_files = 0;
    for source in sources {
        let modules = modules_of(&source);
        n_files += modules.len();
        found.extend(circles(&modules));
    }
    assert!(n_files > 300, "the sources were not found");
    found.retain(|circle| {
        !BY_DESIGN.iter().any(|pair| {
            circle
                .iter()
                .all(|arrow| pair.iter().all(|file| arrow.contains(file)))
        })
    });
    let shown: Vec<String> = found.iter().map(|circle| circle.join("\n")).collect();
    assert!(
        found.is_empty(),
        "{} circles:\n{}",
        found.len(),
        shown.join("\n\n")
    );
}

/// The dependencies of a member, tests aside.
fn dependencies(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let parsed: toml::Table = text.parse().unwrap();
    let listed = parsed["dependencies"].as_table().unwrap();
    listed.keys().cloned().collect()
}

#[test]
fn crates_depend_on_lower_ones_and_keep_their_libraries() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let members = std::fs::read_dir(root.join("crates")).unwrap();
    for member in members.map(|member| member.unwrap().path()) {
        let name = member.file_name().unwrap().to_str().unwrap().to_owned();
        let row = CRATES.iter().find(|(known, _)| *known == name);
        let (_, allowed) = row.unwrap_or_else(|| panic!("{name} has no row"));
        for dependency in dependencies(&member.join("Cargo.toml")) {
            let is_own = dependency.starts_with("akin-");
            let is_allowed = allowed.contains(&dependency.as_str());
            assert!(!is_own || is_allowed, "{name} depends on {dependency}");
            let owner = OWNED.iter().find(|(library, _)| *library == dependency);
            assert!(
                owner.is_none_or(|(_, owner)| *owner == name),
                "{name} depends on {dependency}"
            );
        }
    }
    for dependency in dependencies(&root.join("Cargo.toml")) {
        let is_owned = OWNED.iter().any(|(library, _)| *library == dependency);
        assert!(!is_owned, "the package depends on {dependency}");
    }
}

#[test]
fn rooms_use_lower_floors_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let modules = modules_of(&root.join("src"));
    let floor = |room: &str| {
        let found = FLOORS.iter().position(|rooms| rooms.contains(&room));
        found.unwrap_or_else(|| panic!("{room} is on no floor"))
    };
    for (from, targets) in arrows(&modules) {
        let Some(room) = from.first() else {
            continue;
        };
        for target in targets.iter().filter_map(|target| target.first()) {
            let is_inside = target == room;
            assert!(
                is_inside || floor(target) < floor(room),
                "{} uses {target}",
                modules[&from].file.display()
            );
        }
    }
}

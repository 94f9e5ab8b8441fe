//! What a test may not leave behind, counted before and after it.

use godot::classes::performance::Monitor;
use godot::classes::{Engine, Performance, SceneTree};
use godot::prelude::*;

/// Counts things that should be as many after a test as before it.
type Probe = fn(&Gd<SceneTree>) -> Vec<(String, u64)>;

/// What is counted. A library's own things have a probe of their own here.
const PROBES: &[Probe] = &[frame_connections, engine_objects, cuelight];

/// The name of the count of all objects.
const OBJECTS: &str = "objects";

/// The counts at a moment.
pub(super) struct Counts(Vec<(String, u64)>);

impl Counts {
    pub(super) fn take(tree: &Gd<SceneTree>) -> Counts {
        Counts(PROBES.iter().flat_map(|probe| probe(tree)).collect())
    }

    /// Returns what has become more, or less, since. The engine may have cached some objects.
    pub(super) fn differences(&self, after: &Counts, cached: u64) -> Vec<String> {
        let count = |counts: &Counts, name: &str| {
            counts.0.iter().find(|(other, _)| other == name).map_or(0, |(_, count)| *count)
        };
        let mut names: Vec<&String> = self.0.iter().chain(&after.0).map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        names
            .into_iter()
            .map(|name| (name, count(self, name), count(after, name)))
            .filter(|(name, before, after)| {
                let allowed = if *name == OBJECTS { cached } else { 0 };
                !(*before..=before + allowed).contains(after)
            })
            .map(|(name, before, after)| format!("{name}: {before} before the test, {after} after"))
            .collect()
    }
}

/// The connections of the tree's two frame signals, in the editor too. All other signals of the tree in the game.
fn frame_connections(tree: &Gd<SceneTree>) -> Vec<(String, u64)> {
    let signals: Vec<StringName> = if Engine::singleton().is_editor_hint() {
        vec!["process_frame".into(), "physics_frame".into()]
    } else {
        let all = tree.get_signal_list();
        all.iter_shared()
            .filter_map(|signal| Some(StringName::from(&signal.get("name")?.to::<GString>())))
            .collect()
    };
    signals
        .into_iter()
        .map(|signal| {
            let count = tree.get_signal_connection_list(&signal).len() as u64;
            (format!("connections of the tree's {signal}"), count)
        })
        .collect()
}

/// The engine's own counts. The editor makes and frees objects all the time.
fn engine_objects(_tree: &Gd<SceneTree>) -> Vec<(String, u64)> {
    if Engine::singleton().is_editor_hint() {
        return Vec::new();
    }
    let performance = Performance::singleton();
    [
        (OBJECTS, Monitor::OBJECT_COUNT),
        ("nodes", Monitor::OBJECT_NODE_COUNT),
        ("orphan nodes", Monitor::OBJECT_ORPHAN_NODE_COUNT),
    ]
    .map(|(name, monitor)| (name.to_string(), performance.get_monitor(monitor) as u64))
    .to_vec()
}

/// What lives in the runtime.
fn cuelight(_tree: &Gd<SceneTree>) -> Vec<(String, u64)> {
    let counts = cuelight::engine::counts();
    [
        ("tasks of cuelight", counts.tasks),
        ("groups of cuelight", counts.groups),
        ("waits of cuelight", counts.waits),
    ]
    .map(|(name, count)| (name.to_string(), count as u64))
    .to_vec()
}

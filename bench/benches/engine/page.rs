//! The figures of the book's page about numbers: a table, and what is said of cuelight alone.

use engine_bench::Measurement;

use crate::digits::{digits, times};

/// The columns after the first.
const PEERS: [&str; 3] = ["`godot::task`", "GDScript `await`", "the floor"];

/// A row: whose figures stand in which column, in cases with so many scripts.
struct Row {
    label: &'static str,
    case: &'static str,
    n: usize,
    ours: &'static str,
    peers: [Option<&'static str>; 3],
}

const TASK: Option<&str> = Some("godot::task");
const GDSCRIPT: Option<&str> = Some("gdscript");
const DIRECT: Option<&str> = Some("boxed_direct");
const CLOSURE: Option<&str> = Some("closure");

const ROWS: [Row; 19] = [
    row("a resume, 1,000 scripts", "frame_wait", 1_000, [TASK, GDSCRIPT, DIRECT]),
    row("a resume, 10,000 scripts", "frame_wait", 10_000, [TASK, GDSCRIPT, DIRECT]),
    row("a resume, 100,000 scripts", "frame_wait", 100_000, [TASK, GDSCRIPT, DIRECT]),
    row("a resume, 10,000 nodes with a script each", "node_frame_wait", 10_000, [None; 3]),
    row("a start, up to the first await", "spawn_parked", 10_000, [TASK, GDSCRIPT, DIRECT]),
    row("a trivial task from spawn to finish, 100 alive", "spawn", 100, [TASK, None, DIRECT]),
    row("the same, 100,000 alive", "spawn", 100_000, [TASK, None, DIRECT]),
    row("cancelling by handle", "cancel", 10_000, [TASK, None, None]),
    row("a signal awaited in a loop, `.wait()`", "signal_wait", 10_000, [TASK, GDSCRIPT, CLOSURE]),
    Row {
        ours: "cuelight, Signal kept",
        peers: [Some("godot::task, Signal kept"), None, None],
        ..row("the same, with the `Signal` kept", "signal_wait", 10_000, [None; 3])
    },
    row("the same, `.stream()`", "signal_stream", 10_000, [TASK, GDSCRIPT, CLOSURE]),
    row("memory of a script that waits for frames", "memory", 10_000, [TASK, GDSCRIPT, DIRECT]),
    Row {
        ours: "cuelight, for nothing",
        ..row("the same, of one that waits for nothing", "memory", 10_000, [None; 3])
    },
    row("heap allocations of an await: frames", "allocations_frame", 1_000, [TASK, None, None]),
    row("the same: seconds", "allocations_seconds", 1_000, [None; 3]),
    row("the same: cues", "allocations_cue", 1_000, [None; 3]),
    Row {
        ours: "cuelight, .wait()",
        ..row("the same: signals", "allocations_signal", 1_000, [TASK, None, None])
    },
    row("a frame with 100,000 sleepers", "sleepers", 100_000, [TASK, GDSCRIPT, Some("none")]),
    row(
        "an enemy, its behaviour included",
        "enemies",
        10_000,
        [None, GDSCRIPT, Some("state machine, _process")],
    ),
];

const fn row(
    label: &'static str,
    case: &'static str,
    n: usize,
    peers: [Option<&'static str>; 3],
) -> Row {
    Row { label, case, n, ours: "cuelight", peers }
}

/// Returns what the page includes; `None` if something that it shows was not measured.
pub(crate) fn markdown(measurements: &[Measurement], version: &str) -> Option<String> {
    let find = |case: &str, subject: &str, n: usize| {
        measurements.iter().find(|it| it.case == case && it.subject == subject && it.n == n)
    };
    let mut text = format!(
        "One run, on Godot {version}, with ten thousand scripts unless the row says otherwise.\n\
         A figure is the median of all rounds, ± half of what lies between the least and the greatest; in brackets, how \
         many times cuelight's figure that is.\n\n\
         | | cuelight | {} |\n|---|---|---|---|---|\n",
        PEERS.join(" | ")
    );
    for Row { label, case, n, ours, peers } in ROWS {
        let ours = find(case, ours, n)?;
        text += &format!("| {label} | {} |", with_spread(ours));
        for peer in peers {
            let cell = match peer {
                Some(peer) => cell(find(case, peer, n)?, ours),
                None => String::new(),
            };
            text += &format!(" {cell} |");
        }
        text.push('\n');
    }
    let alone = |case: &str, subject: &str, n: usize| Some(rounded(find(case, subject, n)?));
    text += &format!(
        "\nOf cuelight alone, in the same run: binding a node takes {}, once; a frame with 10,000 nodes takes {} without \
         scripts and {} with one asleep on each; freeing a node with 10,000 tasks takes {} for each of them; a cutscene of \
         ten minutes and 500 beats is rehearsed in {}, and in {} if a tenth of the beats asks for each frame.\n",
        alone("node_bind", "cuelight", 10_000)?,
        alone("node_idle", "nodes alone", 10_000)?,
        alone("node_idle", "cuelight", 10_000)?,
        alone("node_free", "one node, a task each", 10_000)?,
        alone("rehearsal", "waits", 500)?,
        alone("rehearsal", "waits, a tenth moves", 500)?,
    );
    Some(text)
}

/// Returns a peer's figure, with how many times ours that is.
fn cell(peer: &Measurement, ours: &Measurement) -> String {
    let figure = with_spread(peer);
    if ours.value > 0.0 { format!("{figure} ({})", times(peer.value / ours.value)) } else { figure }
}

/// Returns the median, and the spread of what was not counted.
fn with_spread(measurement: &Measurement) -> String {
    let Measurement { value, low, high, unit, .. } = measurement;
    match unit.as_str() {
        "allocations" => format!("{value:.0}"),
        "ns" if low < high => {
            let (scale, unit) = scale(*value, unit);
            let half = (high - low) / 2.0;
            format!("{} ± {} {unit}", digits(value / scale), digits(half / scale))
        }
        _ => rounded(measurement),
    }
}

/// Returns the median alone.
fn rounded(measurement: &Measurement) -> String {
    let (scale, unit) = match scale(measurement.value, &measurement.unit) {
        (_, "ns") if measurement.value >= 1e3 => (1e3, "µs"),
        scale => scale,
    };
    let value = measurement.value / scale;
    if value < 1.0 { format!("{value:.2} {unit}") } else { format!("{} {unit}", digits(value)) }
}

/// Returns by what a figure is divided so that it is read at a glance, and its unit then.
fn scale(value: f64, unit: &str) -> (f64, &str) {
    match unit {
        "ns" if value >= 1e6 => (1e6, "ms"),
        _ => (1.0, unit),
    }
}

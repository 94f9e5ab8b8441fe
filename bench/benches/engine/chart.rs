//! The chart of the book: cuelight beside its peers, on one logarithmic scale.
//!
//! It is SVG written by hand. A page shows it as an image, which knows the reader's preference for light or dark, but not
//! the theme that was picked on the page: so it brings its own background along.

use std::fmt::{self, Write as _};

use engine_bench::Measurement;

use crate::digits::{digits, thousands, times};

/// The cases that are shown, each with so many scripts, and what the subjects are called.
const PANELS: [Panel; 4] = [
    Panel {
        case: "frame_wait",
        title: "A resume: “await the next frame” in a loop",
        subjects: &[
            ("cuelight", "cuelight"),
            ("godot::task", "godot::task"),
            ("gdscript", "GDScript"),
            ("boxed_direct", "polled directly"),
        ],
    },
    Panel {
        case: "spawn_parked",
        title: "A start, up to the first await",
        subjects: &[
            ("cuelight", "cuelight"),
            ("godot::task", "godot::task"),
            ("gdscript", "GDScript"),
            ("boxed_direct", "boxed, polled directly"),
        ],
    },
    Panel {
        case: "signal_stream",
        title: "A signal heard in a loop, less its emission",
        subjects: &[
            ("cuelight", "cuelight, .stream()"),
            ("godot::task", "godot::task"),
            ("gdscript", "GDScript"),
            ("closure", "a connected closure"),
        ],
    },
    Panel {
        case: "memory",
        title: "Memory of a script that waits, beside its own future",
        subjects: &[
            ("cuelight", "cuelight"),
            ("godot::task", "godot::task"),
            ("gdscript", "GDScript (all of its state)"),
            ("boxed_direct", "a box in a list"),
        ],
    },
];

/// The number of scripts in the chart.
const N: usize = 10_000;

struct Panel {
    case: &'static str,
    title: &'static str,
    subjects: &'static [(&'static str, &'static str)],
}

impl Panel {
    /// Returns the bars that were measured: the name, and the measurement.
    fn bars<'a>(
        &self,
        measurements: &'a [Measurement],
    ) -> impl Iterator<Item = (&'static str, &'a Measurement)> {
        self.subjects.iter().filter_map(move |&(subject, name)| {
            let is_it = |it: &&Measurement| {
                it.case == self.case && it.subject == subject && it.n == N && it.value > 0.0
            };
            measurements.iter().find(is_it).map(|measurement| (name, measurement))
        })
    }
}

// The places, in pixels.
const WIDTH: f64 = 760.0;
const MARGIN: f64 = 20.0;
/// Where the bars begin, and how long the longest can be.
const LEFT: f64 = 200.0;
const LENGTH: f64 = 390.0;
const HEADER: f64 = 64.0;
const TITLE: f64 = 26.0;
const BAR: f64 = 15.0;
const ROW: f64 = 21.0;
const GAP: f64 = 16.0;
const FOOTER: f64 = 34.0;

const STYLE: &str = "
text { font: 13px system-ui, sans-serif; fill: #2b2f36; }
.head { font-size: 16px; font-weight: 600; }
.title { font-weight: 600; }
.dim { fill: #5f6670; font-size: 12px; }
.card { fill: #fcfbf8; stroke: #dcd9d0; }
.grid { stroke: #e3e0d8; }
.peer { fill: #8a97a8; }
.ours { fill: #d98a00; }
@media (prefers-color-scheme: dark) {
  text { fill: #e4e6ea; }
  .dim { fill: #a3a9b3; }
  .card { fill: #1d2129; stroke: #363c47; }
  .grid { stroke: #323843; }
  .peer { fill: #6c7a8d; }
  .ours { fill: #f2a93b; }
}
";

/// Returns the chart; `None` if a case that it shows was not measured.
pub(crate) fn svg(measurements: &[Measurement], version: &str) -> Option<String> {
    let is_complete = PANELS.iter().all(|panel| panel.bars(measurements).count() > 1);
    is_complete.then(|| draw(measurements, version).expect("a text can be written to"))
}

fn draw(measurements: &[Measurement], version: &str) -> Result<String, fmt::Error> {
    let values = PANELS.iter().flat_map(|panel| panel.bars(measurements)).map(|(_, it)| it.value);
    let most = values.fold(10.0, f64::max);
    let decades = most.log10().ceil();
    let x = |value: f64| LEFT + LENGTH * value.max(1.0).log10() / decades;

    let mut body = String::new();
    let mut y = HEADER;
    for panel in &PANELS {
        writeln!(
            body,
            r#"<text class="title" x="{MARGIN}" y="{:.0}">{}</text>"#,
            y + 14.0,
            panel.title
        )?;
        y += TITLE;
        let ours = panel.bars(measurements).next().map_or(1.0, |(_, it)| it.value);
        for (name, measurement) in panel.bars(measurements) {
            let is_ours = measurement.subject == "cuelight";
            let (class, end) = (if is_ours { "ours" } else { "peer" }, x(measurement.value));
            let middle = y + BAR - 3.0;
            writeln!(
                body,
                r#"<text x="{:.0}" y="{middle:.0}" text-anchor="end">{name}</text>"#,
                LEFT - 8.0
            )?;
            writeln!(
                body,
                r#"<rect class="{class}" x="{LEFT}" y="{y:.0}" width="{:.1}" height="{BAR}" rx="2"/>"#,
                (end - LEFT).max(1.0)
            )?;
            let Measurement { value, unit, .. } = measurement;
            let figure = digits(*value);
            let ratio = match is_ours {
                true => String::new(),
                false => format!(" · {}", times(value / ours)),
            };
            writeln!(
                body,
                r#"<text x="{:.0}" y="{middle:.0}">{figure} {unit}{ratio}</text>"#,
                end + 7.0
            )?;
            y += ROW;
        }
        y += GAP;
    }

    let height = y + FOOTER;
    let mut grid = String::new();
    for decade in 0..=decades as i32 {
        let value = 10_f64.powi(decade);
        let at = x(value);
        writeln!(
            grid,
            r#"<line class="grid" x1="{at:.1}" y1="{:.0}" x2="{at:.1}" y2="{y:.0}"/>"#,
            HEADER - 6.0
        )?;
        writeln!(
            grid,
            r#"<text class="dim" x="{at:.1}" y="{:.0}" text-anchor="middle">{}</text>"#,
            y + 16.0,
            thousands(value)
        )?;
    }
    Ok(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" width="{WIDTH}" height="{height:.0}" role="img" aria-label="cuelight beside its peers">
<style>{STYLE}</style>
<rect class="card" x="0.5" y="0.5" width="{:.1}" height="{:.1}" rx="8"/>
<text class="head" x="{MARGIN}" y="28">What a script costs, {} at once</text>
<text class="dim" x="{MARGIN}" y="47">nanoseconds and bytes for each, on a logarithmic scale; shorter is better. Godot {version}</text>
{grid}{body}</svg>
"#,
        WIDTH - 1.0,
        height - 1.0,
        thousands(N as f64),
    ))
}

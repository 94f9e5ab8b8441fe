//! Starts Godot with the bench's project, and makes a table and `engine.json` of what it prints.

mod chart;
mod digits;
mod page;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, io};

use clap::Parser;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use engine_bench::{Line, Measurement, Options};
use launcher::{Godot, Project, Run, Stream};

/// Compares cuelight with its peers inside Godot.
///
/// Prints tables, and writes `bench/engine.json` into cargo's target directory; a run of all cases writes the chart
/// `bench/engine.svg` beside it.
#[derive(Debug, Parser)]
#[command(name = "cargo bench -p engine-bench --")]
struct Args {
    /// Measures up to 10,000 tasks only, and less often: within a minute.
    #[arg(long)]
    quick: bool,

    /// Writes the chart and the figures into the book, too.
    #[arg(long, conflicts_with_all = ["cases", "quick"])]
    book: bool,

    /// Runs only the cases whose names contain one of these.
    #[arg(value_name = "CASE")]
    cases: Vec<String>,

    /// What cargo says to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// After that something hangs.
const TIME_LIMIT: Duration = Duration::from_secs(20 * 60);

/// More frames than any run needs.
const FRAME_LIMIT: u32 = 10_000_000;

fn main() -> ExitCode {
    let args = Args::parse();
    let options = Options { quick: args.quick, cases: args.cases };
    match run(&options, args.book) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engine-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, is_for_book: bool) -> Result<(), Box<dyn Error>> {
    let godot = Godot::find()?;
    let library = launcher::cdylib_of_current_exe("engine_bench")?;
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("project");
    let project = Project::stage(&source, &library, "engine-bench")?;
    let (version, measurements) = measure(&godot, &project, options)?;
    if measurements.is_empty() {
        return Err(format!("there is no case that contains {}", options.cases.join(" or ")).into());
    }
    println!(
        "Godot {version}; the median of all rounds, ± half of what lies between the least and the greatest\n"
    );
    for table in tables(&measurements) {
        println!("{table}\n");
    }
    let file = launcher::target_dir()?.join("bench").join("engine.json");
    fs::create_dir_all(file.parent().ok_or("the target directory has no parent")?)?;
    write(&file, &(serde_json::to_string_pretty(&measurements)? + "\n"))?;
    let svg = chart::svg(&measurements, &version);
    if let Some(svg) = &svg {
        write(&file.with_extension("svg"), svg)?;
    }
    if is_for_book {
        let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src");
        let page = page::markdown(&measurements, &version);
        let incomplete = "not all that the book shows was measured";
        write(&book.join("images/engine.svg"), &svg.ok_or(incomplete)?)?;
        write(&book.join("reference/numbers/measured.md"), &page.ok_or(incomplete)?)?;
    }
    Ok(())
}

/// Writes a file, and says so.
fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::write(file, text)?;
    println!("{}", file.display());
    Ok(())
}

/// Runs Godot, and returns its version and what it has measured.
fn measure(
    godot: &Godot,
    project: &Project,
    options: &Options,
) -> Result<(String, Vec<Measurement>), Box<dyn Error>> {
    let mut run = Run::new(godot, project)
        // As fast as the machine can.
        .fixed_fps(60)
        .quit_after(FRAME_LIMIT)
        .time_limit(TIME_LIMIT);
    for arg in options.to_args() {
        run = run.user_arg(arg);
    }
    let mut running = run.spawn()?;
    let mut version = String::new();
    let mut measurements = Vec::new();
    while let Some(line) = running.next_line() {
        match Line::parse(&line.text) {
            Some(Line::Measurement(measurement)) => measurements.push(measurement),
            Some(Line::Progress(text)) => eprintln!("{text}"),
            Some(Line::Version(text)) => version = text,
            None if line.stream == Stream::Stderr => eprintln!("{}", line.text),
            None => {}
        }
    }
    let outcome = running.wait()?;
    if !outcome.success() {
        return Err(format!("Godot has failed: {outcome:?}").into());
    }
    Ok((version, measurements))
}

/// Returns a table for each case: a line for each n, a column for each subject, with its ratio to the first.
fn tables(measurements: &[Measurement]) -> Vec<Table> {
    let mut cases: Vec<&str> = Vec::new();
    for measurement in measurements {
        if !cases.contains(&measurement.case.as_str()) {
            cases.push(&measurement.case);
        }
    }
    cases.into_iter().map(|case| table(case, measurements)).collect()
}

fn table(case: &str, measurements: &[Measurement]) -> Table {
    let mut subjects: Vec<&str> = Vec::new();
    let mut lines: BTreeMap<usize, Vec<&Measurement>> = BTreeMap::new();
    for measurement in measurements.iter().filter(|measurement| measurement.case == case) {
        if !subjects.contains(&measurement.subject.as_str()) {
            subjects.push(&measurement.subject);
        }
        lines.entry(measurement.n).or_default().push(measurement);
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([case, "n"].into_iter().chain(subjects.iter().copied()));
    for (n, line) in lines {
        let of = |subject: &str| line.iter().find(|measurement| measurement.subject == subject);
        let first = of(subjects[0]).map(|measurement| measurement.value);
        let cells = subjects.iter().map(|subject| {
            let Some(measurement) = of(subject) else { return String::new() };
            let figure = figure(measurement);
            match first {
                Some(first) if *subject != subjects[0] && first > 0.0 => {
                    format!("{figure}  ({:.3}×)", measurement.value / first)
                }
                _ => figure,
            }
        });
        table.add_row([String::new(), n.to_string()].into_iter().chain(cells));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Returns the median and the spread.
fn figure(measurement: &Measurement) -> String {
    let Measurement { value, low, high, unit, .. } = measurement;
    if low == high && value.fract() == 0.0 {
        // It was counted.
        format!("{value:.0} {unit}")
    } else if low == high && *value >= 10.0 {
        format!("{value:.1} {unit}")
    } else if *value < 10.0 {
        format!("{value:.2} ± {:.2} {unit}", (high - low) / 2.0)
    } else {
        format!("{value:.1} ± {:.1} {unit}", (high - low) / 2.0)
    }
}

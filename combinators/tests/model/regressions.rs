//! Programs that are written out: what chance finds rarely, and what it has found.
//!
//! A program that fails is printed in the form of this file.

use super::program::Action::*;
use super::program::Outside::*;
use super::program::Step::*;
use super::program::Wait::*;
use super::program::*;
use super::random::{compare, in_thread};

use cuelight_runtime::Phase::{Physics, Process};

const FRAME: u64 = 16_666_667;

#[track_caller]
fn check(scripts: Vec<Script>, steps: Vec<Outside>) {
    let program = Program { scripts, steps };
    if let Some(difference) = in_thread(|| compare(&program)) {
        panic!("{difference}");
    }
}

fn script(steps: Vec<Step>) -> Script {
    Script { laps: 1, guards: vec![], steps }
}

fn guard(actions: Vec<Action>) -> Guard {
    Guard { actions, panics: false }
}

fn start(script: u8) -> Action {
    start_in(Place::Root, script)
}

fn start_in(place: Place, script: u8) -> Action {
    Spawn { script, place, deferred: false, keep: true }
}

fn start_later(script: u8) -> Action {
    Spawn { script, place: Place::Root, deferred: true, keep: true }
}

fn group_under(parent: u8) -> Outside {
    Act(NewGroup { parent, owned: false })
}

/// Two tasks wake each other for longer than a drain goes on; a third one has woken itself before.
#[test]
fn livelock_is_left_to_the_next_drains() {
    let ping = vec![Do(Give(0)), Await(vec![Event(1)])];
    let pong = vec![Await(vec![Event(0)]), Do(Give(1))];
    let scripts = vec![
        Script { laps: 1_300, guards: vec![], steps: ping },
        Script { laps: 1_300, guards: vec![], steps: pong },
        script(vec![Await(vec![Yield]), Await(vec![Yield]), Do(Now), Await(vec![Yield])]),
    ];
    let ticks = || vec![Tick(Process, FRAME), FlushAnyway, Tick(Physics, FRAME), Flush];
    let mut steps = vec![Act(start(2)), Act(start(1)), Act(start(0))];
    steps.extend(ticks());
    // After its end another livelock is reported again.
    steps.extend([Act(start(1)), Act(start(0))]);
    steps.extend(ticks());
    check(scripts, steps);
}

#[test]
fn spawns_nested_too_deeply_start_in_the_next_drain() {
    let nested = script(vec![Do(start(0)), Await(vec![Yield])]);
    check(vec![nested.clone()], vec![Act(start(0)), Flush, Tick(Process, FRAME)]);
    check(vec![nested], vec![Act(start_later(0)), Flush, Flush, Tick(Process, FRAME), FlushAnyway]);
}

/// The group above the one that is frozen, and the one below it, have their own pauses.
#[test]
fn thawed_tasks_go_on_in_the_order_of_their_wakes() {
    let scripts = vec![script(vec![Await(vec![Event(0)]), Await(vec![Event(0)])])];
    let mut steps = vec![group_under(0), group_under(1)];
    for group in [2, 1, 0, 2, 1] {
        steps.push(Act(start_in(Place::Group(group), 0)));
    }
    steps.extend([Act(Pause(2)), Act(Pause(1)), Act(Give(0)), Flush]);
    steps.extend([Act(Resume(1)), Flush, Act(Resume(2)), Flush]);
    check(scripts, steps);
}

#[test]
fn waits_on_a_closed_clock_go_on_above_it() {
    let handed_over = [Frames(Process, 1), Frames(Process, 5), Frames(Physics, 3), Checks(3)];
    let mut handing = script(handed_over.map(PollOnce).into());
    handing.steps.extend([PollOnce(Seconds(0.1)), Await(vec![])]);
    let scripts = vec![
        handing,
        script(vec![Await(vec![Stashed(0)])]),
        script(vec![Await(vec![ClockSeconds(2, 0.1)])]),
    ];
    let (process, physics) = (|| Tick(Process, FRAME), || Tick(Physics, FRAME));
    for phase in [Process, Physics] {
        // Neither the frames nor the times of the two clocks are the same.
        let mut steps = vec![group_under(0), process(), process(), physics(), group_under(1)];
        steps.extend([Act(SetSpeed(2, 0.3)), Act(SetPhase(2, phase)), process(), physics()]);
        steps.extend([Act(start_in(Place::Group(2), 0)), Act(start(2)), process(), physics()]);
        steps.extend([Act(start_in(Place::Group(2), 0)), Act(Close(2)), Flush]);
        steps.extend((0..5).flat_map(|_| [Act(start(1)), PollStashed(0)]));
        steps.push(Act(SetSpeed(1, 2.0)));
        steps.extend((0..12).flat_map(|_| [process(), physics()]));
        check(scripts.clone(), steps);
    }
}

#[test]
fn waits_of_a_closed_clock_keep_their_place_by_first_poll() {
    let scripts = vec![
        script(vec![Await(vec![ClockSeconds(1, 0.1)])]),
        script(vec![Await(vec![ClockSeconds(0, 0.1)])]),
    ];
    let mut steps = vec![group_under(0)];
    steps.extend([0, 1, 0, 1].map(|number| Act(start(number))));
    steps.extend([Act(Close(1)), Tick(Process, 100_000_000)]);
    check(scripts, steps);
}

/// Hands over a wait of a task whose own group closes, then the one above; nobody has polled it since.
#[track_caller]
fn check_after_two_closed_groups(wait: Wait, between: Vec<Outside>) {
    let scripts = vec![script(vec![PollOnce(wait), Do(Close(2))])];
    let mut steps = vec![group_under(0), group_under(1), Act(start_in(Place::Group(2), 0))];
    steps.extend([Act(Close(1)), Flush]);
    steps.extend(between);
    steps.extend([PollStashed(0), Tick(Process, FRAME), PollStashed(0), PollStashed(0)]);
    check(scripts, steps);
}

#[test]
fn next_frame_of_two_closed_groups_is_the_living_clocks() {
    check_after_two_closed_groups(Frames(Process, 1), vec![]);
}

#[test]
fn condition_of_two_closed_groups_is_checked_with_the_living_clock() {
    check_after_two_closed_groups(Flag(0, vec![]), vec![]);
}

#[test]
fn waits_of_closed_groups_have_nothing_to_do_with_new_groups() {
    for wait in [Frames(Process, 1), Frames(Process, 2), Flag(0, vec![]), Seconds(0.001)] {
        // It may have got the memory of one of the closed groups.
        check_after_two_closed_groups(wait, vec![group_under(0), Act(Pause(3))]);
    }
}

/// The lookup of a wait for the next frame has to find it after its group is closed and emptied, too.
#[test]
fn next_frame_of_a_group_that_is_gone_is_not_early() {
    let scripts = vec![
        script(vec![PollOnce(Frames(Process, 1)), Await(vec![])]),
        script(vec![Await(vec![Stashed(0)])]),
    ];
    let mut steps = vec![group_under(0), group_under(1), Act(start_in(Place::Group(2), 0))];
    steps.extend([Act(Close(2)), Flush, Act(start(1)), Tick(Process, FRAME)]);
    check(scripts, steps);
}

/// The deadline was taken on the clock of the task's group, which is closed before the first poll.
#[test]
fn wait_of_a_task_that_closes_its_group_is_not_early() {
    let scripts = vec![script(vec![Await(vec![Flag(0, vec![Close(1)]), Seconds(0.1)])])];
    check(scripts, vec![group_under(0), Act(start_in(Place::Group(1), 0)), Flush]);
}

#[test]
fn waits_on_another_clock_are_ordered_by_first_poll() {
    // The first task makes its wait first, and polls it last: its condition spawns the second one.
    let scripts = vec![
        script(vec![Await(vec![Flag(0, vec![start(1)]), ClockSeconds(0, 0.1)])]),
        script(vec![Await(vec![ClockSeconds(0, 0.1)])]),
    ];
    check(scripts, vec![Act(start(0)), Tick(Process, 100_000_000)]);
}

#[test]
fn tasks_that_end_their_own_group_are_dropped_in_spawn_order() {
    let scripts = vec![
        script(vec![Await(vec![Flag(0, vec![]), Event(0)]), Do(CancelAll(0)), Await(vec![])]),
        script(vec![Await(vec![])]),
    ];
    let tasks = [Act(start(1)), Act(start(0)), Act(start(1))];
    // In a drain, and while it is spawned.
    check(scripts.clone(), [&tasks[..], &[Act(Give(0)), Flush]].concat());
    check(scripts, [&[Act(SetFlag(0, true))], &tasks[..], &[Flush]].concat());
}

#[test]
fn task_that_has_ended_is_not_cancelled_by_its_own_drop() {
    let ending = |steps| Script { laps: 1, guards: vec![guard(vec![CancelAll(0)])], steps };
    check(vec![ending(vec![])], vec![Act(start(0)), Act(Take(0)), Flush]);
    check(vec![ending(vec![Await(vec![Yield])])], vec![Act(start(0)), Flush, Act(Take(0))]);
    check(vec![ending(vec![Panic])], vec![Act(start(0)), Act(Take(0))]);
}

#[test]
fn task_that_cancels_itself_may_still_come_to_its_end() {
    let scripts = vec![
        script(vec![Do(CancelAll(0))]),
        script(vec![Do(CancelAll(0)), Panic]),
        script(vec![Await(vec![Yield]), Do(CancelAll(0))]),
    ];
    let mut steps: Vec<_> = (0..3).map(|number| Act(start(number))).collect();
    steps.extend([Flush, Tick(Process, FRAME)]);
    check(scripts, steps);
}

#[test]
fn handle_that_lost_a_race_wakes_nobody() {
    let scripts = vec![
        script(vec![Await(vec![Frames(Process, 1)])]),
        script(vec![Await(vec![Task(0), Yield]), Await(vec![Event(0)])]),
    ];
    check(scripts, vec![Act(start(0)), Act(start(1)), Flush, Tick(Process, FRAME)]);
}

#[test]
fn what_changes_nothing_asks_for_no_flush() {
    let scripts = vec![script(vec![Await(vec![Event(0)])]), script(vec![Await(vec![Event(1)])])];
    let mut steps = vec![group_under(0), Act(CancelAll(1)), Act(Close(1))];
    // A stale waker, and a task that was cancelled while it was kept for a resume.
    steps.extend([Act(start(0)), Act(Poke(0)), Flush, Act(Give(0)), Flush, Act(Poke(0))]);
    steps.extend([group_under(0), Act(start_in(Place::Group(2), 1)), Act(Pause(2))]);
    steps.extend([Act(Give(1)), Flush, Act(Cancel(1)), Flush, Act(Resume(2))]);
    check(scripts, steps);
}

#[test]
fn task_that_has_yielded_is_flushed_with_the_next_wake() {
    let scripts = vec![script(vec![Await(vec![Yield]), Await(vec![Yield, Event(0)])])];
    check(scripts, vec![Act(start(0)), Flush, Flush, Act(Give(0)), Flush]);
}

#[test]
fn group_that_is_made_after_the_shutdown_is_closed() {
    let scripts = vec![script(vec![Await(vec![Yield])])];
    let spawn = || Act(start_in(Place::Group(1), 0));
    check(scripts, vec![Shutdown, group_under(0), spawn(), Start, spawn(), Flush, Act(start(0))]);
}

#[test]
fn shutdown_drops_in_spawn_order_and_spawns_end_at_once() {
    let guarded = |actions| Script {
        laps: 1,
        guards: vec![guard(actions), Guard { actions: vec![Len(0)], panics: true }],
        steps: vec![Await(vec![])],
    };
    let scripts = vec![guarded(vec![start(1), Cancel(2), Give(0)]), script(vec![])];
    let mut steps = vec![Act(start(0)), Act(start(0)), Act(start_later(0)), Act(Cancel(1))];
    steps.extend([
        Shutdown,
        Act(start(0)),
        Tick(Process, FRAME),
        FlushAnyway,
        Start,
        Act(start(0)),
    ]);
    check(scripts, steps);
}

fn choice(kind: Kind, flag: u8, wait: Wait) -> Choice {
    Choice { kind, flag, set: true, actions: vec![], wait }
}

/// A higher branch is a priority itself; its check comes after the outer one's, and not when that interrupts it.
#[test]
fn priorities_are_checked_from_the_outside_in() {
    for (form, period) in [(Form::Tuple, None), (Form::List, Some(0.02))] {
        let inner = Priority(
            form,
            None,
            vec![
                choice(Kind::During, 2, Frames(Process, 2)),
                choice(Kind::Otherwise, 0, Frames(Process, 5)),
            ],
        );
        let outer = Priority(
            form,
            period,
            vec![
                choice(Kind::When, 0, Frames(Process, 2)),
                choice(Kind::WhenOn, 1, inner),
                choice(Kind::Otherwise, 0, Event(0)),
            ],
        );
        let mut steps = vec![Act(start(0)), Act(Give(0)), Flush];
        for (flag, set) in [(1, true), (2, true), (2, false), (0, true), (0, false), (1, false)] {
            steps.push(Act(SetFlag(flag, set)));
            steps.extend([Tick(Process, FRAME), Tick(Process, FRAME), Tick(Physics, FRAME)]);
        }
        check(vec![script(vec![Await(vec![outer])])], steps);
    }
}

/// The script closes the group whose clock its priority watches, and pauses the one above.
#[test]
fn priority_goes_on_on_the_clock_above() {
    for period in [None, Some(0.02)] {
        let acting = Choice {
            actions: vec![Close(1), SetFlag(1, true)],
            ..choice(Kind::When, 1, Frames(Process, 1))
        };
        let waiting = choice(Kind::Otherwise, 0, Event(0));
        let priority = Priority(Form::Tuple, period, vec![acting, waiting]);
        let scripts = vec![script(vec![Do(Stash(priority)), Do(Now)])];
        let mut steps = vec![group_under(0), Act(start_in(Place::Group(1), 0)), PollStashed(0)];
        for _ in 0..4 {
            steps.extend([Tick(Process, FRAME), PollStashed(0), Tick(Physics, FRAME), Flush]);
        }
        check(scripts, steps);
    }
}

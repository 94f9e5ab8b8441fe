//! Random programs.

use cuelight_runtime::Phase;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::program::{
    Action, Choice, Form, Guard, How, Kind, Outside, Place, Program, Script, Step, Wait,
};

/// How often an action is about what.
#[derive(Clone, Copy)]
struct Mix {
    tasks: u32,
    groups: u32,
    clocks: u32,
    waits: u32,
    /// How often a wait is polled here and handed to others.
    handing: u32,
    /// How often a script does what is most urgent.
    choosing: u32,
    /// How often something is skipped. Then no condition does anything, since a skip leaves out frames in which
    /// nothing would come of the check.
    skipping: u32,
}

/// Makes programs. What is listed first in a choice is what shrinking prefers.
pub fn program() -> impl Strategy<Value = Program> {
    let lively =
        Mix { tasks: 5, groups: 4, clocks: 2, waits: 3, handing: 1, choosing: 1, skipping: 0 };
    let timed = Mix { tasks: 1, groups: 3, clocks: 6, waits: 2, ..lively };
    let closing = Mix { tasks: 2, groups: 8, clocks: 1, waits: 1, handing: 6, ..lively };
    let choosing = Mix { tasks: 1, groups: 1, clocks: 1, waits: 6, choosing: 20, ..lively };
    let skipping = Mix { groups: 3, clocks: 3, choosing: 0, skipping: 6, ..lively };
    prop_oneof![
        2 => program_of(lively),
        1 => program_of(timed),
        1 => program_of(closing),
        1 => program_of(choosing),
        2 => program_of(skipping),
    ]
}

fn program_of(mix: Mix) -> impl Strategy<Value = Program> {
    // Most programs begin with a few groups, so that the numbers of groups mean something.
    let groups = vec(new_group().prop_map(Outside::Act), 0..5);
    (vec(script(mix), 1..5), groups, vec(outside(mix), 1..36)).prop_map(
        |(scripts, mut groups, steps)| {
            groups.extend(steps);
            Program { scripts, steps: groups }
        },
    )
}

fn outside(mix: Mix) -> BoxedStrategy<Outside> {
    prop_oneof![
        12 => (stage(), delta()).prop_map(|(stage, delta)| Outside::Tick(stage, delta)),
        4 => Just(Outside::Flush),
        6 => spawn().prop_map(Outside::Act),
        8 => action(mix).prop_map(Outside::Act),
        1 => Just(Outside::FlushAnyway),
        mix.handing => number().prop_map(Outside::PollStashed),
        1 => prop_oneof![3 => Just(Outside::Start), 1 => Just(Outside::Shutdown)],
    ]
    .boxed()
}

fn script(mix: Mix) -> BoxedStrategy<Script> {
    let guards = prop_oneof![3 => Just(Vec::new()), 1 => vec(guard(mix), 1..3)];
    let laps = prop_oneof![6 => Just(1_u32), 1 => 2..4_u32];
    (laps, guards, vec(step(mix), 0..6))
        .prop_map(|(laps, guards, steps)| Script { laps, guards, steps })
        .boxed()
}

fn step(mix: Mix) -> BoxedStrategy<Step> {
    prop_oneof![
        8 => wait(mix).prop_map(|wait| Step::Await(vec![wait])),
        8 => action(mix).prop_map(Step::Do),
        3 => vec(wait(mix), 0..4).prop_map(Step::Await),
        mix.choosing.max(1) => if_asked(mix.choosing, priority(wait(mix), mix), wait(mix))
            .prop_map(|wait| Step::Await(vec![wait])),
        mix.handing => if_asked(checked(mix), wait(mix), handed_wait()).prop_map(Step::PollOnce),
        3 => guard(mix).prop_map(Step::Hold),
        1 => Just(Step::Panic),
    ]
    .boxed()
}

fn guard(mix: Mix) -> BoxedStrategy<Guard> {
    let panics = prop_oneof![5 => Just(false), 1 => Just(true)];
    let actions = vec(action(mix), 0..3);
    (actions, panics).prop_map(|(actions, panics)| Guard { actions, panics }).boxed()
}

fn wait(mix: Mix) -> BoxedStrategy<Wait> {
    // Waits of waits are two deep at the most: what is deeper repeats what they do.
    let single = single_wait(mix);
    let group = single_wait(mix).prop_recursive(2, 8, 3, move |part| waits_of(part, mix).boxed());
    prop_oneof![3 => single, 1 => group].boxed()
}

fn waits_of(part: BoxedStrategy<Wait>, mix: Mix) -> impl Strategy<Value = Wait> {
    let parts = || vec(part.clone(), 0..4);
    let boxed = || part.clone().prop_map(Box::new);
    prop_oneof![
        2 => (form(), parts()).prop_map(|(form, parts)| Wait::First(form, parts)),
        2 => (form(), parts()).prop_map(|(form, parts)| Wait::All(form, parts)),
        2 => (form(), parts()).prop_map(|(form, parts)| Wait::TryAll(form, parts)),
        2 => parts().prop_map(Wait::Completed),
        2 => (seconds(), boxed()).prop_map(|(seconds, part)| Wait::Timeout(seconds, part)),
        2 => (boxed(), boxed()).prop_map(|(part, stop)| Wait::Until(part, stop)),
        1 => parts().prop_map(Wait::Rush),
        // What is dropped goes on as another task.
        1 => if_asked(checked(mix), part.clone(), handed_wait())
            .prop_map(|part| Wait::Uncancellable(Box::new(part))),
        1 => (parts(), boxed()).prop_map(|(children, body)| Wait::Scope(children, body)),
        1 => (boxed(), vec(action(mix), 0..3))
            .prop_map(|(part, actions)| Wait::OnCancel(part, actions)),
        2 => if_asked(mix.choosing, priority(part.clone(), mix), part.clone()),
    ]
}

/// A priority, with what ends it or without.
fn priority(part: BoxedStrategy<Wait>, mix: Mix) -> BoxedStrategy<Wait> {
    let kind = prop_oneof![
        2 => Just(Kind::When),
        2 => Just(Kind::During),
        1 => Just(Kind::WhenOn),
        1 => Just(Kind::Otherwise),
    ];
    let actions = prop_oneof![
        3 => Just(Vec::new()),
        2 => set_flag().prop_map(|action| vec![action]),
        1 => vec(action(mix), 1..3),
    ];
    let choice = (kind, number(), any::<bool>(), actions, part.clone());
    let choice = choice.prop_map(|(kind, flag, set, actions, wait)| Choice {
        kind,
        flag,
        set,
        actions,
        wait,
    });
    let period = prop_oneof![3 => Just(None), 1 => period().prop_map(Some)];
    let form = select(vec![Form::Tuple, Form::List]);
    let priority = (form, period, vec(choice, 1..4))
        .prop_map(|(form, period, choices)| Wait::Priority(form, period, choices))
        .boxed();
    let until = (priority.clone(), part)
        .prop_map(|(priority, stop)| Wait::Until(Box::new(priority), Box::new(stop)));
    prop_oneof![priority, until].boxed()
}

fn form() -> impl Strategy<Value = Form> {
    select(vec![Form::Tuple, Form::Array, Form::List, Form::Small])
}

fn single_wait(mix: Mix) -> BoxedStrategy<Wait> {
    let asking = (number(), vec(action(mix), 1..3));
    let asking = asking.prop_map(|(flag, actions)| Wait::Flag(flag, actions)).boxed();
    prop_oneof![
        22 => plain_wait(mix),
        2 => Just(Wait::Yield),
        1 => if_asked(checked(mix), asking, plain_wait(mix)),
        mix.handing + 1 => number().prop_map(Wait::Stashed),
    ]
    .boxed()
}

/// A wait that does no actions, so that actions may make it.
fn plain_wait(mix: Mix) -> BoxedStrategy<Wait> {
    let raised = number().prop_map(Wait::Raised).boxed();
    prop_oneof![
        32 => handed_wait(),
        3 => (period(), 0..4_u8).prop_map(|(period, count)| Wait::Beats(period, count)),
        2 => number().prop_map(|flag| Wait::Flag(flag, Vec::new())),
        2 => if_asked(checked(mix), (0..4_u8).prop_map(Wait::Checks).boxed(), raised.clone()),
        1 => number().prop_map(Wait::While),
        1 => number().prop_map(Wait::Changed),
        1 => if_asked(
            checked(mix),
            (number(), period()).prop_map(|(flag, period)| Wait::FlagEvery(flag, period)).boxed(),
            raised,
        ),
        1 => seconds().prop_map(Wait::Animate),
    ]
    .boxed()
}

/// A wait that may change hands where there are skips. It is no condition: a task that is not skipped would tell how often
/// one is checked on a clock that is, which is not promised.
fn handed_wait() -> BoxedStrategy<Wait> {
    prop_oneof![
        4 => (stage(), 0..4_u64).prop_map(|(stage, frames)| Wait::Frames(stage, frames)),
        4 => seconds().prop_map(Wait::Seconds),
        4 => (group(), seconds()).prop_map(|(group, seconds)| Wait::ClockSeconds(group, seconds)),
        2 => seconds().prop_map(Wait::UntilTime),
        2 => seconds().prop_map(Wait::RealSeconds),
        3 => number().prop_map(Wait::Event),
        2 => group().prop_map(Wait::Join),
        3 => number().prop_map(Wait::Task),
        2 => number().prop_map(Wait::Shared),
        2 => number().prop_map(Wait::Cue),
        2 => number().prop_map(Wait::Raised),
        2 => number().prop_map(Wait::Cooled),
    ]
    .boxed()
}

fn action(mix: Mix) -> BoxedStrategy<Action> {
    let tasks = prop_oneof![
        4 => spawn(),
        3 => number().prop_map(Action::Cancel),
        1 => number().prop_map(Action::DropHandle),
        1 => number().prop_map(Action::Take),
        1 => number().prop_map(Action::IsFinished),
    ];
    let groups = prop_oneof![
        2 => group().prop_map(Action::Len),
        3 => group().prop_map(Action::Resume),
        2 => group().prop_map(Action::Pause),
        2 => group().prop_map(Action::Close),
        1 => group().prop_map(Action::DropGroup),
        1 => group().prop_map(Action::CancelAll),
        2 => new_group(),
    ];
    let clocks = prop_oneof![
        2 => (group(), speed()).prop_map(|(group, speed)| Action::SetSpeed(group, speed)),
        2 => (group(), speed()).prop_map(|(group, speed)| Action::Slow(group, speed)),
        1 => number().prop_map(Action::DropSlow),
        1 => (group(), stage()).prop_map(|(group, stage)| Action::SetPhase(group, stage)),
        2 => group().prop_map(Action::Clock),
        1 => Just(Action::Now),
    ];
    let waits = prop_oneof![
        4 => number().prop_map(Action::Give),
        1 => number().prop_map(Action::Poke),
        3 => set_flag(),
        2 => if_asked(checked(mix), plain_wait(mix), handed_wait()).prop_map(Action::Stash),
        1 => number().prop_map(Action::DropStashed),
        3 => number().prop_map(Action::GiveCue),
        2 => (number(), any::<bool>()).prop_map(|(flag, set)| Action::Raise(flag, set)),
        1 => (number(), group(), seconds())
            .prop_map(|(number, group, seconds)| Action::NewCooldown(number, group, seconds)),
        2 => number().prop_map(Action::StartCooldown),
    ];
    let tasks = prop_oneof![3 => tasks, 1 => slot_action()];
    let skips = prop_oneof![
        4 => prop_oneof![1 => Just(0), 4 => group()].prop_map(Action::Skip),
        1 => Just(Action::Checkpoint),
        2 => Just(Action::IsSkipping),
    ];
    let Mix { tasks: t, groups: g, clocks: c, waits: w, skipping: s, .. } = mix;
    let all = prop_oneof![t => tasks, g => groups, c => clocks, w => waits].boxed();
    let skips = prop_oneof![t + g + c + w => all.clone(), s.max(1) => skips].boxed();
    if_asked(s, skips, all)
}

/// Returns whether conditions may do something, or count how often they were checked.
fn checked(mix: Mix) -> u32 {
    u32::from(mix.skipping == 0)
}

/// Returns what is asked for, or what stands in for it.
fn if_asked<T>(
    asked: u32,
    strategy: BoxedStrategy<T>,
    instead: BoxedStrategy<T>,
) -> BoxedStrategy<T> {
    if asked > 0 { strategy } else { instead }
}

fn set_flag() -> impl Strategy<Value = Action> {
    (number(), any::<bool>()).prop_map(|(flag, set)| Action::SetFlag(flag, set))
}

fn slot_action() -> impl Strategy<Value = Action> {
    let how = prop_oneof![Just(How::Replace), Just(How::IfIdle), Just(How::Enqueue)];
    let start = (number(), group(), how, number(), any::<bool>()).prop_map(
        |(slot, group, how, script, keep)| Action::Slot { slot, group, how, script, keep },
    );
    prop_oneof![
        6 => start,
        1 => number().prop_map(Action::CancelSlot),
        1 => number().prop_map(Action::DropSlot),
        1 => number().prop_map(Action::IsIdle),
    ]
}

fn new_group() -> impl Strategy<Value = Action> {
    (group(), any::<bool>()).prop_map(|(parent, owned)| Action::NewGroup { parent, owned })
}

fn spawn() -> impl Strategy<Value = Action> {
    let place = prop_oneof![
        Just(Place::Root),
        Just(Place::Current),
        group().prop_map(Place::Group),
        group().prop_map(Place::Group),
        (group(), number()).prop_map(|(group, name)| Place::Channel(group, name)),
    ];
    let deferred = prop_oneof![3 => Just(false), 1 => Just(true)];
    let keep = prop_oneof![3 => Just(true), 1 => Just(false)];
    (number(), place, deferred, keep).prop_map(|(script, place, deferred, keep)| Action::Spawn {
        script,
        place,
        deferred,
        keep,
    })
}

fn number() -> impl Strategy<Value = u8> {
    0..24_u8
}

fn group() -> impl Strategy<Value = u8> {
    // The root group is 0, and also what the numbers of groups that do not exist come to often.
    1..16_u8
}

fn stage() -> impl Strategy<Value = Phase> {
    prop_oneof![2 => Just(Phase::Process), 1 => Just(Phase::Physics)]
}

/// Seconds that are no time at all, that end with a tick or just do not, by the grace of a microsecond
/// or by rounding, and that never pass.
fn seconds() -> impl Strategy<Value = f64> {
    select(vec![
        1.0 / 60.0,
        0.0,
        -1.0,
        2.0 / 60.0,
        0.1,
        0.02,
        0.000_001_000_4,
        0.000_001_000_6,
        0.016_667_666,
        0.016_667_667,
        0.016_667_667_4,
        0.016_667_667_6,
        0.25,
        1.5,
        f64::INFINITY,
    ])
}

fn period() -> impl Strategy<Value = f64> {
    select(vec![1.0 / 60.0, 0.1, 0.02, 0.005, 0.25, f64::INFINITY])
}

fn speed() -> impl Strategy<Value = f64> {
    select(vec![1.0, 0.0, 0.5, 0.3, 2.0, 0.7, 1.3])
}

/// Nanoseconds of a tick.
fn delta() -> impl Strategy<Value = u64> {
    let usual = select(vec![16_666_667, 16_666_666]);
    let others = select(vec![0, 1, 10_000_000, 100_000_000, 1_000_000_000]);
    prop_oneof![2 => usual, 1 => others]
}

//! Snapshots as GDScript reads them.

use cuelight_runtime::{GroupInfo, TaskInfo, TaskState};
use godot::prelude::*;

/// Returns a group and all that is in it.
pub(super) fn group_dictionary(group: &GroupInfo) -> VarDictionary {
    let name = group.name.as_deref().unwrap_or_default();
    let tasks: Array<VarDictionary> = group.tasks.iter().map(task_dictionary).collect();
    let groups: Array<VarDictionary> = group.groups.iter().map(group_dictionary).collect();
    vdict! {
        "name" => name,
        "speed" => group.speed,
        "frozen" => group.frozen,
        "skipping" => group.skipping,
        "tasks" => &tasks,
        "groups" => &groups,
    }
}

fn task_dictionary(task: &TaskInfo) -> VarDictionary {
    let state = match task.state {
        TaskState::Waiting => "waiting",
        TaskState::Ready => "ready",
        TaskState::Running => "running",
        TaskState::Ending => "ending",
    };
    let waits: PackedStringArray =
        task.waits_for.iter().map(|wait| GString::from(&wait.to_string())).collect();
    vdict! {
        "id" => task.id.to_string().as_str(),
        "name" => task.name.as_deref().unwrap_or_default(),
        "location" => task.location.to_string().as_str(),
        "state" => state,
        "waits_for" => &waits,
        "age" => task.age,
        "polls" => task.polls,
    }
}

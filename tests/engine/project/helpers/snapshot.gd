extends Object
## Reads the snapshot as a debugging tool of the game would.


static func find(path: String) -> Dictionary:
	return find_in(Cuelight.snapshot(), path)


static func find_in(group: Dictionary, path: String) -> Dictionary:
	if group.name == path:
		return group
	for below: Dictionary in group.groups:
		var found := find_in(below, path)
		if found:
			return found
	return {}


## Says in a line what a group is doing.
static func describe(path: String) -> String:
	var group := find(path)
	if not group:
		return "no such group"
	var lines: PackedStringArray = []
	for task: Dictionary in group.tasks:
		lines.append("%s %s for %s" % [task.name, task.state, ", ".join(task.waits_for)])
	return "%d tasks at %s: %s" % [group.tasks.size(), group.speed, "; ".join(lines)]


## Returns the live tasks, the polls of the last frame, and the groups, as the Monitors tab shows them.
static func monitors() -> PackedInt64Array:
	var values: PackedInt64Array = []
	for monitor: String in ["tasks", "polls", "groups"]:
		values.append(Performance.get_custom_monitor("cuelight/" + monitor))
	return values

extends Node
## Coroutines that sleep.

var _timers: Array[SceneTreeTimer] = []


func start(count: int, seconds: float) -> void:
	for _i in count:
		_sleep(seconds)


func end() -> void:
	# They end in this frame; the engine would keep the timers.
	for timer in _timers:
		timer.time_left = 0.0


func _sleep(seconds: float) -> void:
	var timer := get_tree().create_timer(seconds)
	_timers.append(timer)
	await timer.timeout

extends RefCounted
## Does on a thread of Godot's what a test asks for, and waits for it.


func emit_plain(it: Object) -> void:
	_on_a_thread(func() -> void: it.emit_signal(&"plain", 7, "seven", Vector2(1, 2)))


func emit_object(it: Object) -> void:
	_on_a_thread(func() -> void:
		var by := RefCounted.new()
		by.set_meta(&"who", "thread")
		it.emit_signal(&"rung", 3, by)
	)


func emit_hit(it: Object) -> void:
	_on_a_thread(func() -> void: it.emit_signal(&"hit", 3))


func emit_script_changed(it: Object) -> void:
	_on_a_thread(func() -> void: it.emit_signal(&"script_changed"))


func free_it(it: Object) -> void:
	_on_a_thread(it.free)


func _on_a_thread(work: Callable) -> void:
	var thread := Thread.new()
	thread.start(work)
	thread.wait_to_finish()

extends RefCounted


## Causes an engine error on another thread, and waits for it.
func error_on_a_thread(text: String) -> void:
	var thread := Thread.new()
	thread.start(func() -> void: push_error(text))
	thread.wait_to_finish()

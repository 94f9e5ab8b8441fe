extends RefCounted
## Threads that emit the signal of one emitter, all at once.

var _threads: Array[Thread] = []


func start(emitter: Object, threads: int, times: int) -> void:
	for index in threads:
		var thread := Thread.new()
		thread.start(_emit.bind(emitter, index, times))
		_threads.append(thread)


func is_done() -> bool:
	return _threads.all(func(thread: Thread) -> bool: return not thread.is_alive())


func join() -> void:
	for thread in _threads:
		thread.wait_to_finish()
	_threads.clear()


func _emit(emitter: Object, index: int, times: int) -> void:
	for number in times:
		# Nobody but the emission holds it.
		var thing := RefCounted.new()
		thing.set_meta(&"number", number)
		emitter.emit_signal(&"told", index, number, "%d of %d" % [number, index], [index, number], thing)

extends RefCounted
## Threads that emit on objects of their own, at full speed: in bursts, each as soon as the main thread has granted it,
## since Godot itself ends when its message queue runs over.

const BURST := 10

var _threads: Array[Thread] = []
var _granted: Array[Semaphore] = []


## Starts a thread for each list of emitters. It frees the first half of them itself, when it has made its bursts.
func start(lists: Array, bursts: int) -> void:
	for index in lists.size():
		var thread := Thread.new()
		_threads.append(thread)
		_granted.append(Semaphore.new())
		thread.start(_emit.bind(index, lists[index], bursts, _granted[index]))


## Lets each thread make one more burst.
func grant() -> void:
	for granted in _granted:
		granted.post()


func is_done() -> bool:
	return _threads.all(func(thread: Thread) -> bool: return not thread.is_alive())


func join() -> void:
	for thread in _threads:
		thread.wait_to_finish()
	_threads.clear()
	_granted.clear()


func _emit(index: int, emitters: Array, bursts: int, granted: Semaphore) -> void:
	var number := 0
	for _burst in bursts:
		granted.wait()
		for _time in BURST:
			for emitter: Object in emitters:
				# Nobody but the emission holds it.
				var thing := RefCounted.new()
				thing.set_meta(&"number", number)
				emitter.emit_signal(&"told", index, number, "%d of %d" % [number, index], [index, number], thing)
			number += 1
	@warning_ignore("integer_division")
	for half in emitters.size() / 2:
		emitters[half].free()

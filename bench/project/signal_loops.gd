extends Node
## Loops of "await the signal of an emitter".

var running := true
var resumes := 0


func start(emitters: Array) -> void:
	for emitter: Object in emitters:
		_loop(emitter)


func _loop(emitter: Object) -> void:
	while running:
		await emitter.fired
		resumes += 1

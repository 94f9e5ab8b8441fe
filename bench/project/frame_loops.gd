extends Node
## Loops of "await the next frame".

var running := true
var resumes := 0


func start(count: int) -> void:
	for _i in count:
		_loop()


func _loop() -> void:
	while running:
		await get_tree().process_frame
		resumes += 1

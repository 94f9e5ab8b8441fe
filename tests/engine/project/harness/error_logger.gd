@tool
extends Logger
## Hears the errors and warnings of every thread.

var _mutex := Mutex.new()
var _heard := []


func _log_error(function: String, file: String, line: int, code: String, rationale: String,
		_editor_notify: bool, error_type: int, _script_backtraces: Array[ScriptBacktrace]) -> void:
	var text := code if rationale.is_empty() else rationale
	_mutex.lock()
	_heard.append([error_type, text, "%s (%s:%d)" % [function, file, line]])
	_mutex.unlock()


func take() -> Array:
	_mutex.lock()
	var heard := _heard
	_heard = []
	_mutex.unlock()
	return heard

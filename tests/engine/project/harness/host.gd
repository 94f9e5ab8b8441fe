@tool
extends Node
## Holds the runner of the tests: in the game as the main scene, in the editor under the plugin.
##
## What has to outlive a reload of the library is here: which life span of the test it is, what the test keeps, and the
## logger. The runner itself is Rust, and ends with each life span.

const EXTENSION := "res://engine_tests.gdextension"

## Set by the plugin. The editor opens the main scene too, and the host in it has nothing to do there.
var is_in_plugin := false
var phase := 0
var kept := {}
var _logger: Logger
var _runner: Node
# Godot keeps every script that it has loaded: here, so that a test which uses one leaves nothing behind.
var _helpers: Array[Resource] = []


func _ready() -> void:
	if Engine.is_editor_hint() and not is_in_plugin:
		return
	if not OS.has_environment("ENGINE_TESTS_TOKEN"):
		if not Engine.is_editor_hint():
			printerr("Start the engine tests with `cargo test -p engine-tests`.")
			get_tree().quit(1)
		return
	# A test may pause the tree.
	process_mode = Node.PROCESS_MODE_ALWAYS
	_logger = preload("res://harness/error_logger.gd").new()
	OS.add_logger(_logger)
	for file in DirAccess.get_files_at("res://helpers"):
		if file.ends_with(".gd"):
			_helpers.append(load("res://helpers".path_join(file)))
	_start()


func _exit_tree() -> void:
	if _logger != null:
		OS.remove_logger(_logger)
		_logger = null


## The errors and warnings since the last call, each as [type, text, place].
func take_errors() -> Array:
	return _logger.take() if _logger != null else []


func finish() -> void:
	get_tree().quit()


## Loads the library anew, and goes on with the next life span of the test. Called deferred: the runner that asks for
## it is freed here.
func reload() -> void:
	_runner.free()
	_runner = null
	var status := GDExtensionManager.reload_extension(EXTENSION)
	if status != GDExtensionManager.LOAD_STATUS_OK:
		printerr("The library could not be reloaded: status %d" % status)
		get_tree().quit(1)
		return
	phase += 1
	_start()


func _start() -> void:
	_runner = ClassDB.instantiate(&"EngineTestRunner")
	if _runner == null:
		printerr("The library is not loaded: there is no class EngineTestRunner.")
		get_tree().quit(1)
		return
	add_child(_runner)
	_runner.call(&"begin", self)

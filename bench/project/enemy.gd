extends Node2D
## The enemy as a coroutine. What is the same in all three is in `src/enemies/mod.rs`.

const FRAME := 1.0 / 60.0
const GRACE := 1e-6

static var calls := 0
static var blows := 0

## Cleared at the end, so that no coroutine is left half-way: what hangs on the state of another one is never freed.
static var running := true

# ANCHOR: enemy
const REACH := 40.0
const SIGHT := 300.0
const CLOSE := 30.0
const THERE := 4.0
const RUN := 120.0
const WALK := 60.0
const ROUND := Vector2(200, 0)
const LOOK := 0.1
const WIND_UP := 0.2
const COOLDOWN := 1.2
const REST := 1.0

enum Act { NONE, ATTACK, CHASE, PATROL }

var _player: Node2D
var _post: Vector2
var _act := Act.NONE
var _look_in := LOOK
var _ready_in := 0.0


func begin(player: Node2D) -> void:
	_player = player
	_post = _place_of(self)
	_choose()
	while running:
		match _act:
			Act.ATTACK:
				await _attack()
			Act.CHASE:
				await _chase()
			Act.PATROL:
				await _patrol()
			Act.NONE:
				await get_tree().process_frame
				_look()


# A coroutine cannot be interrupted from outside: after each of its waits, each of them
# has to look around, and to return if something else is to be done.
func _look() -> void:
	_ready_in -= FRAME
	_look_in -= FRAME
	if _look_in <= GRACE:
		_look_in += LOOK
		_choose()


func _choose() -> void:
	if _act == Act.ATTACK:
		return # Carried through.
	if not running:
		_act = Act.NONE
		return
	if _gap() < REACH and _ready_in <= GRACE:
		_ready_in = COOLDOWN
		_act = Act.ATTACK
	elif _gap() < SIGHT:
		_act = Act.CHASE
	else:
		_act = Act.PATROL


func _attack() -> void:
	var left := WIND_UP
	while left > GRACE:
		left -= FRAME
		await get_tree().process_frame
		_look()
	blows += 1
	_act = Act.NONE


func _chase() -> void:
	while _act == Act.CHASE:
		_go(_place_of(_player), RUN, CLOSE)
		await get_tree().process_frame
		_look()


func _patrol() -> void:
	while true:
		for corner: Vector2 in [_post + ROUND, _post]:
			while _go(corner, WALK, THERE):
				await get_tree().process_frame
				_look()
				if _act != Act.PATROL:
					return
			var left := REST
			while left > GRACE:
				left -= FRAME
				await get_tree().process_frame
				_look()
				if _act != Act.PATROL:
					return


func _gap() -> float:
	return _place_of(self).distance_to(_place_of(_player))


# Makes a step, unless it is there.
func _go(to: Vector2, speed: float, near: float) -> bool:
	var at := _place_of(self)
	if at.distance_to(to) <= near:
		return false
	_put(at + at.direction_to(to) * speed * FRAME)
	return true
# ANCHOR_END: enemy


func _place_of(node: Node2D) -> Vector2:
	calls += 1
	return node.position


func _put(at: Vector2) -> void:
	calls += 1
	position = at

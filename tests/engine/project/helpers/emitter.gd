extends Object
## An object that is no node, with a signal that carries a bit of everything.

signal told(thread: int, number: int, text: String, list: Array, thing: RefCounted)

@warning_ignore("unused_signal")
signal never

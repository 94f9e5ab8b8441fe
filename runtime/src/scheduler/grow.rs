//! How lists grow that have an entry for each task: by an eighth at a time, since what they keep beyond is as good as each
//! task's own memory. They are moved as a whole then, which costs the system next to nothing.

/// Returns for how many more a full list of such a length makes room.
pub(super) fn room_beyond(length: usize) -> usize {
    (length / 8).max(4)
}

/// Makes room for one more.
pub(super) fn reserve_one<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(room_beyond(list.len()));
    }
}

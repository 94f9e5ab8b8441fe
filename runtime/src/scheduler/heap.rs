//! A binary heap whose items know where they are, so that any of them can be taken out.
//!
//! The order is (deadline, order of arrival), so that equal deadlines come out first in, first out. Positions live with
//! the owners of the items: each operation is handed a function that writes an item's new position down.

/// An item of a [`Heap`].
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub(crate) deadline: u64,
    pub(crate) order: u64,
    pub(crate) owner: Owner,
}

/// Whose item it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owner {
    /// A wait's.
    Wait(u32),
    /// A child clock's: its own first deadline, in its parent's time.
    Clock(u32),
}

/// See the module's documentation.
#[derive(Default)]
pub(crate) struct Heap {
    items: Vec<Item>,
}

impl Heap {
    pub(crate) fn first(&self) -> Option<&Item> {
        self.items.first()
    }

    pub(crate) fn deadline_at(&self, position: u32) -> u64 {
        self.items[position as usize].deadline
    }

    pub(crate) fn push(&mut self, item: Item, mut place: impl FnMut(Owner, u32)) {
        self.items.push(item);
        self.rise(self.items.len() - 1, &mut place);
    }

    pub(crate) fn remove(&mut self, position: u32, mut place: impl FnMut(Owner, u32)) -> Item {
        let position = position as usize;
        let item = self.items.swap_remove(position);
        if position < self.items.len() && !self.rise(position, &mut place) {
            self.sink(position, &mut place);
        }
        item
    }

    /// Takes all items out, in no order.
    pub(crate) fn take(&mut self) -> Vec<Item> {
        std::mem::take(&mut self.items)
    }

    /// Moves an item up to its place, and returns whether it moved.
    fn rise(&mut self, mut position: usize, place: &mut impl FnMut(Owner, u32)) -> bool {
        let start = position;
        while position > 0 {
            let parent = (position - 1) / 2;
            if !self.is_before(position, parent) {
                break;
            }
            self.items.swap(position, parent);
            place(self.items[position].owner, position as u32);
            position = parent;
        }
        place(self.items[position].owner, position as u32);
        position != start
    }

    /// Moves an item down to its place.
    fn sink(&mut self, mut position: usize, place: &mut impl FnMut(Owner, u32)) {
        loop {
            let left = 2 * position + 1;
            if left >= self.items.len() {
                break;
            }
            let right = left + 1;
            let right_is_first = right < self.items.len() && self.is_before(right, left);
            let child = if right_is_first { right } else { left };
            if !self.is_before(child, position) {
                break;
            }
            self.items.swap(position, child);
            place(self.items[position].owner, position as u32);
            position = child;
        }
        place(self.items[position].owner, position as u32);
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        let key = |index: usize| (self.items[index].deadline, self.items[index].order);
        key(a) < key(b)
    }
}

//! A heap whose items know where they are, so that any of them can be taken out.
//!
//! The order is (deadline, order of arrival), so that equal deadlines come out first in, first out. Positions live with
//! the owners of the items: each operation is handed a function that writes an item's new position down.

use super::grow::reserve_one;

/// The number of children of a position: the items that are compared lie side by side, and fewer are moved than with two.
const BRANCHES: usize = 4;

/// An item of a [`Heap`].
#[derive(Clone, Copy)]
pub(crate) struct Item {
    pub(crate) deadline: u64,
    pub(crate) order: u64,
    pub(crate) owner: Owner,
}

impl Item {
    fn is_before(&self, other: &Self) -> bool {
        (self.deadline, self.order) < (other.deadline, other.order)
    }
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
        reserve_one(&mut self.items);
        self.items.push(item);
        self.rise(self.items.len() - 1, item, &mut place);
    }

    pub(crate) fn remove(&mut self, position: u32, mut place: impl FnMut(Owner, u32)) -> Item {
        let position = position as usize;
        let item = self.items.swap_remove(position);
        if let Some(&moved) = self.items.get(position)
            && !self.rise(position, moved, &mut place)
        {
            self.sink(position, moved, &mut place);
        }
        item
    }

    /// Returns all items, in no order but that the first is the first.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    // What follows is for the heap of a closed clock, which is a list in no order: nothing comes first in it.

    pub(crate) fn items_mut(&mut self) -> &mut Vec<Item> {
        &mut self.items
    }

    /// Takes an item out, and puts the last one into its place.
    pub(crate) fn remove_unordered(
        &mut self,
        position: u32,
        mut place: impl FnMut(Owner, u32),
    ) -> Item {
        let item = self.items.swap_remove(position as usize);
        if let Some(moved) = self.items.get(position as usize) {
            place(moved.owner, position);
        }
        item
    }

    /// Brings an item up from a position, whose own is overwritten, and returns whether it moved.
    fn rise(
        &mut self,
        mut position: usize,
        item: Item,
        place: &mut impl FnMut(Owner, u32),
    ) -> bool {
        let start = position;
        while position > 0 {
            let parent = (position - 1) / BRANCHES;
            if !item.is_before(&self.items[parent]) {
                break;
            }
            self.put(position, self.items[parent], place);
            position = parent;
        }
        self.put(position, item, place);
        position != start
    }

    /// Brings an item down from a position, whose own is overwritten.
    fn sink(&mut self, mut position: usize, item: Item, place: &mut impl FnMut(Owner, u32)) {
        loop {
            let first = BRANCHES * position + 1;
            let children = first..self.items.len().min(first + BRANCHES);
            let Some(child) = children.reduce(|best, other| {
                if self.items[other].is_before(&self.items[best]) { other } else { best }
            }) else {
                break;
            };
            if !self.items[child].is_before(&item) {
                break;
            }
            self.put(position, self.items[child], place);
            position = child;
        }
        self.put(position, item, place);
    }

    /// Writes an item into a position, and the position down with its owner.
    fn put(&mut self, position: usize, item: Item, place: &mut impl FnMut(Owner, u32)) {
        self.items[position] = item;
        place(item.owner, position as u32);
    }
}

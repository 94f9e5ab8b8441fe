//! The key of a task: which runtime, which slot, which of the tasks that the slot has held.

/// The number of slots that a runtime can have: four million live tasks.
pub(crate) const MAX_SLOTS: u32 = 1 << INDEX_BITS;

/// The generation at which a slot is retired, so that none ever comes twice.
pub(crate) const LAST_GENERATION: u32 = (1 << GENERATION_BITS) - 1;

/// The number that no runtime has.
pub(crate) const NO_RUNTIME: u16 = u16::MAX;

const INDEX_BITS: u32 = 22;
const GENERATION_BITS: u32 = 26;

/// A task's place, packed into one word so that it fits into a waker's data pointer where that has 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct TaskKey(u64);

impl TaskKey {
    /// The key of no task.
    pub(super) const NOBODY: Self = Self(u64::MAX);

    pub(crate) fn new(runtime: u16, generation: u32, index: u32) -> Self {
        debug_assert!(index < MAX_SLOTS && generation <= LAST_GENERATION);
        let high = u64::from(runtime) << (GENERATION_BITS + INDEX_BITS);
        Self(high | u64::from(generation) << INDEX_BITS | u64::from(index))
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[allow(dead_code, reason = "only packed wakers need it")]
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    pub(crate) fn runtime(self) -> u16 {
        (self.0 >> (GENERATION_BITS + INDEX_BITS)) as u16
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> INDEX_BITS) as u32 & LAST_GENERATION
    }

    pub(crate) fn index(self) -> u32 {
        self.0 as u32 & (MAX_SLOTS - 1)
    }
}

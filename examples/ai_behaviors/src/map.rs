//! The ground: its edges, and the pillars that one walks around and cannot see through.

use fastrand::Rng;
use godot::builtin::Vector2;

/// At most one pillar stands in a square of so many pixels.
const CELL: f32 = 260.0;

/// How far from a pillar's stone the middle of somebody stays.
const BODY: f32 = 15.0;

/// A round pillar.
#[derive(Clone, Copy, Debug)]
pub struct Pillar {
    pub at: Vector2,
    pub radius: f32,
}

/// The ground. Its middle is the origin.
#[derive(Clone, Debug)]
pub struct Map {
    half: f32,
    /// Squares in a row.
    columns: usize,
    /// A place for each square, row by row.
    pillars: Vec<Option<Pillar>>,
}

impl Map {
    /// Makes a bare ground of so many pixels from edge to edge.
    pub fn open(size: f32) -> Self {
        let columns = (size / CELL).ceil().max(1.0) as usize;
        Self { half: size / 2.0, columns, pillars: vec![None; columns * columns] }
    }

    /// Makes a ground for so many enemies, with pillars here and there.
    pub fn with_pillars(agents: usize, rng: &mut Rng) -> Self {
        let size = ((agents as f32).sqrt() * 205.0).max(1500.0);
        let mut map = Self::open(size);
        for index in 0..map.pillars.len() {
            // Everything is drawn for each square, so that what is decided about one moves no other.
            let (is_bare, x, y, wide) = (rng.f32() < 0.42, rng.f32(), rng.f32(), rng.f32());
            let corner = Vector2::new(
                (index % map.columns) as f32 * CELL - map.half,
                (index / map.columns) as f32 * CELL - map.half,
            );
            // Wherever they are in their squares, there is room between two pillars.
            let at = corner + Vector2::new(0.35 + 0.3 * x, 0.35 + 0.3 * y) * CELL;
            let is_middle = at.length() < CELL;
            let is_outside = at.x.abs().max(at.y.abs()) > map.half - CELL * 0.4;
            if !is_bare && !is_middle && !is_outside {
                map.pillars[index] = Some(Pillar { at, radius: 24.0 + 26.0 * wide });
            }
        }
        map
    }

    /// Puts a pillar up, in place of what stands in its square.
    #[cfg(test)]
    pub fn raise(&mut self, at: Vector2, radius: f32) {
        let index = self.row(at.y) * self.columns + self.row(at.x);
        self.pillars[index] = Some(Pillar { at, radius });
    }

    /// Returns the distance from the middle to an edge.
    pub fn half(&self) -> f32 {
        self.half
    }

    /// Returns all pillars.
    pub fn pillars(&self) -> impl Iterator<Item = Pillar> + '_ {
        self.pillars.iter().flatten().copied()
    }

    /// Returns a place that somebody can stand at, and walk around.
    pub fn somewhere(&self, rng: &mut Rng) -> Vector2 {
        let mut along = || (rng.f32() * 2.0 - 1.0) * (self.half - 160.0);
        self.room_at(Vector2::new(along(), along()))
    }

    /// Returns the place next to one that somebody can stand at: itself, if it is free.
    pub fn room_at(&self, at: Vector2) -> Vector2 {
        let edge = self.half - BODY * 1.5;
        let mut at = Vector2::new(at.x.clamp(-edge, edge), at.y.clamp(-edge, edge));
        if let Some(pillar) = self.pillar_over(at) {
            let out = at - pillar.at;
            let out = if out == Vector2::ZERO { Vector2::RIGHT } else { out.normalized() };
            at = pillar.at + out * (pillar.radius + BODY);
        }
        at
    }

    /// Returns where somebody gets to who goes a way from a place. Who meets a pillar goes around it.
    pub fn walk(&self, from: Vector2, way: Vector2) -> Vector2 {
        let to = from + way;
        let Some(pillar) = self.pillar_over(to) else {
            return self.room_at(to);
        };
        let out = (from - pillar.at).normalized();
        let along = out.orthogonal();
        // On the side that is shorter; on the left, if neither is.
        let along = if along.dot(way) < 0.0 { -along } else { along };
        self.room_at(from + along * way.length())
    }

    /// Returns where somebody of a size gets to who goes a way among others, each given by its place and its size: not
    /// through them, if there is a way around. Whoever stands too close is given room, even if the way is none.
    pub fn walk_among(
        &self,
        from: Vector2,
        size: f32,
        way: Vector2,
        others: impl IntoIterator<Item = (Vector2, f32)>,
    ) -> Vector2 {
        let mut aside = Vector2::ZERO;
        for (other, other_size) in others {
            let (gap, room) = (from - other, size + other_size);
            aside += gap.normalized_or_zero() * (1.0 - gap.length() / room).max(0.0);
        }
        let aside = aside.limit_length(Some(1.0));
        let mut step = way + aside * (way.length() * 2.0).max(1.0);
        if aside.dot(way) < 0.0 {
            // On the side that is shorter, as around a pillar.
            let around = aside.orthogonal();
            let around = if around.dot(way) < 0.0 { -around } else { around };
            step += around * way.length();
        }
        if step == Vector2::ZERO { from } else { self.walk(from, step) }
    }

    /// Returns whether no pillar stands between two places.
    pub fn is_clear(&self, from: Vector2, to: Vector2) -> bool {
        let (left, right) = (self.row(from.x.min(to.x)), self.row(from.x.max(to.x)));
        let (top, bottom) = (self.row(from.y.min(to.y)), self.row(from.y.max(to.y)));
        let way = to - from;
        let length = way.length_squared().max(1e-6);
        for row in top..=bottom {
            for pillar in self.pillars[row * self.columns..][left..=right].iter().flatten() {
                let nearest = ((pillar.at - from).dot(way) / length).clamp(0.0, 1.0);
                let gap = (from + way * nearest).distance_squared_to(pillar.at);
                if gap < pillar.radius * pillar.radius {
                    return false;
                }
            }
        }
        true
    }

    /// Returns how far one sees in a direction, at most so far.
    pub fn sight(&self, from: Vector2, direction: Vector2, most: f32) -> f32 {
        let to = from + direction * most;
        let (left, right) = (self.row(from.x.min(to.x)), self.row(from.x.max(to.x)));
        let (top, bottom) = (self.row(from.y.min(to.y)), self.row(from.y.max(to.y)));
        let mut sight = most;
        for row in top..=bottom {
            for pillar in self.pillars[row * self.columns..][left..=right].iter().flatten() {
                let way = pillar.at - from;
                let (along, aside) = (way.dot(direction), way.cross(direction));
                let half = pillar.radius * pillar.radius - aside * aside;
                if along > 0.0 && half > 0.0 {
                    sight = sight.min((along - half.sqrt()).max(0.0));
                }
            }
        }
        sight
    }

    /// Returns the pillar that leaves no room at a place.
    fn pillar_over(&self, at: Vector2) -> Option<Pillar> {
        // A pillar and the room around it stay in its own square.
        let pillar = self.pillars[self.row(at.y) * self.columns + self.row(at.x)]?;
        (at.distance_to(pillar.at) < pillar.radius + BODY - 0.01).then_some(pillar)
    }

    /// Returns the row, or the column, of a coordinate.
    fn row(&self, along: f32) -> usize {
        (((along + self.half) / CELL).max(0.0) as usize).min(self.columns - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_a_pillar_goes_around_it() {
        let mut map = Map::open(2000.0);
        let pillar = Vector2::new(130.0, 130.0);
        map.raise(pillar, 40.0);
        let (mut at, goal) = (Vector2::new(20.0, 130.0), Vector2::new(240.0, 130.0));
        let mut steps = 0;
        while at.distance_to(goal) > 4.0 {
            at = map.walk(at, at.direction_to(goal) * 3.0);
            assert!(at.distance_to(pillar) > 54.9, "not through the stone");
            steps += 1;
            assert!(steps < 200, "at {at} for ever");
        }
    }

    /// Walks to a goal among others, and returns the nearest that it comes to one of them.
    #[track_caller]
    fn walk_to(goal: Vector2, others: &[(Vector2, f32)]) -> f32 {
        let map = Map::open(2000.0);
        let (mut at, mut nearest, mut steps) = (Vector2::ZERO, f32::INFINITY, 0);
        while at.distance_to(goal) > 4.0 {
            at = map.walk_among(at, 16.0, at.direction_to(goal) * 2.0, others.iter().copied());
            nearest =
                others.iter().fold(nearest, |least, (other, _)| least.min(at.distance_to(*other)));
            steps += 1;
            assert!(steps < 300, "at {at} for ever");
        }
        nearest
    }

    #[test]
    fn who_meets_somebody_goes_around() {
        let goal = Vector2::new(200.0, 0.0);
        assert!(walk_to(goal, &[(Vector2::new(100.0, 1.0), 16.0)]) > 16.0);
        // Not even two who stand side by side stop it.
        let pair = [(Vector2::new(100.0, 17.0), 16.0), (Vector2::new(100.0, -15.0), 16.0)];
        assert!(walk_to(goal, &pair) > 10.0);
    }

    #[test]
    fn who_stands_makes_room() {
        let map = Map::open(2000.0);
        let (mut at, other) = (Vector2::new(3.0, 0.0), (Vector2::ZERO, 16.0));
        for _ in 0..200 {
            at = map.walk_among(at, 16.0, Vector2::ZERO, [other]);
        }
        assert!(at.x > 30.0 && at.y == 0.0, "{at}");
        assert_eq!(map.walk_among(at * 2.0, 16.0, Vector2::ZERO, [other]), at * 2.0);
    }

    #[test]
    fn a_pillar_hides_what_is_behind_it() {
        let mut map = Map::open(2000.0);
        map.raise(Vector2::new(130.0, 130.0), 40.0);
        assert!(!map.is_clear(Vector2::new(0.0, 130.0), Vector2::new(260.0, 130.0)));
        assert!(map.is_clear(Vector2::new(0.0, 200.0), Vector2::new(260.0, 200.0)));
    }

    #[test]
    fn there_is_room_somewhere() {
        let mut rng = Rng::with_seed(1);
        let map = Map::with_pillars(400, &mut rng);
        assert!(map.pillars().count() > 50);
        for _ in 0..1000 {
            let at = map.somewhere(&mut rng);
            assert!(map.pillars().all(|pillar| at.distance_to(pillar.at) > pillar.radius));
        }
    }
}

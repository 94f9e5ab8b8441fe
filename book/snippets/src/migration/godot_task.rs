//! From `godot::task`.

use cuelight::prelude::*;
use godot::prelude::*;

use crate::keep::{Door, Guard};

#[derive(GodotClass)]
#[class(init, base = Node)]
struct Watch {
    guard: Option<Gd<Guard>>,
    door: Option<Gd<Door>>,
    base: Base<Node>,
}

// ANCHOR: before
impl Watch {
    fn before(&mut self, guard: Gd<Guard>, door: Gd<Door>) {
        let _lent = self.base_mut(); // So that the first poll may bind.
        godot::task::spawn(async move {
            door.signals().opened().to_future().await;
            let timer = guard.get_tree().create_timer(0.5);
            timer.signals().timeout().to_future().await;
            if guard.is_instance_valid() {
                guard.clone().bind_mut().strike();
            }
        });
    }
}
// ANCHOR_END: before

// ANCHOR: after
impl Watch {
    fn after(&mut self, guard: Gd<Guard>, door: Gd<Door>) {
        guard.spawn_task(async move |me| {
            door.signals().opened().wait().await;
            wait_seconds(0.5).await;
            me.with(Guard::strike);
        });
    }
}
// ANCHOR_END: after

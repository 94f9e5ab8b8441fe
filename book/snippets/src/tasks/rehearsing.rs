//! Rehearsals.

use cuelight::prelude::*;

// ANCHOR: story
pub trait Stage {
    async fn say(&self, line: &str);

    async fn choose(&self, options: &[&str]) -> usize;
}

pub async fn duel(stage: &impl Stage) -> &'static str {
    stage.say("We meet at last.").await;
    wait_seconds(2.0).await;
    match stage.choose(&["Spare", "Fight"]).timeout(10.0).await {
        Ok(0) => "spared",
        Ok(_) => "fought",
        Err(Elapsed) => "hesitated",
    }
}
// ANCHOR_END: story

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct BareStage {
        lines: Rc<RefCell<Vec<String>>>,
        choice: Cue<usize>,
    }

    impl Stage for BareStage {
        async fn say(&self, line: &str) {
            self.lines.borrow_mut().push(line.to_owned());
            wait_seconds(line.len() as f64 / 20.0).await;
        }

        async fn choose(&self, _options: &[&str]) -> usize {
            self.choice.wait().await
        }
    }

    #[test]
    fn who_hesitates_is_lost() {
        let stage = BareStage::default();
        assert_eq!(rehearse(duel(&stage)).unwrap(), "hesitated");
        assert_eq!(*stage.lines.borrow(), ["We meet at last."]);
    }

    #[test]
    fn a_choice_in_time() {
        let (show, stage) = (Rehearsal::new(), BareStage::default());
        let actor = stage.clone();
        let ending = show.spawn_named("duel", async move { duel(&actor).await });
        show.run_for(5.0);
        stage.choice.give(0);
        show.run_until(&ending).unwrap();
        assert_eq!(ending.take(), Some(Ok("spared")));
        assert_eq!(show.log(), ["   0    0.000 s  duel: begins", " 300    5.000 s  duel: ends"]);
    }
}
// ANCHOR_END: tests

//! Workers that are killed amid a poll.

use std::time::Duration;

use foretime_network::nodes::requests;
use foretime_server::proto::{Rpc, workflowservice::PollWorkflowTaskQueueRequest};
use madsim::time;

use crate::scene::{LONG, Scene, TASK_TIMEOUT, config, pass, play, start};

/// How long the server takes at most to notice that a process is gone, if its machine tells.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);
/// After this long without a sound it gives a connection up.
const SILENCE_MAX: Duration = Duration::from_secs(90);

/// Waits until the server has forgotten all polls, and says for how long.
async fn until_nobody_polls(scene: &Scene) -> Duration {
    let from = scene.now();
    while scene.parked_count() > 0 {
        time::sleep(Duration::from_millis(10)).await;
    }
    scene.now() - from
}

#[test]
fn the_poll_of_a_killed_worker_gets_no_task_once_the_server_has_heard() {
    play(&config(), |scene| async move {
        let (killed, other) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let _poll = killed.ask(&requests::poll_workflow("killed"), LONG);
        pass(1).await;
        assert_eq!(scene.parked_count(), 1);
        scene.cluster.kill(&killed.name, false);
        assert_eq!(scene.cluster.process(&killed.name), None);
        let noticed_after = until_nobody_polls(&scene).await;
        assert!(noticed_after < NOTICED_WITHIN, "{noticed_after:?}");
        scene.has_its_next_task_go_to(&other).await;
    });
}

#[test]
fn the_poll_of_a_worker_that_was_lost_in_silence_is_kept_until_the_server_gives_up() {
    play(&config(), |scene| async move {
        let (killed, other) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let _poll = killed.ask(&requests::poll_workflow("killed"), LONG);
        pass(1).await;
        scene.cluster.kill(&killed.name, true);
        let noticed_after = until_nobody_polls(&scene).await + Duration::from_secs(1);
        let late = Duration::from_secs(1);
        assert!((SILENCE_MAX..SILENCE_MAX + late).contains(&noticed_after), "{noticed_after:?}");
        scene.has_its_next_task_go_to(&other).await;
    });
}

#[test]
fn a_worker_that_lives_and_says_nothing_but_pings_is_not_given_up() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let _poll = machine.ask(&requests::poll_workflow("worker"), LONG);
        pass(600).await;
        assert_eq!((scene.parked_count(), machine.channel().connection_number()), (1, Some(1)));
    });
}

#[test]
fn a_task_that_was_handed_to_a_dead_worker_times_out_and_comes_again() {
    play(&config(), |scene| async move {
        let (killed, other) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let _poll = killed.ask(&requests::poll_workflow("killed"), LONG);
        pass(1).await;
        scene.cluster.kill(&killed.name, true);
        other.ask(&start("client-1.1"), LONG).answer().await;
        let handed_at = scene.now();
        pass(1).await;
        {
            let world = scene.world.lock();
            let handed = world.record.exchanges.first().expect("a poll");
            assert_eq!(handed.method, PollWorkflowTaskQueueRequest::METHOD);
            assert!(matches!(&handed.answered, Some((_, _, Ok(task))) if !task.is_empty()), "{handed:?}");
            assert_eq!(handed.reached_ns, None);
        }
        let heard = other.ask(&requests::poll_workflow("other"), LONG).heard().await;
        assert_eq!(heard.answer.expect("a task").attempt, 2);
        let after = heard.at - handed_at;
        assert!(
            (TASK_TIMEOUT - Duration::from_millis(10)..TASK_TIMEOUT + Duration::from_secs(1)).contains(&after),
            "{after:?}"
        );
    });
}

#[test]
fn a_machine_that_is_started_again_has_a_process_and_a_connection_of_its_own() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let before = (machine.channel().process(), scene.cluster.process(&machine.name));
        assert_eq!(before.1, Some(before.0));
        // Who lives is not started again.
        scene.cluster.start_again(&machine.name);
        pass(1).await;
        assert_eq!(scene.cluster.process(&machine.name), before.1);
        scene.cluster.kill(&machine.name, false);
        scene.cluster.start_again(&machine.name);
        scene.has_begun(&machine.name).await;
        let after = scene.cluster.process(&machine.name);
        assert_ne!(after, before.1);
        assert_eq!(Some(machine.channel().process()), after);
        scene.has_its_next_task_go_to(&machine).await;
    });
}

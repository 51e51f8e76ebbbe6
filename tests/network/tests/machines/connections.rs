//! Connections that break amid calls.

use foretime_network::nodes::requests;
use foretime_server::proto::workflowservice::GetSystemInfoRequest;
use tonic::Code;

use crate::scene::{AT_ONCE, LONG, Machine, Scene, config, pass, play};

/// Breaks connections amid a poll. The caller hears of it at once, and the next call connects again.
async fn resets(scene: Scene, machine: Machine, reset: impl FnOnce(&Scene, &Machine)) {
    let poll = machine.ask(&requests::poll_workflow("worker"), LONG);
    pass(1).await;
    assert_eq!((machine.channel().connection_number(), scene.cluster.server().waiting()), (Some(1), (1, 1)));
    let reset_at = scene.now();
    reset(&scene, &machine);
    let heard = poll.heard().await;
    assert_eq!(heard.answer.expect_err("no task").code(), Code::Unavailable);
    assert!(heard.at - reset_at < AT_ONCE, "{:?}", heard.at - reset_at);
    assert_eq!(machine.channel().connection_number(), None);
    machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
    assert_eq!(machine.channel().connection_number(), Some(2));
    // The news of the first one's end may take a minute.
    pass(61).await;
    assert_eq!(scene.cluster.server().waiting(), (0, 1));
}

#[test]
fn a_connection_that_a_machine_resets_amid_a_call_is_replaced() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        resets(scene, machine, |scene, machine| scene.cluster.reset(&machine.name)).await;
    });
}

#[test]
fn connections_that_the_server_resets_amid_a_call_are_replaced() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        resets(scene, machine, |scene, _| scene.cluster.reset_all()).await;
    });
}

#[test]
fn a_reset_of_one_machine_leaves_the_others_alone() {
    play(&config(), |scene| async move {
        let (one, other) = (scene.add_machine(0).await, scene.add_machine(1).await);
        for machine in [&one, &other] {
            machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
        }
        scene.cluster.reset(&one.name);
        pass(1).await;
        assert_eq!((one.channel().connection_number(), other.channel().connection_number()), (None, Some(1)));
    });
}

//! The end of all faults.

use std::time::Duration;

use foretime_network::faults::cluster::Way;
use foretime_server::proto::workflowservice::GetSystemInfoRequest;
use tonic::Code;

use crate::scene::{AT_ONCE, LONG, config, pass, play};

#[test]
fn everything_that_is_wrong_is_mended_at_once() {
    play(&config(), |scene| async move {
        let (machine, frozen) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let cluster = &scene.cluster;
        for way in [Way::ToServer, Way::ToServer, Way::FromServer] {
            cluster.cut(&machine.name, way);
        }
        for name in ["server", "server", &frozen.name] {
            cluster.freeze(name);
        }
        cluster.has_network(Duration::from_secs(30), Duration::from_secs(60), 500);
        pass(5).await;
        let cut_off = machine.ask(&GetSystemInfoRequest {}, Duration::from_secs(10)).refusal().await;
        assert_eq!(cut_off.code(), Code::Unavailable);
        let standing = frozen.ask(&GetSystemInfoRequest {}, LONG);
        pass(5).await;
        assert!(!cluster.is_healed());
        cluster.heal();
        assert!(cluster.is_healed());
        let healed_at = scene.now();
        // Many calls: none of them is lost and sent again.
        for _ in 0..20 {
            let called_at = scene.now();
            let heard = machine.ask(&GetSystemInfoRequest {}, LONG).heard().await;
            heard.answer.expect("an answer");
            assert!(heard.at - called_at < AT_ONCE, "{:?}", heard.at - called_at);
        }
        let heard = standing.heard().await;
        heard.answer.expect("an answer");
        assert!(heard.at >= healed_at && heard.at - healed_at < AT_ONCE, "{:?}", heard.at - healed_at);
    });
}

#[test]
fn a_connection_on_which_messages_were_held_up_is_as_quick_as_a_new_one_soon_after() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
        scene.cluster.cut(&machine.name, Way::ToServer);
        let held_up = machine.ask(&GetSystemInfoRequest {}, LONG);
        pass(20).await;
        scene.cluster.heal();
        held_up.answer().await;
        let called_at = scene.now();
        let heard = machine.ask(&GetSystemInfoRequest {}, LONG).heard().await;
        assert!(heard.at - called_at < AT_ONCE, "{:?}", heard.at - called_at);
        assert_eq!(machine.channel().connection_number(), Some(1));
    });
}

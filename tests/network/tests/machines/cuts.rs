//! Machines that are cut off from the server, in one direction.

use std::time::Duration;

use foretime_network::faults::cluster::Way;
use foretime_server::proto::workflowservice::GetSystemInfoRequest;
use tonic::Code;

use crate::scene::{AT_ONCE, LONG, config, pass, play, start};

/// The network tries again after this long at most when it could not deliver a message.
const RESENT_WITHIN: Duration = Duration::from_secs(10);

#[test]
fn a_request_that_was_cut_off_reaches_the_service_after_the_cut_and_is_answered() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
        scene.cluster.cut(&machine.name, Way::ToServer);
        let asked = machine.ask(&start("client-1.1"), Duration::from_secs(60));
        pass(20).await;
        assert_eq!(scene.run_ids(), Vec::<String>::new());
        let mended_at = scene.now();
        scene.cluster.uncut(&machine.name, Way::ToServer);
        let heard = asked.heard().await;
        assert_eq!(scene.run_ids(), [heard.answer.expect("an answer").run_id]);
        assert!(heard.at - mended_at < RESENT_WITHIN + AT_ONCE, "{:?}", heard.at - mended_at);
    });
}

#[test]
fn a_request_whose_caller_waits_no_longer_reaches_the_service_all_the_same() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
        scene.cluster.cut(&machine.name, Way::ToServer);
        let heard = machine.ask(&start("client-1.1"), Duration::from_secs(5)).heard().await;
        assert_eq!(heard.answer.expect_err("no answer").code(), Code::DeadlineExceeded);
        assert_eq!(heard.at.as_secs(), 5);
        assert_eq!(scene.run_ids(), Vec::<String>::new());
        scene.cluster.uncut(&machine.name, Way::ToServer);
        pass(10).await;
        assert_eq!(scene.run_ids().len(), 1);
    });
}

#[test]
fn a_start_whose_answer_was_cut_off_is_done_and_its_retry_is_given_the_same_run() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
        scene.cluster.cut(&machine.name, Way::FromServer);
        let asked = machine.ask(&start("client-1.1"), Duration::from_secs(5));
        pass(1).await;
        let run_ids = scene.run_ids();
        assert_eq!(run_ids.len(), 1);
        let heard = asked.heard().await;
        assert_eq!(heard.answer.expect_err("no answer").code(), Code::DeadlineExceeded);
        assert_eq!(heard.at.as_secs(), 5);
        scene.cluster.uncut(&machine.name, Way::FromServer);
        let again = machine.ask(&start("client-1.1"), LONG).answer().await;
        assert_eq!(([again.run_id].as_slice(), again.started), (run_ids.as_slice(), true));
        assert_eq!(scene.run_ids(), run_ids);
    });
}

#[test]
fn two_cuts_at_once_are_mended_one_by_one() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        scene.cluster.cut(&machine.name, Way::ToServer);
        scene.cluster.cut(&machine.name, Way::ToServer);
        scene.cluster.uncut(&machine.name, Way::ToServer);
        // It has no connection yet, and cannot have one.
        let refused = machine.ask(&GetSystemInfoRequest {}, LONG).refusal().await;
        assert_eq!(refused.code(), Code::Unavailable);
        scene.cluster.uncut(&machine.name, Way::ToServer);
        machine.ask(&GetSystemInfoRequest {}, LONG).answer().await;
    });
}

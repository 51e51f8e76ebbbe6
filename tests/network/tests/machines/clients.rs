//! What a client that was killed takes up again, and what it leaves behind.

use std::time::Duration;

use foretime_network::{
    faults::cluster::Way,
    plan::errand::Wish,
    record::call::{Asked, Given},
};
use foretime_server::{
    config::{Config, TimeMode},
    proto::{
        Rpc,
        testservice::{LockTimeSkippingRequest, SleepRequest},
        workflowservice::StartWorkflowExecutionRequest,
    },
};

use crate::scene::{AT_ONCE, LONG, Scene, config, errand, pass, play, wish};

/// The connections and the messages of all starts that have reached the service.
fn starts(scene: &Scene) -> Vec<(u64, Vec<u8>)> {
    let world = scene.world.lock();
    let exchanges = world.record.exchanges.iter();
    let starts = exchanges.filter(|it| it.method == StartWorkflowExecutionRequest::METHOD);
    starts.map(|it| (it.connection.0, it.request.to_vec())).collect()
}

#[test]
fn a_client_that_was_killed_amid_a_start_takes_the_same_request_id_up_again() {
    play(&config(), |scene| async move {
        let wants = errand(Wish::Start(Box::new(wish("client-1.1"))), Duration::from_secs(1));
        let client = scene.add_client(0, wants);
        // The answer does not come through.
        scene.cluster.cut(&client.name, Way::FromServer);
        pass(2).await;
        let run_ids = scene.run_ids();
        assert_eq!((run_ids.len(), starts(&scene).len()), (1, 1));
        assert_eq!(scene.world.lock().record.calls[0].ended, None);
        scene.cluster.kill(&client.name, false);
        scene.cluster.uncut(&client.name, Way::FromServer);
        pass(5).await;
        assert_eq!(starts(&scene).len(), 1);
        scene.cluster.start_again(&client.name);
        pass(1).await;
        let starts = starts(&scene);
        assert_eq!(starts.len(), 2);
        assert_ne!(starts[0].0, starts[1].0);
        assert_eq!(starts[0].1, starts[1].1);
        assert_eq!(scene.run_ids(), run_ids);
        let world = scene.world.lock();
        let begun: Vec<_> = world.record.calls.iter().filter(|call| matches!(call.asked, Asked::Start(_))).collect();
        assert_eq!(begun.len(), 1);
        let given = begun[0].ended.clone().map(|(_, ended)| ended);
        assert_eq!(given, Some(Ok(Given::Started { run_id: run_ids[0].clone(), started: true })));
    });
}

#[test]
fn the_lock_of_a_client_that_was_killed_lapses() {
    let config = Config { time: TimeMode::Skipping, ..config() };
    play(&config, |scene| async move {
        let (locks, sleeps) = (scene.add_machine(0).await, scene.add_machine(1).await);
        locks.ask(&LockTimeSkippingRequest {}, LONG).answer().await;
        let hour = prost_types::Duration { seconds: 3600, nanos: 0 };
        let asleep = sleeps.ask(&SleepRequest { duration: Some(hour) }, LONG);
        pass(120).await;
        assert_eq!(scene.parked_count(), 1, "time has skipped though it is locked");
        let killed_at = scene.now();
        scene.cluster.kill(&locks.name, false);
        let heard = asleep.heard().await;
        heard.answer.expect("an end of the sleep");
        // The news may take a minute. The lock is kept a second longer, for who comes back.
        let after = heard.at - killed_at;
        assert!((Duration::from_secs(1)..Duration::from_secs(61) + AT_ONCE).contains(&after), "{after:?}");
    });
}

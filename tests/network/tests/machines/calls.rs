//! Calls when nothing is wrong: their answers, their limits, their deadlines.

use std::time::Duration;

use bytes::Bytes;
use foretime_network::{faults::cluster::Way, nodes::requests, world::STARTS_AT};
use foretime_server::{
    engine::{Caller, Connection, time::Time},
    proto::{
        Rpc,
        common::WorkflowExecution,
        workflowservice::{
            DescribeWorkflowExecutionRequest, GetSystemInfoRequest, PollWorkflowTaskQueueRequest, StartWorkflowExecutionRequest,
        },
    },
    rpc::{Answer, Call, Serve, Served, Service, first_come, table::WORKFLOW_SERVICE},
    shell::front::LARGEST_REQUEST_BYTES,
};
use prost::Message;
use tonic::Code;

use crate::scene::{AT_ONCE, LONG, config, pass, play, shown, start};

/// What the service says to this call when nothing is between.
fn answered_directly(service: &mut dyn Serve, now: Time, method: &str, message: Bytes) -> Answer {
    let caller = Caller { connection: Connection(1), client_name: "foretime-network".to_owned(), ..Caller::default() };
    let call = Call { service: WORKFLOW_SERVICE.to_owned(), method: method.to_owned(), caller, deadline: None, message };
    match service.call(now, call, &mut first_come) {
        Served::Now(answer) => answer,
        Served::Parked(_) => panic!("{method} waits"),
    }
}

#[test]
fn a_call_is_answered_as_the_service_answers_it() {
    let unknown = WorkflowExecution { workflow_id: "order-9".to_owned(), run_id: String::new() };
    let calls = [
        (StartWorkflowExecutionRequest::METHOD, start("client-1.1").encode_to_vec()),
        (StartWorkflowExecutionRequest::METHOD, start("client-1.2").encode_to_vec()),
        (DescribeWorkflowExecutionRequest::METHOD, requests::describe(unknown).encode_to_vec()),
        (GetSystemInfoRequest::METHOD, Vec::new()),
        ("NoSuchMethod", Vec::new()),
    ];
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let mut service = Service::boxed(&config()).expect("a service");
        let mut codes = Vec::new();
        let mut have_details = Vec::new();
        for (method, message) in calls {
            let message = Bytes::from(message);
            let called_at = scene.now();
            let heard = machine.call(WORKFLOW_SERVICE, method, message.clone(), LONG).heard().await;
            assert!(heard.at - called_at < AT_ONCE, "{method}: {:?}", heard.at - called_at);
            let arrived_at = scene.world.lock().record.exchanges.last().expect("a message").arrived_ns;
            let directly = answered_directly(service.as_mut(), STARTS_AT.time(arrived_at), method, message);
            assert_eq!(shown(&heard.answer), shown(&directly), "{method}");
            codes.push(heard.answer.as_ref().map_or_else(|status| status.code(), |_| Code::Ok));
            have_details.push(heard.answer.is_err_and(|status| !status.details().is_empty()));
        }
        assert_eq!(codes, [Code::Ok, Code::AlreadyExists, Code::NotFound, Code::Ok, Code::Unimplemented]);
        assert_eq!(have_details, [false, true, true, false, false]);
    });
}

#[test]
fn a_message_that_is_too_large_is_refused_as_the_real_server_does() {
    play(&config(), |scene| async move {
        let machine = scene.add_machine(0).await;
        let largest = Bytes::from(vec![0; LARGEST_REQUEST_BYTES]);
        let larger = Bytes::from(vec![0; LARGEST_REQUEST_BYTES + 1]);
        let method = StartWorkflowExecutionRequest::METHOD;
        let refused = machine.call(WORKFLOW_SERVICE, method, larger, LONG).refusal().await;
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(refused.message(), "grpc: received message larger than max (4194305 vs. 4194304)");
        // It is no request, but it gets as far as to be read.
        let refused = machine.call(WORKFLOW_SERVICE, method, largest, LONG).refusal().await;
        assert_ne!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    });
}

#[test]
fn a_poll_whose_deadline_has_passed_gets_no_task() {
    play(&config(), |scene| async move {
        let (first, second) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let poll = first.ask(&requests::poll_workflow("first"), Duration::from_secs(5));
        pass(1).await;
        assert_eq!(scene.parked_count(), 1);
        // Nothing that the caller says can reach the service: it knows the deadline itself.
        scene.cluster.cut(&first.name, Way::ToServer);
        let heard = poll.heard().await;
        assert_eq!(heard.answer.expect_err("no task").code(), Code::DeadlineExceeded);
        assert_eq!(heard.at.as_secs(), 5);
        pass(1).await;
        assert_eq!(scene.parked_count(), 0);
        scene.has_its_next_task_go_to(&second).await;
    });
}

#[test]
fn a_poll_whose_caller_has_given_up_gets_no_task() {
    play(&config(), |scene| async move {
        let (first, second) = (scene.add_machine(0).await, scene.add_machine(1).await);
        let message = requests::poll_workflow("first").encode_to_vec().into();
        let poll = first.call(WORKFLOW_SERVICE, PollWorkflowTaskQueueRequest::METHOD, message, LONG);
        pass(1).await;
        assert_eq!(scene.parked_count(), 1);
        poll.0.abort();
        pass(1).await;
        assert_eq!(scene.parked_count(), 0);
        scene.has_its_next_task_go_to(&second).await;
    });
}

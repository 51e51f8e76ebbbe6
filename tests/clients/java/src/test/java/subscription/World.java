package subscription;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowExecutionDescription;
import io.temporal.client.WorkflowOptions;
import io.temporal.client.WorkflowStub;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.serviceclient.WorkflowServiceStubsOptions;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A fresh server with one running worker, and a client. */
final class World implements AutoCloseable {

  static final int PRICE_CENTS = 2999;

  final Foretime foretime;
  final WorkflowClient client;
  private final WorkflowServiceStubs service;
  private final WorkerFactory workers;

  World(Billing billing) throws IOException {
    foretime = Foretime.start();
    service =
        WorkflowServiceStubs.newServiceStubs(
            WorkflowServiceStubsOptions.newBuilder().setTarget(foretime.address()).build());
    client = WorkflowClient.newInstance(service);
    workers = WorkerFactory.newInstance(client);
    Worker worker = workers.newWorker(Subscription.TASK_QUEUE);
    worker.registerWorkflowImplementationTypes(SubscriptionWorkflow.class, CartWorkflow.class);
    worker.registerActivitiesImplementations(billing);
    workers.start();
  }

  /** Starts a year's subscription. */
  Subscription subscribe() {
    Subscription subscription = client.newWorkflowStub(Subscription.class, options());
    WorkflowClient.start(subscription::run, new Plan("ada", PRICE_CENTS, 12));
    return subscription;
  }

  /** Starts a cart. */
  Cart openCart() {
    Cart cart = client.newWorkflowStub(Cart.class, options());
    WorkflowClient.start(cart::run);
    return cart;
  }

  /** Awaits the end of a subscription. */
  static Status end(Subscription subscription) {
    return WorkflowStub.fromTyped(subscription).getResult(Status.class);
  }

  /** The time between a workflow's start and its close, by the server's clock. */
  static Duration lasted(Object workflow) {
    WorkflowExecutionDescription description = WorkflowStub.fromTyped(workflow).describe();
    return Duration.between(description.getStartTime(), description.getCloseTime());
  }

  private static WorkflowOptions options() {
    return WorkflowOptions.newBuilder().setTaskQueue(Subscription.TASK_QUEUE).build();
  }

  @Override
  public void close() {
    workers.shutdownNow();
    workers.awaitTermination(5, TimeUnit.SECONDS);
    service.shutdownNow();
    foretime.close();
  }
}

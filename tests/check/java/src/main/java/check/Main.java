package check;

import io.temporal.client.WorkflowClient;
import io.temporal.client.WorkflowClientOptions;
import io.temporal.envconfig.ClientConfigProfile;
import io.temporal.serviceclient.WorkflowServiceStubs;
import io.temporal.worker.Worker;
import io.temporal.worker.WorkerFactory;
import java.io.IOException;

/**
 * A worker of subscriptions, as a user writes one. VERSION picks which version of the code it runs, so that recorded
 * histories can be checked against each.
 */
public class Main {

  private static final String TASK_QUEUE = "subscriptions";

  public static void main(String[] args) throws IOException {
    Version version = Version.fromEnvironment();
    // TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and so on.
    ClientConfigProfile profile = ClientConfigProfile.load();
    WorkflowServiceStubs service =
        WorkflowServiceStubs.newServiceStubs(profile.toWorkflowServiceStubsOptions());
    // The default identity names the process and the machine, which do not belong in fixtures.
    WorkflowClientOptions options =
        WorkflowClientOptions.newBuilder(profile.toWorkflowClientOptions())
            .setIdentity("java-subscriptions")
            .build();
    WorkerFactory factory = WorkerFactory.newInstance(WorkflowClient.newInstance(service, options));
    Worker worker = factory.newWorker(TASK_QUEUE);
    worker.registerWorkflowImplementationFactory(
        Subscription.class, () -> new SubscriptionWorkflow(version));
    worker.registerWorkflowImplementationTypes(ReceiptWorkflow.class, InvoiceWorkflow.class);
    worker.registerActivitiesImplementations(new Effects());
    factory.start();
  }
}

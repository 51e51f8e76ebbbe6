package subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.temporal.client.*;
import io.temporal.serviceclient.*;
import io.temporal.worker.WorkerFactory;
import io.temporal.workflow.*;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ReadmeSnippetTest {
  @WorkflowInterface
  public interface Month {
    @WorkflowMethod
    String run();
  }

  public static class MonthWorkflow implements Month {
    @Override
    public String run() {
      Workflow.sleep(Duration.ofDays(30));
      return "a month later";
    }
  }

  @Test
  void aMonth() throws Exception {
    // README: begin
    try (Foretime foretime = Foretime.start()) {
      var target = WorkflowServiceStubsOptions.newBuilder().setTarget(foretime.address()).build();
      var service = WorkflowServiceStubs.newServiceStubs(target);
      var client = WorkflowClient.newInstance(service);
      var workers = WorkerFactory.newInstance(client);
      workers.newWorker("months").registerWorkflowImplementationTypes(MonthWorkflow.class); // sleeps for 30 days
      workers.start();

      var options = WorkflowOptions.newBuilder().setTaskQueue("months").build();
      // Time skips while the test waits here.
      assertEquals("a month later", client.newWorkflowStub(Month.class, options).run());
      workers.shutdownNow();
      service.shutdownNow();
    }
    // README: end
  }
}

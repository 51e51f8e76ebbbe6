package check;

import io.temporal.activity.ActivityOptions;
import io.temporal.workflow.Workflow;
import java.time.Duration;

/** The receipt workflow. */
public class ReceiptWorkflow implements Receipt {

  private final Billing billing =
      Workflow.newActivityStub(
          Billing.class,
          ActivityOptions.newBuilder().setStartToCloseTimeout(Duration.ofMinutes(1)).build());

  @Override
  public void write(String customer) {
    billing.sendEmail(new Billing.Letter(customer, "your receipt"));
  }
}

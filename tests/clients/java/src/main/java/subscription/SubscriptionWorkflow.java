package subscription;

import io.temporal.activity.ActivityOptions;
import io.temporal.common.RetryOptions;
import io.temporal.failure.ActivityFailure;
import io.temporal.workflow.Workflow;
import java.time.Duration;
import java.time.Instant;

/** The subscription workflow. Nothing in it knows of a test server. */
public class SubscriptionWorkflow implements Subscription {

  private static final Duration MONTH = Duration.ofDays(30);

  private final Billing billing =
      Workflow.newActivityStub(
          Billing.class,
          ActivityOptions.newBuilder()
              .setStartToCloseTimeout(Duration.ofMinutes(1))
              .setRetryOptions(
                  RetryOptions.newBuilder()
                      .setInitialInterval(Duration.ofSeconds(2))
                      .setBackoffCoefficient(2)
                      .setMaximumAttempts(5)
                      .build())
              .build());

  private Status status = new Status("active", 0, 0);
  private boolean cancelRequested;

  @Override
  public Status run(Plan plan) {
    for (int month = 0; month <= plan.renewals(); month++) {
      if (month > 0 && Workflow.await(MONTH, () -> cancelRequested)) {
        return end("cancelled");
      }
      try {
        billing.charge(charge(plan, month));
      } catch (ActivityFailure failure) {
        billing.escalate(new Letter(plan.customer(), "month " + month + " cannot be charged"));
        return end("escalated");
      }
      status = new Status("active", status.charges() + 1, status.paidCents() + plan.priceCents());
      if (month == 0) {
        billing.sendEmail(new Letter(plan.customer(), "welcome"));
      }
    }
    return end("completed");
  }

  @Override
  public void cancel() {
    cancelRequested = true;
  }

  @Override
  public Status status() {
    return status;
  }

  private static Charge charge(Plan plan, int month) {
    String key = Workflow.getInfo().getWorkflowId() + "/" + month;
    return new Charge(key, plan.customer(), plan.priceCents(), Instant.ofEpochMilli(Workflow.currentTimeMillis()));
  }

  private Status end(String state) {
    status = new Status(state, status.charges(), status.paidCents());
    return status;
  }
}

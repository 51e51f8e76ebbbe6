package check;

import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.UpdateMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** A subscription: one charge at the start, then one a month. */
@WorkflowInterface
public interface Subscription {

  /** Ends {@code completed} or {@code cancelled}. */
  @WorkflowMethod
  Status run(Plan plan);

  /** The customer leaves. */
  @SignalMethod
  void cancel();

  /** Takes effect with the next charge, and answers the price before. */
  @UpdateMethod(name = "change_price")
  int changePrice(int cents);

  /** Where the subscription stands. */
  @QueryMethod
  Status status();

  /** What the customer signed up for. */
  record Plan(String customer, int priceCents, int renewals) {}

  /** What the query answers, and what the workflow returns. */
  record Status(String state, int charges, int paidCents) {}
}

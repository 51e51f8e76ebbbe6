package subscription;

import io.temporal.workflow.QueryMethod;
import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** A subscription: one charge at the start, then one a month. */
@WorkflowInterface
public interface Subscription {

  String TASK_QUEUE = "subscriptions";

  /** Ends {@code completed}, {@code cancelled} or {@code escalated}. */
  @WorkflowMethod
  Status run(Plan plan);

  /** The customer leaves. */
  @SignalMethod
  void cancel();

  /** Where the subscription stands. */
  @QueryMethod
  Status status();
}

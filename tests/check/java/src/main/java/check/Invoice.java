package check;

import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** What a receipt is called from {@link Version#CHILD} on. */
@WorkflowInterface
public interface Invoice {

  @WorkflowMethod
  void write(String customer);
}

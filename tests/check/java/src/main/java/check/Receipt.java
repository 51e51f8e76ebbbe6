package check;

import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;

/** Sends a receipt to a customer. */
@WorkflowInterface
public interface Receipt {

  @WorkflowMethod
  void write(String customer);
}

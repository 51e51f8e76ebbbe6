package subscription;

import io.temporal.workflow.SignalMethod;
import io.temporal.workflow.UpdateMethod;
import io.temporal.workflow.UpdateValidatorMethod;
import io.temporal.workflow.WorkflowInterface;
import io.temporal.workflow.WorkflowMethod;
import java.util.Map;

/** A shopping cart that lives on updates. */
@WorkflowInterface
public interface Cart {

  /** Holds items until it is checked out and no item is being reserved. */
  @WorkflowMethod
  Map<String, Integer> run();

  /** Reserves so many of an item, which takes hours. Returns how many things are in the cart. */
  @UpdateMethod
  int add(String item, int quantity);

  /** Nobody buys less than one. */
  @UpdateValidatorMethod(updateName = "add")
  void checkAdd(String item, int quantity);

  /** The customer is done. */
  @SignalMethod
  void checkOut();
}

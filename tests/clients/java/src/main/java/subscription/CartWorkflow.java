package subscription;

import io.temporal.workflow.Workflow;
import io.temporal.workflow.WorkflowLock;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;

/** The cart workflow: reservations take turns, and the cart ends after the last. */
public class CartWorkflow implements Cart {

  static final Duration RESERVE_TIME = Duration.ofHours(6);

  private final Map<String, Integer> items = new TreeMap<>();
  private final WorkflowLock turn = Workflow.newWorkflowLock();
  private boolean checkedOut;

  @Override
  public Map<String, Integer> run() {
    Workflow.await(() -> checkedOut && Workflow.isEveryHandlerFinished());
    return items;
  }

  @Override
  public int add(String item, int quantity) {
    turn.lock();
    try {
      Workflow.sleep(RESERVE_TIME);
      items.merge(item, quantity, Integer::sum);
      return items.values().stream().mapToInt(Integer::intValue).sum();
    } finally {
      turn.unlock();
    }
  }

  @Override
  public void checkAdd(String item, int quantity) {
    if (quantity < 1) {
      throw new IllegalArgumentException(quantity + " of " + item);
    }
  }

  @Override
  public void checkOut() {
    checkedOut = true;
  }
}

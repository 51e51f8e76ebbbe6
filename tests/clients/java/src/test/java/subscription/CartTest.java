package subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.temporal.client.WorkflowStub;
import io.temporal.client.WorkflowUpdateException;
import io.temporal.client.WorkflowUpdateStage;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Updates that take hours, on a server whose time skips while somebody awaits them. */
class CartTest {

  @Test
  void anUpdateThatTakesHoursIsAnsweredAtOnce() throws Exception {
    try (World world = new World(new FakeBilling())) {
      Cart cart = world.openCart();
      WorkflowStub stub = WorkflowStub.fromTyped(cart);
      long began = System.nanoTime();
      for (int expected = 1; expected <= 2; expected++) {
        int inCart =
            stub.startUpdate("add", WorkflowUpdateStage.COMPLETED, Integer.class, "apple", 1).getResult();
        assertEquals(expected, inCart);
      }
      Duration wall = Duration.ofNanos(System.nanoTime() - began);
      System.out.printf("java: two updates of six hours each took %.1f ms%n", wall.toNanos() / 1e6);
      assertTrue(wall.toSeconds() < 5, wall.toString());

      cart.checkOut();
      assertEquals(Map.of("apple", 2), stub.getResult(Map.class));
      Duration late = World.lasted(cart).minus(CartWorkflow.RESERVE_TIME.multipliedBy(2));
      assertTrue(!late.isNegative() && late.toMinutes() < 1, late.toString());
    }
  }

  @Test
  void anUpdateThatTheValidatorRefusesIsNotDone() throws Exception {
    try (World world = new World(new FakeBilling())) {
      Cart cart = world.openCart();
      Exception refused = assertThrows(WorkflowUpdateException.class, () -> cart.add("apple", 0));
      assertTrue(refused.getCause().getMessage().contains("0 of apple"), refused.toString());

      cart.checkOut();
      assertEquals(Map.of(), WorkflowStub.fromTyped(cart).getResult(Map.class));
    }
  }
}

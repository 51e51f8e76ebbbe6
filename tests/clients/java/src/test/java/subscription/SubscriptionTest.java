package subscription;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.temporal.client.WorkflowStub;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The subscription on a server whose time skips while somebody waits. */
class SubscriptionTest {

  private static final Status WHOLE_YEAR = new Status("completed", 13, 13 * World.PRICE_CENTS);

  @Test
  void aYearPassesInMilliseconds() throws Exception {
    FakeBilling billing = new FakeBilling();
    try (World world = new World(billing)) {
      World.end(world.subscribe()); // A warm-up: classes, connections and caches are there.
      billing.taken.clear();

      long began = System.nanoTime();
      Subscription subscription = world.subscribe();
      Status status = World.end(subscription);
      Duration wall = Duration.ofNanos(System.nanoTime() - began);
      System.out.printf("java: twelve months took %.1f ms%n", wall.toNanos() / 1e6);

      assertEquals(WHOLE_YEAR, status);
      assertDays(360, World.lasted(subscription));
      assertEquals(13, billing.taken.size());
      assertDays(360, Duration.between(billing.taken.get(0).due(), billing.taken.get(12).due()));
      assertTrue(wall.toSeconds() < 5, wall.toString());
    }
  }

  @Test
  void aFlakyGatewayIsTriedUntilItAnswers() throws Exception {
    FakeBilling billing = new FakeBilling(2, 1);
    try (World world = new World(billing)) {
      assertEquals(WHOLE_YEAR, World.end(world.subscribe()));
    }
    assertEquals(13, billing.taken.size(), "each month is paid once");
    assertEquals(Set.of(4), new HashSet<>(billing.attempts.values()));
  }

  @Test
  void aDeadGatewayIsEscalated() throws Exception {
    FakeBilling billing = new FakeBilling(5, 0);
    try (World world = new World(billing)) {
      assertEquals(new Status("escalated", 0, 0), World.end(world.subscribe()));
    }
    assertEquals(List.of(new Letter("ada", "month 0 cannot be charged")), billing.escalations);
    assertEquals(List.of(), billing.emails);
  }

  @Test
  void aCancelInMidMonthStopsTheYearThere() throws Exception {
    FakeBilling billing = new FakeBilling();
    try (World world = new World(billing)) {
      Subscription subscription = world.subscribe();
      world.foretime.skip("45d");
      assertEquals(new Status("active", 2, 2 * World.PRICE_CENTS), subscription.status());
      subscription.cancel();
      assertEquals(new Status("cancelled", 2, 2 * World.PRICE_CENTS), World.end(subscription));
      assertDays(45, World.lasted(subscription));
    }
    assertEquals(List.of(new Letter("ada", "welcome")), billing.emails);
  }

  @Test
  void fiftyAwaitedAtOnceAllEnd() throws Exception {
    FakeBilling billing = new FakeBilling();
    try (World world = new World(billing)) {
      List<CompletableFuture<Status>> ends =
          Stream.generate(world::subscribe)
              .limit(50)
              .map(subscription -> WorkflowStub.fromTyped(subscription).getResultAsync(Status.class))
              .toList();
      for (CompletableFuture<Status> end : ends) {
        assertEquals(WHOLE_YEAR, end.get());
      }
    }
    assertEquals(50 * 13, billing.taken.size());
  }

  /** So many days have passed, and a little more for the work done. */
  private static void assertDays(int days, Duration passed) {
    Duration late = passed.minusDays(days);
    assertTrue(!late.isNegative() && late.toMinutes() < 1, passed + " instead of " + days + " days");
  }
}

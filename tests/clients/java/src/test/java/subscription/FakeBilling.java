package subscription;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A gateway that can fail, and an outbox. Both remember what happened. */
class FakeBilling implements Billing {

  private final int failures;
  private final int lostReplies;
  final Map<String, Integer> attempts = new HashMap<>();
  final List<Charge> taken = new ArrayList<>();
  final List<Letter> emails = new ArrayList<>();
  final List<Letter> escalations = new ArrayList<>();

  /** The first {@code failures} attempts of a charge fail before it is taken, the next {@code lostReplies} after it. */
  FakeBilling(int failures, int lostReplies) {
    this.failures = failures;
    this.lostReplies = lostReplies;
  }

  FakeBilling() {
    this(0, 0);
  }

  // A worker runs many activities at once, so each method is synchronized.

  @Override
  public synchronized void charge(Charge charge) {
    int attempt = attempts.merge(charge.idempotencyKey(), 1, Integer::sum);
    if (attempt <= failures) {
      throw new IllegalStateException("the gateway is down");
    }
    if (taken.stream().noneMatch(known -> known.idempotencyKey().equals(charge.idempotencyKey()))) {
      taken.add(charge);
    }
    if (attempt <= failures + lostReplies) {
      throw new IllegalStateException("the reply was lost");
    }
  }

  @Override
  public synchronized void sendEmail(Letter letter) {
    emails.add(letter);
  }

  @Override
  public synchronized void escalate(Letter letter) {
    escalations.add(letter);
  }
}

package subscription;

import io.temporal.activity.ActivityInterface;

/** The world outside the workflow: a payment gateway, and an outbox. */
@ActivityInterface
public interface Billing {

  /** Takes the money, once for a key. */
  void charge(Charge charge);

  /** Writes to the customer. */
  void sendEmail(Letter letter);

  /** Tells a human. */
  void escalate(Letter letter);
}

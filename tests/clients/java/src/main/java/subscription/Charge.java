package subscription;

import java.time.Instant;

/** One payment. The gateway takes the money once for an idempotency key. */
public record Charge(String idempotencyKey, String customer, int amountCents, Instant due) {}

package subscription;

/** What the query answers, and what the workflow returns. */
public record Status(String state, int charges, int paidCents) {}

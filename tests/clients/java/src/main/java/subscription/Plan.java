package subscription;

/** What the customer signed up for. */
public record Plan(String customer, int priceCents, int renewals) {}

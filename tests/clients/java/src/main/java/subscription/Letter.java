package subscription;

/** A message to, or about, a customer. */
public record Letter(String customer, String text) {}

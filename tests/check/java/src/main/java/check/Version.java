package check;

import java.util.Locale;

/**
 * A state of the code. Each differs from {@link #SAME}, which recorded the histories, in the one thing that it names.
 */
public enum Version {
  SAME,
  /** Older than {@link #SAME}: it knows nothing of the loyalty discount. */
  BEFORE,
  REORDERED,
  ADDED,
  TIMER,
  INPUT,
  PATCHED,
  FORGOTTEN,
  REMOVED,
  LOCAL_ACTIVITY,
  CHILD,
  UPDATE,
  SEARCH_ATTRIBUTES;

  /**
   * The version that VERSION names in lower case, or {@link #SAME} when it is not set.
   *
   * @throws IllegalArgumentException if it names none
   */
  static Version fromEnvironment() {
    String name = System.getenv("VERSION");
    return name == null || name.isEmpty() ? SAME : valueOf(name.toUpperCase(Locale.ROOT));
  }
}

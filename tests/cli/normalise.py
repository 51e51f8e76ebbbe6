"""What differs from run to run is taken out of what a command has printed: ids, times, addresses, widths of columns.

What stays is compared word for word. An id that a scene has saved keeps its name; other ids are numbered as they come in one
output, so that it shows which of them are the same.
"""

import re

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def fields(*names: str) -> str:
    """A regex for these fields and the blanks after them, in JSON, JSON lines and detailed events."""
    return rf'((?:"(?:{"|".join(names)})"|(?m:^)(?:\w+\.)*(?:{"|".join(names)})):\s*)'


PLAIN = [
    # Times, absolute and relative. Those before 2025 and after 2099 are a scene's own, unless jitter has made them.
    (r"\b20(2[5-9]|[3-9]\d)-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d| [+-]\d{4} \w+)", "TIME"),
    (r"\b21\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", "TIME"),
    (r"\b(?:(?:\d+|an?|a few) (?:second|minute|hour|day|week|month|year)s?|a long while) (?:ago|from now)\b|\bnow\b", "MOMENT"),
    (r'("seconds": )\d{9,}(,\s*"nanos": \d+)?', r"\1TIME"),
    # Who and where.
    (r"temporal-cli:[^\s\"]+@[^\s\"]+", "temporal-cli:USER@HOST"),
    (r"\b127\.0\.0\.1:\d+|\blocalhost:\d+", "ADDRESS"),
    (r"\bthe worker-[0-9a-f]{32}\b", "STICKY"),
    # How long something took. Fields for what was asked for have other names.
    (fields("executionDuration", "approximateBacklogAge") + r'"?[\d.]+(m )?s"?', r"\1DURATION"),
    (fields("durationMillis") + r"\d+", r"\1NUMBER"),
    (r"\((?:\d+m)?[\d.]+[mµ]?s\)", "(DURATION)"),
    # What is left of the second between two runs of a chain.
    (fields("firstWorkflowTaskBackoff") + r'"0\.\d+s"', r"\1DURATION"),
    # Up to the next attempt: the real server computes it from what is left.
    (fields("currentRetryInterval") + r'"(\d+)(\.\d+)?s"', r'\1"\2s"'),
    # Statistics of task queues: how old, and how many a second.
    (fields("backlogIncreaseRate", "tasksAddRate", "tasksDispatchRate") + r"-?[\d.]+", r"\1NUMBER"),
    (r"(?m)^( +UNVERSIONED +(?:activity|workflow) +\d+) +[\d.].*$", r"\1 STATISTICS"),
    (r"(?m)^(\s*(?:RunTime|ExecutionDuration)\s+)[\dhm.]+[mµn]?s\b", r"\1DURATION"),
    # Bytes of histories, and what each server counts in its own way.
    (fields("historySizeBytes", "historySize", "sizeBytes", "stateTransitionCount", "taskId") + r'"?\d+"?', r"\1NUMBER"),
    (r"(?m)^(\s*(?:HistorySize|StateTransitionCount)\s+)\d+$", r"\1NUMBER"),
    # Opaque bytes.
    (fields("taskToken", "nextPageToken", "conflictToken") + r'"?[A-Za-z0-9+/=]+"?', r"\1BYTES"),
    # Where in the SDK it went wrong, and the SDK's own flags, in no order.
    (r'("coreUsedFlags":\s*)\[[\d,\s]*\]', r"\1FLAGS"),
    (r"(?m)^sdkMetadata\.coreUsedFlags\[\d+\]: \d+$", "FLAG"),
    (r'"Stack for [^\n]*"', "STACK"),
    (r'("stackTrace":\s*)"([^"\\]|\\.)*"', r"\1STACK"),
    (r"(?ms)^((?:\w+\.)*stackTrace: ).*?^(?=\w)", "\\1STACK\n"),
    (r"(?m)^( *)StackTrace:\n(?:(?:\1 {2,}\S.*| *)\n)+", "\\1StackTrace: STACK\n"),
    # What a command can be given, which is the client's own word.
    (r"(?ms)^Usage:\n.*^Use \"temporal (options|[\w -]+--help)\" .*?$", "USAGE"),
]
RULES = [(re.compile(pattern), put) for pattern, put in PLAIN]


def normalise(text: str, names: dict[str, str]) -> str:
    """What is compared of this output. `names` has the saved ids: name to id."""
    for name, value in names.items():
        text = text.replace(value, f"{{{name}}}")
    seen: dict[str, str] = {}
    text = UUID.sub(lambda found: seen.setdefault(found[0], f"{{id-{len(seen) + 1}}}"), text)
    for pattern, put in RULES:
        text = pattern.sub(put, text)
    return "\n".join(table(line.rstrip()) for line in text.splitlines())


def table(line: str) -> str:
    """A column is as wide as its widest cell, also if that was an id or a time. JSON keeps its indentation."""
    return line if line.lstrip().startswith('"') else re.sub(r"(?<=\S) {2,}", "  ", line)

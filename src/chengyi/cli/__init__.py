"""The terminal edge: commands over one node.

Rules: no traceback ever; every error says what, where and what to do; `--json` answers for programs on standard
output; anything longer than a second shows its progress on standard error; the exit code is the error's.
"""


def main() -> None:
    """Run the command line."""
    from chengyi.cli.leaving import leave

    leave()

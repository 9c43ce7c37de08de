"""Judging a target in a process of its own, which may hang, crash or be killed.

`worker` is the child: it loads the target and judges check after check. `supervisor` is the
parent: it keeps the time, says what became of the child, and starts another for the checks that
are left. `limits` is what a platform lets a process be limited by.
"""

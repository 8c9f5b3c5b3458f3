"""Kills a program again and again, some milliseconds after it has announced something."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no SIGKILL and no fork")


def announced(
    program: list[str], rounds: int, words_before: Callable[[int], int], latest: float, seed: int
) -> list[tuple[str, str]]:
    """What a program said before each of its kills, as verbs and names.

    Args:
        program: a module and its arguments. For each number on its standard input it begins a
            child, says `started PID`, then what the child does, and `ended` when that is dead.
        words_before: how many words of the child's come before the kill of a round.
        latest: seconds from the last of them to the kill, at the most.
    """
    chance = random.Random(seed)
    said: list[tuple[str, str]] = []
    starter = subprocess.Popen(
        [sys.executable, "-m", *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert starter.stdin is not None
    assert starter.stdout is not None
    for number in range(rounds):
        starter.stdin.write(f"{number}\n")
        child, wanted = 0, words_before(number)
        for line in starter.stdout:
            verb, name = line.split()
            if verb == "started":
                child = int(name)
            elif verb == "ended":
                break
            else:
                said.append((verb, name))
                wanted -= 1
            if child and wanted <= 0:
                time.sleep(chance.uniform(0, latest))
                os.kill(child, signal.SIGKILL)
                child, wanted = 0, 1_000_000
        assert wanted > 1000, "the child ended by itself"
    starter.stdin.close()
    assert starter.wait(30) == 0
    starter.stdout.close()
    return said

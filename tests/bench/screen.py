"""How long the screen takes for a message, the shipped one as it is: p50 and p95, short messages and the longest."""

import time
from statistics import quantiles

from agent.screening.screen import Screen
from evals.screen_examples import written
from knowledge.embed import LocalEmbedder
from tests.bench.tables import Target

MESSAGES = 400
LONGEST = 4096


async def bench() -> bool:
    """Measure; whether the target is met."""
    # Nothing is remembered, or a second run over the same words would cost nothing.
    embedder = LocalEmbedder(remembered=0)
    screen = Screen(embedder)
    await screen.warm_up()
    texts = [one.text for one in written()]
    short = [texts[i * 7 % len(texts)] for i in range(MESSAGES)]
    long = [(" ".join(texts[i:]))[:LONGEST] for i in range(0, 200, 10)]
    p50, p95 = await _ms(screen, short)
    long_p50, _ = await _ms(screen, long)
    embedder.close()
    return Target.show(
        [
            Target(f"screening a message, p50 of {MESSAGES}, ms", p50, at_most=10),
            Target(f"screening a message, p95 of {MESSAGES}, ms", p95, at_most=30),
            Target(f"screening {LONGEST} characters, p50, ms", long_p50, at_most=400),
        ]
    )


async def _ms(screen: Screen, texts: list[str]) -> tuple[float, float]:
    taken = []
    for text in texts:
        began = time.perf_counter()
        await screen.screen(text)
        taken.append((time.perf_counter() - began) * 1000)
    cuts = quantiles(taken, n=20)
    return cuts[9], cuts[18]

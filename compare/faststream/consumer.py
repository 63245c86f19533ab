"""The subscriber of https://faststream.ag2.ai/latest/rabbit/, eight messages at once.

A RabbitMQ subscriber of 0.7.8 has no `max_workers`: it handles as many messages at once as its channel prefetches.
`AckPolicy.NACK_ON_ERROR` requeues a failure (https://faststream.ag2.ai/latest/getting-started/acknowledgement/). The default,
`REJECT_ON_ERROR`, would drop or dead-letter it at the first attempt. The delivery limit and the dead letter exchange of the
queue end the attempts (https://faststream.ag2.ai/latest/rabbit/queue_arguments/).
"""

import asyncio
import json
import os

from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

site = json.loads(os.environ["COMPARE_SITE"])


class PlannedFailure(Exception):
    """The failure of a handler that is part of the scenario."""


class Handler:
    """As in parts/handler.ts: one write for each line, and the first attempt known from the journal."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="latin1") as lines:
            words = [line.split() for line in lines]
        self._tried = {int(line[1]) for line in words if line[0] == "fail"}
        self._journal = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._write("boot")

    async def handle(self, order: dict) -> None:
        number = order["id"]
        behavior = order["behavior"]
        self._write(f"start {number}")
        await asyncio.sleep(order["delayMs"] / 1000)
        if behavior == "always-fails" or (behavior == "fails-once" and number not in self._tried):
            self._tried.add(number)
            self._write(f"fail {number}")
            raise PlannedFailure(f"message {number} fails")
        self._write(f"done {number}")

    def _write(self, line: str) -> None:
        os.write(self._journal, f"{line}\n".encode())


handler = Handler(site["journal"])
broker = RabbitBroker(
    site["address"],
    default_channel=Channel(prefetch_count=site["workers"]),
    # The planned failures would be printed one by one.
    logger=None,
)
app = FastStream(broker, logger=None)


@broker.subscriber(
    # The queue is there already, with arguments that this service would else have to repeat.
    RabbitQueue(site["queue"], declare=False),
    ack_policy=AckPolicy.NACK_ON_ERROR,
)
async def take(order: dict) -> None:
    await handler.handle(order)


asyncio.run(app.run())

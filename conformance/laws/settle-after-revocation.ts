import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance, closeConnection, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, settleRevoked } from "../steps/settling.ts";

export const settleAfterRevocation: Law = {
  name: "settle-after-revocation",
  promise:
    "When a delivery is revoked, its signal aborts. A settle then rejects with DeliveryRevokedError and affects no other delivery.",
  claim: acknowledges,
  effort: 2,
  property: history(({ fixture }) => ({
    groups: [
      { topic: "A", options: { group: "g" } },
      { topic: "A", options: { group: "d", ackDeadlineMs: 500 } },
    ],
    connections: 2,
    steps: [
      [4, publish()],
      [7, pull],
      [4, settleRevoked],
      [1, ack],
      [2, close],
      [fixture.kill === undefined ? 0 : 1, kill],
      [1, closeConnection],
      [1, connect],
      [1, advance(200, 600)],
    ],
  })),
};

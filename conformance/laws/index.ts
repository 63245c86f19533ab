import type { Law } from "../law.ts";
import { abortIsPrompt } from "./abort-is-prompt.ts";
import { ackDeadline } from "./ack-deadline.ts";
import { ackIsFinal } from "./ack-is-final.ts";
import { backlog } from "./backlog.ts";
import { batchesBounded } from "./batches-bounded.ts";
import { breakLosesNothing } from "./break-loses-nothing.ts";
import { capabilitiesMatch } from "./capabilities-match.ts";
import { closeIdempotent } from "./close-idempotent.ts";
import { closeReturnsUnsettled } from "./close-returns-unsettled.ts";
import { conservation } from "./conservation.ts";
import { crashReturnsUnsettled } from "./crash-returns-unsettled.ts";
import { deadLetter } from "./dead-letter.ts";
import { deliveryCountGrows } from "./delivery-count-grows.ts";
import { descriptionWithoutCredentials } from "./description-without-credentials.ts";
import { drainFinishes } from "./drain-finishes.ts";
import { dropIsFinal } from "./drop-is-final.ts";
import { forwardedRequestIsAnswered } from "./forwarded-request-is-answered.ts";
import { groupCopies } from "./group-copies.ts";
import { groupShares } from "./group-shares.ts";
import { headerFidelity } from "./header-fidelity.ts";
import { independentSettles } from "./independent-settles.ts";
import { keyOrder } from "./key-order.ts";
import { lanesExclusive } from "./lanes-exclusive.ts";
import { lanesWorkConserving } from "./lanes-work-conserving.ts";
import { nackAfterNeverEarly } from "./nack-after-never-early.ts";
import { oneIterator } from "./one-iterator.ts";
import { pattern } from "./pattern.ts";
import { pauseHolds } from "./pause-holds.ts";
import { payloadFidelity } from "./payload-fidelity.ts";
import { prefetchBound } from "./prefetch-bound.ts";
import { publishAfterClose } from "./publish-after-close.ts";
import { publishRefuses } from "./publish-refuses.ts";
import { publishWaits } from "./publish-waits.ts";
import { quietAfterClose } from "./quiet-after-close.ts";
import { republishKeepsHeaders } from "./republish-keeps-headers.ts";
import { requestReply } from "./request-reply.ts";
import { requeueKeepsPlace } from "./requeue-keeps-place.ts";
import { requeueRedelivers } from "./requeue-redelivers.ts";
import { retryKeepsKeyOrder } from "./retry-keeps-key-order.ts";
import { seekLands } from "./seek-lands.ts";
import { settleAfterRevocation } from "./settle-after-revocation.ts";
import { singleUse } from "./single-use.ts";
import { topicIsolation } from "./topic-isolation.ts";
import { topicNames } from "./topic-names.ts";
import { transactionVisibility } from "./transaction-visibility.ts";

/** Every law there is, in the order of the report. */
export const laws: readonly Law[] = [
  conservation,
  payloadFidelity,
  headerFidelity,
  republishKeepsHeaders,
  keyOrder,
  topicIsolation,
  topicNames,
  backlog,
  ackIsFinal,
  dropIsFinal,
  requeueRedelivers,
  requeueKeepsPlace,
  nackAfterNeverEarly,
  deliveryCountGrows,
  singleUse,
  independentSettles,
  settleAfterRevocation,
  ackDeadline,
  deadLetter,
  prefetchBound,
  groupShares,
  groupCopies,
  oneIterator,
  breakLosesNothing,
  closeReturnsUnsettled,
  crashReturnsUnsettled,
  quietAfterClose,
  closeIdempotent,
  publishAfterClose,
  publishRefuses,
  publishWaits,
  abortIsPrompt,
  batchesBounded,
  requestReply,
  forwardedRequestIsAnswered,
  seekLands,
  transactionVisibility,
  pattern,
  pauseHolds,
  capabilitiesMatch,
  descriptionWithoutCredentials,
  lanesExclusive,
  lanesWorkConserving,
  retryKeepsKeyOrder,
  drainFinishes,
];

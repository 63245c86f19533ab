import { describe, expect, it } from "vitest";
import { isApiError, JetStreamApiError } from "../../../src/brokers/jetstream/errors.ts";

describe("a refusal", () => {
  it("of the API is known by its number", () => {
    const error = new JetStreamApiError({ status: 404, errorCode: 10_059, description: "stream not found" });
    expect(isApiError(error, 1, 10_059)).toBe(true);
    expect(isApiError(error, 1)).toBe(false);
    expect(isApiError(new Error("x"), 10_059)).toBe(false);
  });
});

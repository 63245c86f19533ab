import { expect, it } from "vitest";
import { parseAddress, urlOf } from "../../../../src/brokers/redis/connection/address.ts";

it.each([
  ["redis://a", "redis://a:6379/0", undefined, undefined],
  ["rediss://jo:p%40ss@a:7000/3", "rediss://a:7000/3", "jo", "p@ss"],
  ["redis://:hunter2@[::1]", "redis://[::1]:6379/0", undefined, "hunter2"],
])("%s is read, and its login stands beside the address", (url, address, username, password) => {
  const parsed = parseAddress("options.url", url);
  expect(urlOf(parsed)).toBe(address);
  expect(parsed).toMatchObject({ username, password });
});

it.each([
  "http://a",
  "redis://",
  "redis://jo:hunter2@a/x",
  "redis://jo:hunter2@a/1/2",
  "redis://jo:hunter2@a?b=c",
  "redis://jo:hunter2%zz@a",
  "redis://jo:hunter2/x@a",
  "redis://jo:hunter2@x@a",
  "redis://jo:hunter2@a:port",
  5,
])("%j is refused, and not shown", (url) => {
  const read = (): unknown => parseAddress("options.url", url);
  expect(read).toThrow(
    /^options.url must be (redis:\/\/user:password@host:port\/database|a URL with a percent-encoded login)/,
  );
  expect(read).not.toThrow(/hunter2/);
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { compilerOptions } from "../../scripts/exported-names.ts";

mkdirSync(`${root}/.cache`, { recursive: true });
const folder = mkdtempSync(`${root}/.cache/reasons-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const before = `
import { byKey, channel, createApp, deadLetter, json, MemoryBroker, pipeline, type Subscriber } from "tidelane";
declare const orders: Subscriber;
const invoices = channel("invoices", { codec: json });
const app = createApp({ name: "a", broker: new MemoryBroker() });
const bridge = createApp({ name: "b", brokers: { east: new MemoryBroker(), west: new MemoryBroker() } });
`;

/** What a user wrote, and the last line of what the compiler prints for it. */
const cases: Readonly<Record<string, string>> = {
  'pipeline(orders).handle(() => deadLetter("x"));':
    "Property 'refused' is missing in type 'DeadLetterOutcome' but required in type 'Refused<\"deadLetter() needs a place for dead letters: name one in onFailure({ deadLetter: { topic, publisher } }) before handle().\">'.",
  'pipeline(orders).handle(async () => deadLetter("x"));':
    "Property 'refused' is missing in type 'DeadLetterOutcome' but required in type 'Refused<\"deadLetter() needs a place for dead letters: name one in onFailure({ deadLetter: { topic, publisher } }) before handle().\">'.",
  "pipeline(orders).workers(8, byKey).decode(json);":
    "Type 'Refused<\"decode() comes once, and before workers() and use(): they see the value it gives.\">' has no call signatures.",
  "pipeline(orders).decode(json).decode(json);":
    "Type 'Refused<\"decode() comes once, and before workers() and use(): they see the value it gives.\">' has no call signatures.",
  "pipeline(orders).workers(8).workers(9);":
    "Type 'Refused<\"workers() comes once.\">' has no call signatures.",
  "pipeline(orders).onFailure({}).onFailure({});":
    "Type 'Refused<\"onFailure() comes once.\">' has no call signatures.",
  "pipeline(orders).onFailure({ maxAttempts: 3 });":
    "Property 'refused' is missing in type '{ maxAttempts: number; }' but required in type 'Refused<\"maxAttempts needs deadLetter, which says what comes after the last attempt: { topic, publisher }, 'broker' or 'drop'.\">'.",
  'pipeline(orders).onFailure({ deadLetter: "drop" });':
    "Property 'refused' is missing in type '{ deadLetter: \"drop\"; }' but required in type 'Refused<\"deadLetter: 'drop' needs maxAttempts, because without it there is no last attempt to drop after.\">'.",
  'pipeline(orders).onFailure({ maxAttempts: 3, deadLetter: "drop", bakcoff: 5 });':
    "Type 'number' is not assignable to type 'Refused<\"onFailure() has no option \\\"bakcoff\\\".\">'.",
  "pipeline(orders).onFailure({ backoff: { initialMs: 5, maxMS: 5 } });":
    "Type 'number' is not assignable to type 'Refused<\"onFailure() has no option \\\"backoff.maxMS\\\".\">'.",
  "app.subscribe(invoices, { onFailure: { maxAttempts: 3 } }, () => undefined);":
    "Property 'deadLetter' is missing in type '{ maxAttempts: number; }' but required in type '{ readonly maxAttempts: number; readonly deadLetter: Inherited; }'.",
  "bridge.subscribe(invoices, () => undefined);":
    "Argument of type '() => undefined' is not assignable to parameter of type 'Refused<\"The app has several brokers: say which as { on: name } before the handler.\">'.",
};

it("the compiler prints the reason for what it refuses", { timeout: 60_000 }, () => {
  const paths = Object.keys(cases).map((code, index) => {
    const path = join(folder, `case-${index}.ts`);
    writeFileSync(path, `${before}${code}\n`);
    return path;
  });
  const options = { ...compilerOptions(), noUnusedLocals: false, noErrorTruncation: true };
  const program = ts.createProgram(paths, options);
  const printed = paths.map((path) => {
    const diagnostics = program.getSemanticDiagnostics(program.getSourceFile(path));
    return diagnostics.map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, "\n").split("\n").at(-1)?.trim(),
    );
  });
  expect(printed).toEqual(Object.values(cases).map((reason) => [reason]));
});

/** What the fixture documents leave out: a thing to close. */
function openLog(): AsyncDisposable & { lines: string[] } {
  const lines: string[] = [];
  return {
    lines,
    async [Symbol.asyncDispose]() {
      console.log(`closed after ${lines.join()}`);
    },
  };
}

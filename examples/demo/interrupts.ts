/** What a shell reports for a process ended by SIGINT. */
const interruptedCode = 130;

/** Runs `work` with a signal that the first Ctrl-C aborts; a second one ends the process at once. */
export async function withInterrupt<T>(
  announce: () => void,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(interruptedCode);
    controller.abort();
    announce();
  };
  process.on("SIGINT", onInterrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
}

/** A reader that has had enough (`| head`) is no error: the process ends without a word. */
export function endQuietlyWithoutReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    if (stream !== process.stderr) process.stderr.write(`The table cannot be written: ${error.message}.\n`);
    process.exit(1);
  });
}

import { reportOrWarn } from "../../shared/error-report.ts";

/** Whether tidelane supports a server of this version. What tells no version passes. */
function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return version === "" || major > 2 || (major === 2 && minor >= 10);
}

/** Says once for each broker that its server is older than what is supported: on "tidelane:error", else as a warning. */
export class OldServerNotice {
  readonly #broker: string;
  #reported = false;

  constructor(broker: string) {
    this.#broker = broker;
  }

  check(version: string): void {
    if (this.#reported || isSupported(version)) return;
    this.#reported = true;
    const text = `The server of "${this.#broker}" is nats-server ${version}, and tidelane supports 2.10 and later: an older one may deliver an acked message again. Update the server.`;
    reportOrWarn({ topic: "", error: new Error(text) }, () => text);
  }
}
